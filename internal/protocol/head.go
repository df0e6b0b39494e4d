package protocol

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/wire"
)

// ReplyHead is what a reply says about itself: what kind it is, who sent it,
// and which question it answers. What it holds is not decoded yet.
type ReplyHead struct {
	Kind      ReplyKind
	RequestID string
	UID       string // of the server; empty from the classic adapter

	form    scanner
	content value // what Decode decodes
}

// ReadReplyHead reads the head of an answer from any adapter, JSON or
// MessagePack. It walks through the answer once without building anything of it,
// so that an answer to somebody else, of any size, costs no memory. Errors wrap
// wire.ErrMalformed; that there is none does not mean that Decode has none.
func ReadReplyHead(payload string) (ReplyHead, error) {
	h, err := readReplyHead(payload)
	if err != nil {
		return ReplyHead{}, fmt.Errorf("%w: %w", wire.ErrMalformed, err)
	}
	return h, nil
}

// maxReplyName is how long a type, an id and a uid may be, in bytes. Those of
// official servers have 20 at most.
const maxReplyName = 1 << 10

func readReplyHead(payload string) (h ReplyHead, err error) {
	h.form = scanPack
	if strings.HasPrefix(payload, "{") {
		h.form = scanJSON
	}
	message, err := h.form.members(payload)
	if err != nil {
		return h, err
	}
	data := message
	isCluster := message.requestID.text == "" && h.form.isObject(message.data.text)
	if isCluster {
		if data, err = h.form.members(message.data.text); err != nil {
			return h, err
		}
		uid, _ := h.form.name(message.uid)
		h.UID = strings.Clone(uid) // it may outlive the reply
	}
	if h.RequestID, err = h.form.name(data.requestID); err != nil {
		return h, errors.New("the reply has no requestId")
	}
	number, hasType := h.form.number(message.typ)
	switch {
	case isCluster:
		err = h.setCluster(number, &data)
	case hasType:
		err = h.setClassic(number, &data)
	case data.rooms.text != "" && !h.form.isNull(data.rooms.text):
		h.Kind, h.content = ReplyRooms, data.rooms
	default:
		h.Kind, h.content = ReplySockets, data.sockets
	}
	return h, err
}

func (h *ReplyHead) setCluster(typ int64, data *replyMembers) error {
	switch typ {
	case wire.ClusterSockets:
		h.Kind, h.content = ReplySockets, data.sockets
	case wire.ClusterServerSideAnswer:
		h.Kind, h.content = ReplyServerSide, data.packet
	case wire.ClusterClientCount:
		h.Kind, h.content = ReplyClientCount, data.clientCount
	case wire.ClusterAck:
		h.Kind, h.content = ReplyAck, data.packet
	default:
		return fmt.Errorf("message type %d is no reply", typ)
	}
	return nil
}

func (h *ReplyHead) setClassic(typ int64, data *replyMembers) error {
	switch typ {
	case wire.ClassicServerSide:
		h.Kind, h.content = ReplyServerSide, data.data
	case wire.ClassicClientCount:
		h.Kind, h.content = ReplyClientCount, data.clientCount
	case wire.ClassicAck:
		h.Kind, h.content = ReplyAck, data.packet
	default:
		return fmt.Errorf("message type %d is no reply", typ)
	}
	return nil
}

// Decode decodes what the reply holds. It refuses what would take far more
// memory than its size justifies, which no server's answer does: 64 MiB, and 16
// times its size. Errors wrap wire.ErrMalformed.
func (h *ReplyHead) Decode() (*Reply, error) {
	r, err := h.decode()
	if err != nil && !errors.Is(err, wire.ErrMalformed) {
		err = fmt.Errorf("%w: %w", wire.ErrMalformed, err)
	}
	return r, err
}

