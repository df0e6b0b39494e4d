package emitter

import (
	"context"
	"errors"
	"fmt"

	"github.com/sioemit/sioemit/internal/barrier"
)

// ErrUnconfirmed is wrapped by the error of Confirm when all servers have answered, and
// it is not certain all the same that they have taken everything: a server's connection
// to Redis was cut, and may have come back without what was on its way; a Redis, or a link
// between two, was replaced; a stream was trimmed before it was read; or Redis does not let
// this user look. The text says which. The next Confirm begins anew.
var ErrUnconfirmed = barrier.ErrUnconfirmed

// Confirm returns once every server of the namespace has taken all that this emitter
// sent there before, with how many servers have. Rooms and flags make no difference.
//
// It asks the servers a question that changes nothing, behind the events: a server
// takes what one connection brings in order, so its answer says that it has the
// events, too. What has become of the connections is looked at as well, with CLIENT
// LIST, INFO, TIME and, on a Redis Cluster, CLUSTER LINKS, which the Redis user must
// be allowed. An answer that would prove nothing is an error around ErrUnconfirmed.
// The first Confirm of an emitter has nothing to compare with but how long, in
// seconds, connections have been there: it cannot tell a server that has just started
// from one that has just come back. Call it once before the first event for that, or
// use Confirmed.
//
// When servers do not answer before the deadline it returns how many did, and an
// *IncompleteError; the next Confirm is about the same events, and later ones. It needs
// Socket.IO 4 and, of the classic adapter, version 6.1. With the streams adapter, a
// ServerSideEmit, and an EmitWithAck that servers did not answer, cannot be confirmed:
// they go beside the stream. Confirms of one emitter wait for each other.
func (o *operator) Confirm(ctx context.Context) (servers int, err error) {
	if _, err := o.asker(ctx, "Confirm"); err != nil {
		return 0, err
	}
	ctx, cancel := o.withDeadline(ctx)
	defer cancel()
	servers, err = o.sender.barrier.Confirm(ctx, o.namespace)
	return servers, o.sender.confirmError("Confirm", err)
}

// confirmError makes the error of a confirmation one of this package.
func (s *sender) confirmError(call string, err error) error {
	switch missing, ok := errors.AsType[*barrier.MissingError](err); {
	case err == nil:
		return nil
	case ok:
		err = &IncompleteError{Call: call, Servers: missing.Answered, Asked: missing.Asked, Err: missing.Err}
	default:
		err = fmt.Errorf("emitter: %s: %w", call, err)
	}
	return s.client.Explain(err)
}
