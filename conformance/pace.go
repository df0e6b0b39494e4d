package main

import (
	"bytes"
	"io"
	"time"
)

// pace is how one reply gets to a client: with a pause in its middle, or at so many
// bytes a second.
type pace struct {
	payload []byte // of the reply that is meant; none when there is none
	pause   time.Duration
	rate    int
}

// setPace has the next reply with a payload come at a pace.
func (l *log) setPace(p pace) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.paced = p
}

// takePace returns the pace for what goes to a client.
func (l *log) takePace(raw []byte) pace {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.paced
	if len(p.payload) == 0 || !bytes.HasSuffix(raw, append(p.payload[:len(p.payload):len(p.payload)], "\r\n"...)) {
		return pace{}
	}
	l.paced = pace{}
	return p
}

func (p pace) write(to io.Writer, raw []byte) error {
	if p.pause > 0 {
		half := len(raw) / 2
		if _, err := to.Write(raw[:half]); err != nil {
			return err
		}
		time.Sleep(p.pause)
		raw = raw[half:]
	}
	const piece = 64 << 10
	for began, sent := time.Now(), 0; p.rate > 0 && len(raw) > piece; raw = raw[piece:] {
		if _, err := to.Write(raw[:piece]); err != nil {
			return err
		}
		sent += piece
		time.Sleep(time.Until(began.Add(time.Duration(sent) * time.Second / time.Duration(p.rate))))
	}
	_, err := to.Write(raw)
	return err
}
