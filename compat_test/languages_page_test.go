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
	b.WriteString("# Languages\n\nThe same calls, in each language's own spelling. All emitters pass [one suite](conformance.md), byte for byte.\n\n" +
		"| language | folder | install | Redis clients |\n|---|---|---|---|\n")
	var there []language
	for _, l := range languages {
		if _, err := l.program(); err != nil && os.IsNotExist(err) {
			continue // it is not written yet
		}
		there = append(there, l)
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s |\n", l.title, l.link(), l.install, l.clients)
	}
	b.WriteString("\nThere is no release yet: `make -C sdk/LANGUAGE package` makes what its registry would serve. A language that is not here " +
		"[goes through the command](#from-any-other-language).\n")
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
	b.WriteString("\n## What each can do\n\nThis is what the drivers of the suite say of themselves, and the suite has them prove it.\n\n")
	ours := slices.DeleteFunc(slices.Clone(columns), func(c languageColumn) bool { return !c.ours })
	head(&b, ours)
	for _, f := range features {
		fmt.Fprintf(&b, "| %s |", f.says)
		for _, c := range ours {
			fmt.Fprintf(&b, " %s |", map[bool]string{true: "yes", false: "no"}[slices.Contains(c.hello.Features, f.name)])
		}
		b.WriteString("\n")
	}
	for _, c := range ours {
		for _, name := range c.hello.Features {
			if !slices.ContainsFunc(features, func(f struct{ name, says string }) bool { return f.name == name }) {
				t.Errorf("%s has a feature %s, for which the page has no words", c.hello.Variant, name)
			}
		}
	}
	b.WriteString(seenOnServers)
	head(&b, columns)
	for _, p := range promises {
		fmt.Fprintf(&b, "| %s |", p.says)
		for _, c := range columns {
			outcome := c.outcomes[p.name]
			if outcome == "yes" && p.name == "compress-websocket" {
				outcome = p.cell
			}
			fmt.Fprintf(&b, " %s |", outcome)
		}
		b.WriteString("\n")
	}
	return b.Bytes()
}

func block(b *bytes.Buffer, fence, program string) {
	fmt.Fprintf(b, "```%s\n%s```\n", fence, program)
}

func head(b *bytes.Buffer, columns []languageColumn) {
	b.WriteString("| what |")
	for _, c := range columns {
		name := c.hello.Variant
		if c.ours {
			name = c.hello.Language + " " + name
		}
		fmt.Fprintf(b, " %s |", name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
}

const otherLanguages = `
## From any other language

Anything that can start a program goes through ` + "`sioemit pipe`" + `, which stays open and takes
[a line of JSON](line.schema.json) for each event, in order. It ends when its input does, with exit status 0 when Redis has
taken every line.
`

const seenOnServers = `
## Seen on real servers

This page is written by a test (` + "`go test ./compat_test -run Languages -update`" + `). Each emitter was put to each line on two
servers with Socket.IO 4.8.4 and @socket.io/redis-adapter 8.3.0, as in [compatibility](compatibility.md). Those with the
name of a package and a version are what people use today.

`
