package commandline

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// arrange brings a command line into the order that package cli reads: global
// flags, command, its flags, "--", arguments. By itself, package cli stops
// reading flags at the first argument, so that "emit hello --room a" would
// send "--room" and "a" to everyone. Here
//
//   - flags may stand anywhere up to "--", also after arguments; the global
//     ones before the command's name, too;
//   - a word that looks like a flag and is none is an error;
//   - a word that is a JSON number, such as -5, is an argument, and so is "-";
//   - a value may stand right behind the letter of a short flag, as in -nadmin;
//   - a flag that takes one value is given once;
//   - true or false right behind a boolean flag is an error: it would be an
//     argument, and is meant for the flag's value;
//   - --help becomes the command help, and --version the command version.
//
// What was given is kept.
func (p *Program) arrange(app *cli.App, args []string) ([]string, error) {
	a := arranger{app: app, values: make(map[string]string)}
	for i := 1; i < len(args); i++ {
		word := args[i]
		switch {
		case word == "--":
			a.words(args[i+1:])
			i = len(args)
		case !looksLikeFlag(word):
			a.words(args[i : i+1])
		default:
			used, err := a.flag(word, args[i+1:])
			if err != nil {
				return nil, Usage(err)
			}
			i += used
		}
		if a.err != nil {
			return nil, Usage(a.err)
		}
	}
	p.given = a.inOrder()
	switch {
	case a.help && a.command == nil:
		a = arranger{name: "help"}
	case a.help && (a.command.Name != "help" || len(a.arguments) == 0):
		a = arranger{name: "help", arguments: []string{a.name}}
	}
	out := append([]string{args[0]}, a.global...)
	if a.name != "" {
		out = append(append(out, a.name), a.local...)
	}
	if len(a.arguments) > 0 {
		out = append(append(out, "--"), a.arguments...)
	}
	return out, nil
}

type arranger struct {
	app       *cli.App
	name      string // of the command, once it has been read
	command   *cli.Command
	global    []string
	local     []string
	arguments []string
	given     []Given
	values    map[string]string // of flags that take one
	help      bool              // --help was among the flags
	err       error
}

func looksLikeFlag(word string) bool {
	return len(word) > 1 && word[0] == '-' && !json.Valid([]byte(word))
}

// words takes words that are no flags: the name of the command, then its
// arguments.
func (a *arranger) words(words []string) {
	if a.name == "" && len(words) > 0 {
		a.name, words = words[0], words[1:]
		a.command = a.app.Command(a.name)
		if a.command == nil {
			a.err = unknownCommand(a.app, a.name)
		}
	}
	a.arguments = append(a.arguments, words...)
}

// flag takes a flag, and its value from the words that follow where it needs
// one. It returns how many of them it used.
func (a *arranger) flag(word string, rest []string) (used int, err error) {
	name, value, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
	switch {
	case name == "help" || name == "h":
		a.help = true
		return 0, nil
	case name == "version" && a.name == "":
		a.words([]string{"version"})
		return 0, nil
	}
	list := &a.global
	f := findFlag(a.app.Flags, name)
	if f == nil && a.command != nil {
		list = &a.local
		f = findFlag(a.command.Flags, name)
	}
	if f == nil {
		if f, list = a.glued(word); f == nil {
			return 0, a.unknown(word, name)
		}
		value, hasValue = word[2:], true
	}
	canonical := "--" + f.Names()[0]
	_, isBool := f.(*cli.BoolFlag)
	switch {
	case isBool && !hasValue && len(rest) > 0 && (rest[0] == "true" || rest[0] == "false"):
		return 0, fmt.Errorf("%s %s: write %[1]s=%[2]s; if %[2]s is an argument, put %[1]s behind it", word, rest[0])
	case isBool && !hasValue:
		value = "true"
	case !hasValue && len(rest) == 0:
		return 0, fmt.Errorf("%s needs a value", word)
	case !hasValue:
		value, used = rest[0], 1
	}
	if err := checkValue(f, canonical, value); err != nil {
		return 0, err
	}
	if err := a.take(f, canonical, value); err != nil {
		return 0, err
	}
	*list = append(*list, canonical+"="+value)
	return used, nil
}

// glued returns the short flag that has its value in the same word, as in
// -nadmin, and the list that it belongs to. A word that is nearly the name of a
// long flag is not taken for one: a mistyped -room would be the room "om".
func (a *arranger) glued(word string) (cli.Flag, *[]string) {
	if len(word) < 3 || word[1] == '-' || DidYouMean("", word[1:], a.longNames()) != "" {
		return nil, nil
	}
	f, list := findFlag(a.app.Flags, word[1:2]), &a.global
	if f == nil && a.command != nil {
		f, list = findFlag(a.command.Flags, word[1:2]), &a.local
	}
	if _, isBool := f.(*cli.BoolFlag); isBool {
		return nil, nil
	}
	return f, list
}

