package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/census"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/settings"
)

// patient is the set-up that doctor looks at, and what it has found out so far.
type patient struct {
	settings.Servers
	diagnosis
	redis        settings.Redis
	client       redis.UniversalClient
	rooms        []encoding.Room
	fetchSockets bool  // servers may be asked for socket.data
	command      []any // the Redis command that an event to the rooms, or to everyone, becomes

	node      *redis.Client // one node, for what any of them can tell
	major     int           // version of Redis, 0 when not known
	replica   bool
	master    string                // address of the master when this is a replica
	replicas  []string              // addresses of the replicas when this is a master
	own       redis.UniversalClient // made here, and to be closed
	listened  *census.Census
	seen      bool          // listened is all
	suggested *census.Group // the servers that the advice leads to
}

// prepare builds the command that an event would become, without sending it,
// so that settings that emit would refuse are refused here in the same words.
func (p *patient) prepare(ctx context.Context) error {
	pipe := p.client.Pipeline()
	target := settings.Target{Namespace: p.Namespace, Rooms: p.rooms}
	p.command = nil
	err := target.Of(emitter.New(pipe, p.Options()...)).Emit(ctx, "doctor")
	switch {
	case errors.Is(err, encoding.ErrUnreadStream):
		p.fail("stream", fmt.Sprintf("No server can read what is sent to namespace %s with %d streams.", p.Namespace, p.StreamCount),
			"The streams adapter computes a stream number below 0 from some names, and no server reads that one. Use another namespace, or another streamCount on the servers.")
	case err != nil:
		return commandline.Usage(errors.New(strings.TrimPrefix(err.Error(), "emitter: ")))
	default:
		p.command = pipe.Cmds()[0].Args()
	}
	return nil
}

// examine goes from the connection to the client, and stops where nothing
// further can be seen.
func (p *patient) examine(ctx context.Context, timeout, watched time.Duration) {
	inTime, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if !p.checkConnection(inTime) || !p.checkServer(inTime) {
		return
	}
	others := p.watchOthers(ctx, inTime, watched)
	p.checkDelivery(inTime)
	if inTime.Err() != nil {
		p.unsure("time", fmt.Sprintf("Time ran out after %v: not everything was checked.", timeout), "Allow more with --timeout.")
	}
	p.conclude()
	p.checkOthers(others)
}

// checkDelivery follows an event to the servers, and to the clients of its room.
func (p *patient) checkDelivery(ctx context.Context) {
	p.seen = p.observe(ctx)
	var here *census.Group
	if p.seen {
		here = p.checkServers()
	}
	p.checkReplica(here != nil || !p.seen)
	if here == nil && p.suggested != nil {
		// The other checks are about what is suggested, so that one run finds
		// all the flags.
		here = p.suggested
		if err := p.adopt(ctx, *here); err != nil {
			p.unsure("servers", fmt.Sprintf("With those flags, nothing more can be checked: %v.", err), "")
			return
		}
	}
	p.checkPermissions(ctx)
	if here == nil {
		return
	}
	p.checkAnswers(ctx, here)
}

// observe looks who is subscribed, and reports whether that could be seen.
func (p *patient) observe(ctx context.Context) bool {
	p.listened = census.New(p.client, &p.Servers)
	if err := p.listened.Take(ctx); err != nil {
		p.unsure("servers", "It cannot be seen which servers listen: "+reason(err)+".", "")
		return false
	}
	for _, address := range p.replicas {
		if err := p.listened.TakeReplica(ctx, p.node, address); err != nil {
			p.warn("role", fmt.Sprintf("It cannot be seen who is subscribed at the replica %s: %s.", address, reason(err)), "")
		}
	}
	p.listened.TellApart(ctx)
	own := ""
	if p.Adapter == settings.Streams && p.command != nil {
		own = fmt.Sprint(p.command[1])
	}
	p.listened.LookForHeartbeats(ctx, own)
	return true
}

// adopt makes the settings those of a group of servers.
func (p *patient) adopt(ctx context.Context, g census.Group) error {
	p.Adapter, p.Key, p.Namespace, p.ShardedPubSub = g.Adapter, g.Key, g.Namespace, g.ShardedPubSub
	if g.Adapter != settings.Classic {
		p.Version = 4
	}
	if g.Stream != "" {
		p.StreamName, p.StreamCount = g.Stream, 1
	}
	return p.prepare(ctx)
}

// close closes the client that doctor has made for itself.
func (p *patient) close() {
	if p.own != nil {
		p.own.Close()
	}
}
