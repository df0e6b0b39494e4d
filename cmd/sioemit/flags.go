package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"
)

const outputCategory = "Output:"

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", DisableDefaultText: true, Category: outputCategory, Usage: "print the result as JSON"}
}

// nameOf is what an error about the value of a flag calls it: the variable,
// where the value comes from that.
func nameOf(c *cli.Context, flag string) string {
	if doc, ok := findFlag(c.App.Flags, flag).(cli.DocGenerationFlag); ok {
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
		return usageError{fmt.Errorf("%s takes no argument, and got %q", c.Command.Name, c.Args().First())}
	}
	return nil
}
