package encoding

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

// TestTemplateAppend appends to memory of every size: the message is always the
// same, and what stood before it stays.
func TestTemplateAppend(t *testing.T) {
	t.Parallel()
	b := &Broadcast{Namespace: "/admin", Event: "e", Args: []any{"text", []byte{1, 2}, anOrder}, Rooms: []string{"room"}}
	for name, format := range map[string]interface {
		Template(*Broadcast) *Template
		Marshal(*Broadcast) ([]byte, error)
	}{
		"classic": Classic{}, "classic before 3": Classic{LegacyBinary: true}, "sharded": Sharded{},
	} {
		template := format.Template(b)
		want, err := format.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		for free := range len(want) + 2 {
			dst := append(make([]byte, 0, len("before")+free), "before"...)
			got, err := template.Append(dst, b.Event, b.Args)
			if err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
				t.Fatalf("%s, %d bytes free: %q, %v, want %q", name, free, got, err, want)
			}
		}
		var wrong *ArgumentError
		if got, err := template.Append(make([]byte, 0, 100), "e", []any{math.NaN()}); got != nil || !errors.As(err, &wrong) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
