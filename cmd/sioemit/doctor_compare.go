package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// difference is what has to change in the settings so that they fit a group.
type difference struct {
	group
	differs []string // names of the flags, in the order of severity
	flags   []string
}

// differenceTo compares the settings with a group.
func (s servers) differenceTo(g group) difference {
	d := difference{group: g}
	differ := func(name, value string) {
		d.differs = append(d.differs, name)
		d.flags = append(d.flags, "--"+name, value)
	}
	if g.adapter != s.adapter {
		differ("adapter", g.adapter)
	}
	if g.key != s.key {
		differ("key", g.key)
	}
	if g.namespace != s.namespace {
		differ("namespace", g.namespace)
	}
	if g.adapter == "streams" && g.shardedPubSub != (s.adapter == "streams" && s.shardedPubSub) {
		d.differs = append(d.differs, "sharded-pubsub")
		d.flags = append(d.flags, "--sharded-pubsub="+strconv.FormatBool(g.shardedPubSub))
	}
	if g.stream != "" && g.stream != s.streamName {
		differ("stream-name", g.stream)
	}
	if g.stream != "" && s.streamCount > 1 {
		differ("stream-count", "1")
	}
	if g.adapter != "classic" && s.version != 4 {
		differ("server-version", "4")
	}
	return d
}

// checkServers compares the settings with who listens, and returns the servers
// that they fit, or nil.
func (p *patient) checkServers() *group {
	groups := p.listened.groups(p.servers)
	var others []group
	var nearest []difference
	var here *group
	for _, g := range groups {
		d := p.differenceTo(g)
		if len(d.differs) == 0 {
			if here == nil || here.stream != "" {
				here = &g
			}
			continue
		}
		others = append(others, g)
		switch {
		case len(nearest) == 0 || len(d.differs) < len(nearest[0].differs):
			nearest = []difference{d}
		case len(d.differs) == len(nearest[0].differs):
			nearest = append(nearest, d)
		}
	}
	nearest = likely(p.servers, nearest)
	switch {
	case here != nil:
		p.ok("servers", fmt.Sprintf("%s with %s.", capital(outcome.Listen(here.servers)), p.described(*here)))
		p.checkReplicas(here)
	case len(groups) == 0 && p.checkPython():
		return nil
	case len(groups) == 0:
		p.fail("servers", "No Socket.IO server listens on this Redis.",
			"Check that the servers run, that they set a Redis adapter, and that they use the Redis of "+settings.URLSources+".")
	case len(nearest) == 1:
		p.suggest(nearest[0])
		others = without(others, nearest[0].group)
	default:
		p.fail("servers", fmt.Sprintf("No server listens with %s.", p.described(p.wanted())),
			"Find in the list below the servers that you mean, and add the flags that lead to them. "+onDemand)
	}
	if len(others) > 0 {
		p.ok("others", "Others that listen here: "+list(others)+".")
	}
	if n := p.listened.python[pythonChannel]; n > 0 {
		p.ok("others", fmt.Sprintf("%s on channel %s, as servers of python-socketio do. Events of sioemit do not reach these.", capital(listenThere(n)), pythonChannel))
	}
	return here
}

// leadingTo is a failure whose advice leads to other servers.
func (p *patient) leadingTo(d difference) finding {
	f := finding{Status: failure, Advice: p.addFlags(d.flags), Flags: d.flags}
	if d.adapter != p.adapter {
		for _, flag := range settings.OnlyOf(settings.Adapter(p.adapter)) {
			if slices.Contains(p.given, flag) {
				f.Remove = append(f.Remove, flag)
			}
		}
		if len(f.Remove) > 0 {
			f.Advice += " Leave out " + strings.Join(f.Remove, ", ") + "."
		}
	}
	return f
}

// checkPython reports whether servers of python-socketio listen, which no
// setting reaches.
func (p *patient) checkPython() bool {
	found := false
	for _, channel := range slices.Sorted(maps.Keys(p.listened.python)) {
		n := p.listened.python[channel]
		if n == 0 {
			continue
		}
		found = true
		p.fail("servers", fmt.Sprintf("No server of Node.js listens on this Redis. %s on channel %s, as servers of python-socketio do: they take a JSON of their own, which sioemit does not write.", capital(listenThere(n)), show.Quote(channel)),
			"Emit with that package: socketio.RedisManager(URL, channel="+pythonText(channel)+", write_only=True).emit(EVENT, DATA).")
	}
	return found
}

// pythonText is text as a program in Python holds it.
func pythonText(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}

// listenThere is listen for those of whom it is not known whether they are
// servers.
func listenThere(n int) string {
	if n == 1 {
		return "1 connection listens"
	}
	return fmt.Sprintf("%d connections listen", n)
}

