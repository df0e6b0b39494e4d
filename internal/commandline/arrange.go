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

// arrange reads a command line, which inOneOrder then has in the order that
// package cli reads: by itself, it stops reading flags at the first argument, so
// that "emit hello --room a" would send "--room" and "a" to everyone. Here
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
func (p *Program) arrange(words []string) (*line, error) {
	l := &line{program: p, values: make(map[string]string)}
	for i := 1; i < len(words); i++ {
		word := words[i]
		switch {
		case word == "--":
			l.words(words[i+1:])
			i = len(words)
		case !looksLikeFlag(word):
			l.words(words[i : i+1])
		default:
			used, err := l.flag(word, words[i+1:])
			if err != nil {
				return nil, Usage(err)
			}
			i += used
		}
		if l.err != nil {
			return nil, Usage(l.err)
		}
	}
	p.given = l.inOrder()
	switch {
	case l.help && l.command == nil:
		l = &line{program: p, command: p.command("help")}
	case l.help && (l.command.Name != "help" || len(l.arguments) == 0):
		l = &line{program: p, command: p.command("help"), arguments: []string{l.command.Name}}
	}
	return l, nil
}

// line is a command line that has been read.
type line struct {
	program   *Program
	command   *Command // nil until its name has been read
	global    []setting
	local     []setting // of flags of the command
	arguments []string
	given     []Given
	values    map[string]string // of flags that take one
	help      bool              // --help was among the flags
	err       error
}

// setting is a value for a flag.
type setting struct {
	flag  cli.Flag
	value string
}

