package connect

import (
	"context"

	"github.com/sioemit/sioemit/internal/barrier"
	"github.com/sioemit/sioemit/internal/goredis"
	"github.com/sioemit/sioemit/internal/replies"
	"github.com/sioemit/sioemit/internal/settings"
)

// Barrier asks the servers of the settings whether they have taken what was sent to
// them.
type Barrier struct {
	*barrier.Barrier
	client   *goredis.Client
	adapter  barrier.Adapter
	receiver *replies.Receiver
}

// Barrier returns the one at which nothing was sent yet. It opens no connection.
func (r *Redis) Barrier() (*Barrier, error) {
	client, err := goredis.New(r.Client)
	if err != nil {
		return nil, err
	}
	b := &Barrier{client: client, receiver: replies.New()}
	switch s := r.Settings; s.Adapter {
	case settings.Sharded:
		b.adapter = barrier.Sharded(s.Sharded())
	case settings.Streams:
		b.adapter = barrier.Streams(s.Streams(), s.MaxLen, s.ShardedPubSub)
	default:
		b.adapter = barrier.Classic(s.Classic())
	}
	b.Barrier = barrier.New(client, b.receiver, b.adapter)
	return b, nil
}

// Hold keeps the connection on which the servers of a namespace answer, which is else
// opened for each question, until it is closed.
func (b *Barrier) Hold(ctx context.Context, namespace string) error {
	channels, shard := b.adapter.ReplyChannels(namespace)
	wait, err := b.receiver.On(ctx, b.client, shard, channels)
	if err == nil {
		_, err = wait(ctx)
	}
	return err
}

// Close ends what waits for answers.
func (b *Barrier) Close() { b.receiver.Close() }