// longNames are those of the flags that may stand where the arranger is.
func (a *arranger) longNames() []string {
	flags := slices.Clone(a.app.Flags)
	if a.command != nil {
		flags = append(flags, a.command.Flags...)
	}
	var names []string
	for _, f := range flags {
		names = append(names, slices.DeleteFunc(f.Names(), func(name string) bool { return len(name) == 1 })...)
	}
	return names
}

// checkValue refuses what a flag cannot be. Package cli would say it in the
// words of the Go library, and would turn a room that is not UTF-8 into another
// one. The name is that of the flag, or of the variable that stands for it.
func checkValue(f cli.Flag, name, value string) error {
	isFile, isEmpty := false, false
	switch f := f.(type) {
	case *cli.BoolFlag:
		if value != "true" && value != "false" {
			return fmt.Errorf("%s is true or false, not %q", name, value)
		}
	case *cli.IntFlag, *cli.Int64Flag:
		if _, err := strconv.ParseInt(value, 0, 64); err != nil {
			return fmt.Errorf("%s is a whole number, not %q", name, value)
		}
	case *cli.Float64SliceFlag:
		if n, err := strconv.ParseFloat(value, 64); err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return fmt.Errorf("%s is a number, not %q", name, value)
		}
	case *cli.DurationFlag:
		if _, err := time.ParseDuration(value); err != nil {
			return fmt.Errorf("%s is a time with its unit, such as 5s or 500ms, not %q%s", name, value, unitHint(value))
		}
	case *cli.StringFlag:
		isFile, isEmpty = f.TakesFile, value == ""
	case *cli.StringSliceFlag:
		isFile, isEmpty = f.TakesFile, value == ""
	}
	if isEmpty { // which would mean the default: namespace / instead of the one that was to be named
		return fmt.Errorf("%s is empty: is a variable not set?", name)
	}
	if !isFile && !utf8.ValidString(value) { // which is not shown: a URL may hold a password
		return fmt.Errorf("%s is not valid UTF-8", name)
	}
	return nil
}

// unitHint spells out what a time without a unit may mean. It is not guessed: one
// second to those who come from other commands, and one millisecond to those who
// come from timeout(1) of Socket.IO.
func unitHint(value string) string {
	if n, err := strconv.ParseFloat(value, 64); err != nil || n <= 0 || math.IsInf(n, 0) {
		return ""
	}
	return fmt.Sprintf(": write %ss for seconds, %[1]sms for milliseconds", value)
}

// checkVariables does so for the variables that stand for flags. An empty one
// counts as not set.
func checkVariables(flags []cli.Flag) error {
	for _, f := range flags {
		doc, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		for _, name := range doc.GetEnvVars() {
			var err error
			if value := os.Getenv(name); value == "" {
				err = os.Unsetenv(name)
			} else {
				err = checkValue(f, name, value)
			}
			if err != nil {
				return Usage(err)
			}
		}
	}
	return nil
}

// take keeps what was given. It refuses a second value for a flag that takes
// one: package cli would drop the first.
func (a *arranger) take(f cli.Flag, canonical, value string) error {
	words := []string{canonical, value}
	_, isBool := f.(*cli.BoolFlag)
	switch f.(type) {
	case *cli.BoolFlag:
		if words = words[:1]; value != "true" {
			words[0] += "=" + value
		}
	case *cli.DurationFlag:
		if d, err := time.ParseDuration(value); err == nil {
			words[1] = d.String()
		}
	}
	switch f.(type) {
	case *cli.StringSliceFlag, *cli.Float64SliceFlag:
	default:
		switch first, again := a.values[canonical]; {
		case again && isBool && value == first:
			return nil
		case again:
			return fmt.Errorf("%s is given twice and takes one value", canonical)
		}
		a.values[canonical] = value
	}
	a.given = append(a.given, Given{canonical, words})
	return nil
}

// inOrder returns what was given in the order of the help.
func (a *arranger) inOrder() []Given {
	flags := a.app.Flags
	if a.command != nil {
		flags = slices.Concat(flags, a.command.Flags)
	}
	place := func(g Given) int {
		return slices.IndexFunc(flags, func(f cli.Flag) bool { return "--"+f.Names()[0] == g.Name })
	}
	slices.SortStableFunc(a.given, func(x, y Given) int { return place(x) - place(y) })
	return a.given
}

func unknownCommand(app *cli.App, name string) error {
	var names []string
	for _, command := range app.Commands {
		names = append(names, command.Name)
	}
	return fmt.Errorf("there is no command %q%s; sioemit help lists them, and sioemit emit %s sends an event of that name",
		name, DidYouMean("", strings.ToLower(name), names), show.Quote(name))
}

func (a *arranger) unknown(word, name string) error {
	flag, _, _ := strings.Cut(word, "=")
	for _, command := range a.app.Commands {
		switch {
		case findFlag(command.Flags, name) == nil:
		case a.command == nil:
			return fmt.Errorf("%s is a flag of %q: put it behind the command's name", flag, command.Name)
		default:
			return fmt.Errorf("%s has no %s; if it is an argument, put -- before it", a.name, flag)
		}
	}
	return fmt.Errorf("unknown flag %s%s; if it is an argument, put -- before it", flag, DidYouMean("--", name, a.longNames()))
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}
