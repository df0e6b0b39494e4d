package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// shortestID is the length of 128 random bits in base64.
const shortestID = 22

// wronglyAsked returns what is wrong with the questions of a case: ids that can be
// guessed or that were there before, replies that nobody listened for yet, and events of a
// sequence that Redis may have taken after the question about them.
func (s *stage) wronglyAsked(c *Case, sent []*sentCommand) []string {
	var wrong []string
	for _, cmd := range sent {
		id := requestID(cmd.words[len(cmd.words)-1])
		switch {
		case id == "":
			continue
		case len(id) < shortestID:
			wrong = append(wrong, fmt.Sprintf("the id %q of a question is shorter than %d characters", id, shortestID))
		case s.ids[id]:
			wrong = append(wrong, fmt.Sprintf("the question %q was asked twice", id))
		}
		if s.ids == nil {
			s.ids = make(map[string]bool)
		}
		s.ids[id] = true
		for _, subscription := range c.replySubscriptions(cmd) {
			if !cmd.subscribed[subscription] {
				wrong = append(wrong, fmt.Sprintf("Redis had not confirmed %q when the question was published", subscription))
			}
		}
		for _, earlier := range cmd.overtakes {
			if c.Sequence != nil && !earlier.asks() {
				wrong = append(wrong, "the question was asked before Redis had answered "+showAll(earlier.words))
			}
		}
	}
	return wrong
}

// replySubscriptions are what a client is subscribed to for the answers to a question.
// Servers of the classic adapter answer on one of two channels, by their setting
// publishOnSpecificResponseChannel. Those of the streams adapter answer what comes in the
// stream on a channel, too, except old ones, which subscribe to none.
func (c *Case) replySubscriptions(cmd *sentCommand) []string {
	verb, channel := "subscribe ", string(cmd.words[1])
	switch o := c.options(); strings.ToUpper(string(cmd.words[0])) {
	case "SPUBLISH":
		namespace, _, _ := strings.Cut(strings.TrimPrefix(channel, o.ChannelPrefix+"#"), "#")
		verb, channel = "ssubscribe ", o.ChannelPrefix+"#"+namespace+"#" // also where that of a room was asked
	case "XADD":
		if c.Given.Heartbeats != nil {
			return nil
		}
		if o.UseShardedPubSub {
			verb = "ssubscribe "
		}
		channel = o.ChannelPrefix + "#" + cmd.namespace() + "#"
	}
	if before, after, classic := strings.Cut(channel, "-request#"); classic {
		channel = before + "-response#" + after
		return []string{verb + channel, verb + channel + "emitter#"}
	}
	return []string{verb + channel + "emitter#"}
}

// namespace is that of an entry.
func (c *sentCommand) namespace() string {
	for i, word := range c.words[:len(c.words)-1] {
		if string(word) == "nsp" {
			return string(c.words[i+1])
		}
	}
	return ""
}

// stillListening returns what is wrong when a connection for replies does not go away
// once nothing waits. Redis is asked, whose nodes have no other subscribers by then.
func (s *stage) stillListening(ctx context.Context) (wrong []string, err error) {
	deadline := time.Now().Add(patience)
	for _, node := range s.nodes {
		for {
			list, err := node.Client().Do(ctx, "client", "list", "type", "pubsub").Text()
			if err != nil {
				return nil, err
			}
			subscribers := strings.Count(list, "\n")
			if subscribers == 0 {
				break
			}
			if time.Now().After(deadline) {
				return []string{fmt.Sprintf("nothing waits, and %d connections for replies are still open", subscribers)}, nil
			}
			time.Sleep(time.Millisecond)
		}
	}
	return nil, nil
}
