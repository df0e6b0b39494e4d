package encoding

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"

	"github.com/sioemit/sioemit/internal/wire"
)

// DefaultPythonChannel is the channel of python-socketio's Redis managers unless
// the servers set another. That of Flask-SocketIO is "flask-socketio".
const DefaultPythonChannel = "socketio"

// ErrPythonBinary is returned for binary that Python.AllowBinary does not allow. It
// wraps ErrUnsafe.
var ErrPythonBinary error = &pythonError{"binary disconnects clients on HTTP long-polling where others use websocket, and is allowed only if all use the same transport", ErrUnsafe}

// ErrNoCounterpart is returned for a call that python-socketio's servers have no
// message for, and for a room that is a number from 2^53 up: Python has whole
// numbers of any size, of which a float64 may be the nearest to several.
var ErrNoCounterpart = errors.New("python-socketio has no counterpart to this call")

// Python is the format of the RedisManager and the AsyncRedisManager of
// python-socketio 5.15.1 and later, which Flask-SocketIO uses as well. The zero
// value is the format of their default options, for events without binary.
type Python struct {
	Channel string // the manager's option; empty means DefaultPythonChannel
	// AllowBinary lets events hold binary. The servers encode it once for all of
	// their clients: when one of these uses websocket, python-engineio (4.15 at
	// least) answers those on HTTP long-polling with an error, and they lose
	// their connection. So it is for clients that all use the same transport.
	AllowBinary bool
}

// RedisChannel returns the channel for events and requests of all namespaces.
// Each server subscribes to it once.
func (p Python) RedisChannel() string {
	if p.Channel == "" {
		return DefaultPythonChannel
	}
	return p.Channel
}

// Marshal returns the message of a broadcast, which is JSON. It leaves out the
// flags, which the servers do not know. What Except names must be socket ids.
// Rooms that are numbers from 2^53 up are an ErrNoCounterpart. Errors about an argument are *ArgumentError.
func (p Python) Marshal(b *Broadcast) ([]byte, error) {
	t := borrowTemplate()
	defer t.giveBack()
	p.Retarget(t, b)
	return t.Append(nil, b.Event, b.Args)
}

// Template encodes what all messages with the target of b have in common.
func (p Python) Template(b *Broadcast) *Template {
	t := new(Template)
	p.Retarget(t, b)
	return t
}

// Retarget makes t the template of b; see Classic.Retarget.
func (p Python) Retarget(t *Template, b *Broadcast) {
	f := formPythonText
	if p.AllowBinary {
		f = formPython
	}
	t.set(f, b.limit(), func(dst []byte, data writeData) ([]byte, error) {
		dst = appendPythonMethod(dst, 7, "emit")
		dst, err := data(wire.AppendString(dst, "event")) // with the members data and binary
		if err != nil {
			return nil, err
		}
		dst = appendPythonMember(dst, "namespace", b.Namespace)
		dst = appendPythonRooms(wire.AppendString(dst, "room"), b.Rooms)
		dst = appendPythonRooms(wire.AppendString(dst, "skip_sid"), b.Except)
		dst = wire.AppendNil(wire.AppendString(dst, "callback"))
		return appendPythonMember(dst, "host_id", UID), nil
	})
	t.refusal = checkPythonRooms(b.Rooms)
}

// MarshalRequest returns the message of a request, or an ErrNoCounterpart. There
// is one for a socket to join or to leave a room, or to be disconnected from its
// namespace, where the target is the id of that socket, and one for all sockets
// to leave a room.
func (p Python) MarshalRequest(r *Request) ([]byte, error) {
	const sid, room = "sid", "room"
	var words []string // the method, and the members that follow it
	one := len(r.Rooms) == 1 && len(r.Except) == 0 && !r.Rooms[0].isNumber()
	everyone := len(r.Rooms) == 0 && len(r.Except) == 0
	changesOne := len(r.Change) == 1
	switch {
	case r.Kind == Join && one && changesOne:
		words = []string{"enter_room", sid, room}
	case r.Kind == Leave && one && changesOne:
		words = []string{"leave_room", sid, room}
	case r.Kind == Leave && everyone && changesOne:
		words = []string{"close_room", room}
	case r.Kind == Disconnect && one && !r.Close:
		words = []string{"disconnect", sid}
	case r.Kind == Join:
		return nil, fmt.Errorf("only one socket can join one room, with its id as the target: %w", ErrNoCounterpart)
	case r.Kind == Leave:
		return nil, fmt.Errorf("only one socket can leave one room, or everyone can: %w", ErrNoCounterpart)
	case r.Kind == Disconnect && r.Close:
		return nil, fmt.Errorf("a socket can only leave its namespace, and keeps its connection: %w", ErrNoCounterpart)
	case r.Kind == Disconnect:
		return nil, fmt.Errorf("only one socket can be disconnected, with its id as the target: %w", ErrNoCounterpart)
	default:
		return nil, ErrNoCounterpart
	}
	if err := checkPythonRooms(r.Change); err != nil {
		return nil, err
	}
	return marshal(formJSON, func(_ *encoder, dst []byte) ([]byte, error) {
		dst = appendPythonMethod(dst, len(words)+2, words[0])
		for _, name := range words[1:] {
			dst = wire.AppendString(dst, name)
			if name == sid {
				dst = appendRoom(dst, r.Rooms[0])
			} else {
				dst = appendRoom(dst, r.Change[0])
			}
		}
		dst = appendPythonMember(dst, "namespace", r.Namespace)
		return appendPythonMember(dst, "host_id", UID), nil
	})
}

