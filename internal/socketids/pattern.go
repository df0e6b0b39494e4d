// Package socketids tells the ids of sockets from the names of rooms.
package socketids

import (
	"cmp"
	"regexp"
	"strings"
)

// Pattern is what the ids of the servers' sockets look like.
type Pattern struct{ longest *regexp.Regexp }

// engineID is the form of the ids that engine.io makes.
var engineID = regexp.MustCompile(`[0-9A-Za-z_-]{20}`)

// New returns the Pattern of ids that match the whole of an expression; nil stands
// for those that engine.io makes.
func New(expression *regexp.Regexp) *Pattern {
	longest := *cmp.Or(expression, engineID)
	longest.Longest()
	return &Pattern{&longest}
}

// Match reports whether text is the id of a socket of servers with that major
// version of Socket.IO. In namespaces other than "/", Socket.IO 1 and 2 put the
// namespace and a # before the id.
func (p *Pattern) Match(text string, version int) bool {
	if p.whole(text) {
		return true
	}
	namespace, id, _ := strings.Cut(text, "#")
	return version < 3 && strings.HasPrefix(namespace, "/") && p.whole(id)
}

func (p *Pattern) whole(text string) bool {
	at := p.longest.FindStringIndex(text)
	return at != nil && at[0] == 0 && at[1] == len(text)
}
