package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// printCommand prints a Redis command in a form that can be pasted into
// redis-cli, or as JSON.
func printCommand(c *cli.Context, args []any) error {
	words := make([]any, len(args))
	var line []string
	for i, arg := range args {
		switch arg := arg.(type) {
		case []byte:
			words[i] = show.Binary(arg)
			if utf8.Valid(arg) { // JSON; MessagePack of an object or array never is
				words[i] = string(arg)
			}
			line = append(line, show.Quote(string(arg)))
		case int64:
			words[i] = strconv.FormatInt(arg, 10)
			line = append(line, strconv.FormatInt(arg, 10))
		default:
			word := fmt.Sprint(arg)
			if i == 0 {
				word = strings.ToUpper(word)
			}
			words[i] = word
			line = append(line, show.Quote(word))
		}
	}
	if c.Bool("json") {
		return show.JSON(c.App.Writer, struct {
			Args []any `json:"args"`
		}{words})
	}
	_, err := fmt.Fprintln(c.App.Writer, strings.Join(line, " "))
	return err
}
