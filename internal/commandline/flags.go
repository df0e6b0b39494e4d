package commandline

import "github.com/urfave/cli/v2"

// OutputCategory is that of flags that say what is printed.
const OutputCategory = "Output:"

// JSONFlag is the flag of commands that print a result. With it, what they print
// on stdout is one JSON object a line, and nothing else.
func JSONFlag(to *bool) cli.Flag {
	return &cli.BoolFlag{Name: "json", Destination: to, Category: OutputCategory, Usage: "print the result as JSON, one object per line"}
}
