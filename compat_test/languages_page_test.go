package compat_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/driver"
)

// language is a row of the table with which docs/languages.md begins.
type language struct {
	folder  string // of sdk/; empty for Go
	title   string
	fence   string // the word that starts its blocks of code in a README; a regular expression
	install string
	clients string
}

var languages = []language{
	{"", "Go", "go", "go get github.com/sioemit/sioemit", "go-redis 9"},
	{"javascript", "JavaScript, TypeScript", "js", "npm install sioemit redis", "node-redis 5 and 6, ioredis 5"},
	{"python", "Python", "python", "pip install sioemit", "redis-py, redis.asyncio"},
	{"php", "PHP", "php", "composer require sioemit/emitter", "phpredis, Predis"},
	{"java", "Java, Kotlin", "java", "io.github.sioemit:sioemit", "Jedis, Lettuce"},
	{"rust", "Rust", `rust\S*`, "cargo add sioemit redis", "redis-rs"},
	{"perl", "Perl", "perl", "cpanm Sioemit", "Redis, Redis::Fast"},
}

// languageOf finds the language of a folder of sdk/.
func languageOf(folder string) language {
	i := slices.IndexFunc(languages, func(l language) bool { return l.folder == folder })
	if i < 0 {
		panic("languages lacks " + folder)
	}
	return languages[i]
}

// The programs in examples/ that the page shows.
const (
	helloGo     = "../examples/hello/main.go"
	helloRuby   = "../examples/hello.rb"
	helloElixir = "../examples/hello.exs"
)

// program is the first block of code in the README of a language: the same calls in each.
func (l language) program() (string, error) {
	if l.folder == "" {
		text, err := os.ReadFile(helloGo)
		return string(text), err
	}
	name := filepath.Join("..", "sdk", l.folder, "README.md")
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	block := regexp.MustCompile("(?ms)^```" + l.fence + "\n(.*?)^```$").FindSubmatch(text)
	if block == nil {
		return "", fmt.Errorf("%s has no program", name)
	}
	return string(block[1]), nil
}

// link leads to the folder of a language.
func (l language) link() string {
	if l.folder == "" {
		return "[emitter](../emitter)"
	}
	return fmt.Sprintf("[sdk/%[1]s](../sdk/%[1]s)", l.folder)
}

// features are what drivers say that they can, in the words of the page.
var features = []struct{ name, says string }{
	{"classic", "the classic adapter"},
	{"sharded", "the sharded adapter"},
	{"streams", "the streams adapter"},
	{"python", "the adapter of python-socketio"},
	{"cluster", "a Redis Cluster"},
	{"pipeline", "many events in one round trip"},
	{"server-count", "how many servers listen"},
	{"numbers", "rooms that are numbers"},
	{"replies", "acknowledgements, and the other questions"},
	{"together", "several questions at a time"},
	{"confirm", "whether every server took what was sent"},
}

type languageColumn struct {
	hello    driver.Hello
	ours     bool
	outcomes map[string]string
}

