package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// Help texts are 80 characters wide: descriptions are written so, and
// flagsHelp wraps what it puts together.
const helpColumn = 30 // where the explanations of flags start

const appHelp = `{{.Name}} - {{.Usage}}

USAGE:
   {{.Name}} [FLAGS] COMMAND [ARG...]

{{.Description}}

COMMANDS:{{range .VisibleCommands}}
   {{printf "%-14s" .Name}}{{.Usage}}{{end}}
{{flags .VisibleFlags}}`

const commandHelp = `{{.HelpName}} - {{.Usage}}

USAGE:
   {{.HelpName}}{{if .VisibleFlags}} [FLAGS]{{end}}{{with .ArgsUsage}} {{.}}{{end}}

{{.Description}}
{{flags .VisibleFlags}}`

// helpCommand stands in for the one of package cli, which would be a command of
// every command, too. Whoever asks with --help gets here through arrange.
func helpCommand() *cli.Command {
	return &cli.Command{
		Name:        "help",
		Aliases:     []string{"h"},
		Usage:       "show the help of a command",
		ArgsUsage:   "[COMMAND]",
		Description: `   sioemit help emit    the same as sioemit emit --help`,
		Action: func(c *cli.Context) error {
			var text bytes.Buffer
			switch name := c.Args().First(); c.Args().Len() {
			case 0:
				printHelp(&text, appHelp, c.App)
			case 1:
				command := c.App.Command(name)
				if command == nil {
					return usageError{unknownCommand(c.App, name)}
				}
				if findFlag(command.Flags, "help") == nil { // package cli adds it to the command that runs
					command.Flags = append(command.Flags, cli.HelpFlag)
				}
				printHelp(&text, commandHelp, command)
			default:
				return usageError{fmt.Errorf("help takes the name of one command, and got %q, too", c.Args().Get(1))}
			}
			_, err := text.WriteTo(c.App.Writer)
			return err
		},
	}
}

// exitStatuses explains those that a command can end with, which for sioemit
// itself are all.
func exitStatuses(command string) string {
	const noRedis = "could not: Redis unreachable, or it refused"
	texts := map[int]string{
		statusDone:      "done",
		statusFailed:    noRedis + ", or no server to ask",
		statusUsage:     "bad usage or input; nothing was sent",
		statusListeners: "fewer servers listening than --require N",
		statusReplies:   "time ran out before every reply came",
		statusInterrupt: "interrupted (Ctrl-C)",
	}
	switch command {
	case "sioemit":
		texts[statusUsage] += ", but pipe sends the good lines"
	case "emit", "server-emit":
	case "join", "leave", "disconnect":
		texts[statusFailed] = noRedis
		delete(texts, statusReplies)
	case "pipe":
		texts[statusFailed] = noRedis
		texts[statusUsage] = "bad usage, and nothing was sent; or lines were rejected, and others sent"
		texts[statusListeners] += "; nothing was sent"
		delete(texts, statusReplies)
	case "sockets", "rooms":
		texts[statusUsage] = "bad usage"
		delete(texts, statusListeners)
	case "servers":
		texts[statusFailed] = noRedis
		texts[statusUsage] = "bad usage"
		delete(texts, statusReplies)
	case "listen":
		texts[statusFailed] = noRedis
		texts[statusUsage] = "bad usage"
		texts[statusReplies] = "time ran out (--for) before it listened, or before --count lines came"
		delete(texts, statusListeners)
	case "doctor":
		texts[statusDone] = "an event reaches servers that answer, and a client of --room"
		texts[statusFailed] = "something is wrong"
		texts[statusUsage] = "bad usage"
		texts[statusReplies] = "nothing seen wrong, but not everything could be checked"
		delete(texts, statusListeners)
	case "decode":
		texts[statusFailed] = "could not print"
		texts[statusUsage] = "bad usage, or something that is no payload"
		delete(texts, statusListeners)
		delete(texts, statusReplies)
	default:
		return ""
	}
	var b strings.Builder
	b.WriteString("\n\nEXIT STATUS:")
	for _, status := range slices.Sorted(maps.Keys(texts)) {
		fmt.Fprintf(&b, "\n%4d  %s", status, texts[status])
	}
	return b.String()
}

// printHelp fills in a template from above, with package cli's functions and
// one of our own.
func printHelp(w io.Writer, text string, data any) {
	cli.HelpPrinterCustom(w, text, data, map[string]any{"flags": flagsHelp})
}

// flagsHelp lists flags under their categories, in the order given.
func flagsHelp(flags []cli.Flag) string {
	var order []string
	byCategory := make(map[string][]cli.Flag)
	for _, f := range flags {
		category := "Flags:"
		if c, ok := f.(cli.CategorizableFlag); ok && c.GetCategory() != "" {
			category = c.GetCategory()
		}
		if byCategory[category] == nil {
			order = append(order, category)
		}
		byCategory[category] = append(byCategory[category], f)
	}
	var b strings.Builder
	for _, category := range order {
		fmt.Fprintf(&b, "\n%s\n", strings.ToUpper(category))
		for _, f := range byCategory[category] {
			flagHelp(&b, f)
		}
	}
	return b.String()
}

func flagHelp(b *strings.Builder, f cli.Flag) {
	doc, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return
	}
	usage := doc.GetUsage()
	var placeholder string
	if before, rest, ok := strings.Cut(usage, "`"); ok {
		var after string
		placeholder, after, _ = strings.Cut(rest, "`")
		usage = before + placeholder + after
		// A placeholder behind a colon at the end is there for its name only.
		usage = strings.TrimSuffix(usage, ": "+placeholder)
	}
	var names []string
	for _, name := range f.Names() {
		dashes := "--"
		if len(name) == 1 {
			dashes = "-"
		}
		names = append(names, dashes+name)
	}
	head := "   " + strings.Join(names, ", ")
	if placeholder != "" {
		head += " " + placeholder
	}
	if text := doc.GetDefaultText(); text != "" && doc.TakesValue() && text != `""` && text != "0" && text != "0s" {
		usage += " (default: " + strings.Trim(text, `"`) + ")"
	}
	if vars := doc.GetEnvVars(); len(vars) > 0 {
		usage += " [$" + strings.Join(vars, ", $") + "]"
	}
	if len(head) > helpColumn-2 {
		fmt.Fprintln(b, head)
		head = ""
	}
	fmt.Fprintf(b, "%-*s%s\n", helpColumn, head, show.Wrap(usage, strings.Repeat(" ", helpColumn)))
}
