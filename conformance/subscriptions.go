package main

import (
	"errors"
	"maps"
	"strings"

	"github.com/sioemit/sioemit/internal/resp"
)

// errCut ends a connection as a case wants it.
var errCut = errors.New("the case ends this connection")

// noteSubscription keeps a connection that subscribes in mind, and reports whether an
// answer to its command is due: to an UNSUBSCRIBE come as many as there were channels.
func (c *connection) noteSubscription(cmd *sentCommand) (answered bool) {
	switch strings.ToUpper(string(cmd.words[0])) {
	case "SUBSCRIBE", "SSUBSCRIBE", "PSUBSCRIBE":
		cmd.confirms = len(cmd.words) - 1
		c.pubsub.Store(true)
	case "UNSUBSCRIBE", "SUNSUBSCRIBE", "PUNSUBSCRIBE":
		return false
	}
	return true
}

// news is what Redis says by pub/sub.
type news struct {
	kind    string // subscribe, message
	channel string
}

// newsOf reads news, which are arrays in RESP 2, where they look like answers, and
// pushes in RESP 3. It returns nil for anything else.
func (c *connection) newsOf(raw []byte) *news {
	if raw[0] != '>' && (raw[0] != '*' || !c.pubsub.Load()) {
		return nil
	}
	words := resp.FirstWords(raw, 2)
	if len(words) == 0 {
		return nil
	}
	switch words[0] {
	case "subscribe", "ssubscribe", "psubscribe", "unsubscribe", "sunsubscribe", "punsubscribe", "message", "smessage", "pmessage":
		return &news{kind: words[0], channel: strings.Join(words[1:], "")}
	}
	return nil
}

// hear takes news into account.
func (c *connection) hear(n *news) {
	switch n.kind {
	case "subscribe", "ssubscribe", "psubscribe":
		c.confirmed()
		c.log.setSubscribed(c, n.kind+" "+n.channel, true)
	case "unsubscribe", "sunsubscribe", "punsubscribe":
		c.log.setSubscribed(c, strings.Replace(n.kind, "un", "", 1)+" "+n.channel, false)
	}
}

// confirmed takes a SUBSCRIBE off the commands that wait for an answer, with the last
// of its confirmations.
func (c *connection) confirmed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 || c.waiting[0].confirms == 0 {
		return
	}
	if c.waiting[0].confirms--; c.waiting[0].confirms == 0 {
		c.waiting = c.waiting[1:]
	}
}

func (l *log) setSubscribed(c *connection, subscription string, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listening == nil {
		l.listening = make(map[*connection]map[string]bool)
	}
	if l.listening[c] == nil {
		l.listening[c] = make(map[string]bool)
	}
	if on {
		l.listening[c][subscription] = true
	} else {
		delete(l.listening[c], subscription)
	}
}

func (l *log) subscribedLocked() map[string]bool {
	all := make(map[string]bool)
	for _, subscriptions := range l.listening {
		maps.Copy(all, subscriptions)
	}
	return all
}

func (l *log) forget(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.listening, c)
}

// cutListening ends every connection that is subscribed to something.
func (l *log) cutListening() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c, subscriptions := range l.listening {
		if len(subscriptions) > 0 {
			c.client.Close()
			c.server.Close()
		}
	}
}

// cutQuestions ends the connections of the next n commands that publish, once Redis
// has taken them and before the client knows.
func (l *log) cutQuestions(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cuts = n
}
