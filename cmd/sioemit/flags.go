package main

import (
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/urfave/cli/v2"
)

// noArguments refuses words behind a command that takes none.
func noArguments(c *cli.Context) error {
	if c.Args().Len() > 0 {
		return commandline.Usagef("%s takes no argument, and got %q", c.Command.Name, c.Args().First())
	}
	return nil
}
