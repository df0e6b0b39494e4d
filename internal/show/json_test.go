package show

import "testing"

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
