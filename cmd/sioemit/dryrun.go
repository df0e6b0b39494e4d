package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

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
			words[i] = binary(arg)
			if utf8.Valid(arg) { // JSON; MessagePack of an object or array never is
				words[i] = string(arg)
			}
			line = append(line, quote(string(arg)))
		case int64:
			words[i] = strconv.FormatInt(arg, 10)
			line = append(line, strconv.FormatInt(arg, 10))
		default:
			word := fmt.Sprint(arg)
			if i == 0 {
				word = strings.ToUpper(word)
			}
			words[i] = word
			line = append(line, quote(word))
		}
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, struct {
			Args []any `json:"args"`
		}{words})
	}
	_, err := fmt.Fprintln(c.App.Writer, strings.Join(line, " "))
	return err
}

// binary is how JSON lines carry bytes.
type binary []byte

// MarshalJSON returns {"$binary":"<base64>"}.
func (b binary) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]byte{"$binary": b})
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
