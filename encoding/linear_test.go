package encoding

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/harm"
	"github.com/sioemit/sioemit/internal/wire"
)

// TestLinear has JSON of one size take about one time, however deep it nests
// and however much of it is not in the order of JavaScript. When each level
// moved what it holds, 9,000 levels took 90 to 200 times as long as 5. More than
// MaxLevels show the difference best, so the values count as received.
func TestLinear(t *testing.T) {
	const size, few, many = 4 << 20, 5, 9000
	// build nests levels whose own members are so long that all have one size.
	build := func(levels int, open, shut string, more int) []byte {
		var b bytes.Buffer
		pad := strings.Repeat("x", size/levels/more)
		for range levels {
			b.WriteString(open)
			for i := range more {
				if open == "[" {
					fmt.Fprintf(&b, "%q,", pad)
				} else {
					fmt.Fprintf(&b, `"k%d":%q,`, i, pad)
				}
			}
			if open != "[" {
				b.WriteString(`"in":`)
			}
		}
		b.WriteString("1")
		b.WriteString(strings.Repeat(shut, levels))
		return b.Bytes()
	}
	for name, shape := range map[string]struct {
		open, shut string
		more       int
	}{
		"long arrays":  {"[", "]", 16},
		"long objects": {"{", "}", 16},
		"out of order": {"{", `,"1":2}`, 1},
		"twice":        {`{"k0":0,`, "}", 2},
	} {
		flat, deep := build(few, shape.open, shape.shut, shape.more), build(many, shape.open, shape.shut, shape.more)
		for _, tagged := range []bool{false, true} {
			encode := func(text []byte) func(e *encoder) ([]byte, error) {
				return func(e *encoder) ([]byte, error) { return e.parsing.Append(nil, text, tagged, &e.Tally) }
			}
			if ratio := timesAsLong(t, encode(deep), encode(flat)); ratio > 30 {
				t.Errorf("%s, tagged %v: %d levels take %.0f times as long as %d", name, tagged, many, ratio, few)
			}
		}
	}

	type level struct { // has many optional fields
		g20
		T  string `json:",omitempty"`
		In *level `json:",omitempty"`
	}
	structs := func(levels int) func(e *encoder) ([]byte, error) {
		var v *level
		for range levels {
			v = &level{T: strings.Repeat("x", size/levels), In: v}
		}
		return func(e *encoder) ([]byte, error) { return e.value(nil, v) }
	}
	if ratio := timesAsLong(t, structs(many), structs(few)); ratio > 100 {
		t.Errorf("structs: %d levels take %.0f times as long as %d", many, ratio, few)
	}
}

// timesAsLong compares two encodings by the fastest of several: what else the
// machine does can only add.
func timesAsLong(t *testing.T, encode, reference func(*encoder) ([]byte, error)) float64 {
	t.Helper()
	fastest := func(encode func(*encoder) ([]byte, error)) time.Duration {
		least := time.Duration(math.MaxInt64)
		for range 5 {
			e := &encoder{Tally: harm.Tally{Received: true}}
			start := time.Now()
			if _, err := encode(e); err != nil {
				t.Fatal(err)
			}
			least = min(least, time.Since(start))
		}
		return least
	}
	return float64(fastest(encode)) / float64(fastest(reference))
}

// TestMoves compares what moves in a JSON text with JavaScript, on both
// sides of each size at which something else is done about it.
func TestMoves(t *testing.T) {
	t.Parallel()
	const small = 256 // as in package jsontext
	for _, n := range []int{0, 1, 14, 15, 16, 17, 300, 1<<16 - 1, 1 << 16} {
		for _, pad := range []int{0, 1, small/17 - 3, small} {
			if n > 300 && pad > 0 {
				continue
			}
			long := strings.Repeat("y", pad)
			var array, object, indices, twice strings.Builder
			for i := range n {
				fmt.Fprintf(&array, ",%q", long)
				fmt.Fprintf(&object, `,"k%d":%q`, i, long)
				fmt.Fprintf(&indices, `,"%d":%q`, n-i, long)
				fmt.Fprintf(&twice, `,"k%d":%q`, i/2, long)
			}
			a, o, x, w := "[0"+array.String()+"]", `{"o":0`+object.String()+"}", `{"x":0`+indices.String()+"}", `{"w":0`+twice.String()+"}"
			texts := []string{a, o, x, w}
			if n <= 300 {
				for _, inner := range []string{a, o, x, w} {
					texts = append(texts, "["+inner+array.String()+","+inner+"]", `{"k2":`+inner+object.String()+`,"z":`+inner+`,"0":`+inner+`,"z":`+inner+"}")
				}
			}
			for _, text := range texts {
				compareOrder(t, text)
			}
		}
	}
}

// ordered is a JSON value whose objects are in the order of JavaScript.
type ordered struct {
	scalar json.Token
	array  []ordered
	keys   []string // nil unless it is an object
	values map[string]ordered
}

// readOrdered reads a value as JSON.parse does: a key that comes again keeps its
// place and gets another value; array indices come first.
func readOrdered(t *testing.T, d *json.Decoder) ordered {
	t.Helper()
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch token {
	case json.Delim('['):
		v := ordered{array: []ordered{}}
		for d.More() {
			v.array = append(v.array, readOrdered(t, d))
		}
		_, _ = d.Token()
		return v
	case json.Delim('{'):
		v := ordered{keys: []string{}, values: map[string]ordered{}}
		for d.More() {
			key, _ := d.Token()
			if _, again := v.values[key.(string)]; !again {
				v.keys = append(v.keys, key.(string))
			}
			v.values[key.(string)] = readOrdered(t, d)
		}
		_, _ = d.Token()
		slices.SortStableFunc(v.keys, func(a, b string) int {
			i, errA := strconv.ParseUint(a, 10, 31)
			j, errB := strconv.ParseUint(b, 10, 31)
			switch {
			case errA == nil && errB == nil:
				return cmp.Compare(i, j)
			case errA == nil:
				return -1
			case errB == nil:
				return 1
			}
			return 0
		})
		return v
	}
	return ordered{scalar: token}
}

func (v ordered) append(b []byte) []byte {
	switch {
	case v.array != nil:
		b = append(b, '[')
		for i, e := range v.array {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.append(b)
		}
		return append(b, ']')
	case v.keys != nil:
		b = append(b, '{')
		for i, key := range v.keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = v.values[key].append(append(wire.AppendJSONString(b, []byte(key)), ':'))
		}
		return append(b, '}')
	}
	text, _ := json.Marshal(v.scalar)
	return append(b, text...)
}

// compareOrder holds the order of what is sent for a text to that of JSON.parse.
func compareOrder(t *testing.T, text string) {
	t.Helper()
	want := readOrdered(t, json.NewDecoder(strings.NewReader(text))).append(nil)
	if got, err := AppendJSON(nil, json.RawMessage(text)); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%.100s\nis sent as %.200s, %v\nwant %.200s", text, got, err, want)
	}
}
