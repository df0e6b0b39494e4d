package resp

import (
	"bufio"
	"strings"
	"testing"
)

// TestReplies reads what Redis may answer, whole.
func TestReplies(t *testing.T) {
	for _, raw := range []string{
		"+OK\r\n", "-ERR no\r\n", ":1\r\n", "$3\r\nabc\r\n", "$-1\r\n", "*-1\r\n", "*2\r\n:1\r\n$1\r\nx\r\n", "_\r\n", ",1.5\r\n", "#t\r\n", "(12\r\n",
		"=7\r\ntxt:abc\r\n", "!5\r\nERR x\r\n", "%1\r\n+a\r\n:1\r\n", "~1\r\n:1\r\n", ">2\r\n+a\r\n+b\r\n", "|1\r\n+a\r\n+b\r\n",
	} {
		var got []byte
		kind, err := ReadReply(bufio.NewReader(strings.NewReader(raw+"+next\r\n")), &got)
		if err != nil || string(got) != raw || kind != raw[0] {
			t.Errorf("%q became %q, %v", raw, got, err)
		}
		for cut := range len(raw) {
			if _, err := ReadReply(bufio.NewReader(strings.NewReader(raw[:cut])), new([]byte)); err == nil {
				t.Errorf("%q is taken for whole", raw[:cut])
			}
		}
	}
	if _, err := ReadReply(bufio.NewReader(strings.NewReader("?3\r\n")), new([]byte)); err == nil {
		t.Error("an unknown type is taken")
	}
}
