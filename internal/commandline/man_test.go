package commandline

import "testing"

func TestRoff(t *testing.T) {
	if got := roff(`.a -b\c 'd' "e" ~^` + "`"); got != `\&.a \-b\(rsc \(aqd\(aq "e" \(ti\(ha\(ga` {
		t.Error(got)
	}
}
