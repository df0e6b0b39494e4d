package driver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// SDK is the folder of an emitter in another language.
type SDK struct {
	Name   string // javascript
	Folder string // an absolute path
}

// Program is the driver of the SDK.
func (s SDK) Program() string { return filepath.Join(s.Folder, "conformance", "run") }

// SDKs returns the emitters in a folder like sdk/. It leaves out those whose toolchain is not there and does not come by
// apt-get, by the rule of sdk/each: stderr names them, and where CI is set, or for JavaScript, that is an error.
func SDKs(ctx context.Context, folder string) ([]SDK, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	makefiles, err := filepath.Glob(filepath.Join(folder, "*", "Makefile"))
	if err != nil {
		return nil, err
	}
	if len(makefiles) == 0 {
		return nil, fmt.Errorf("no emitters in %s", folder)
	}
	var sdks []SDK
	var missing error
	for _, makefile := range makefiles {
		s := SDK{Folder: filepath.Dir(makefile)}
		s.Name = filepath.Base(s.Folder)
		if err := s.toolchain(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "left out:", err)
			if os.Getenv("CI") != "" || s.Name == "javascript" {
				missing = errors.Join(missing, err)
			}
			continue
		}
		if err := s.build(ctx); err != nil {
			return nil, err
		}
		sdks = append(sdks, s)
	}
	return sdks, missing
}

// build starts the driver once, because the first start builds it, which takes longer than a start may take later.
func (s SDK) build(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, s.Program(), "--list").CombinedOutput(); err != nil {
		return fmt.Errorf("%s --list: %w\n%s", s.Program(), err, out)
	}
	return nil
}

// toolchain makes sure of what the SDK needs. Its error is the line in which the Makefile says what to install.
func (s SDK) toolchain(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "make", "-s", "-C", s.Folder, "toolchain").CombinedOutput()
	if err == nil {
		return nil
	}
	why := err.Error()
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "make") {
			why = line
		}
	}
	return fmt.Errorf("%s: %s", s.Name, why)
}
