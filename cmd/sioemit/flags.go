package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

const outputCategory = "Output:"

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", DisableDefaultText: true, Category: outputCategory, Usage: "print the result as JSON"}
}

// noArguments refuses words behind a command that takes none.
func noArguments(c *cli.Context) error {
	if c.Args().Len() > 0 {
		return usageError{fmt.Errorf("%s takes no argument, and got %q", c.Command.Name, c.Args().First())}
	}
	return nil
}
