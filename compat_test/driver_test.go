package compat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/driver"
)

// refusals are the names that drivers have for the errors of the library.
var refusals = map[error]string{
	emitter.ErrExceptRoom:     "except-room",
	emitter.ErrNoServers:      "no-servers",
	emitter.ErrSubscription:   "subscription",
	encoding.ErrNoCounterpart: "no-counterpart",
	encoding.ErrPythonBinary:  "unencodable",
}

// viaDriver is an emitter in another language, behind the driver with which it passes the conformance suite.
type viaDriver struct {
	driver  *driver.Driver
	row     row
	redis   string
	options json.RawMessage
}

// drivers are the programs of sdk/ through which emitters are called.
func drivers(t *testing.T) []string {
	t.Helper()
	found, err := sdks()
	if err != nil {
		t.Fatal(err)
	}
	var programs []string
	for _, sdk := range found {
		programs = append(programs, sdk.Program())
	}
	return programs
}

// sdks are the emitters in other languages, looked for once: their toolchains may have to be installed.
var sdks = sync.OnceValues(func() ([]driver.SDK, error) { return driver.SDKs(context.Background(), "../sdk") })

// driverSenders starts every variant of every driver for a cluster. A variant that cannot use a Redis Cluster is left
// out where the servers have one.
func driverSenders(t *testing.T, c *cluster) []sender {
	t.Helper()
	var all []sender
	for _, program := range drivers(t) {
		variants, err := driver.Variants(withDeadline(t), program)
		if err != nil {
			t.Fatal(err)
		}
		if c.row.isPython() {
			variants = variants[:1] // the others differ in how they publish, which the other rows are about
		}
		for _, variant := range variants {
			// It ends with the test, and not at a deadline: the next promise needs it, too.
			d, err := driver.Start(context.Background(), program, variant)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			})
			if c.row.cluster && len(d.Missing([]string{"cluster"})) > 0 {
				continue
			}
			all = append(all, newViaDriver(t, d, c))
		}
	}
	return all
}

func newViaDriver(t *testing.T, d *driver.Driver, c *cluster) viaDriver {
	t.Helper()
	options, err := json.Marshal(c.row.driverOptions())
	if err != nil {
		t.Fatal(err)
	}
	return viaDriver{driver: d, row: c.row, redis: c.url, options: options}
}

func (v viaDriver) name() string { return v.driver.Language + " " + v.driver.Variant }

func (v viaDriver) send(ctx context.Context, m message) error {
	step, err := m.step()
	if err != nil {
		return err
	}
	return v.call(ctx, driver.Call{Step: step})
}

func (v viaDriver) sendAll(ctx context.Context, messages []message) error {
	// A pipeline for each thousand is what people do, and a line of a driver has a bound.
	for len(messages) > 0 {
		n := min(len(messages), 1000)
		steps := make([]driver.Step, n)
		for i, m := range messages[:n] {
			var err error
			if steps[i], err = m.step(); err != nil {
				return err
			}
		}
		if err := v.call(ctx, driver.Call{Step: driver.Step{Pipeline: steps}}); err != nil {
			return err
		}
		messages = messages[n:]
	}
	return nil
}

func (v viaDriver) call(ctx context.Context, c driver.Call) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c.Redis, c.Cluster, c.Options = v.redis, v.row.cluster, v.options
	a, err := v.driver.Call(c)
	switch {
	case err != nil:
		return err
	case a.Skip != "":
		return fmt.Errorf("skipped: %s", a.Skip)
	case a.Error != "":
		return &driverError{a.Error, a.Message}
	}
	return nil
}

// driverError is an error that a driver tells of.
type driverError struct{ name, message string }

func (e *driverError) Error() string { return e.name + ": " + e.message }

func (viaDriver) refusal(err, target error) error {
	refused, ok := err.(*driverError)
	if !ok || refusals[target] == "" || refused.name != refusals[target] {
		return fmt.Errorf("got %v, want the error %q", err, refusals[target])
	}
	return nil
}

// step is a message in the words of a driver.
func (m message) step() (driver.Step, error) {
	var chain [][]any
	link := func(name string, words ...any) { chain = append(chain, append([]any{name}, words...)) }
	if m.namespace != "" {
		link("of", m.namespace)
	}
	for i, room := range mixed(m.rooms, m.numbers) { // in as many calls as there are rooms, and by both names
		link([]string{"to", "in"}[i%2], room)
	}
	if except := mixed(m.except, m.exceptNumbers); len(except) > 0 {
		link("except", except...)
	}
	if m.volatile {
		link("volatile")
	}
	if m.compress != nil {
		link("compress", *m.compress)
	}
	call := []any{"emit", m.event}
	for _, arg := range m.args {
		call = append(call, asJSON(arg))
	}
	var step driver.Step
	var err error
	if chain != nil {
		if step.Chain, err = json.Marshal(chain); err != nil {
			return step, err
		}
	}
	step.Call, err = json.Marshal(call)
	return step, err
}

// driverOptions are what a user of any other language has to set for this row.
func (r row) driverOptions() map[string]any {
	switch r.adapter.Kind {
	case "sharded":
		return map[string]any{"adapter": "sharded", "channelPrefix": key, "subscriptionMode": r.subscriptionMode()}
	case "streams":
		return map[string]any{"adapter": "streams", "streamName": key, "channelPrefix": key, "streamCount": r.streamCount(), "maxLen": streamLength}
	case "python":
		return map[string]any{"adapter": "python", "channel": key}
	}
	options := map[string]any{"key": key}
	if r.generation.Number != 4 {
		options["serverVersion"] = r.generation.Number
	}
	return options
}
