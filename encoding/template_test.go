package encoding

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"testing"

	"github.com/sioemit/sioemit/internal/wire"
)

// TestTemplateAppend appends to memory of every size: the message is always the
// same, and what stood before it stays.
func TestTemplateAppend(t *testing.T) {
	t.Parallel()
	text, binary := []any{"text", anOrder}, []any{"text", []byte{1, 2}, anOrder}
	for name, test := range map[string]struct {
		format interface {
			Template(*Broadcast) *Template
			Marshal(*Broadcast) ([]byte, error)
		}
		args []any
	}{
		"classic":          {Classic{}, binary},
		"classic before 3": {Classic{LegacyBinary: true}, binary},
		"classic, JSON":    {Classic{Codec: JSON}, text},
		"sharded":          {Sharded{}, text},
		"sharded, binary":  {Sharded{}, binary},
		"sharded, no args": {Sharded{}, nil},
	} {
		b := &Broadcast{Namespace: "/admin", Event: "e", Args: test.args, Rooms: []Room{"room"}}
		template := test.format.Template(b)
		want, err := test.format.Marshal(b)
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
		if test.format == (Classic{Codec: JSON}) {
			got, err := template.Append(nil, "e", binary)
			if got != nil || !errors.Is(err, ErrBinary) || !errors.As(err, &wrong) || wrong.Index != 1 {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
		if got, err := template.Append(make([]byte, 0, 100), "e", []any{math.NaN()}); got != nil || !errors.As(err, &wrong) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestRetarget makes one template that of other targets and forms, larger and
// smaller: nothing is left of the one before.
func TestRetarget(t *testing.T) {
	t.Parallel()
	yes, reused := true, new(Template)
	for range 2 {
		for _, b := range []*Broadcast{
			{Namespace: "/", Rooms: []Room{"room"}},
			{Namespace: "/admin", Rooms: manyRooms(1000), Except: []Room{"a"}, Flags: Flags{Volatile: true, Compress: &yes}},
			{Namespace: "/\xc1\x00", Rooms: []Room{"\xc1\x00"}},
			{Namespace: "/"},
		} {
			b.Event, b.Args = "e", []any{anOrder}
			for _, format := range []interface {
				Retarget(*Template, *Broadcast)
				Template(*Broadcast) *Template
			}{Classic{LegacyBinary: true}, Classic{Codec: JSON}, Sharded{}, Streams{}, Classic{}} {
				format.Retarget(reused, b)
				for _, args := range [][]any{{anOrder}, {[]byte{1}}} {
					got, err := reused.Append(nil, "e", args)
					want, wantErr := format.Template(b).Append(nil, "e", args)
					if !bytes.Equal(got, want) || (err == nil) != (wantErr == nil) {
						t.Errorf("%#v: %.300q, %v, want %.300q, %v", format, got, err, want, wantErr)
					}
				}
			}
		}
	}
}

// TestTemplateJSON has the JSON of a message be that of its MessagePack: what
// stands around the event is turned into JSON apart from the event.
func TestTemplateJSON(t *testing.T) {
	t.Parallel()
	no := false
	for name, b := range map[string]*Broadcast{
		"everyone":      {Namespace: "/"},
		"rooms":         {Namespace: "/0", Rooms: []Room{"0", "1", "\"", "\\", "é\u2028", "\x00"}, Except: []Room{"0,1"}},
		"many rooms":    {Namespace: "/", Rooms: manyRooms(20)},
		"largest array": {Namespace: "/", Rooms: manyRooms(1 << 16)},
		"flags":         {Namespace: "/", Flags: Flags{Volatile: true, Compress: &no}},
	} {
		for _, args := range [][]any{nil, {0}, {1, "a", nil, 1.5, map[string]any{"b": []any{}}}, {anOrder}} {
			b.Event, b.Args = "e", args
			pack, err := Classic{}.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			want := wire.ToJSON(nil, pack)
			if got, err := (Classic{Codec: JSON}).Marshal(b); err != nil || !bytes.Equal(got, want) || !json.Valid(got) {
				t.Errorf("%s, %v: %.300q, %v, want %.300q", name, args, got, err, want)
			}
		}
	}
}

func manyRooms(n int) []Room {
	rooms := make([]Room, n)
	for i := range rooms {
		rooms[i] = Room(strconv.Itoa(i))
	}
	return rooms
}
