package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
)

// need is one Redis command that some use of sioemit sends.
type need struct {
	words     []any
	what      string // what cannot be done without it
	essential bool   // nothing can be emitted without it
}

// needs are the commands that the settings lead to.
func (p *patient) needs() []need {
	publish, subscribe, numsub := "PUBLISH", "SUBSCRIBE", "NUMSUB"
	if p.adapter == "sharded" || p.adapter == "streams" && p.shardedPubSub {
		publish, subscribe, numsub = "SPUBLISH", "SSUBSCRIBE", "SHARDNUMSUB"
	}
	emit := need{p.command, "emit", true}
	switch p.adapter {
	case "sharded":
		format := encoding.Sharded{ChannelPrefix: p.key, SubscriptionMode: p.mode}
		channel := format.Channel(p.namespace, nil)
		return []need{
			emit,
			{[]any{publish, format.Channel(p.namespace, []encoding.Room{"room"}), ""}, "emit to a room", false},
			{[]any{publish, channel, ""}, "join, leave and the like", false},
			{[]any{subscribe, format.ResponseChannel(p.namespace)}, "calls with replies", false},
			{[]any{"PUBSUB", numsub, channel}, "counting the servers", false},
		}
	case "streams":
		format := encoding.Streams{ChannelPrefix: p.key}
		channel := format.Channel(p.namespace)
		return []need{
			{[]any{publish, channel, ""}, "server-emit and calls with replies", false},
			{[]any{subscribe, format.ResponseChannel(p.namespace)}, "calls with replies", false},
			{[]any{"PUBSUB", numsub, channel}, "counting the servers", false},
			emit, // at last: a replica refuses it, and the client closes the connection then
		}
	}
	format := encoding.Classic{Key: p.key}
	request, response := format.RequestChannel(p.namespace), format.ResponseChannel(p.namespace)
	return []need{
		emit,
		{[]any{publish, format.Channel(p.namespace, []encoding.Room{"room"}), ""}, "emit to a room", false},
		{[]any{publish, request, ""}, "join, leave and the like", false},
		{[]any{subscribe, response, response + encoding.UID + "#"}, "calls with replies", false},
		{[]any{"PUBSUB", numsub, request}, "counting the servers", false},
	}
}

// checkPermissions asks Redis what this user may do, without doing it.
func (p *patient) checkPermissions(ctx context.Context) {
	if p.command == nil || p.node == nil {
		return
	}
	user := first(p.node.Options().Username, "default")
	if name, err := p.node.Do(ctx, "ACL", "WHOAMI").Text(); err == nil {
		user = name
	}
	ask := asker{node: p.node, user: user}
	defer ask.close()
	var essential, optional []need
	for _, n := range p.needs() {
		allowed, err := ask.allowed(ctx, n.words)
		switch {
		case err != nil:
			p.warn("permissions", fmt.Sprintf("What user %s may do is not known: %s.", user, reason(err)), "")
			return
		case allowed:
		case n.essential:
			essential = append(essential, n)
		default:
			optional = append(optional, n)
		}
	}
	if len(essential) > 0 {
		p.fail("permissions", fmt.Sprintf("User %s may not %s.", user, does(essential[0])), p.grant(user, append(essential, optional...)))
		return
	}
	if len(optional) == 0 {
		p.ok("permissions", fmt.Sprintf("User %s may do all that is needed.", user))
		return
	}
	var missing []string
	for _, n := range optional {
		missing = append(missing, fmt.Sprintf("%s (%s)", does(n), n.what))
	}
	p.warn("permissions", fmt.Sprintf("User %s may emit, but not %s.", user, strings.Join(missing, ", ")), p.grant(user, optional))
}

// does is a command as part of a sentence.
func does(n need) string {
	name, object := strings.ToUpper(fmt.Sprint(n.words[0])), fmt.Sprint(n.words[1])
	switch name {
	case "PUBSUB":
		return name + " " + object
	case "XADD":
		return name + " to " + quote(object)
	}
	return name + " on " + quote(object)
}

// grant is what an administrator has to type.
func (p *patient) grant(user string, denied []need) string {
	words := []string{"ACL", "SETUSER", shellWords([]string{user})}
	for _, n := range denied {
		name := strings.ToLower(fmt.Sprint(n.words[0]))
		rules := []string{"+" + name}
		switch name {
		case "pubsub":
		case "xadd":
			rules = append(rules, "'~"+aclPattern(fmt.Sprint(n.words[1]))+"'")
		default:
			rules = append(rules, "'&"+aclPattern(p.key)+"*'")
		}
		for _, rule := range rules {
			if !slices.Contains(words, rule) {
				words = append(words, rule)
			}
		}
	}
	return "Let an administrator of Redis run " + strings.Join(words, " ") + " and keep that, with ACL SAVE or in the configuration."
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
			b.WriteString(escapeGlob(text[i : i+1]))
		}
	}
	return b.String()
}

// errUnasked is returned when Redis lets this user ask in neither way.
var errUnasked = errors.New("it may use neither ACL DRYRUN nor MULTI")

// asker finds out whether a user may run commands. ACL DRYRUN of Redis 7 says
// it, but an ordinary user may not use that. For such a user, and before Redis
// 7, the commands are queued in a transaction that is never executed: Redis
// checks the permission when it queues.
type asker struct {
	node        *redis.Client
	user        string
	transaction *redis.Conn
	client      *redis.Client // of the transaction
}

func (a *asker) allowed(ctx context.Context, words []any) (bool, error) {
	if a.transaction == nil {
		answer, err := a.node.Do(ctx, append([]any{"ACL", "DRYRUN", a.user}, words...)...).Text()
		if err == nil {
			return answer == "OK", nil
		}
		// A connection in a transaction must not come back to the pool of the
		// others: this one is closed instead.
		options := *a.node.Options()
		a.client = redis.NewClient(&options)
		a.client.AddHook(authReplies{})
		a.transaction = a.client.Conn()
		if err := a.transaction.Do(ctx, "MULTI").Err(); err != nil {
			if isReply(err) {
				err = errUnasked
			}
			return false, err
		}
	}
	err := a.transaction.Do(ctx, words...).Err()
	switch {
	case redis.HasErrorPrefix(err, "NOPERM"):
		return false, nil
	case err == nil, isReply(err): // a slot of another node, a replica: found out after the permission
		return true, nil
	}
	return false, err
}

func (a *asker) close() {
	if a.client != nil {
		a.transaction.Close()
		a.client.Close()
	}
}

// isReply reports whether an error is what Redis answered, and not one of the
// connection.
func isReply(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}
