package doctor

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/show"
)

// corrected is the user's own command line with what the findings change in it;
// nil when that is nothing. It holds no password.
func (d *diagnosis) corrected(given []commandline.Given) []string {
	add, remove := splitFlags(d.flags()), d.remove()
	if len(add)+len(remove) == 0 {
		return nil
	}
	words := []string{"sioemit", "doctor"}
	for _, g := range given {
		if i := slices.IndexFunc(add, func(flag []string) bool { return flagName(flag[0]) == g.Name }); i >= 0 {
			words = append(words, add[i]...)
			add = slices.Delete(add, i, i+1)
			continue
		}
		if slices.Contains(remove, g.Name) {
			continue
		}
		if g.Name == "--redis" {
			g.Words = []string{g.Name, shownURL(g.Words[1])}
		}
		words = append(words, g.Words...)
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
