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
// guessed or that were there before, and replies that nobody listened for yet.
func (s *stage) wronglyAsked(sent []*sentCommand) []string {
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
		for _, subscription := range cmd.replySubscriptions() {
			if !cmd.subscribed[subscription] {
				wrong = append(wrong, fmt.Sprintf("Redis had not confirmed %q when the question was published", subscription))
			}
		}
	}
	return wrong
}

// replySubscriptions are what a client is subscribed to for the answers to a question.
// Servers of the classic adapter answer on one of two channels, by their setting
// publishOnSpecificResponseChannel.
func (c *sentCommand) replySubscriptions() []string {
	verb, channel := "subscribe ", string(c.words[1])
	if strings.EqualFold(string(c.words[0]), "SPUBLISH") {
		verb = "ssubscribe "
	}
	if before, after, classic := strings.Cut(channel, "-request#"); classic {
		channel = before + "-response#" + after
		return []string{verb + channel, verb + channel + "emitter#"}
	}
	return []string{verb + channel + "emitter#"}
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
