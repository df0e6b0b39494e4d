package jsontext

import (
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/harm"
)

// TestMemory has a Memory hold nothing once a text is read, also where an error
// ended it, and know when it has become large.
func TestMemory(t *testing.T) {
	t.Parallel()
	const most = 1 << 10
	var m Memory
	appendText := func(text string) (string, error) {
		b, err := m.Append(nil, []byte(text), true, new(harm.Tally))
		return string(b), err
	}
	if _, err := appendText(`{"a":{"b":{"c":{"$binary":7}}}}`); err == nil {
		t.Fatal("binary that is a number was taken")
	}
	if got, err := appendText(`{"b":[1],"a":{"1":2}}`); got != "\x82\xa1b\x91\x01\xa1a\x81\xa11\x02" || err != nil {
		t.Errorf("after an error: %q, %v", got, err)
	}
	if len(m.members) > 0 || !m.Trim(most) {
		t.Errorf("%d members are left, or it has become large", len(m.members))
	}
	if _, err := appendText(`{"b":"` + strings.Repeat("x", most) + `","1":2}`); err != nil || cap(m.moved) <= most {
		t.Fatalf("%v, and %d bytes moved", err, cap(m.moved))
	}
	if !m.Trim(most) || m.moved != nil {
		t.Error("it keeps the memory of a giant text")
	}
	if _, err := appendText(`{"a":1` + strings.Repeat(`,"a":1`, most) + "}"); err != nil || m.Trim(most) {
		t.Errorf("%v, or it keeps the memory of a giant object", err)
	}
}
