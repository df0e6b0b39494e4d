package main

import (
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// flagGiven is a flag on the command line, with its value.
type flagGiven struct {
	name  string   // with its dashes
	words []string // as they stand there
}

// flagsGiven are the flags on the command line. Package cli takes those of the
// environment for given, too.
func flagsGiven(c *cli.Context) (given []flagGiven) {
	for _, f := range slices.Concat(c.App.Flags, c.Command.Flags) {
		name := f.Names()[0]
		if !c.IsSet(name) || isFromEnvironment(c, f) {
			continue
		}
		name = "--" + name
		switch f.(type) {
		case *cli.StringSliceFlag:
			for _, value := range c.StringSlice(name[2:]) {
				given = append(given, flagGiven{name, []string{name, value}})
			}
		case *cli.Float64SliceFlag:
			for _, value := range c.Float64Slice(name[2:]) {
				given = append(given, flagGiven{name, []string{name, encoding.NumberRoom(value).String()}})
			}
		case *cli.BoolFlag:
			word := name
			if !c.Bool(name[2:]) {
				word += "=false"
			}
			given = append(given, flagGiven{name, []string{word}})
		default:
			given = append(given, flagGiven{name, []string{name, fmt.Sprint(c.Value(name[2:]))}})
		}
	}
	return given
}

func isFromEnvironment(c *cli.Context, f cli.Flag) bool {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return false
	}
	for _, env := range doc.GetEnvVars() {
		if value := os.Getenv(env); value != "" && value == fmt.Sprint(c.Value(f.Names()[0])) {
			return true
		}
	}
	return false
}

// corrected is the user's own command line with what the findings change in it;
// nil when that is nothing. It holds no password.
func (d *diagnosis) corrected(given []flagGiven) []string {
	add, remove := splitFlags(d.flags()), d.remove()
	if len(add)+len(remove) == 0 {
		return nil
	}
	words := []string{"sioemit", "doctor"}
	for _, g := range given {
		if i := slices.IndexFunc(add, func(flag []string) bool { return flagName(flag[0]) == g.name }); i >= 0 {
			words = append(words, add[i]...)
			add = slices.Delete(add, i, i+1)
			continue
		}
		if slices.Contains(remove, g.name) {
			continue
		}
		if g.name == "--redis" {
			g.words = []string{g.name, shownURL(g.words[1])}
		}
		words = append(words, g.words...)
	}
	for _, flag := range add {
		words = append(words, flag...)
	}
	return words
}

// shownURL is a Redis URL in which PASSWORD stands for each password.
func shownURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "URL" // it was not read either
	}
	if _, ok := u.User.Password(); ok {
		u.User = url.UserPassword(u.User.Username(), "PASSWORD")
	}
	options := strings.Split(u.RawQuery, "&")
	for i, option := range options {
		if name, _, _ := strings.Cut(option, "="); name == "sentinel_password" {
			options[i] = name + "=PASSWORD"
		}
	}
	u.RawQuery = strings.Join(options, "&")
	return u.String()
}

// splitFlags takes words apart into flags with their values.
func splitFlags(words []string) (flags [][]string) {
	for len(words) > 0 {
		n := min(2, len(words))
		if strings.Contains(words[0], "=") || words[0] == "--cluster" || words[0] == "--fetch-sockets" {
			n = 1
		}
		flags = append(flags, words[:n])
		words = words[n:]
	}
	return flags
}

func flagName(word string) string {
	name, _, _ := strings.Cut(word, "=")
	return name
}

// shellWords writes words so that a shell reads them back.
func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if !show.IsBare(word) || strings.HasPrefix(word, "~") || strings.Contains(word, "*") {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