// appendPythonMethod begins a message of so many members.
func appendPythonMethod(dst []byte, members int, method string) []byte {
	return appendPythonMember(wire.AppendMapHeader(dst, members), "method", method)
}

func appendPythonMember(dst []byte, name, value string) []byte {
	return wire.AppendString(wire.AppendString(dst, name), value)
}

// appendPythonRooms writes no room as null, one by itself, and several as a list.
func appendPythonRooms(dst []byte, rooms []Room) []byte {
	switch len(rooms) {
	case 0:
		return wire.AppendNil(dst)
	case 1:
		return appendRoom(dst, rooms[0])
	}
	return appendRooms(dst, rooms)
}

// checkPythonRooms refuses numbers that may stand for others as well.
func checkPythonRooms(rooms []Room) error {
	for _, room := range rooms {
		if n, ok := room.Number(); ok && math.Abs(n) >= 1<<53 {
			return fmt.Errorf("the room %s: Python tells numbers from 2^53 up apart that are the same one here: %w", room, ErrNoCounterpart)
		}
	}
	return nil
}

// maxPythonLevels is how deep a value may nest. Python gives up at 1,000 calls
// that are open at once, and python-socketio has two for each level.
const maxPythonLevels = 300

// pythonError is what makes a value one that this format cannot carry. It wraps
// an error of the package, whose text says less.
type pythonError struct {
	text string
	err  error
}

func (e *pythonError) Error() string { return e.text }

func (e *pythonError) Unwrap() error { return e.err }

var (
	errPythonNull    = &pythonError{"null as the only argument arrives as no argument; send none", ErrUnsafe}
	errPythonTooDeep = &pythonError{fmt.Sprintf("the value is nested deeper than %d levels, which python-socketio cannot read", maxPythonLevels), ErrTooDeep}
)

// appendPython writes what follows the name of the member event: the event, and
// the members data and binary.
func (e *encoder) appendPython(dst, packet []byte, event string, n int) ([]byte, error) {
	var binaries []string
	if e.Attachments > 0 {
		packet, binaries = wire.Detach(nil, string(packet))
	}
	dst, packet = wire.NextToJSON(dst, packet[len(wire.AppendArrayHeader(e.text[:0], 1+n)):])
	dst = append(dst, `,"data":[`...)
	if binaries != nil {
		dst = append(dst, '[')
	}
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		start := len(dst)
		dst, packet = wire.NextToJSON(dst, packet)
		if err := checkPython(dst[start:], n); err != nil {
			return nil, &ArgumentError{event, i, err}
		}
	}
	if binaries == nil {
		return append(dst, `],"binary":false`...), nil
	}
	dst = append(dst, ']')
	for _, binary := range binaries {
		dst = base64.StdEncoding.AppendEncode(append(dst, `,"`...), []byte(binary))
		dst = append(dst, '"')
	}
	return append(dst, `],"binary":true`...), nil
}

// explain says why binary was refused, where that is not because of JSON.
func (t *Template) explain(err error) error {
	var argument *ArgumentError
	if t.form == formPythonText && errors.Is(err, ErrBinary) && errors.As(err, &argument) {
		argument.Err = ErrPythonBinary
	}
	return err
}

// checkPython looks at one of n arguments.
func checkPython(text []byte, n int) error {
	if n == 1 && string(text) == "null" {
		return errPythonNull
	}
	if wire.JSONDepth(text) > maxPythonLevels {
		return errPythonTooDeep
	}
	return nil
}
