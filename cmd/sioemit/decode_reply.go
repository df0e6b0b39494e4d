package main

import "strings"

// reply finds messages in the strings of what redis-cli shows after SUBSCRIBE
// and its like, XREAD and XRANGE, and passes each on when it is complete.
type reply struct {
	take    func(capture) error
	message []string // the strings of a published message, so far
	entry   *capture // of a stream, so far
	stream  string   // whose entries follow
}

// add takes the next strings.
func (r *reply) add(words ...string) error {
	for _, word := range words {
		var err error
		switch {
		case len(r.message) > 0 || messageLength(word) > 0 && r.entry == nil:
			r.message = append(r.message, word)
			err = r.endMessage()
		case isEntryID(word):
			err = r.endEntry()
			r.entry = &capture{command: "XADD", channel: r.stream, id: word}
		case r.entry != nil:
			r.entry.fields = append(r.entry.fields, word)
		default:
			r.stream = word
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// end is called behind the last string.
func (r *reply) end() error {
	err := r.endEntry()
	r.message, r.stream = nil, ""
	return err
}

// endMessage passes a message on, if it is complete.
func (r *reply) endMessage() error {
	kind := r.message[0]
	if len(r.message) < messageLength(kind) {
		return nil
	}
	captured := capture{command: "PUBLISH", channel: r.message[len(r.message)-2], payload: []byte(r.message[len(r.message)-1])}
	if kind == "smessage" {
		captured.command = "SPUBLISH"
	}
	r.message = nil
	return r.take(captured)
}

// endEntry passes the entry on that came before.
func (r *reply) endEntry() error {
	if r.entry == nil {
		return nil
	}
	captured := *r.entry
	r.entry = nil
	if last := len(captured.fields) - 1; last%2 == 0 { // the name of the next stream
		r.stream, captured.fields = captured.fields[last], captured.fields[:last]
	}
	return r.take(captured)
}

// messageLength is the number of strings of a message that begins with word; 0
// if none does.
func messageLength(word string) int {
	switch word {
	case "message", "smessage":
		return 3
	case "pmessage":
		return 4
	}
	return 0
}

// redis-cli writes a string a line into a pipe or a file, and nothing else.

// startsAnnounced tells such a reply to SUBSCRIBE and its like.
func startsAnnounced(text string) bool {
	first, rest, _ := strings.Cut(strings.TrimSuffix(text, "\n"), "\n")
	_, _, hasThird := strings.Cut(rest, "\n")
	return isAnnouncement(first) && hasThird
}

// fromAnnounced reads one. A message may hold line breaks; it ends where the
// next one is announced.
func fromAnnounced(text string, take func(capture) error) error {
	r := reply{take: take}
	text = strings.TrimSuffix(text, "\n")
	for text != "" {
		kind, _, _ := strings.Cut(text, "\n")
		words := make([]string, max(messageLength(kind), 3))
		last := len(words) - 1
		for i := range last {
			words[i], text, _ = strings.Cut(text, "\n")
		}
		words[last], text = untilAnnouncement(text)
		if messageLength(kind) == 0 {
			continue // a channel is subscribed or unsubscribed
		}
		if err := r.add(words...); err != nil {
			return err
		}
	}
	return nil
}

// untilAnnouncement cuts text where a line but the first announces something.
func untilAnnouncement(text string) (before, after string) {
	for end := 0; ; end++ {
		n := strings.IndexByte(text[end:], '\n')
		if n < 0 {
			return text, ""
		}
		end += n
		if line, _, _ := strings.Cut(text[end+1:], "\n"); isAnnouncement(line) {
			return text[:end], text[end+1:]
		}
	}
}

// isAnnouncement reports whether a line says what the next ones are.
func isAnnouncement(line string) bool {
	switch line {
	case "message", "pmessage", "smessage", "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe":
		return true
	}
	return false
}

// startsWithEntry tells such a reply to XRANGE, or to XREAD, which begins with
// the name of a stream.
func startsWithEntry(text string) bool {
	first, rest, _ := strings.Cut(text, "\n")
	second, _, _ := strings.Cut(rest, "\n")
	return isEntryID(first) || isEntryID(second)
}

// fromEntries reads one.
func fromEntries(text string, take func(capture) error) error {
	r := reply{take: take}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if err := r.add(line); err != nil {
			return err
		}
	}
	return r.end()
}

// isEntryID reports whether word is the ID of a stream entry in full.
func isEntryID(word string) bool {
	const longest = len("18446744073709551615-18446744073709551615")
	if len(word) > longest || !strings.Contains(word, "-") {
		return false
	}
	_, _, err := parseID(word)
	return err == nil
}
