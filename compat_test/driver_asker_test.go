package compat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/driver"
)

// askingDriver is a driver that can ask. Rows share it: to start it takes longer than to ask with it.
type askingDriver struct {
	mu sync.Mutex // it answers one line after the other
	*driver.Driver
}

// askingDrivers starts every variant of every driver that has a feature, the library's own among them.
func askingDrivers(t *testing.T, feature string) []*askingDriver {
	t.Helper()
	var all []*askingDriver
	for _, program := range append([]string{absolute(t, "../conformance/go/run")}, drivers(t)...) {
		variants, err := driver.Variants(withDeadline(t), program)
		if err != nil {
			t.Fatal(err)
		}
		for _, variant := range variants {
			d, err := driver.Start(context.Background(), program, variant) // it ends with the test, not at a deadline
			if err != nil {
				t.Fatal(err)
			}
			closeAtEnd(t, d)
			if len(d.Missing([]string{feature})) == 0 {
				all = append(all, &askingDriver{Driver: d})
			}
		}
	}
	return all
}

// viaAskingDriver is an emitter in another language that asks the servers of a row.
type viaAskingDriver struct {
	driver *askingDriver
	call   driver.Call // with all but what is asked
}

// drivenAskers are those who can ask the servers of a row.
func drivenAskers(t *testing.T, all []*askingDriver, redis askRedis, options map[string]any) []asker {
	t.Helper()
	text, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	var list []asker
	for _, d := range all {
		if redis.cluster == nil || len(d.Missing([]string{"cluster"})) == 0 {
			list = append(list, viaAskingDriver{d, driver.Call{Redis: redis.url, Cluster: redis.cluster != nil, Options: text}})
		}
	}
	return list
}

func (v viaAskingDriver) name() string { return v.driver.Language + " " + v.driver.Variant }

// ask has the driver make a call, and reads its result, which may be a part of one.
func (v viaAskingDriver) ask(ctx context.Context, w whom, result any, words ...any) error {
	chain := [][]any{{"timeout", time.Minute.Milliseconds()}}
	if w.timeout != 0 {
		chain[0][1] = w.timeout.Milliseconds()
	}
	if w.namespace != "" {
		chain = append(chain, []any{"of", w.namespace})
	}
	for _, room := range w.rooms {
		chain = append(chain, []any{"to", room})
	}
	for _, room := range w.except {
		chain = append(chain, []any{"except", room})
	}
	call := v.call
	var err error
	if call.Chain, err = json.Marshal(chain); err != nil {
		return err
	}
	if call.Call, err = json.Marshal(asJSON(words)); err != nil {
		return err
	}
	v.driver.mu.Lock()
	defer v.driver.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	a, err := v.driver.Call(call)
	switch {
	case err != nil:
		return err
	case a.Skip != "":
		return fmt.Errorf("skipped: %s", a.Skip)
	}
	if result != nil && len(a.Result) > 0 {
		if err := json.Unmarshal(a.Result, result); err != nil {
			return fmt.Errorf("%w in %.200q", err, a.Result)
		}
	}
	if a.Error != "" {
		return &askError{driverError{a.Error, a.Message}, a.Missing}
	}
	return nil
}

// askError is an error that a driver tells of, with the numbers of one that is about missing answers.
type askError struct {
	driverError
	missing map[string]int
}

func (v viaAskingDriver) emitWithAck(ctx context.Context, w whom, event string, args ...any) (acks, error) {
	var got struct {
		Values           []json.RawMessage
		Clients, Servers int
		PerServer        []int
	}
	err := v.ask(ctx, w, &got, append([]any{"emitWithAck", event}, args...)...)
	return acks{taggedAnswers(got.Values), got.Clients, got.Servers, got.PerServer}, err
}

func (v viaAskingDriver) serverSideEmit(ctx context.Context, w whom, event string, args ...any) error {
	return v.ask(ctx, w, nil, append([]any{"serverSideEmit", event}, args...)...)
}

func (v viaAskingDriver) serverSideEmitWithAck(ctx context.Context, w whom, event string, args ...any) ([]answer, error) {
	var got []json.RawMessage
	err := v.ask(ctx, w, &got, append([]any{"serverSideEmitWithAck", event}, args...)...)
	return taggedAnswers(got), err
}

func (v viaAskingDriver) fetchSockets(ctx context.Context, w whom) ([]socket, error) {
	var got []struct {
		ID        string
		Rooms     []string
		Data      json.RawMessage
		Handshake emitter.Handshake
	}
	err := v.ask(ctx, w, &got, "fetchSockets")
	list := make([]socket, len(got))
	for i, s := range got {
		list[i] = socket{s.ID, s.Rooms, taggedAnswer(s.Data), s.Handshake}
	}
	return list, err
}

func (v viaAskingDriver) rooms(ctx context.Context, w whom) (rooms []string, err error) {
	return rooms, v.ask(ctx, w, &rooms, "rooms")
}

func (v viaAskingDriver) serverCount(ctx context.Context, w whom) (n int, err error) {
	return n, v.ask(ctx, w, &n, "serverCount")
}

func (v viaAskingDriver) join(ctx context.Context, w whom, rooms ...string) error {
	return v.ask(ctx, w, nil, roomCall("socketsJoin", rooms)...)
}

func (v viaAskingDriver) leave(ctx context.Context, w whom, rooms ...string) error {
	return v.ask(ctx, w, nil, roomCall("socketsLeave", rooms)...)
}

func (v viaAskingDriver) disconnect(ctx context.Context, w whom, close bool) error {
	return v.ask(ctx, w, nil, "disconnectSockets", close)
}

func roomCall(name string, rooms []string) []any {
	call := []any{name}
	for _, room := range rooms {
		call = append(call, room)
	}
	return call
}

func (viaAskingDriver) incomplete(err error, want emitter.IncompleteError) error {
	got, ok := err.(*askError)
	if !ok || got.name != "incomplete" {
		return fmt.Errorf("got %w, want the error incomplete", err)
	}
	numbers := map[string]int{
		"servers": want.Servers, "asked": want.Asked, "clients": want.Clients, "expected": want.Expected, "unread": want.Unread,
	}
	for what, n := range numbers {
		if have, said := got.missing[what]; !said || have != n {
			return fmt.Errorf("missing is %v, want %v: %w", got.missing, numbers, err)
		}
	}
	if !strings.Contains(got.message, want.Needs) {
		return fmt.Errorf("%w does not name %q", err, want.Needs)
	}
	return nil
}

func (viaAskingDriver) failed(err, target error) error {
	got, ok := err.(*askError)
	if !ok || refusals[target] == "" || got.name != refusals[target] {
		return fmt.Errorf("got %v, want the error %q", err, refusals[target])
	}
	return nil
}

// eachDriver lets every driver ask the same clients: it disconnects none. What takes its time, all do at once.
func (a *asked) eachDriver(askers []asker, atOnce func(askers []asker)) {
	a.Helper()
	outer := a.T
	if !outer.Run("drivers", func(t *testing.T) {
		a.T = t
		a.ctx = withDeadline(t)
		a.populate()
		for _, via := range askers {
			a.step(via.name(), func(a *asked) {
				a.via, a.ctx = via, withDeadline(a.T)
				acknowledgements(a)
				sockets(a)
				roomsAndServers(a)
				serverSide(a, true)
			})
		}
		a.ctx = withDeadline(t)
		atOnce(askers)
		for _, m := range a.members {
			a.ok(m.Close())
		}
		a.members = nil
	}) {
		outer.FailNow()
	}
	a.T = outer
}
