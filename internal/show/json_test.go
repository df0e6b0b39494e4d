package show

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/show/showtest"
)

// TestHidden shows JSON of what clients chose: equal to what it was, and without
// anything that a terminal obeys.
func TestHidden(t *testing.T) {
	t.Parallel()
	given := []string{showtest.Hidden, showtest.Shown}
	var out bytes.Buffer
	if err := JSON(&out, given); err != nil {
		t.Fatal(err)
	}
	showtest.CheckJSON(t, out.String())
	var words []string
	if err := json.Unmarshal(out.Bytes(), &words); err != nil || words[0] != showtest.Hidden {
		t.Errorf("%q, %v", words, err)
	}
	out.Reset()
	if err := Values(&out, []emitter.Value{encoding.NewValue(map[string]any{"a" + showtest.Hidden: given})}); err != nil {
		t.Fatal(err)
	}
	showtest.CheckJSON(t, out.String())
}

// TestVisibleJSON copies no text that is fine as it is.
func TestVisibleJSON(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		`{"a":[1,"é→日😀\u001b"]}`: `{"a":[1,"é→日😀\u001b"]}`,
		"[\"\u007f\"]\n":         `["\u007f"]` + "\n",
		"\"a\x9b\xff\ufffd\"":    `"a\ufffd\ufffd` + "\ufffd\"",
	} {
		if got := Visible([]byte(text)); string(got) != want {
			t.Errorf("%+q: %+q, want %+q", text, got, want)
		}
	}
	text := []byte(`{"a":"é→日😀"}`)
	if n := testing.AllocsPerRun(100, func() { Visible(text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