func (h *ReplyHead) decode() (*Reply, error) {
	if !h.content.justified() {
		return nil, fmt.Errorf("the %d bytes of the reply would become %d when decoded", len(h.content.text), h.content.cost)
	}
	var v any
	var err error
	if h.content.text != "" {
		if v, err = h.form.decode(h.content.text); err != nil {
			return nil, err
		}
	}
	r := &Reply{Kind: h.Kind, RequestID: strings.Clone(h.RequestID), UID: h.UID}
	original := wire.ArrivesAs
	if h.form == scanJSON {
		original = wire.Buffers
	}
	switch h.Kind {
	case ReplySockets:
		err = r.setSockets(v)
		for _, socket := range r.Sockets {
			if data, ok := socket["data"]; ok {
				socket["data"] = original(data)
			}
		}
	case ReplyRooms:
		err = r.setRooms(v)
	case ReplyClientCount:
		err = r.setClients(v)
	default:
		r.Value = encoding.NewValue(original(v))
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// value is an undecoded value, and about how many bytes of memory it takes when
// it is decoded. The text is empty where there is no value.
type value struct {
	text string
	cost int64
}

// What decoded values take, in bytes. A map has room for eight members from its
// first one on.
const (
	objectCost  = 320
	arrayCost   = 48
	elementCost = 64 // of an array or, twice, of an object
)

// justified reports whether a value may be decoded: real answers take up to 14
// times their size, and short ones may take more. Made-up ones take up to 200
// times theirs.
func (v *value) justified() bool { return v.cost < 64<<20+16*int64(len(v.text)) }

// replyMembers are the members of an object that replies have. Of those that
// come twice the last one counts, as in JavaScript.
type replyMembers struct {
	typ, requestID, uid, data, sockets, rooms, packet, clientCount value
}

func (m *replyMembers) set(name string, v value) {
	switch name {
	case "type":
		m.typ = v
	case "requestId":
		m.requestID = v
	case "uid":
		m.uid = v
	case "data":
		m.data = v
	case "sockets":
		m.sockets = v
	case "rooms":
		m.rooms = v
	case "packet":
		m.packet = v
	case "clientCount":
		m.clientCount = v
	}
}

// scanner walks through values of one of the two forms.
type scanner bool

const (
	scanJSON scanner = true
	scanPack scanner = false
)

var errTooEarly = errors.New("it ends too early")

func (f scanner) isObject(text string) bool {
	if f == scanJSON {
		return strings.HasPrefix(text, "{")
	}
	return text != "" && (text[0]&0xf0 == 0x80 || text[0] == 0xde || text[0] == 0xdf)
}

func (f scanner) isNull(text string) bool {
	if f == scanJSON {
		return text == "null"
	}
	return text == "\xc0"
}

func (f scanner) decode(text string) (any, error) {
	if f == scanJSON {
		return wire.DecodeJSON([]byte(text))
	}
	return wire.Decode([]byte(text))
}

// name decodes a short string.
func (f scanner) name(v value) (string, error) {
	text := v.text
	if f == scanJSON && len(text) >= 2 && text[0] == '"' && plainText(text[1:len(text)-1]) {
		return text[1 : len(text)-1], nil
	}
	if len(text) > maxReplyName {
		return "", errors.New("it is too long")
	}
	if decoded, err := f.decode(text); err == nil {
		if name, ok := decoded.(string); ok {
			return name, nil
		}
	}
	return "", errors.New("it is no string")
}

// plainText reports whether JSON text stands for itself.
func plainText(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '\\' || c >= 0x80 {
			return false
		}
	}
	return len(text) <= maxReplyName
}

// number decodes an integer, and reports whether there is one.
func (f scanner) number(v value) (int64, bool) {
	if f == scanJSON && len(v.text) <= 3 {
		if n, err := strconv.ParseUint(v.text, 10, 16); err == nil {
			return int64(n), true
		}
	}
	if len(v.text) > maxReplyName {
		return 0, false
	}
	decoded, _ := f.decode(v.text)
	n, ok := decoded.(int64)
	return n, ok
}

// members walks through an object that takes up the whole text.
func (f scanner) members(text string) (replyMembers, error) {
	if !f.isObject(text) {
		return replyMembers{}, errors.New("a reply is an object")
	}
	if f == scanJSON {
		return jsonMembers(text)
	}
	return packMembers(text)
}

func jsonMembers(text string) (m replyMembers, err error) {
	i := skipSpace(text, 1)
	for more := i < len(text) && text[i] != '}'; more; {
		start := i
		if i, err = skipString(text, i); err != nil {
			return m, err
		}
		key := text[start:i]
		if i = skipSpace(text, i); i == len(text) || text[i] != ':' {
			return m, errors.New("a key has no value")
		}
		i = skipSpace(text, i+1)
		start = i
		var cost int64
		if i, cost, err = skipJSON(text, i); err != nil {
			return m, err
		}
		if i == start {
			return m, errors.New("a key has no value")
		}
		if name, err := scanJSON.name(value{text: key}); err == nil {
			m.set(name, value{text[start:i], cost})
		}
		if i = skipSpace(text, i); i < len(text) && text[i] == ',' {
			i = skipSpace(text, i+1)
			continue
		}
		more = false
	}
	if i >= len(text) || text[i] != '}' {
		return m, errTooEarly
	}
	if i = skipSpace(text, i+1); i < len(text) {
		return m, fmt.Errorf("%d bytes after the value", len(text)-i)
	}
	return m, nil
}

func skipSpace(text string, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t') {
		i++
	}
	return i
}

// skipString returns the end of the string that starts at i.
func skipString(text string, i int) (end int, err error) {
	if i >= len(text) || text[i] != '"' {
		return 0, errors.New("a key is no string")
	}
	for i++; i < len(text); i++ {
		n := strings.IndexByte(text[i:], '"')
		if n < 0 {
			break
		}
		i += n
		backslashes := 0
		for text[i-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return i + 1, nil
		}
	}
	return 0, errTooEarly
}