// languagesPage is the page about languages. It holds nothing that differs from run to run.
func languagesPage(t *testing.T, columns []languageColumn) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("# Languages\n\nThe same calls in every language, each in its own spelling. All emitters pass [one suite](conformance.md), byte for byte.\n\n" +
		"| language | folder | install | Redis clients |\n|---|---|---|---|\n")
	var there []language
	for _, l := range languages {
		if _, err := l.program(); err != nil && os.IsNotExist(err) {
			continue // it is not written yet
		}
		there = append(there, l)
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", l.title, l.link(), l.install, l.clients)
	}
	b.WriteString("\nThere is no release yet: `make -C sdk/LANGUAGE package` builds what the registry will serve. " +
		"Any other language [uses the command](#from-any-other-language).\n")
	for _, l := range there {
		program, err := l.program()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "\n## %s\n\n", l.title)
		block(&b, strings.ToLower(strings.Fields(strings.TrimSuffix(l.title, ", TypeScript"))[0]), program)
	}
	b.WriteString(otherLanguages)
	for _, example := range []struct{ fence, file string }{{"ruby", helloRuby}, {"elixir", helloElixir}} {
		text, err := os.ReadFile(example.file)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n")
		block(&b, example.fence, string(text))
	}
	b.WriteString("\n## What each can do\n\nThe drivers of the suite say this of themselves, and the suite has them prove it. All of them have:\n\n")
	ours := slices.DeleteFunc(slices.Clone(columns), func(c languageColumn) bool { return !c.ours })
	var exceptions strings.Builder
	for _, f := range features {
		can := func(c languageColumn) bool { return slices.Contains(c.hello.Features, f.name) }
		with := namesOf(ours, can)
		without := namesOf(ours, func(c languageColumn) bool { return !can(c) })
		switch {
		case len(without) == 0:
			fmt.Fprintf(&b, "- %s\n", f.says)
		case len(without) <= len(with):
			fmt.Fprintf(&exceptions, "| %s | all but %s |\n", f.says, strings.Join(without, ", "))
		default:
			fmt.Fprintf(&exceptions, "| %s | %s |\n", f.says, strings.Join(with, ", "))
		}
	}
	if exceptions.Len() > 0 {
		b.WriteString("\nNot all of them have these:\n\n| what | with |\n|---|---|\n" + exceptions.String())
	}
	for _, c := range ours {
		for _, name := range c.hello.Features {
			if !slices.ContainsFunc(features, func(f struct{ name, says string }) bool { return f.name == name }) {
				t.Errorf("%s has a feature %s, for which the page has no words", c.hello.Variant, name)
			}
		}
	}
	others := slices.DeleteFunc(slices.Clone(columns), func(c languageColumn) bool { return c.ours })
	fmt.Fprintf(&b, seenOnServers, len(ours), strings.Join(namesOf(ours, func(languageColumn) bool { return true }), ", "))
	b.WriteString("| what | sioemit |")
	for _, c := range others {
		fmt.Fprintf(&b, " %s |", c.hello.Variant)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(others)) + "\n")
	for _, p := range promises {
		fmt.Fprintf(&b, "| %s | %s |", p.says, together(ours, p))
		for _, c := range others {
			fmt.Fprintf(&b, " %s |", c.outcome(p))
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}

func block(b *bytes.Buffer, fence, program string) {
	fmt.Fprintf(b, "```%s\n%s```\n", fence, program)
}

// name is the language and the client of one of ours.
func (c languageColumn) name() string { return c.hello.Language + " " + c.hello.Variant }

// outcome is what came of a promise.
func (c languageColumn) outcome(p promise) string {
	outcome := c.outcomes[p.name]
	if outcome == "yes" && p.name == "compress-websocket" {
		return p.cell
	}
	return outcome
}

func namesOf(columns []languageColumn, ok func(languageColumn) bool) (names []string) {
	for _, c := range columns {
		if ok(c) {
			names = append(names, c.name())
		}
	}
	return names
}

// together is what came of a promise with all of ours, and with which of them something else did.
func together(ours []languageColumn, p promise) string {
	first := ours[0].outcome(p)
	text := first
	for _, c := range ours {
		if outcome := c.outcome(p); outcome != first {
			text += fmt.Sprintf("; %s: %s", c.name(), outcome)
		}
	}
	return text
}

const otherLanguages = `
## From any other language

Anything that can start a program can use ` + "`sioemit pipe`" + `. It stays open and takes [a line of JSON](line.schema.json) for
each event, in order. It ends when its input ends, and exits with status 0 if Redis has taken every line.
`

const seenOnServers = `
## Seen on real servers

A test writes this page (` + "`go test ./compat_test -run Languages -update`" + `). It sends everything below with each emitter to two
servers with Socket.IO 4.8.4 and @socket.io/redis-adapter 8.3.0, and compares what each client receives with what was meant
for it, as in [compatibility](compatibility.md).

The column sioemit covers %d emitters, and names those of them that differ: %s.

The others are packages that people use today. "No such call" means that the package has no call for it.

`
