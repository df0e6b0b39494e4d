package protocol

import (
	"encoding/json"
	"strconv"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// TaggedArgs returns the arguments of the event as JSON text in which
// {"$binary":"<base64>"} stands for binary. Those of a message that was decoded
// have the members of objects in the order in which they came, which Args loses.
func (m *Message) TaggedArgs() (args []encoding.TaggedJSON, err error) {
	if m.path == nil {
		for _, arg := range m.Args {
			text, err := encoding.NewValue(arg).TaggedJSON()
			if err != nil {
				return nil, err
			}
			args = append(args, text)
		}
		return args, nil
	}
	if m.IsJSON {
		elements := wire.Elements(jsonAt(m.source, m.path))
		if !m.IsPython {
			elements = elements[1:] // behind the event's name
		}
		for _, text := range elements {
			args = append(args, wire.AppendArrivedText(nil, text))
		}
		return args, nil
	}
	_, n, rest := wire.ReadHead(wireAt(m.source, m.path))
	rest = wire.Skip(rest) // the event's name
	for range n - 1 {
		var arg []byte
		arg, rest = wire.AppendArrived(nil, rest)
		args = append(args, arg)
	}
	return args, nil
}

// jsonAt returns the value to which a path of members, and of indices, leads in
// JSON text that is valid. Of a key that comes twice, the last value counts.
func jsonAt(text []byte, path []string) []byte {
	for _, step := range path {
		elements := wire.Elements(text)
		if i, err := strconv.Atoi(step); err == nil {
			text = elements[i]
			continue
		}
		for i := 0; i < len(elements); i += 2 {
			var key string
			_ = json.Unmarshal(elements[i], &key) // it is valid
			if key == step {
				text = elements[i+1]
			}
		}
	}
	return text
}

// wireAt returns the value to which such a path leads in MessagePack that Decode
// has accepted. Of a key that comes twice, the last value counts.
func wireAt(in []byte, path []string) []byte {
	for _, step := range path {
		kind, n, rest := wire.ReadHead(in)
		if kind == wire.Array {
			for i, _ := strconv.Atoi(step); i > 0; i-- {
				rest = wire.Skip(rest)
			}
			in = rest
			continue
		}
		for range n {
			kind, size, key := wire.ReadHead(rest)
			rest = wire.Skip(rest)
			if (kind == wire.String || kind == wire.Binary) && string(key[:size]) == step {
				in = rest
			}
			rest = wire.Skip(rest)
		}
	}
	return in
}
