package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/internal/driver"
	"github.com/sioemit/sioemit/internal/scripted"
)

// outcome is what came of one case with one variant.
type outcome struct {
	id     string
	failed string // why; empty when it passed
	skip   string // why the driver did not try
}

// run has a driver make the call of a case, and compares what Redis got.
func (s *stage) run(ctx context.Context, d *driver.Driver, c *Case) (outcome, error) {
	o := outcome{id: c.ID}
	servers, err := s.play(ctx, c)
	if err != nil {
		return o, fmt.Errorf("%s: %w", c.ID, err)
	}
	defer servers.stop()
	late, err := s.log.take()
	if err != nil {
		return o, err
	}
	s.log.cutQuestions(c.Given.Cuts)
	a, err := d.Call(driver.Call{Redis: s.url(c.Given.User), Cluster: s.cluster, Options: c.Options, Step: c.Step, After: c.After, Together: c.Together, Sequence: c.Sequence})
	if err != nil {
		return o, fmt.Errorf("%s: %w", c.ID, err)
	}
	s.log.cutQuestions(0)
	unheard, err := servers.finish(ctx)
	if err != nil {
		return o, fmt.Errorf("%s: %w", c.ID, err)
	}
	sent, err := s.log.take()
	if err != nil {
		return o, fmt.Errorf("%s: %w", c.ID, err)
	}
	if err := servers.end(ctx); err != nil {
		return o, fmt.Errorf("%s: %w", c.ID, err)
	}
	var still []string
	if slices.Contains(c.features(), "replies") {
		if still, err = s.stillListening(ctx); err != nil {
			return o, fmt.Errorf("%s: %w", c.ID, err)
		}
	}
	o.skip = a.Skip
	if o.skip == "" {
		wanted := *c
		if s.cluster {
			wanted.Want.Commands = s.throughAll(c)
			atOnce(c, wanted.Want.Commands, areQuestion, func(words []Word) []byte { return words[1].Bytes })
			atOnce(c, sent, (*sentCommand).asks, func(cmd *sentCommand) []byte { return cmd.words[1] })
		}
		if c.Together != nil {
			sent = wanted.inOrder(sent)
		}
		o.failed = strings.Join(slices.Concat(behind(late), wanted.judge(a, sent), s.misrouted(c, sent), s.wronglyAsked(c, sent), unheard, still), "\n")
	}
	return o, nil
}

// behind returns what is wrong when Redis got commands behind the answer to the
// case before: a second copy, or what was refused and sent all the same.
func behind(late []*sentCommand) []string {
	var wrong []string
	for _, cmd := range late {
		wrong = append(wrong, "behind the answer to the case before this one, Redis got "+showAll(cmd.words))
	}
	return wrong
}

// atOnce brings what the nodes of a cluster take at the same time, when it comes by different
// channels, into the order of the channels. In a sequence questions come behind events.
func atOnce[Command any](c *Case, list []Command, asks func(Command) bool, channel func(Command) []byte) {
	for len(list) > 0 {
		n := slices.IndexFunc(list, func(cmd Command) bool { return c.Sequence != nil && asks(cmd) != asks(list[0]) })
		if n < 0 {
			n = len(list)
		}
		slices.SortStableFunc(list[:n], func(a, b Command) int { return bytes.Compare(channel(a), channel(b)) })
		list = list[n:]
	}
}

// through is through how many nodes a question of a case goes: confirm of the classic
// adapter asks through every master, because its events come from all of them.
func (s *stage) through(c *Case) int {
	confirms := slices.ContainsFunc(c.steps(), func(step driver.Step) bool { return step.Name() == "confirm" })
	if confirms && c.options().Adapter == "classic" {
		return len(s.nodes)
	}
	return 1
}

// throughAll returns the commands that a case wants, with its questions as often as there
// are nodes that they go through.
func (s *stage) throughAll(c *Case) (commands [][]Word) {
	for _, words := range c.Want.Commands {
		times := 1
		if areQuestion(words) {
			times = s.through(c)
		}
		commands = append(commands, slices.Repeat([][]Word{words}, times)...)
	}
	return commands
}

// areQuestion reports whether the words of a command are to hold the id of a question.
func areQuestion(words []Word) bool {
	return bytes.Contains(words[len(words)-1].Value, []byte(scripted.ID))
}

// misrouted returns what is wrong with the nodes of a cluster that commands went to.
func (s *stage) misrouted(c *Case, sent []*sentCommand) []string {
	n := s.through(c)
	if n == 1 {
		return scattered(sent)
	}
	questions := slices.DeleteFunc(slices.Clone(sent), func(cmd *sentCommand) bool { return !cmd.asks() })
	wrong := scattered(slices.DeleteFunc(slices.Clone(sent), (*sentCommand).asks))
	for round := range slices.Chunk(questions, n) {
		nodes := make(map[string]bool)
		for _, cmd := range round {
			nodes[cmd.node] = true
		}
		if len(nodes) < n {
			wrong = append(wrong, fmt.Sprintf("the question went through %d of %d nodes", len(nodes), n))
		}
	}
	return wrong
}

// scattered returns what is wrong with the nodes of a cluster that commands went to. What belongs to a slot, Redis takes
// at its own node only; a PUBLISH it takes anywhere, but between nodes one event for a client overtakes another.
func scattered(sent []*sentCommand) []string {
	var wrong []string
	nodes := make(map[string]string)
	for _, cmd := range sent {
		channel := string(cmd.words[1])
		if node, known := nodes[channel]; known && node != cmd.node {
			wrong = append(wrong, fmt.Sprintf("the commands for %q went to more than one node, where they overtake each other", channel))
			delete(nodes, channel)
			continue
		}
		nodes[channel] = cmd.node
	}
	return wrong
}