// useVariables checks what the variables hold that stand for flags. Package cli
// would take an empty one, which counts as not set, and would not run for a bad
// one that a flag goes before: both are taken out of the environment.
func (p *Program) useVariables() error {
	for _, f := range p.Flags {
		flag := "--" + f.Names()[0]
		for _, name := range f.(cli.DocGenerationFlag).GetEnvVars() {
			value, err := os.Getenv(name), error(nil)
			if value == "" || p.IsGiven(flag) {
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

// inOneOrder returns the words of the line: global flags, the command's name, its
// flags, "--" and the arguments.
func (l *line) inOneOrder(program string) []string {
	words := []string{program}
	flags := func(settings []setting) {
		for _, s := range settings {
			words = append(words, "--"+s.flag.Names()[0]+"="+s.value)
		}
	}
	flags(l.global)
	if l.command != nil {
		words = append(words, l.command.Name)
		flags(l.local)
	}
	if len(l.arguments) > 0 {
		words = append(append(words, "--"), l.arguments...)
	}
	return words
}

func looksLikeFlag(word string) bool {
	return len(word) > 1 && word[0] == '-' && !json.Valid([]byte(word))
}

// words takes words that are no flags: the name of the command, then its
// arguments.
func (l *line) words(words []string) {
	if l.command == nil && len(words) > 0 {
		if l.command = l.program.command(words[0]); l.command == nil {
			l.err = l.program.unknownCommand(words[0])
		}
		words = words[1:]
	}
	l.arguments = append(l.arguments, words...)
}

// flag takes a flag, and its value from the words that follow where it needs
// one. It returns how many of them it used.
func (l *line) flag(word string, rest []string) (used int, err error) {
	name, value, hasValue := strings.Cut(strings.TrimLeft(word, "-"), "=")
	switch {
	case name == "help" || name == "h":
		l.help = true
		return 0, nil
	case name == "version" && l.command == nil:
		l.words([]string{"version"})
		return 0, nil
	}
	list := &l.global
	f := findFlag(l.program.Flags, name)
	if f == nil && l.command != nil {
		list = &l.local
		f = findFlag(l.command.Flags, name)
	}
	if f == nil {
		if f, list = l.glued(word); f == nil {
			return 0, l.unknown(word, name)
		}
		value, hasValue = word[2:], true
	}
	canonical := "--" + f.Names()[0]
	_, isBool := f.(*cli.BoolFlag)
	switch {
	case isBool && !hasValue && len(rest) > 0 && (rest[0] == "true" || rest[0] == "false"):
		return 0, fmt.Errorf("%s %s: write %[1]s=%[2]s; if %[2]s is an argument, put %[1]s after it", word, rest[0])
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
	if err := l.take(f, canonical, value); err != nil {
		return 0, err
	}
	*list = append(*list, setting{f, value})
	return used, nil
}

// glued returns the short flag that has its value in the same word, as in
// -nadmin, and the list that it belongs to. A word that is nearly the name of a
// long flag is not taken for one: a mistyped -room would be the room "om".
func (l *line) glued(word string) (cli.Flag, *[]setting) {
	if len(word) < 3 || word[1] == '-' || DidYouMean("", word[1:], l.longNames()) != "" {
		return nil, nil
	}
	f, list := findFlag(l.program.Flags, word[1:2]), &l.global
	if f == nil && l.command != nil {
		f, list = findFlag(l.command.Flags, word[1:2]), &l.local
	}
	if _, isBool := f.(*cli.BoolFlag); isBool {
		return nil, nil
	}
	return f, list
}

// longNames are those of the flags that may stand on the line.
func (l *line) longNames() []string {
	flags := l.program.flags()
	if l.command != nil {
		flags = append(flags, l.command.Flags...)
	}
	var names []string
	for _, f := range flags {
		names = append(names, slices.DeleteFunc(f.Names(), func(name string) bool { return len(name) == 1 })...)
	}
	return names
}

// checkValue refuses what a flag cannot be. Package cli would say it in the words
// of the Go library, and would turn a room that is not UTF-8 into another one. The
// name is that of the flag, or of the variable that stands for it.
func checkValue(f cli.Flag, name, value string) error {
	isFile, isEmpty := false, false
	switch f := f.(type) {
	case *cli.BoolFlag:
		if value != "true" && value != "false" {
			return fmt.Errorf("%s must be true or false, not %q", name, value)
		}
	case *cli.IntFlag, *cli.Int64Flag:
		if _, err := strconv.ParseInt(value, 0, 64); err != nil {
			return fmt.Errorf("%s must be a whole number, not %q", name, value)
		}
	case *cli.Float64SliceFlag:
		if n, err := strconv.ParseFloat(value, 64); err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return fmt.Errorf("%s must be a number, not %q", name, value)
		}
	case *cli.DurationFlag:
		if _, err := ParseTime(name, value); err != nil {
			return err
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

// ParseTime reads the value of a flag that is a time. The name is that of the flag,
// or of what stands for it.
func ParseTime(name, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil {
		err = fmt.Errorf("%s must be a time with its unit, such as 5s or 500ms, not %q%s", name, value, unitHint(value))
	}
	return d, err
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

// take keeps what was given. It refuses a second value for a flag that takes
// one: package cli would drop the first.
func (l *line) take(f cli.Flag, canonical, value string) error {
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
		switch first, again := l.values[canonical]; {
		case again && isBool && value == first:
			return nil
		case again:
			return fmt.Errorf("%s is given twice, but takes one value", canonical)
		}
		l.values[canonical] = value
	}
	l.given = append(l.given, Given{canonical, words})
	return nil
}

// inOrder returns what was given in the order of the help.
func (l *line) inOrder() []Given {
	flags := l.program.Flags
	if l.command != nil {
		flags = slices.Concat(flags, l.command.Flags)
	}
	place := func(g Given) int {
		return slices.IndexFunc(flags, func(f cli.Flag) bool { return "--"+f.Names()[0] == g.Name })
	}
	slices.SortStableFunc(l.given, func(x, y Given) int { return place(x) - place(y) })
	return l.given
}

func (p *Program) unknownCommand(name string) error {
	var names []string
	for _, command := range p.All() {
		names = append(names, command.Name)
	}
	return fmt.Errorf("there is no command %q%s; see sioemit help, or send an event of that name with sioemit emit %s",
		name, DidYouMean("", strings.ToLower(name), names), show.Quote(name))
}

func (l *line) unknown(word, name string) error {
	flag, _, _ := strings.Cut(word, "=")
	for _, command := range l.program.All() {
		switch {
		case findFlag(command.Flags, name) == nil:
		case l.command == nil:
			return fmt.Errorf("%s is a flag of %q: put it after the command's name", flag, command.Name)
		default:
			return fmt.Errorf("%s has no %s; if it is an argument, put -- before it", l.command.Name, flag)
		}
	}
	return fmt.Errorf("unknown flag %s%s; if it is an argument, put -- before it", flag, DidYouMean("--", name, l.longNames()))
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}