// checkReplicas says which of the servers subscribe at a replica of this Redis.
func (p *patient) checkReplicas(here *group) {
	for i, at := range p.listened.replicas {
		n := 0
		for _, g := range (&census{plain: at, shard: newChannels(), readers: readers{known: true}}).groups(p.servers) {
			if g.adapter == here.adapter && g.key == here.key && g.namespace == here.namespace {
				n = g.servers
			}
		}
		if n > 0 {
			p.warn("replica", fmt.Sprintf("%d of %s subscribe at %s, which is a replica of this Redis. Events arrive there. But Redis counts at each node its own subscribers alone, so that sioemit and the servers count too few: --require, --ack, sockets, rooms and server-emit fail, and so does fetchSockets() of the servers.",
				n, show.Plural(here.servers, "server"), p.replicas[i]), "Connect subClient of the adapter to the same Redis as pubClient.")
		}
	}
}

const onDemand = "A namespace that servers make on demand listens once a client has connected to it."

// suggest says what leads to the only servers that could be meant.
func (p *patient) suggest(d difference) {
	var text string
	switch {
	case len(d.differs) > 1:
		text = fmt.Sprintf("%s with %s, none with %s.", capital(outcome.Listen(d.servers)), p.described(d.group), p.described(p.wanted()))
	case d.differs[0] == "key":
		text = fmt.Sprintf("%s with key %s, none with %s.", capital(outcome.Listen(d.servers)), show.Quote(d.key), show.Quote(p.key))
	case d.differs[0] == "namespace":
		text = fmt.Sprintf("%s in namespace %s, none in %s.", capital(outcome.Listen(d.servers)), show.Quote(d.namespace), show.Quote(p.namespace))
	case d.stream != "" && d.differs[0] != "adapter":
		text = fmt.Sprintf("%s with stream %s, none with the one of your flags.", capital(outcome.Listen(d.servers)), show.Quote(d.stream))
	case d.differs[0] == "adapter":
		text = fmt.Sprintf("%s with the %s adapter, none with the %s one.", capital(outcome.Listen(d.servers)), d.adapter, p.adapter)
	default:
		text = fmt.Sprintf("%s with --%s, none without.", capital(outcome.Listen(d.servers)), d.differs[0])
		if !d.shardedPubSub {
			text = fmt.Sprintf("%s without --%s, none with it.", capital(outcome.Listen(d.servers)), d.differs[0])
		}
	}
	f := p.leadingTo(d)
	f.Check, f.Text = "servers", text
	if d.namespace != p.namespace {
		f.Advice += " " + onDemand
	}
	p.suggested = &d.group
	if p.adapter == "streams" && d.adapter == "streams" && d.namespace == p.namespace && d.stream == "" {
		// Events go through the stream, for which key and channels do not matter.
		f.Status = warning
		f.Text += " Events arrive, but calls with replies and server-emit reach nobody."
	}
	p.add(f)
}

// likely picks from groups that are equally near the one whose names are so
// similar to the ones given that a slip of the fingers is the explanation.
func likely(s servers, nearest []difference) []difference {
	const slip = 2
	var similar []difference
	for _, d := range nearest {
		if commandline.Distance(s.key, d.key)+commandline.Distance(s.namespace, d.namespace) <= slip {
			similar = append(similar, d)
		}
	}
	if len(similar) == 1 {
		return similar
	}
	return nearest
}

// wanted is the group that the settings are for.
func (s servers) wanted() group {
	return group{adapter: s.adapter, key: s.key, namespace: s.namespace, shardedPubSub: s.adapter == "streams" && s.shardedPubSub}
}

func (s servers) described(g group) string {
	text := fmt.Sprintf("the %s adapter, key %s, in namespace %s", g.adapter, show.Quote(g.key), show.Quote(g.namespace))
	if g.shardedPubSub {
		text += ", with sharded pub/sub"
	}
	return text
}

// list names groups, but not more than can be read.
func list(groups []group) string {
	const most = 12
	var lines []string
	for i, g := range groups {
		if i == most {
			lines = append(lines, fmt.Sprintf("and %d more", len(groups)-most))
			break
		}
		text := fmt.Sprintf("%s, key %s, namespace %s (%s)", g.adapter, show.Quote(g.key), show.Quote(g.namespace), show.Plural(g.servers, "server"))
		lines = append(lines, text)
	}
	return strings.Join(lines, "; ")
}

func without(groups []group, g group) (rest []group) {
	for _, other := range groups {
		if other != g {
			rest = append(rest, other)
		}
	}
	return rest
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
