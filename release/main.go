// Command release makes what is published of a version: make dist. RELEASING.md
// says what to do with it.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sioemit/sioemit/internal/version"
)

func main() {
	r := release{root: ".."}
	wanted := flag.String("version", "", "the `VERSION` that is expected, which has to be the one in the manifests")
	set := flag.String("set", "", "write this `VERSION` into the manifests, and make nothing")
	flag.StringVar(&r.baseURL, "base-url", "", "the `URL` of the folder from which the archives will be served, for the Homebrew formula and the Scoop manifest")
	flag.StringVar(&r.maintainer, "maintainer", "The sioemit authors", "`NAME <MAIL>` for the packages of Debian and Red Hat")
	flag.Parse()
	var err error
	if *set != "" {
		err = setVersion(r.root, *set)
	} else {
		err = r.everything(*wanted)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is what is made of one commit.
type release struct {
	root       string    // of the repository
	out        string    // the folder that everything goes to, which is new
	baseURL    string    // from which the archives will be served; may be empty
	maintainer string    // of the packages
	commit     string    // that it is made from
	time       time.Time // of the commit, which every file gets, so that the same commit makes the same bytes
}

// everything makes all that is published, in the folder dist. It makes it anew:
// what is left from another version must not be published with this one.
func (r *release) everything(wanted string) error {
	if err := checkVersions(r.root, wanted); err != nil {
		return err
	}
	if err := r.atCommit(); err != nil {
		return err
	}
	r.out = filepath.Join(r.root, "dist")
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	if err := r.command(targets); err != nil {
		return err
	}
	if err := r.sdks(); err != nil {
		return err
	}
	return r.sums()
}

// atCommit looks at the commit. What is not committed is in no release.
func (r *release) atCommit() error {
	status, err := output(exec.Command("git", "-C", r.root, "status", "--porcelain"))
	if err != nil {
		return err
	}
	if status != "" {
		return errors.New("a release is made from a commit, and this is not committed:\n" + status)
	}
	return r.readCommit()
}

// readCommit takes what a release has from its commit.
func (r *release) readCommit() error {
	text, err := output(exec.Command("git", "-C", r.root, "log", "-1", "--format=%H %ct"))
	if err != nil {
		return err
	}
	var seconds int64
	if _, err := fmt.Sscan(text, &r.commit, &seconds); err != nil {
		return err
	}
	r.time = time.Unix(seconds, 0).UTC()
	// By this variable, the tools of all the languages know it.
	return os.Setenv("SOURCE_DATE_EPOCH", strconv.FormatInt(seconds, 10))
}

// name is that of a file of this version.
func name(suffix string) string { return "sioemit_" + version.Number + suffix }

// output runs a command and returns what it prints; an error has what it says.
func output(cmd *exec.Cmd) (string, error) {
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(cmd.Args, " "), err, out, said.Bytes())
	}
	return string(out), nil
}
