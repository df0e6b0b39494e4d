package listen

import (
	"bytes"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/show/showtest"
)

// TestPrintHidden prints nothing that a terminal obeys, of events and of what is said about the connection.
func TestPrintHidden(t *testing.T) {
	t.Parallel()
	event, err := eventLine(&protocol.Message{Broadcast: encoding.Broadcast{Event: showtest.Hidden, Args: []any{showtest.Hidden, "é→日😀"}, Rooms: []encoding.Room{showtest.Hidden}}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := show.JSON(&out, event); err != nil {
		t.Fatal(err)
	}
	showtest.CheckJSON(t, out.String())
	p := &printer{options: options{IO: commandline.IO{Err: &out}}}
	p.say("a%sb\x9b\ngpj.\u202ecod", showtest.Hidden)
	if !strings.HasSuffix(out.String(), "gpj.\ufffdcod\n") {
		t.Errorf("%+q", &out)
	}
	if r := showtest.Obeyed(out.String()); r >= 0 {
		t.Errorf("%U in %+q", r, &out)
	}
}
