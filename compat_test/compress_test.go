package compat_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// compressions are what can be asked for, and whether it is to be compressed then.
var compressions = []struct {
	flag  *bool
	small bool
}{{nil, true}, {new(true), true}, {new(false), false}}

// compressible is much shorter once it was compressed.
var compressible = strings.Repeat("again and ", 25000)

// What may be compressed is, and what may not be is not: the bytes that arrive on the TCP connection tell.
func compressWebsocket(s *stage) { s.compressed(func(small bool) bool { return small }) }

// The websocket transport of Socket.IO 4.8 does not look at the flag. Should that change, this is to tell.
func compressIgnored(s *stage) {
	if s.row.isPython() {
		compressUnknown(s)
		return
	}
	s.compressed(func(bool) bool { return true })
}

func (s *stage) compressed(expect func(small bool) bool) {
	s.Helper()
	s.gather(s.ctx, s.T, "compress")
	receivers := s.some(s.T, and(inAny("compress"), transport("websocket")))
	bytesRead := func() []int64 {
		list := make([]int64, len(receivers))
		for i, m := range receivers {
			n, err := m.BytesRead(s.ctx)
			if err != nil {
				s.Fatal(err)
			}
			list[i] = n
		}
		return list
	}
	s.settle()
	for _, c := range compressions {
		before := bytesRead()
		s.send(message{event: "compress", args: []any{compressible}, rooms: []string{"compress"}, compress: c.flag},
			inAny("compress"))
		s.settle()
		for i, after := range bytesRead() {
			n, small := after-before[i], expect(c.small)
			if small && n > int64(len(compressible)/10) || !small && n < int64(len(compressible)) {
				s.Errorf("client %q read %d bytes for an event of %d, compressed is to be %t",
					receivers[i].Name, n, len(compressible), small)
			}
		}
	}
}

// The same over HTTP long-polling, where the answer's header tells. The official client does not ask for
// compression outside of a browser, so a hand-made one does.
func compressPolling(s *stage) {
	p := newPoller(s)
	one := func(ctx context.Context, m message) error { return s.via.send(ctx, m) }
	all := func(ctx context.Context, m message) error { return s.via.sendAll(ctx, []message{m}) }
	for _, send := range []func(context.Context, message) error{one, all} {
		for _, c := range compressions {
			m := message{event: "compress", args: []any{compressible}, rooms: []string{"by hand"}, compress: c.flag}
			if err := send(s.ctx, m); err != nil {
				s.Fatal(err)
			}
			s.sent++
			s.withheld += len(s.members)
			if small := p.await(compressible); small != c.small {
				s.Errorf("the answer to a poll was compressed: %t, want %t", small, c.small)
			}
		}
	}
}

// poller is a client that speaks HTTP long-polling by itself.
type poller struct {
	*testing.T
	ctx      context.Context
	url      string
	protocol int // of Engine.IO
}

// newPoller connects a client and puts it in the room "by hand".
func newPoller(s *stage) *poller {
	s.Helper()
	p := &poller{T: s.T, ctx: s.ctx, protocol: 4}
	if s.row.generation.Number < 3 {
		p.protocol = 3
	}
	p.url = fmt.Sprintf("%s/socket.io/?EIO=%d&transport=polling&b64=1", s.nodes[0].URL, p.protocol)
	open, _ := p.get()
	var handshake struct{ SID string }
	if err := json.NewDecoder(strings.NewReader(open[strings.Index(open, "{"):])).Decode(&handshake); err != nil {
		s.Fatal(err)
	}
	p.url += "&sid=" + handshake.SID
	s.Cleanup(func() { p.post("1") }) // close
	if p.protocol == 4 {
		p.post("40") // connect to "/"
		p.await("40{")
	}
	p.post(`420["join",["by hand"]]`)
	p.await(`430[{"id":`)
	return p
}

// await polls until the text has come, and tells whether that answer was compressed. On the way it answers pings.
func (p *poller) await(text string) (compressed bool) {
	p.Helper()
	for {
		body, compressed := p.get()
		if strings.Contains(body, text) {
			return compressed
		}
		if body == "2" {
			p.post("3")
		}
	}
}

func (p *poller) get() (body string, compressed bool) {
	p.Helper()
	return p.do(http.MethodGet, "")
}

func (p *poller) post(packet string) {
	p.Helper()
	if p.protocol == 3 {
		packet = fmt.Sprintf("%d:%s", len(packet), packet)
	}
	p.do(http.MethodPost, packet)
}

func (p *poller) do(method, send string) (body string, compressed bool) {
	p.Helper()
	ctx := p.ctx
	if ctx.Err() != nil {
		ctx = context.WithoutCancel(ctx) // the last packet, on the way out
	}
	req, err := http.NewRequestWithContext(ctx, method, p.url, strings.NewReader(send))
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/plain;charset=UTF-8")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		p.Fatal(err)
	}
	if compressed = resp.Header.Get("Content-Encoding") == "gzip"; compressed {
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			p.Fatal(err)
		}
		if data, err = io.ReadAll(r); err != nil {
			p.Fatal(err)
		}
	}
	if resp.StatusCode != http.StatusOK {
		p.Fatalf("%s: %s: %s", method, resp.Status, data)
	}
	return string(data), compressed
}

// compressUnknown proves that servers in Python, which know no such flag, deliver the event all the same.
func compressUnknown(s *stage) {
	for _, c := range compressions {
		s.send(message{event: "compress", args: []any{compressible}, rooms: []string{roomA}, compress: c.flag}, inAny(roomA))
	}
}
