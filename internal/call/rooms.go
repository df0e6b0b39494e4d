package call

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// Rooms is the command rooms.
func Rooms(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	var o options
	var ids, names bool
	return &commandline.Command{
		Name:  "rooms",
		Usage: "list the rooms of a namespace",
		Description: `One line per room, with the number of clients in it. Each client is also in a
room named after its own id; those are left out.

   sioemit rooms                the number of clients, then the room, quoted if
                                it cannot be printed; 5 (number) is a number
   sioemit rooms | sort -rn     the largest first
   sioemit rooms --ids          with the rooms named after clients
   sioemit rooms --names        all names, without numbers of clients
   sioemit rooms -n admin --json | jq -r .room

Servers with the classic adapter are asked for their rooms, and then once for
each room. Others are asked for their sockets, and one whose socket.data is
circular crashes: see sioemit sockets --help.`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:  commandline.NoAnswer,
			commandline.StatusUsage:   commandline.BadUsage,
			commandline.StatusReplies: commandline.TimeIsOut,
		},
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "ids", Destination: &ids, Category: commandline.OutputCategory, Usage: "also list the rooms named after the ids of clients"},
			&cli.BoolFlag{Name: "names", Destination: &names, Category: commandline.OutputCategory, Usage: "list all rooms, without counting who is in them"},
			commandline.JSONFlag(&o.json),
		},
		Run: func(ctx context.Context, _ []string) error {
			if err := o.parse(ctx, "rooms", p, flags, new(settings.TargetFlags)); err != nil {
				return err
			}
			return o.ask(ctx, func(ctx context.Context, r *connect.Redis, op *emitter.BroadcastOperator) error {
				var rooms []listedRoom
				var err error
				switch {
				case names:
					rooms, err = allRooms(ctx, op)
				case o.settings.Adapter == settings.Classic:
					rooms, err = roomsOfMembers(ctx, r, op, ids)
				default:
					rooms, err = roomsOfSockets(ctx, op, ids)
				}
				return errors.Join(printRooms(o.Out, rooms, o.json), err)
			})
		},
	}
}

// listedRoom is a room as JSON.
type listedRoom struct {
	Room    encoding.Room `json:"room"`
	Clients int           `json:"clients,omitempty"` // 0: not counted, for no room is empty
}

func printRooms(w io.Writer, rooms []listedRoom, asJSON bool) error {
	var text strings.Builder
	for _, r := range rooms {
		switch {
		case asJSON:
			if err := show.JSON(&text, r); err != nil {
				return err
			}
		case r.Clients == 0:
			fmt.Fprintln(&text, show.RoomLine(r.Room))
		default:
			fmt.Fprintf(&text, "%7d %s\n", r.Clients, show.RoomLine(r.Room))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}

// roomsOfMembers asks servers of the classic adapter for their rooms, and then who is in
// each of them.
func roomsOfMembers(ctx context.Context, r *connect.Redis, op *emitter.BroadcastOperator, ids bool) ([]listedRoom, error) {
	rooms, err := allRooms(ctx, op)
	if err != nil || len(rooms) == 0 {
		return rooms, err
	}
	m, err := newMembers(r, op)
	if err != nil {
		return rooms, err
	}
	defer m.receiver.Close()
	if !ids {
		sockets, err := m.in(ctx)
		if err != nil {
			return rooms, err
		}
		isID := make(map[encoding.Room]bool)
		for _, id := range sockets {
			isID[encoding.Room(id)] = true
		}
		rooms = slices.DeleteFunc(rooms, func(l listedRoom) bool { return isID[l.Room] })
	}
	names := make([]encoding.Room, len(rooms))
	for i, l := range rooms {
		names[i] = l.Room
	}
	counts, err := m.count(ctx, names)
	for i, clients := range counts {
		rooms[i].Clients = clients
	}
	rooms = slices.DeleteFunc(rooms, func(l listedRoom) bool { return l.Clients == 0 }) // everyone has left
	for i := range rooms {
		rooms[i].Clients = max(0, rooms[i].Clients)
	}
	return rooms, err
}

// roomsOfSockets returns the rooms that the clients are in: text, then numbers.
func roomsOfSockets(ctx context.Context, op *emitter.BroadcastOperator, ids bool) ([]listedRoom, error) {
	sockets, err := op.FetchSockets(ctx)
	isID, names, numbers := make(map[string]bool), make(map[string]int), make(map[float64]int)
	for _, s := range sockets {
		isID[s.ID] = true
		for _, name := range s.Rooms {
			names[name]++
		}
		for _, n := range s.NumberRooms {
			numbers[n]++
		}
	}
	var rooms []listedRoom
	for name, clients := range names {
		if ids || !isID[name] {
			rooms = append(rooms, listedRoom{encoding.Room(name), clients})
		}
	}
	slices.SortFunc(rooms, func(a, b listedRoom) int { return cmp.Compare(a.Room, b.Room) })
	text := len(rooms)
	for n, clients := range numbers {
		rooms = append(rooms, listedRoom{encoding.NumberRoom(n), clients})
	}
	slices.SortFunc(rooms[text:], func(a, b listedRoom) int {
		x, _ := a.Room.Number()
		y, _ := b.Room.Number()
		return cmp.Compare(x, y)
	})
	return rooms, err
}

// allRooms returns the rooms that are text, then those that are numbers.
func allRooms(ctx context.Context, op *emitter.BroadcastOperator) (rooms []listedRoom, err error) {
	var names []string
	var numbers []float64
	var namesErr, numbersErr error
	var group sync.WaitGroup
	group.Go(func() { names, namesErr = op.Rooms(ctx) })
	group.Go(func() { numbers, numbersErr = op.NumberRooms(ctx) })
	group.Wait()
	for _, room := range settings.Rooms(names, numbers) {
		rooms = append(rooms, listedRoom{Room: room})
	}
	return rooms, cmp.Or(namesErr, numbersErr)
}