// judge returns what is wrong with an answer and with what was sent.
func (c *Case) judge(a *driver.Answer, sent []*sentCommand) []string {
	var wrong []string
	switch {
	case c.Want.Error != "" && a.OK:
		wrong = append(wrong, "no error, instead of "+c.Want.Error)
	case c.Want.Error != a.Error:
		wrong = append(wrong, fmt.Sprintf("error %q instead of %q: %s", a.Error, c.Want.Error, a.Message))
	case a.Error == "" && !a.OK:
		wrong = append(wrong, "neither ok nor an error")
	}
	for _, a := range c.answers(a) {
		if a.Error != "" && a.Message == "" {
			wrong = append(wrong, "an error without a message")
		}
		if strings.Contains(a.Message, password) {
			wrong = append(wrong, "the message of the error holds the password")
		}
	}
	if c.Want.Result != nil {
		wrong = append(wrong, c.differentResult(a.Result)...)
	}
	for _, what := range slices.Sorted(maps.Keys(c.Want.Missing)) {
		if n, said := a.Missing[what]; !said || n != c.Want.Missing[what] {
			wrong = append(wrong, fmt.Sprintf("missing says %v, where %s is %d", a.Missing, what, c.Want.Missing[what]))
		}
	}
	return append(wrong, c.differentCommands(sent)...)
}

// answers are those to all calls of a line.
func (c *Case) answers(a *driver.Answer) []driver.Answer {
	all := []driver.Answer{*a}
	if c.Together != nil || c.Sequence != nil {
		var list []driver.Answer
		_ = json.Unmarshal(a.Result, &list) // what is no list differs from the result
		all = append(all, list...)
	}
	return all
}

func (c *Case) differentResult(result json.RawMessage) []string {
	want, err := wantedValue(c.Want.Result)
	if err != nil {
		return []string{"the case itself: " + err.Error()}
	}
	if len(result) == 0 {
		return []string{"no result instead of " + text(want)}
	}
	got, err := wantedValue(result)
	if err != nil {
		return []string{err.Error()}
	}
	said := text(got)
	switch {
	case c.Name() == "fetchSockets":
		sortSockets(want)
		sortSockets(got)
	case c.Together != nil, c.Sequence != nil:
		dropMessages(got, want)
	}
	if !same(got, want) {
		return []string{fmt.Sprintf("result %s instead of %s", said, text(want))}
	}
	return nil
}

// sortSockets sorts a result of fetchSockets, and the rooms of each socket, of which the
// order says nothing.
func sortSockets(v any) {
	list, _ := v.([]any)
	byText := func(a, b any) int { return strings.Compare(text(a), text(b)) }
	for _, v := range list {
		socket, _ := v.(map[string]any)
		for _, name := range []string{"rooms", "numberRooms"} {
			rooms, _ := socket[name].([]any)
			slices.SortFunc(rooms, byText)
		}
	}
	slices.SortFunc(list, func(a, b any) int {
		x, _ := a.(map[string]any)
		y, _ := b.(map[string]any)
		return byText(x["id"], y["id"])
	})
}

// dropMessages takes what errors say to people out of the results of several calls, where
// the case does not want certain words.
func dropMessages(got, want any) {
	answers, _ := got.([]any)
	wanted, _ := want.([]any)
	for i, v := range answers {
		if i < len(wanted) {
			if w, _ := wanted[i].(map[string]any); w["message"] != nil {
				continue
			}
		}
		if answer, ok := v.(map[string]any); ok {
			delete(answer, "message")
		}
	}
}

// inOrder brings commands that were sent at the same time into the order of those that
// are wanted.
func (c *Case) inOrder(sent []*sentCommand) []*sentCommand {
	sent = slices.Clone(sent)
	for i := range min(len(sent), len(c.Want.Commands)) {
		found := slices.IndexFunc(sent[i:], func(cmd *sentCommand) bool { return c.differentWords(i, cmd.words) == nil })
		if found > 0 {
			sent[i], sent[i+found] = sent[i+found], sent[i]
		}
	}
	return sent
}

func (c *Case) differentCommands(sent []*sentCommand) []string {
	if len(sent) != len(c.Want.Commands) {
		wrong := []string{fmt.Sprintf("Redis got %d commands instead of %d", len(sent), len(c.Want.Commands))}
		for _, cmd := range sent {
			wrong = append(wrong, "    "+showAll(cmd.words))
		}
		return wrong
	}
	var wrong []string
	for i := range c.Want.Commands {
		wrong = append(wrong, c.differentWords(i, sent[i].words)...)
	}
	return wrong
}

// differentWords returns what is wrong with the words of a command.
func (c *Case) differentWords(i int, words [][]byte) (wrong []string) {
	want := c.Want.Commands[i]
	if len(words) != len(want) {
		return []string{fmt.Sprintf("command %d has %d words instead of %d: %s", i+1, len(words), len(want), showAll(words))}
	}
	for j := range want {
		got := words[j]
		if isKeyword(want[j].Bytes) {
			got = []byte(strings.ToUpper(string(got))) // Redis reads them in any case
		}
		if differs := want[j].differs(got, c.Level == "value"); differs != "" {
			wrong = append(wrong, fmt.Sprintf("command %d, word %d: %s", i+1, j+1, differs))
		}
	}
	return wrong
}

func isKeyword(word []byte) bool {
	switch string(word) {
	case "PUBLISH", "SPUBLISH", "XADD", "MAXLEN":
		return true
	}
	return false
}

func showAll(words [][]byte) string {
	shown := make([]string, len(words))
	for i, w := range words {
		shown[i] = show(w)
	}
	return strings.Join(shown, " ")
}
