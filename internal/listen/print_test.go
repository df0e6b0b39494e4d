package listen

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/show"
)

// hidden are characters that JSON may hold as they are, and that a terminal obeys or does not show.
const hidden = "\u007f\u009b31m\u0085\u202e\u2066\u200b\u2028\U000e0041"

// TestPrintHidden prints nothing that a terminal obeys, of events and of what is said about the connection.
func TestPrintHidden(t *testing.T) {
	t.Parallel()
	event, err := eventLineOf(&protocol.Message{Broadcast: encoding.Broadcast{Event: hidden, Args: []any{hidden, "é→日😀"}, Rooms: []encoding.Room{hidden}}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := show.JSON(&out, event); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `\u007f\u009b31m\u0085\u202e\u2066\u200b\u2028\udb40\udc41`) || !strings.Contains(out.String(), "é→日😀") {
		t.Errorf("%+q", &out)
	}
	p := &printer{options: options{IO: commandline.IO{Err: &out}}}
	p.say("a%sb\x9b\ngpj.\u202ecod", hidden)
	if !strings.HasSuffix(out.String(), "gpj.\ufffdcod\n") {
		t.Errorf("%+q", &out)
	}
	for _, r := range out.String() {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Errorf("%U in %+q", r, &out)
		}
	}
}
