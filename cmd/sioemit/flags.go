package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/urfave/cli/v2"
)

// nameOf is what an error about the value of a flag calls it: the variable,
// where the value comes from that.
func nameOf(c *cli.Context, flag string) string {
	i := slices.IndexFunc(c.App.Flags, func(f cli.Flag) bool { return f.Names()[0] == flag })
	if doc, ok := c.App.Flags[i].(cli.DocGenerationFlag); ok {
		for _, name := range doc.GetEnvVars() {
			if value := os.Getenv(name); value != "" && value == fmt.Sprint(c.Value(flag)) {
				return name
			}
		}
	}
	return "--" + flag
}

// noArguments refuses words behind a command that takes none.
func noArguments(c *cli.Context) error {
	if c.Args().Len() > 0 {
		return commandline.Usagef("%s takes no argument, and got %q", c.Command.Name, c.Args().First())
	}
	return nil
}
