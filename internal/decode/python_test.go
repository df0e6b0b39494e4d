package decode

import (
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
)

// TestDecodePython explains messages of python-socketio's managers.
func TestDecodePython(t *testing.T) {
	t.Parallel()
	const before, target = `{"method":"emit","event":"e",`, `,"namespace":"/","callback":null,"host_id":"h"`
	ordinary := decoded(t, "PUBLISH socketio '"+before+`"data":[1],"binary":false,"room":"r","skip_sid":"abcdefghijklmnopqrst"`+target+"}'")
	for _, want := range []string{
		"adapter     python\n", "kind        event for clients\n", "channel     socketio\n", "sender      h, a server or a write-only manager\n", "namespace   /\n",
		"rooms       r\n", "except      abcdefghijklmnopqrst\n", "event       e\n", "argument 1  1\n", "those of Node.js do not", "before 5.15.1: clients get an array",
	} {
		if ordinary.status != commandline.StatusDone || !strings.Contains(ordinary.stdout, want) {
			t.Errorf("%q is missing: %+v", want, ordinary)
		}
	}
	for input, want := range map[string]string{
		"PUBLISH socketio '" + before + `"data":[1],"skip_sid":["r"]` + target + "}'":                                   "clients in r are not left out",
		"PUBLISH socketio '" + before + `"data":[[{"_placeholder":true,"num":0}],"AQ=="],"binary":true` + target + "}'": "loses its connection where another one",
		"SPUBLISH socketio '" + before + `"data":[1]` + target + "}'":                                                   "come by PUBLISH only: servers ignore it",
		`PUBLISH socketio '{"method":"close_room","room":"r","namespace":"/","host_id":"emitter"}'`:                     "leaves      r\n",
		`PUBLISH socketio '{"method":"disconnect","sid":"s","namespace":"/","host_id":"emitter"}'`:                      "close       no: from this namespace only\n",
		`PUBLISH socketio '{"method":"callback","host_id":"h","sid":"r","namespace":"/","id":7,"args":["yes"]}'`:        "holds       [\"yes\"]\n",
	} {
		r := decoded(t, input)
		text := strings.Join(strings.Fields(r.stdout), " ")
		if r.status != commandline.StatusDone || !strings.Contains(text, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%s lacks %q: %+v", input, want, r)
		}
		if strings.Contains(ordinary.stdout, want) {
			t.Errorf("an ordinary event has %q too", want)
		}
	}
}