// skipJSON returns the end of the value that starts at i. Whether all is well
// inside of it, Decode finds out.
func skipJSON(text string, i int) (end int, cost int64, err error) {
	depth, start := 0, i
	for i < len(text) {
		switch text[i] {
		case '"':
			if i, err = skipString(text, i); err != nil {
				return 0, 0, err
			}
			if depth == 0 {
				return i, cost + int64(i-start), nil
			}
			continue
		case '{':
			depth++
			cost += objectCost
		case '[':
			depth++
			cost += arrayCost
		case '}', ']':
			if depth--; depth < 0 {
				return i, cost + int64(i-start), nil // a number ends here
			}
			if depth == 0 {
				return i + 1, cost + int64(i-start), nil
			}
		case ',', ':':
			if depth == 0 {
				return i, cost + int64(i-start), nil
			}
			cost += elementCost
		case ' ', '\n', '\r', '\t':
			if depth == 0 {
				return i, cost + int64(i-start), nil
			}
		}
		i++
	}
	return 0, 0, errTooEarly
}

func packMembers(text string) (m replyMembers, err error) {
	head, err := readPackHead(text)
	if err != nil {
		return m, err
	}
	i := head.size
	for range head.items / 2 {
		start := i
		if i, _, err = skipPack(text, i); err != nil {
			return m, err
		}
		key := value{text: text[start:i]}
		start = i
		var cost int64
		if i, cost, err = skipPack(text, i); err != nil {
			return m, err
		}
		if name, err := scanPack.name(key); err == nil {
			m.set(name, value{text[start:i], cost})
		}
	}
	if i < len(text) {
		return m, fmt.Errorf("%d bytes after the value", len(text)-i)
	}
	return m, nil
}

// packHead is the beginning of a MessagePack value.
type packHead struct {
	size  int // with the bytes of a value that is no array or object, in bytes
	items int // that follow, of an object keys and values
	cost  int64
}

func readPackHead(text string) (packHead, error) {
	if text == "" {
		return packHead{}, errTooEarly
	}
	c := text[0]
	switch {
	case c < 0x80, c >= 0xe0:
		return packHead{size: 1}, nil
	case c < 0x90:
		return packHead{1, 2 * int(c&0x0f), objectCost}, nil
	case c < 0xa0:
		return packHead{1, int(c & 0x0f), arrayCost}, nil
	case c < 0xc0:
		return packHead{size: 1 + int(c&0x1f)}, nil
	}
	kind := packKinds[c-0xc0]
	size := 1 + kind.length
	if len(text) < size {
		return packHead{}, errTooEarly
	}
	var n uint64 // a length, in bytes or items
	for i := 1; i < size; i++ {
		n = n<<8 | uint64(text[i])
	}
	n += uint64(kind.more)
	switch {
	case kind.invalid:
		return packHead{}, fmt.Errorf("no value starts with byte %#x", c)
	case n > uint64(len(text)) || n > math.MaxInt32/2:
		return packHead{}, fmt.Errorf("%d bytes or elements are announced where %d bytes follow", n, len(text)-size)
	case kind.items == 0:
		return packHead{size: size + int(n)}, nil
	}
	cost := int64(arrayCost)
	if kind.items == 2 {
		cost = objectCost
	}
	return packHead{size, int(n) * kind.items, cost}, nil
}

// packKinds are the kinds of values from byte 0xc0 to 0xdf: how many bytes their
// length has, how many bytes more follow, and what the length counts.
var packKinds = [...]struct {
	length, more, items int
	invalid             bool
}{
	{}, {invalid: true}, {}, {}, // nil, none, false, true
	{length: 1}, {length: 2}, {length: 4}, // binary
	{length: 1, more: 1}, {length: 2, more: 1}, {length: 4, more: 1}, // extensions
	{more: 4}, {more: 8}, // float
	{more: 1}, {more: 2}, {more: 4}, {more: 8}, // unsigned
	{more: 1}, {more: 2}, {more: 4}, {more: 8}, // signed
	{more: 2}, {more: 3}, {more: 5}, {more: 9}, {more: 17}, // extensions of a fixed size
	{length: 1}, {length: 2}, {length: 4}, // text
	{length: 2, items: 1}, {length: 4, items: 1}, // arrays
	{length: 2, items: 2}, {length: 4, items: 2}, // objects
}

// skipPack returns the end of the value that starts at i.
func skipPack(text string, i int) (end int, cost int64, err error) {
	for left := 1; left > 0; left-- {
		head, err := readPackHead(text[i:])
		if err != nil {
			return 0, 0, err
		}
		i += head.size
		if left += head.items; left-1 > len(text)-i { // each takes a byte at least
			return 0, 0, errTooEarly
		}
		cost += head.cost + elementCost
	}
	return i, cost, nil
}
