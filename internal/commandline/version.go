package commandline

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/sioemit/sioemit/internal/cli"
	"github.com/sioemit/sioemit/internal/show"
)

func (p *Program) versionCommand() *Command {
	var asJSON bool
	return &Command{
		Name:        "version",
		Usage:       "print the version",
		Description: `   sioemit version --json | jq -r .commit`,
		Flags:       []cli.Flag{JSONFlag(&asJSON)},
		Run: func(context.Context, []string) error {
			v := buildVersion()
			if asJSON {
				return show.JSON(p.Out, v)
			}
			_, err := fmt.Fprintf(p.Out, "sioemit %s (commit %s, %s)\n", v.Version, v.Commit, v.Go)
			return err
		},
	}
}

// version is what this binary was built from, as the Go toolchain recorded it.
type version struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

func buildVersion() version {
	v := version{Version: "devel", Commit: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			v.Commit = setting.Value
		}
	}
	return v
}
