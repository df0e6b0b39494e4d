package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/census"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// difference is what has to change in the settings so that they fit a group.
type difference struct {
	census.Group
	differs []string // names of the flags, in the order of severity
	flags   []string
}

// differenceTo compares the settings with a group.
func (p *patient) differenceTo(g census.Group) difference {
	d := difference{Group: g}
	differ := func(name, value string) {
		d.differs = append(d.differs, name)
		d.flags = append(d.flags, "--"+name, value)
	}
	if g.Adapter != p.Adapter {
		differ("adapter", string(g.Adapter))
	}
	if g.Key != p.keyFor(g.Adapter) {
		differ(keyFlag(g.Adapter), g.Key)
	}
	if g.Namespace != p.Namespace {
		differ("namespace", g.Namespace)
	}
	if g.Adapter == settings.Streams && g.ShardedPubSub != (p.Adapter == settings.Streams && p.ShardedPubSub) {
		d.differs = append(d.differs, "sharded-pubsub")
		d.flags = append(d.flags, "--sharded-pubsub="+strconv.FormatBool(g.ShardedPubSub))
	}
	if g.Stream != "" && g.Stream != p.StreamName {
		differ("stream-name", g.Stream)
	}
	if g.Stream != "" && p.StreamCount > 1 {
		differ("stream-count", "1")
	}
	if g.Adapter != settings.Classic && p.Version != 4 {
		differ("server-version", "4")
	}
	return d
}

// distance is how much has to change. That somebody means servers in Python and
// names an adapter of Node.js, or the other way around, is less likely than a wrong
// name.
func (p *patient) distance(d difference) int {
	if p.isElsewhere(d.Adapter) {
		return len(d.differs) + 1
	}
	return len(d.differs)
}

// isElsewhere reports whether an adapter is that of Python and the one of the
// settings is not, or the other way around.
func (p *patient) isElsewhere(a settings.Adapter) bool {
	return (a == settings.Python) != (p.Adapter == settings.Python)
}

// keyFlag is the flag that sets what a census calls the key.
func keyFlag(a settings.Adapter) string {
	if a == settings.Python {
		return "channel"
	}
	return "key"
}

// keyFor is the key with another adapter, but for which nothing changes.
func (p *patient) keyFor(a settings.Adapter) string {
	switch {
	case !p.isElsewhere(a):
		return p.Key
	case a == settings.Python:
		return encoding.DefaultPythonChannel
	}
	return encoding.DefaultKey
}

// checkServers compares the settings with who listens, and returns the servers
// that they fit, or nil.
func (p *patient) checkServers() *census.Group {
	groups := p.listened.Groups()
	var others []census.Group
	var nearest []difference
	var here *census.Group
	for _, g := range groups {
		d := p.differenceTo(g)
		if len(d.differs) == 0 {
			if here == nil || here.Stream != "" {
				here = &g
			}
			continue
		}
		others = append(others, g)
		switch {
		case len(nearest) == 0 || p.distance(d) < p.distance(nearest[0]):
			nearest = []difference{d}
		case p.distance(d) == p.distance(nearest[0]):
			nearest = append(nearest, d)
		}
	}
	nearest = p.likely(nearest)
	switch {
	case here != nil:
		p.ok("servers", fmt.Sprintf("%s with %s.", listening(here.Servers, "server"), described(*here)))
		p.checkReplicas(here)
	case len(groups) == 0:
		p.fail("servers", "No Socket.IO server listens on this Redis.",
			"Check that the servers run, that they set a Redis adapter, and that they use the Redis of "+settings.URLSources+". A python-socketio server listens once its first client has connected.")
	case len(nearest) == 1:
		p.suggest(nearest[0])
		others = without(others, nearest[0].Group)
	default:
		p.fail("servers", fmt.Sprintf("No server listens with %s.", described(p.wanted())),
			"Find in the list below the servers that you mean, and add the flags that lead to them. "+onDemand)
	}
	if len(others) > 0 {
		p.ok("others", "Others that listen here: "+list(others)+".")
	}
	return here
}

