package emitter

import (
	"context"
	"fmt"
	"math"

	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/roomlist"
)

// ToNumber is To for rooms that are numbers: those that servers join with
// join(5), which To("5") does not reach. On Socket.IO 1 and 2 the two are one
// room. NaN and infinities are refused. An event to one such room goes to all
// servers, also where other rooms have a channel of their own.
func (o *operator) ToNumber(rooms ...float64) *BroadcastOperator {
	op := new(BroadcastOperator)
	op.derive(o)
	op.fail(checkNumbers("ToNumber", rooms))
	op.rooms = roomlist.With(&o.rooms, roomlist.Numbers(rooms))
	return op
}

// ExceptNumber is Except for rooms that are numbers. On Socket.IO 1, 2 and 3 it
// fails with ErrExceptRoom.
func (o *operator) ExceptNumber(rooms ...float64) *BroadcastOperator {
	op := new(BroadcastOperator)
	op.derive(o)
	if len(rooms) > 0 {
		op.fail(checkNumbers("ExceptNumber", rooms))
		if o.sender.ids != nil {
			op.fail(fmt.Errorf("emitter: except %v: %w", rooms[0], ErrExceptRoom))
		}
	}
	op.except = roomlist.With(&o.except, roomlist.Numbers(rooms))
	return op
}

// SocketsJoinNumber is SocketsJoin for rooms that are numbers.
func (o *operator) SocketsJoinNumber(ctx context.Context, rooms ...float64) error {
	return o.changeNumbers(ctx, "SocketsJoinNumber", encoding.Join, rooms)
}

// SocketsLeaveNumber is SocketsLeave for rooms that are numbers.
func (o *operator) SocketsLeaveNumber(ctx context.Context, rooms ...float64) error {
	return o.changeNumbers(ctx, "SocketsLeaveNumber", encoding.Leave, rooms)
}

func (o *operator) changeNumbers(ctx context.Context, call string, kind encoding.RequestKind, rooms []float64) error {
	if err := checkNumbers(call, rooms); err != nil {
		return err
	}
	return o.request(ctx, call, &encoding.Request{Kind: kind, Change: roomlist.Numbers(rooms)})
}

// NumberRooms returns the rooms of the namespace that are numbers, sorted; see
// Rooms.
func (o *operator) NumberRooms(ctx context.Context) ([]float64, error) {
	_, numbers, err := o.allRooms(ctx, "NumberRooms")
	return distinct(numbers), err
}

func checkNumbers(call string, rooms []float64) error {
	if len(rooms) == 0 {
		return fmt.Errorf("emitter: %s without rooms: %w", call, ErrEmptyRoom)
	}
	for _, n := range rooms {
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return fmt.Errorf("emitter: %s: the room %v is not a finite number", call, n)
		}
	}
	return nil
}
