package main

import (
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestPython sends with the python adapter, hears it again, and mirrors it. That
// servers of python-socketio take it is for compat_test.
func TestPython(t *testing.T) {
	t.Parallel()
	const sid = "abcdefghijklmnopqrst"
	server := harness.RedisFor(t, harness.RedisConfig{})
	url, adapter := []string{"--redis", server.URL()}, []string{"--adapter", "python", "--channel", "a[b]*"}
	h := startListen(t, server.URL(), append(adapter, "--requests")...)
	for _, test := range []struct{ words, stdin, out, line string }{
		{`emit hello 1 {"b":1,"a":2}`, "", `sent hello on "a[b]*", where no server listens`, `{"event":"hello","args":[1,{"b":1,"a":2}],"namespace":"/"}`},
		{`emit hello -r r1 -r r2 -x ` + sid, "", "sent", `{"event":"hello","namespace":"/","rooms":["r1","r2"],"except":["` + sid + `"]}`},
		{`emit hello --room-number 5 --volatile`, "", "sent", `{"event":"hello","namespace":"/","rooms":[5]}`},
		{`emit elsewhere -n admin`, "", "sent", ""},
		{`emit hello --allow-binary {"$binary":"AAE="} x`, "", "sent", `{"event":"hello","args":[{"$binary":"AAE="},"x"],"namespace":"/"}`},
		{`pipe`, `{"event":"piped","args":[1]}`, "", `{"event":"piped","args":[1],"namespace":"/"}`},
		{`join a -r ` + sid, "", "sent join a", `{"request":"join","uid":"emitter","namespace":"/","rooms":["` + sid + `"],"change":["a"]}`},
		{`leave a -r ` + sid, "", "sent leave a", `{"request":"leave","uid":"emitter","namespace":"/","rooms":["` + sid + `"],"change":["a"]}`},
		{`leave a --all`, "", "sent leave a", `{"request":"leave","uid":"emitter","namespace":"/","change":["a"]}`},
		{`disconnect -r ` + sid, "", "sent disconnect", `{"request":"disconnect","uid":"emitter","namespace":"/","rooms":["` + sid + `"]}`},
	} {
		r := sioemit(t, nil, test.stdin, append(append(url, adapter...), strings.Fields(test.words)...)...)
		if r.status != 0 || !strings.Contains(r.stdout, test.out) {
			t.Errorf("%s: %+v", test.words, r)
		}
		if test.line == "" {
			continue
		}
		if got := h.next(t); got != test.line {
			t.Errorf("%s is heard as\n%s, want\n%s", test.words, got, test.line)
		}
	}
	// As python-socketio 5.18.1 writes it.
	foreign := `{"method": "emit", "event": "paid", "data": ["h\u00e9", {"z": 1, "a": 2}], "binary": false, "namespace": "/", "room": null, "skip_sid": "` + sid + `", "callback": null, "host_id": "4b5c"}`
	if err := server.Client().Publish(t.Context(), "a[b]*", foreign).Err(); err != nil {
		t.Fatal(err)
	}
	if got, want := h.next(t), `{"event":"paid","args":["hé",{"z":1,"a":2}],"namespace":"/","except":["`+sid+`"]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// Of another adapter: servers take it for nothing.
	if err := server.Client().Publish(t.Context(), "a[b]*", `["emitter",{"type":2,"data":["x"],"nsp":"/"},{"rooms":[],"flags":{},"except":[]}]`).Err(); err != nil {
		t.Fatal(err)
	}
	if got := h.next(t); !strings.Contains(got, "it is a message of another adapter") {
		t.Error(got)
	}
	h.interrupt(t)
	if status := h.end(t); status != commandline.StatusDone {
		t.Errorf("status %d: %s", status, h.said())
	}
	if r := sioemit(t, nil, "", append(append(url, adapter...), "servers")...); r.stdout != "no server listens\n" { // who listens to a pattern is no server
		t.Errorf("%+v", r)
	}
}

// TestPythonRefused checks what the python adapter cannot do.
func TestPythonRefused(t *testing.T) {
	t.Parallel()
	server := harness.RedisFor(t, harness.RedisConfig{})
	const sid = "abcdefghijklmnopqrst"
	for _, test := range []struct{ words, text string }{
		{"emit x --key k", "--key is not an option of the python adapter: use --channel"},
		{"emit x --codec json", "--codec is an option of the classic adapter, not of the python adapter"},
		{"emit x --adapter classic --channel c", "--channel is an option of the python adapter, not of the classic adapter"},
		{"emit x --server-version 3", "--server-version 3: the python adapter exists for Socket.IO 4 only"},
		{"emit x --except room", `except "room": Socket.IO before 4 and python-socketio can exclude socket ids only, not rooms (see --socket-ids`},
		{"emit x --except-number 5", "except 5: Socket.IO before 4 and python-socketio can exclude socket ids only"},
		{"emit x null", `argument 1 of event "x": null as the only argument arrives as no argument; send none`},
		{`emit x 1 {"$binary":"AAE="}`, `argument 2 of event "x": binary disconnects clients on HTTP long-polling where others use websocket, and is allowed only if all use the same transport; --allow-binary says so`},
		{"emit x " + levels(301), "nested deeper than 300 levels, which python-socketio cannot read"},
		{"emit x --ack", "python-socketio has no counterpart to this call"},
		{"sockets", "python-socketio has no counterpart to this call"},
		{"rooms", "python-socketio has no counterpart to this call"},
		{"namespaces", "the namespaces of python-socketio servers cannot be seen: all of them share one channel"},
		{"server-emit x", "python-socketio has no counterpart to this call"},
		{"join a -r room", `"room" is not a socket id`},
		{"join a b -r " + sid, "only one socket can join one room"},
		{"leave a b --all", "only one socket can leave one room, or everyone can"},
		{"disconnect --all", "only one socket can be disconnected"},
		{"disconnect --close -r " + sid, "a socket can only leave its namespace, and keeps its connection"},
	} {
		r := sioemit(t, []string{"SIOEMIT_ADAPTER=python"}, "", append([]string{"--redis", server.URL()}, strings.Fields(test.words)...)...)
		if r.status != commandline.StatusUsage || r.stdout != "" {
			t.Errorf("%s: %+v", test.words, r)
		}
		r.oneLine(t, test.text)
	}
	// A variable of another adapter is no obstacle for one that a flag names.
	r := sioemit(t, []string{"SIOEMIT_KEY=app"}, "", "--adapter", "python", "emit", "x", "--dry-run")
	if r.status != 0 || !strings.HasPrefix(r.stdout, "PUBLISH socketio ") {
		t.Errorf("%+v", r)
	}
}
