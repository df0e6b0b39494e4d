package settings

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// setPassword gives the URLs the password of --redis-password-file, or of the
// profile. The command line of a process, which every user can read, holds
// neither.
func (f *Flags) setPassword(ctx context.Context, urls []*URL, from source) error {
	if f.passwordFile == "" && len(f.passwordCommand) == 0 {
		return nil
	}
	name, origin := f.nameOf("--redis-password-file"), f.sourceOf("--redis-password-file")
	if f.passwordFile == "" {
		name, origin = f.inProfile("redis-password-command"), fromProfile
	}
	for _, u := range urls {
		switch {
		case u.Options.Password == "":
		case origin < from:
			return nil // the URL that has been chosen has its own
		default:
			return fmt.Errorf("%s and the URL %s both have a password: remove one", name, u.Shown)
		}
	}
	var password string
	var err error
	if f.passwordFile != "" {
		password, err = f.passwordOfFile()
	} else {
		password, err = f.passwordOfCommand(ctx)
	}
	if err == nil {
		password = strings.TrimSuffix(strings.TrimSuffix(password, "\n"), "\r")
		err = checkPassword(password)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, u := range urls {
		u.Options.Password = password
	}
	return nil
}

// checkPassword finds what is none, without repeating it.
func checkPassword(password string) error {
	switch {
	case password == "":
		return errors.New("the password is empty")
	case strings.Contains(password, "\n"):
		return errors.New("the password is more than one line")
	}
	return nil
}

func (f *Flags) passwordOfFile() (string, error) {
	password, err := os.ReadFile(f.passwordFile)
	if err == nil && isReadByAll(f.passwordFile) {
		f.program.Warn("every user of this machine can read the password in %s: run chmod 600 on it", f.passwordFile)
	}
	return string(password), err
}

// passwordOfCommand leaves stdin alone, which may hold what is to be sent.
func (f *Flags) passwordOfCommand(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, f.passwordCommand[0], f.passwordCommand[1:]...)
	cmd.Stderr, cmd.WaitDelay = f.program.Err, time.Second
	password, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w", f.passwordCommand[0], err)
	}
	return string(password), err
}

// isReadByAll reports whether a file may be read by users who are neither its
// owner nor of its group. Windows says that in another way.
func isReadByAll(path string) bool {
	info, err := os.Stat(path)
	return err == nil && runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o004 != 0
}
