package settings

import (
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/urfave/cli/v2"
)

// Target is who something is for, and how servers deliver it.
type Target struct {
	Namespace string          `json:"namespace,omitempty"`
	Rooms     []encoding.Room `json:"rooms,omitempty"`
	Except    []encoding.Room `json:"except,omitempty"`
	Volatile  bool            `json:"volatile,omitempty"`
	Compress  *bool           `json:"compress,omitempty"`
}

// Of returns the operator for the target.
func (t *Target) Of(io *emitter.Emitter) *emitter.BroadcastOperator {
	op := io.Of(t.Namespace)
	for _, room := range t.Rooms {
		if n, ok := room.Number(); ok {
			op = op.ToNumber(n)
		} else {
			op = op.To(string(room))
		}
	}
	for _, room := range t.Except {
		if n, ok := room.Number(); ok {
			op = op.ExceptNumber(n)
		} else {
			op = op.Except(string(room))
		}
	}
	if t.Volatile {
		op = op.Volatile()
	}
	if t.Compress != nil {
		op = op.Compress(*t.Compress)
	}
	return op
}

// TargetCategory is that of flags that say who gets something.
const TargetCategory = "Who gets it:"

// TargetFlags are the flags of a command that make a Target, besides the global
// --namespace.
type TargetFlags struct {
	rooms, except             cli.StringSlice
	roomNumbers, exceptNumber cli.Float64Slice
	volatile, compress        bool
}

// Rooms are the flags that say who gets it.
func (f *TargetFlags) Rooms() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "room", Aliases: []string{"r", "to"}, Destination: &f.rooms, Category: TargetCategory, Usage: "clients in this `ROOM` or with this socket id; repeatable"},
		&cli.Float64SliceFlag{Name: "room-number", Destination: &f.roomNumbers, Category: TargetCategory, Usage: "clients in the room that is the number `N`, as after join(5); repeatable"},
		&cli.StringSliceFlag{Name: "except", Aliases: []string{"x"}, Destination: &f.except, Category: TargetCategory, Usage: "but not those in this `ROOM`; repeatable (on Socket.IO 1 to 3 socket ids only)"},
		&cli.Float64SliceFlag{Name: "except-number", Destination: &f.exceptNumber, Category: TargetCategory, Usage: "but not those in the room that is the number `N`; repeatable"},
	}
}

// Delivery are the flags that say how servers deliver an event.
func (f *TargetFlags) Delivery() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "volatile", Destination: &f.volatile, Usage: "let servers drop the event for clients that are not ready"},
		&cli.BoolFlag{Name: "compress", Destination: &f.compress, Usage: "--compress=false: send it to clients uncompressed"},
	}
}

// Parse reads the flags.
func (f *TargetFlags) Parse(p *commandline.Program, s *Settings) Target {
	t := Target{
		Namespace: s.Namespace, Volatile: f.volatile,
		Rooms: Rooms(f.rooms.Value(), f.roomNumbers.Value()), Except: Rooms(f.except.Value(), f.exceptNumber.Value()),
	}
	if p.IsGiven("--compress") {
		t.Compress = &f.compress
	}
	return t
}

// Rooms are those that are text, then those that are numbers.
func Rooms(names []string, numbers []float64) []encoding.Room {
	var rooms []encoding.Room
	for _, name := range names {
		rooms = append(rooms, encoding.Room(name))
	}
	for _, n := range numbers {
		rooms = append(rooms, encoding.NumberRoom(n))
	}
	return rooms
}
