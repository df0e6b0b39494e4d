package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/internal/driver"
)

// Case is one line of cases/*.jsonl: a call, and what has to come of it. Its
// form is that of case.schema.json. What goes to a driver stays the text that it
// is in the file, because the order of keys and the spelling of numbers count.
type Case struct {
	ID      string          `json:"id"`
	Level   string          `json:"level"` // "value", or empty for bytes
	Needs   []string        `json:"needs"` // features that cannot be read off the call
	Given   Given           `json:"given"`
	Options json.RawMessage `json:"options"`
	driver.Step
	After     *driver.Step  `json:"after"`     // with what the pipeline gave, once it has ended
	Together  []driver.Step `json:"together"`  // at the same time, instead of one step
	Sequence  []driver.Step `json:"sequence"`  // one after the other on one emitter, instead of one step
	Answers   []Answer      `json:"answers"`   // what servers do when they are asked
	Meanwhile []Act         `json:"meanwhile"` // what happens to servers behind certain commands
	Want      Want          `json:"want"`

	patient *Case // the same with ten times the time, where time runs out in the case
}

// Given is what the runner sees to before the call.
type Given struct {
	Subscribers map[string]int      `json:"subscribers"` // how many listen on which channel
	Shard       bool                `json:"shard"`       // with SSUBSCRIBE
	Heartbeats  map[string][]string `json:"heartbeats"`  // which old servers have just been heard in which stream
	User        string              `json:"user"`        // whom the driver connects as: see stage.go
	Cuts        int                 `json:"cuts"`        // connections that end between the next commands and their answers
	Single      bool                `json:"single"`      // it is not worth its time on a cluster, too
	Cluster     bool                `json:"cluster"`     // it is about a cluster
}

// Act is what happens once Redis has taken a command with some text, and before the
// client knows that. Acts come in their order, each once.
type Act struct {
	Behind string `json:"behind"` // the text
	Drop   string `json:"drop"`   // a channel: one of those who listen goes,
	Add    string `json:"add"`    // and then another one comes
	Empty  string `json:"empty"`  // a stream loses its entries
}

// Want is what has to come of a call: the commands that Redis gets, the result
// of the call, or an error, with what is missing when it is about that.
type Want struct {
	Commands [][]Word        `json:"commands"`
	Result   json.RawMessage `json:"result"`
	Error    string          `json:"error"`
	Missing  map[string]int  `json:"missing"`
}

// readCases reads all cases of a folder, in the order of its files.
func readCases(folder fs.FS) ([]Case, error) {
	names, err := fs.Glob(folder, "*.jsonl")
	if err != nil || len(names) == 0 {
		return nil, errors.Join(errors.New("there are no cases"), err)
	}
	var cases []Case
	known := make(map[string]string)
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewReader(bytes.NewReader(text))
		for n := 1; ; n++ {
			line, err := lines.ReadBytes('\n')
			if len(bytes.TrimSpace(line)) > 0 {
				c, err := readCase(line)
				if err != nil {
					return nil, fmt.Errorf("%s:%d: %w", name, n, err)
				}
				if patient := withPatience(line); !bytes.Equal(patient, line) {
					p, err := readCase(patient)
					if err != nil {
						return nil, fmt.Errorf("%s:%d: %w", name, n, err)
					}
					c.patient = &p
				}
				if other, twice := known[c.ID]; twice {
					return nil, fmt.Errorf("%s:%d: the id %q is taken by %s", name, n, c.ID, other)
				}
				known[c.ID] = fmt.Sprintf("%s:%d", name, n)
				cases = append(cases, c)
			}
			if err == io.EOF {
				break
			}
		}
	}
	return cases, nil
}

func readCase(line []byte) (c Case, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	return c, d.Decode(&c)
}

// shortTimeout is a timeout under ten seconds, in milliseconds, which is to run out.
var shortTimeout = regexp.MustCompile(`\["timeout",([0-9]{1,4})\]`)

// withPatience returns a case with ten times the short timeouts, and with what is left
// of them on the wire.
func withPatience(line []byte) []byte {
	for _, m := range shortTimeout.FindAllSubmatch(line, -1) {
		line = bytes.ReplaceAll(line, []byte(`{"$between":[1,`+string(m[1])+`]}`), []byte(`{"$between":[1,`+string(m[1])+`0]}`))
	}
	return shortTimeout.ReplaceAll(line, []byte(`["timeout",${1}0]`))
}

// matches reports whether the id of the case matches a pattern, in which *
// stands for any text, slashes too.
func (c *Case) matches(pattern string) bool {
	flat := func(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
	ok, err := path.Match(flat(pattern), flat(c.ID))
	return err == nil && ok
}

// options are those of an emitter that the runner goes by.
type options struct {
	Adapter          string `json:"adapter"`
	ChannelPrefix    string `json:"channelPrefix"`
	UseShardedPubSub bool   `json:"useShardedPubSub"`
}

func (c *Case) options() options {
	var o options
	// Options that are no object are a case of a bad option, which the driver
	// has to refuse.
	_ = json.Unmarshal(c.Options, &o)
	o.Adapter = cmp.Or(o.Adapter, "classic")
	o.ChannelPrefix = cmp.Or(o.ChannelPrefix, "socket.io")
	return o
}

// steps are all calls that a driver makes, and the pipelines that hold some of them.
func (c *Case) steps() []driver.Step {
	all := slices.Concat([]driver.Step{c.Step}, c.Together, c.Sequence)
	for _, step := range all {
		all = append(all, step.Pipeline...)
	}
	return all
}

// features are what a driver must have for the case.
func (c *Case) features() []string {
	needs := append([]string{}, c.Needs...)
	switch adapter := c.options().Adapter; adapter {
	case "classic", "sharded", "streams", "python":
		needs = append(needs, adapter)
	}
	if c.Together != nil {
		needs = append(needs, "together")
	}
	if c.Sequence != nil {
		needs = append(needs, "confirm")
	}
	for _, step := range c.steps() {
		if step.Pipeline != nil {
			needs = append(needs, "pipeline")
		}
		switch step.Name() {
		case "confirm":
			needs = append(needs, "confirm", "replies")
		case "serverCount":
			needs = append(needs, "server-count")
		case "emitWithAck", "fetchSockets", "serverSideEmitWithAck", "rooms":
			needs = append(needs, "replies")
		}
	}
	slices.Sort(needs)
	return slices.Compact(needs)
}
