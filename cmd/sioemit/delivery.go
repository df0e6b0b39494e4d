package main

import (
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// delivery is what Redis tells of who gets something that was sent.
type delivery struct {
	Channel string `json:"channel"` // or stream
	// Servers is how many listen on the namespace: on its channel, which each of
	// them has subscribed. Nil when they could not be counted.
	Servers *int `json:"servers"`
	// Subscribers is how many got it, of the sharded adapter: there, a room may
	// have a channel of its own.
	Subscribers *int64 `json:"subscribers,omitempty"`
	// Entries is how many the stream holds, with this one, where this user may
	// know it.
	Entries  *int64 `json:"entries,omitempty"`
	isStream bool
}

// askDelivery puts into pipe, behind what is sent, what else there is to be
// known; the function that it returns tells what became of it, after Exec.
func askDelivery(c *cli.Context, pipe redis.Pipeliner) func() delivery {
	sent := pipe.Cmds()[0]
	d := delivery{Channel: fmt.Sprint(sent.Args()[1])}
	var entries *redis.IntCmd
	if d.isStream = sent.Name() == "xadd"; d.isStream {
		entries = pipe.XLen(c.Context, d.Channel)
	}
	return func() delivery {
		if sent, ok := sent.(*redis.IntCmd); ok && c.String("adapter") == "sharded" {
			n := sent.Val()
			d.Subscribers = &n
		}
		if d.isStream && entries.Err() == nil {
			n := entries.Val()
			d.Entries = &n
		}
		return d
	}
}

// report prints what became of something that Redis has taken, and returns an
// error when fewer servers than required listen. Without count it is silent.
func report(c *cli.Context, what string, d delivery, count func() (int, error)) error {
	if count == nil {
		return nil
	}
	servers, err := count()
	required := c.Int("require")
	if err != nil && required > 0 {
		return fmt.Errorf("it was sent, but the servers could not be counted: %w", explain(c, err))
	}
	if err == nil {
		d.Servers = &servers
	}
	var printErr error
	switch {
	case c.Bool("json"):
		printErr = show.JSON(c.App.Writer, d)
	case c.Bool("quiet"):
	default:
		_, printErr = fmt.Fprintf(c.App.Writer, "sent %s on %s\n", what, d.text(c))
	}
	if printErr != nil {
		return fmt.Errorf("it was sent, but that could not be printed: %w", printErr)
	}
	warning := ""
	switch {
	case err != nil:
		warning = "the servers could not be counted: " + connect.ErrorText(explain(c, err))
	case servers < required:
		where := d.Channel
		if d.isNarrow(c) {
			where = namespaceOf(c)
		}
		return commandline.Listenersf("%s on %s, %d required; it was sent all the same", listen(servers), show.Quote(where), required)
	case c.Bool("quiet"):
	case servers == 0:
		warning = unheard(c)
	case d.Subscribers != nil && *d.Subscribers == 0:
		warning = fmt.Sprintf("nobody receives it: no client is in that room, or %s", otherMode(c))
	case d.Entries != nil && *d.Entries == 1:
		warning = newStream
	}
	if warning != "" {
		fmt.Fprintf(c.App.ErrWriter, "sioemit: warning: %s\n", warning)
	}
	return nil
}

// newStream is said where a stream has come into being: servers with the streams
// adapter read it without a trace, and write to it when they emit.
const newStream = "the stream is new: no server has written to it, and whether one reads it is not known; check --stream-name and --stream-count, or run sioemit doctor with these flags"

// otherMode says what it means, apart from an empty room, that nobody subscribes
// to a room's channel.
func otherMode(c *cli.Context) string {
	return fmt.Sprintf("the servers' subscriptionMode is not %s: --subscription-mode static reaches them in any mode, and sioemit doctor with these flags tells which", c.String("subscription-mode"))
}

// isNarrow reports whether something went elsewhere than where all servers of
// the namespace listen.
func (d delivery) isNarrow(c *cli.Context) bool {
	return d.isStream || d.Subscribers != nil && d.Channel != shardedFormat(c).Channel(namespaceOf(c), nil)
}

// text says where it went, and who listens.
func (d delivery) text(c *cli.Context) string {
	text := show.Quote(d.Channel)
	switch {
	case d.Entries != nil:
		text += ", a stream of " + entriesText(*d.Entries)
	case d.isStream:
		text += ", a stream"
	case d.isNarrow(c):
		text += fmt.Sprintf(", to which %s", subscribe(*d.Subscribers))
	case d.Servers != nil:
		return text + ", where " + listen(*d.Servers)
	}
	if d.Servers != nil {
		text += fmt.Sprintf("; on namespace %s, %s", show.Quote(namespaceOf(c)), listen(*d.Servers))
	}
	return text
}

func entriesText(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

func subscribe(servers int64) string {
	switch servers {
	case 0:
		return "no server subscribes"
	case 1:
		return "1 server subscribes"
	}
	return fmt.Sprintf("%d servers subscribe", servers)
}

// isRoomChannel reports whether a channel of the sharded adapter is that of a
// room: it goes on behind <prefix>#<namespace>#.
func isRoomChannel(c *cli.Context, channel string) bool {
	prefix := strings.TrimSuffix(shardedFormat(c).Channel("", nil), "#")
	_, room, _ := strings.Cut(strings.TrimPrefix(channel, prefix), "#")
	return room != ""
}
