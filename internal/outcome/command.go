package outcome

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sioemit/sioemit/internal/show"
)

// PrintCommand prints a Redis command in a form that can be pasted into
// redis-cli, or as JSON.
func PrintCommand(w io.Writer, asJSON bool, args []any) error {
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
	if asJSON {
		return show.JSON(w, struct {
			Args []any `json:"args"`
		}{words})
	}
	_, err := fmt.Fprintln(w, strings.Join(line, " "))
	return err
}