// leadingTo is a failure whose advice leads to other servers.
func (p *patient) leadingTo(d difference) finding {
	f := finding{Status: failure, Advice: p.addFlags(d.flags), Flags: d.flags}
	if d.Adapter != p.Adapter {
		flags := settings.OnlyOf(p.Adapter)
		if d.Adapter == settings.Python {
			flags = append(slices.Clone(flags), "--key")
		}
		for _, flag := range flags {
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

// listening begins a sentence about those who listen.
func listening(n int, who string) string {
	if n == 1 {
		return "1 " + who + " listens"
	}
	return fmt.Sprintf("%d %ss listen", n, who)
}

// checkReplicas says which of the servers subscribe at a replica of this Redis.
func (p *patient) checkReplicas(here *census.Group) {
	for i := range p.listened.Replicas {
		n := 0
		for _, g := range p.listened.AtReplica(i) {
			if g.Adapter == here.Adapter && g.Key == here.Key && g.Namespace == here.Namespace {
				n = g.Servers
			}
		}
		if n > 0 {
			p.warn("replica", fmt.Sprintf("%d of %s subscribe at %s, which is a replica of this Redis. Events arrive there. But each Redis node counts only its own subscribers, so sioemit and the servers count too few: --require, --ack, sockets, rooms and server-emit fail, and so does fetchSockets() of the servers.",
				n, show.Plural(here.Servers, "server"), p.replicas[i]), "Connect subClient of the adapter to the same Redis as pubClient.")
		}
	}
}

const onDemand = "A namespace that servers make on demand listens once a client has connected to it."

// suggest says what leads to the only servers that could be meant.
func (p *patient) suggest(d difference) {
	var text string
	switch {
	case len(d.differs) > 1:
		text = fmt.Sprintf("%s with %s, none with %s.", listening(d.Servers, "server"), described(d.Group), described(p.wanted()))
	case d.differs[0] == "channel":
		text = fmt.Sprintf("%s on channel %s, none on %s.", listening(d.Servers, "server"), show.Quote(d.Key), show.Quote(p.Key))
	case d.differs[0] == "key":
		text = fmt.Sprintf("%s with key %s, none with %s.", listening(d.Servers, "server"), show.Quote(d.Key), show.Quote(p.Key))
	case d.differs[0] == "namespace":
		text = fmt.Sprintf("%s in namespace %s, none in %s.", listening(d.Servers, "server"), show.Quote(d.Namespace), show.Quote(p.Namespace))
	case d.Stream != "" && d.differs[0] != "adapter":
		text = fmt.Sprintf("%s with stream %s, none with the stream of your flags.", listening(d.Servers, "server"), show.Quote(d.Stream))
	case d.differs[0] == "adapter":
		text = fmt.Sprintf("%s with the %s adapter, none with the %s one.", listening(d.Servers, "server"), d.Adapter, p.Adapter)
	default:
		text = fmt.Sprintf("%s with --%s, none without.", listening(d.Servers, "server"), d.differs[0])
		if !d.ShardedPubSub {
			text = fmt.Sprintf("%s without --%s, none with it.", listening(d.Servers, "server"), d.differs[0])
		}
	}
	f := p.leadingTo(d)
	f.Check, f.Text = "servers", text
	if d.Namespace != p.Namespace {
		f.Advice += " " + onDemand
	}
	p.suggested = &d.Group
	if p.Adapter == settings.Streams && d.Adapter == settings.Streams && d.Namespace == p.Namespace && d.Stream == "" {
		// Events go through the stream, for which key and channels do not matter.
		f.Status = warning
		f.Text += " Events arrive, but calls with replies and server-emit reach nobody."
	}
	p.add(f)
}

// likely picks from groups that are equally near the one whose names are so
// similar to the ones given that a slip of the fingers is the explanation.
func (p *patient) likely(nearest []difference) []difference {
	const slip = 2
	var similar []difference
	for _, d := range nearest {
		if !p.isElsewhere(d.Adapter) && commandline.Distance(p.Key, d.Key)+commandline.Distance(p.Namespace, d.Namespace) <= slip {
			similar = append(similar, d)
		}
	}
	if len(similar) == 1 {
		return similar
	}
	return nearest
}

// wanted is the group that the settings are for.
func (p *patient) wanted() census.Group {
	return census.Group{Adapter: p.Adapter, Key: p.Key, Namespace: p.Namespace, ShardedPubSub: p.Adapter == settings.Streams && p.ShardedPubSub}
}

func described(g census.Group) string {
	if g.Adapter == settings.Python {
		return "the python adapter, channel " + show.Quote(g.Key)
	}
	text := fmt.Sprintf("the %s adapter, key %s, in namespace %s", g.Adapter, show.Quote(g.Key), show.Quote(g.Namespace))
	if g.ShardedPubSub {
		text += ", with sharded pub/sub"
	}
	return text
}

// list names groups, but not more than can be read.
func list(groups []census.Group) string {
	const most = 12
	var lines []string
	for i, g := range groups {
		if i == most {
			lines = append(lines, fmt.Sprintf("and %d more", len(groups)-most))
			break
		}
		text := fmt.Sprintf("%s, key %s, namespace %s (%s)", g.Adapter, show.Quote(g.Key), show.Quote(g.Namespace), show.Plural(g.Servers, "server"))
		if g.Adapter == settings.Python {
			text = fmt.Sprintf("python, channel %s (%s)", show.Quote(g.Key), show.Plural(g.Servers, "server"))
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, "; ")
}

func without(groups []census.Group, g census.Group) (rest []census.Group) {
	for _, other := range groups {
		if other != g {
			rest = append(rest, other)
		}
	}
	return rest
}
