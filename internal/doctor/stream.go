package doctor

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/census"
	"github.com/sioemit/sioemit/internal/show"
)

// checkStream asks the servers through the stream of an event who is in a room
// that nobody is in: those who answer read that stream. When none does, it looks
// for the stream that they read. It reports whether all answered. They have just
// taken so long to answer on a channel.
func (p *patient) checkStream(ctx context.Context, here *census.Group, took time.Duration) bool {
	if p.command == nil { // the namespace has no stream, which has been said
		return false
	}
	if p.wrongDatabase() {
		return false
	}
	name := fmt.Sprint(p.command[1])
	own, err := p.listened.LookAtStream(ctx, name)
	var others []string
	complete := true
	switch {
	case redis.HasErrorPrefix(err, "NOPERM"): // who may only add to it can ask all the same
	case err != nil:
		p.unsure("stream", fmt.Sprintf("Stream %s cannot be examined: %s.", show.Quote(name), reason(err)), "")
		return false
	case own.Kind != "stream" && own.Kind != "none":
		p.fail("stream", fmt.Sprintf("The key %s is not a stream but a %s.", show.Quote(name), own.Kind), "Check --stream-name: it is streamName of the servers.")
		return false
	case own.Kind == "none": // and no question makes one where servers use others
		others, complete = p.otherStreams(ctx, name)
	}
	if len(others) == 0 {
		asking, cancel := census.Patience(ctx, 2)
		defer cancel()
		asking, cancelEarly := context.WithTimeout(asking, max(2*time.Second, 20*took))
		defer cancelEarly()
		a, err := p.listened.AskThrough(asking, *here, name, census.Nobody, own.Kind == "none")
		switch {
		case err != nil:
			p.unsure("stream", fmt.Sprintf("The servers cannot be asked through stream %s: %s.", show.Quote(name), reason(err)), "")
			return false
		case a.Servers >= here.Servers:
			p.ok("stream", fmt.Sprintf("Asked through stream %s, %d of %s answered.", show.Quote(name), a.Servers, show.Plural(here.Servers, "server")))
			return true
		case a.Servers > 0:
			p.fail("stream", fmt.Sprintf("Asked through stream %s, %d of %s answered.", show.Quote(name), a.Servers, show.Plural(here.Servers, "server")),
				"The others read another stream, or hang at an entry that they cannot read: their log says which.")
			return false
		}
		others, complete = p.otherStreams(ctx, name)
	}
	perServer := p.readersPerServer(here)
	switch {
	case len(others) == 1:
		p.otherStream(name, others[0], perServer)
	case len(others) > 1:
		p.fail("stream", fmt.Sprintf("Servers use other streams for namespace %s, not %s: %s.", show.Quote(p.Namespace), show.Quote(name), strings.Join(others, ", ")),
			"Choose the one that you mean, and add --stream-name, and --stream-count if it is one of several.")
	case perServer > 0 && perServer != p.StreamCount:
		// No flags: a job queue, a second application or sioemit listen may be
		// among them.
		p.fail("stream", fmt.Sprintf("No server answers through stream %s. %s read streams, %d for each server, and --stream-count is %d.",
			show.Quote(name), show.Plural(p.listened.Readers.Total(), "connection"), perServer, p.StreamCount),
			fmt.Sprintf("Does nothing else here read streams? Then streamCount of the servers is %d. %s", perServer, p.addFlags([]string{"--stream-count", strconv.Itoa(perServer)})))
	default:
		text := fmt.Sprintf("No server answers through stream %s.", show.Quote(name))
		if !complete {
			text += " Not all keys were examined."
		}
		p.fail("stream", text, "Compare --stream-name and --stream-count with streamName and streamCount of the servers.")
	}
	return false
}

// checkOldStreams says what servers of the streams adapter before 0.3 do not
// take.
func (p *patient) checkOldStreams(here *census.Group) {
	if here.Stream == "" {
		return
	}
	p.warn("adapter", fmt.Sprintf("%s the streams adapter before 0.3: events arrive, but --ack, server-emit, sockets, rooms and servers reach nobody, because it has no channel.", show.Plural(here.Servers, "server")+have(here.Servers)),
		"Update @socket.io/redis-streams-adapter to 0.3 on all servers at once, if you need those.")
}

func have(n int) string {
	if n == 1 {
		return " has"
	}
	return " have"
}

// wrongDatabase reports whether the servers read streams of another database.
func (p *patient) wrongDatabase() bool {
	client, ok := p.client.(*redis.Client)
	if !ok || len(p.listened.Readers.Count) != 1 || p.redis.IsSentinel() {
		return false
	}
	o := *client.Options()
	for db := range p.listened.Readers.Count {
		if db == o.DB {
			return false
		}
		text := fmt.Sprintf("The servers read streams of database %d, but the URL names %d.", db, o.DB)
		o.DB = db
		flags, advice := p.otherURL(o, "")
		p.fail("stream", text, advice, flags...)
	}
	return true
}

// readersPerServer returns how many streams each server reads, or 0 when that
// cannot be told.
func (p *patient) readersPerServer(here *census.Group) int {
	if total := p.listened.Readers.Total(); here.Servers > 0 && total%here.Servers == 0 {
		return total / here.Servers
	}
	return 0
}

// otherStreams returns the names of the other streams that servers use for the
// namespace, and whether all keys have been looked at.
func (p *patient) otherStreams(ctx context.Context, own string) (names []string, complete bool) {
	all, complete := p.listened.StreamNames(ctx)
	slices.Sort(all)
	for i, name := range all {
		if i == census.MostStreams {
			return names, false
		}
		if name == own {
			continue
		}
		s, err := p.listened.LookAtStream(ctx, name)
		if err != nil {
			complete = false
		}
		if s.Servers[p.Namespace] {
			names = append(names, name)
		}
	}
	return names, complete
}

// numberedStream matches the name of one of several streams.
var numberedStream = regexp.MustCompile(`^(.+)-(\d+)$`)

// otherStream says how to get to the one stream that servers use.
func (p *patient) otherStream(own, other string, perServer int) {
	name, count := other, 1
	if parts := numberedStream.FindStringSubmatch(other); parts != nil && perServer != 1 {
		if n := p.countOf(parts[1], other, perServer); n > 0 {
			name, count = parts[1], n
		}
	}
	var flags []string
	if name != p.StreamName {
		flags = append(flags, "--stream-name", name)
	}
	if count != p.StreamCount {
		flags = append(flags, "--stream-count", strconv.Itoa(count))
	}
	p.fail("stream", fmt.Sprintf("Servers use stream %s for namespace %s, not %s.", show.Quote(other), show.Quote(p.Namespace), show.Quote(own)), p.addFlags(flags), flags...)
}

// countOf returns a number of streams with which the namespace belongs to this
// one: the one that the servers' connections suggest, or else the smallest.
// For this namespace, all such numbers mean the same stream.
func (p *patient) countOf(base, stream string, perServer int) int {
	fits := func(n int) bool {
		name, err := encoding.Streams{StreamName: base, StreamCount: n}.Stream(p.Namespace)
		return err == nil && name == stream
	}
	if perServer > 1 && fits(perServer) {
		return perServer
	}
	const most = 1000
	for n := 2; n <= most; n++ {
		if fits(n) {
			return n
		}
	}
	return 0
}
