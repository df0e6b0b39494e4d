package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/sioemit/sioemit/internal/driver"
)

// leftOut is one line of left-out.jsonl: cases that a language does not pass, or
// a feature that it does not have, and why that is right. An entry that leaves
// nothing out is stale, and fails the run.
type leftOut struct {
	Language string `json:"language"`
	Variant  string `json:"variant"` // empty for all
	Case     string `json:"case"`    // a pattern of ids, or
	Feature  string `json:"feature"` // what its first line does not name
	Why      string `json:"why"`

	used atomic.Bool
}

func readLeftOut(text []byte) ([]*leftOut, error) {
	var list []*leftOut
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		l := new(leftOut)
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		if err := d.Decode(l); err != nil {
			return nil, fmt.Errorf("left-out.jsonl:%d: %w", n, err)
		}
		if l.Language == "" || (l.Case == "") == (l.Feature == "") || l.Why == "" {
			return nil, fmt.Errorf("left-out.jsonl:%d: it takes a language, a case or a feature, and a why", n)
		}
		list = append(list, l)
	}
	return list, lines.Err()
}

// covers returns the entry that leaves a case out, because of its id or because
// of a feature that the driver does not have.
func covers(list []*leftOut, h *driver.Hello, c *Case) *leftOut {
	missing := h.Missing(c.features())
	for _, l := range list {
		if !l.about(h) {
			continue
		}
		if l.Case != "" && c.matches(l.Case) || slices.Contains(missing, l.Feature) {
			return l
		}
	}
	return nil
}

// coversFeature returns the entry for a feature that the driver does not have.
func coversFeature(list []*leftOut, h *driver.Hello, feature string) *leftOut {
	for _, l := range list {
		if l.about(h) && l.Feature == feature {
			return l
		}
	}
	return nil
}

func (l *leftOut) about(h *driver.Hello) bool {
	return l.Language == h.Language && (l.Variant == "" || l.Variant == h.Variant)
}
