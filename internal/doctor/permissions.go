package doctor

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/traffic"
	"github.com/sioemit/sioemit/internal/wire"
)

// need is one Redis command that some use of sioemit sends.
type need struct {
	words     []any
	what      string // what cannot be done without it
	essential bool   // nothing can be emitted without it
}

// onShards reports whether the servers of the settings have shard channels.
func (p *patient) onShards() bool {
	return p.Adapter == settings.Sharded || p.Adapter == settings.Streams && p.ShardedPubSub
}

// needs are the commands that the settings lead to.
func (p *patient) needs() []need {
	publish, subscribe, numsub := "PUBLISH", "SUBSCRIBE", "NUMSUB"
	if p.onShards() {
		publish, subscribe, numsub = "SPUBLISH", "SSUBSCRIBE", "SHARDNUMSUB"
	}
	room, request, responses := "", "", []any{subscribe, p.responses()}
	asked := "join, leave and the like"
	switch p.Adapter {
	case settings.Sharded:
		format := p.Sharded()
		room, request = format.Channel(p.Namespace, []encoding.Room{"room"}), format.Channel(p.Namespace, nil)
	case settings.Python:
		return []need{{p.command, "emit, join and the like", true}, {[]any{"PUBSUB", numsub, p.Key}, "counting the servers", false}}
	case settings.Streams:
		request, asked = p.Streams().Channel(p.Namespace), "server-emit and calls with replies"
	default:
		format := p.Classic()
		room, request = format.Channel(p.Namespace, []encoding.Room{"room"}), format.RequestChannel(p.Namespace)
		responses = append(responses, wire.Within(p.responses(), encoding.UID))
	}
	needs := []need{{p.command, "emit", true}}
	if room != "" {
		needs = append(needs, need{[]any{publish, room, ""}, "emit to a room", false})
	}
	return append(needs,
		need{[]any{publish, request, ""}, asked, false},
		need{responses, "calls with replies", false},
		need{[]any{"PUBSUB", numsub, request}, "counting the servers", false})
}

// denied is a need that Redis does not take, and what it says of that.
type denied struct {
	need
	why refusalKind
	err error
}

// checkPermissions asks Redis what it takes from this user, without doing it.
func (p *patient) checkPermissions(ctx context.Context) {
	if p.command == nil || p.node == nil {
		return
	}
	user := cmp.Or(p.node.Options().Username, "default")
	if name, err := p.node.Do(ctx, "ACL", "WHOAMI").Text(); err == nil {
		user = name
	}
	needs := p.needs()
	errs := make([]error, len(needs))
	var wait sync.WaitGroup
	for i, n := range needs { // at once: each takes several round trips
		wait.Go(func() { errs[i] = newAsker(p.node, p.responses()).try(ctx, n.words) })
	}
	wait.Wait()
	var refused, missing []denied
	essential := false
	for i, n := range needs {
		err := errs[i]
		if n.essential && err == nil {
			p.proof.permitted = true
		}
		switch why := kindOf(err); {
		case err == nil:
		case why == notReplied:
			p.unsure("permissions", fmt.Sprintf("It is not known what user %s may do: %s.", user, reason(err)), "")
			return
		case why == otherRefusal:
			refused = append(refused, denied{n, why, err})
		default:
			missing = append(missing, denied{n, why, err})
			essential = essential || n.essential
		}
	}
	for _, d := range refused {
		text := fmt.Sprintf("Redis does not take %s: %s.", does(d.need), reason(d.err))
		advice := "Permissions are not the cause. " + remedy(d.err)
		if d.essential {
			p.fail("permissions", text, advice)
		} else {
			p.warn("permissions", strings.TrimSuffix(text, ".")+" ("+d.what+").", advice)
		}
	}
	switch {
	case essential:
		i := slices.IndexFunc(missing, func(d denied) bool { return d.essential })
		p.fail("permissions", fmt.Sprintf("User %s may not %s.", user, does(missing[i].need)), p.grant(user, missing))
	case len(missing) > 0:
		var texts []string
		for _, d := range missing {
			texts = append(texts, fmt.Sprintf("%s (%s)", does(d.need), d.what))
		}
		p.warn("permissions", fmt.Sprintf("User %s may emit, but not %s.", user, strings.Join(texts, ", ")), p.grant(user, missing))
	case len(refused) == 0:
		p.ok("permissions", fmt.Sprintf("User %s has every permission that is needed.", user))
	}
}

// remedy is what to do about an error of Redis that is none of permissions.
func remedy(err error) string {
	switch text := err.Error(); {
	case connect.IsUnknownCommand(err):
		return "This Redis is too old for that command, or it was renamed there (rename-command)."
	case strings.HasPrefix(text, "MISCONF"):
		return "Redis accepts no writes while it cannot save to its disk: its log says why."
	case strings.HasPrefix(text, "OOM"):
		return "Redis accepts no writes while it is full: raise its maxmemory, or remove keys."
	}
	return "The log of Redis may say more."
}

// does is a command as part of a sentence.
func does(n need) string {
	name, object := strings.ToUpper(fmt.Sprint(n.words[0])), fmt.Sprint(n.words[1])
	switch name {
	case "PUBSUB":
		return name + " " + object
	case "XADD":
		return name + " to " + show.Quote(object)
	}
	return name + " on " + show.Quote(object)
}

