package commandline

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/version"
	"github.com/urfave/cli/v2"
)

func (p *Program) versionCommand() *Command {
	var asJSON bool
	return &Command{
		Name:        "version",
		Usage:       "print the version",
		Description: `   sioemit version --json | jq -r .commit`,
		Flags:       []cli.Flag{JSONFlag(&asJSON)},
		Run: func(context.Context, []string) error {
			b := thisBuild()
			if asJSON {
				return show.JSON(p.Out, b)
			}
			_, err := fmt.Fprintf(p.Out, "sioemit %s (commit %s, %s)\n", b.Version, b.Commit, b.Go)
			return err
		},
	}
}

// build is what this binary was built from, as the Go toolchain recorded it.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

func thisBuild() build {
	b := build{Version: version.Number, Commit: version.Commit, Go: runtime.Version()}
	if b.Commit != "" {
		return b
	}
	b.Commit = "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	modified := ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			b.Commit = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			modified = "-dirty"
		}
	}
	b.Commit += modified
	return b
}