// grant is what an administrator has to type. It asks for what Redis has
// refused and for nothing else: Redis does not take a pattern for channels of a
// user who has all of them. Of a command that is refused it does not say whether
// the channel would be, too.
func (p *patient) grant(user string, missing []denied) string {
	words := []string{"ACL", "SETUSER", shellWords([]string{user})}
	onlyCommand := false
	for _, d := range missing {
		var rule string
		switch d.why {
		case commandRefused:
			rule = "+" + strings.ToLower(fmt.Sprint(d.words[0]))
			onlyCommand = true
		case keyRefused:
			rule = "'~" + aclPattern(fmt.Sprint(d.words[1])) + "'"
		default:
			rule = "'&" + aclPattern(p.Key) + "*'"
		}
		if !slices.Contains(words, rule) {
			words = append(words, rule)
		}
	}
	text := "Let an administrator of Redis run " + strings.Join(words, " ") + " and save that with ACL SAVE or in the configuration."
	if onlyCommand {
		text += " Then run doctor again: only then does Redis say whether the user may use the channels and keys."
	}
	return text
}

// aclPattern makes a pattern that stands between single quotes, in a shell as
// in redis-cli. These differ in how they read quotes and backslashes there, and
// Redis takes no spaces: a question mark stands for each.
func aclPattern(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c == '\'' || c == '\\' {
			b.WriteByte('?')
		} else {
			b.WriteString(traffic.EscapeGlob(text[i : i+1]))
		}
	}
	return b.String()
}

// refusalKind is what an error of Redis is about.
type refusalKind int

const (
	notReplied     refusalKind = iota // nothing of Redis
	commandRefused                    // this user may not run the command
	channelRefused                    // or not on that channel
	keyRefused                        // or not on that key
	otherRefusal                      // nobody may
)

// kindOf tells the refusals of Redis 6 and 7 apart, which word them in several
// ways.
func kindOf(err error) refusalKind {
	if err == nil || !connect.IsReply(err) {
		return notReplied
	}
	text := err.Error()
	_, accessed, isAccess := strings.Cut(text, "permissions to access")
	switch {
	case !redis.HasErrorPrefix(err, "NOPERM"):
		return otherRefusal
	case !isAccess:
		return commandRefused
	case strings.HasPrefix(accessed, " one of the channels"), strings.HasPrefix(accessed, " a channel"), strings.HasSuffix(accessed, " channel"):
		return channelRefused
	}
	return keyRefused
}

// errUnasked is returned when Redis lets this user ask in neither way.
var errUnasked = errors.New("it may use neither MULTI nor SUBSCRIBE")

// asker finds out which commands Redis takes from a user, and runs none. Redis
// checks a command before it queues it in a transaction, which here is never
// executed. For a user without MULTI, the command is sent on a connection that
// has subscribed to a channel: Redis checks it there, too, before it says that
// such a connection may not run it.
type asker struct {
	node   *redis.Client
	states [][]any
}

func newAsker(node *redis.Client, responses string) *asker {
	a := &asker{node: node, states: [][]any{{"MULTI"}}}
	// Nobody publishes on the first, and whoever may have answers may mostly
	// subscribe to it.
	for _, channel := range []string{wire.Within(responses, rand.Text()), responses} {
		a.states = append(a.states, []any{"SUBSCRIBE", channel}, []any{"SSUBSCRIBE", channel})
	}
	return a
}

// try returns nil when Redis would take the command, or what it says instead.
func (a *asker) try(ctx context.Context, words []any) error {
	for len(a.states) > 0 {
		err := a.inState(ctx, words)
		if !errors.Is(err, errState) {
			return err
		}
		a.states = a.states[1:]
	}
	return errUnasked
}

// errState is returned when a connection cannot be brought into a state.
var errState = errors.New("the connection cannot be brought into that state")

// inState runs a command on a connection of its own, after the one that brings
// it into a state in which Redis checks commands and does not run them.
func (a *asker) inState(ctx context.Context, words []any) error {
	// The connection must not come back to the pool of the others.
	options := *a.node.Options()
	client := connect.NewNode(&options)
	defer client.Close()
	conn := client.Conn()
	defer conn.Close()
	if err := conn.Do(ctx, a.states[0]...).Err(); err != nil {
		if connect.IsReply(err) {
			return errState
		}
		return err
	}
	cmd := conn.Do(ctx, words...)
	if reply, _ := cmd.Slice(); len(reply) > 0 && reply[0] == "message" {
		return errState // somebody published just then
	}
	err := cmd.Err()
	for _, prefix := range []string{
		"Can't execute",             // the state
		"MOVED", "ASK", "CROSSSLOT", // another node takes it, which the client finds
		"READONLY", // which is another check's
	} {
		if redis.HasErrorPrefix(err, prefix) {
			return nil
		}
	}
	return err
}

// responses is the channel on which servers answer.
func (p *patient) responses() string {
	if p.Adapter == settings.Classic {
		return p.Classic().ResponseChannel(p.Namespace)
	}
	return p.Streams().ResponseChannel(p.Namespace)
}
