package barrier

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strconv"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/goredis"
	"github.com/sioemit/sioemit/internal/once"
	"github.com/sioemit/sioemit/internal/wire"
)

// Adapter is how the servers are asked: the value of Classic, Sharded or Streams.
type Adapter interface {
	// questions are to be asked in a namespace, one of whose rooms have had channels
	// of their own.
	questions(namespace string, rooms []string) []question
	// presence is the question who is there.
	presence(namespace string) question
	// ReplyChannels returns the channels on which servers answer, and whether they are
	// shard channels.
	ReplyChannels(namespace string) (channels []string, shard bool)
	// by says which connections carry what is sent; nil where it stays in Redis until
	// it is read.
	by() *subscription
	// missing says what of the entries that were added for a namespace is lost.
	missing(ctx context.Context, client *goredis.Client, namespace string, entries span) (string, error)
}

// published is what the adapters have in common whose events are in no stream.
type published struct{}

func (published) missing(context.Context, *goredis.Client, string, span) (string, error) {
	return "", nil
}

// question is one message that servers answer.
type question struct {
	numsub  string // of PUBSUB: which counts those who subscribe to the channel, and answer
	channel string
	// everyMaster says that it goes through each master of a Redis Cluster: events of
	// one namespace went through several, and are in order on their way from each.
	everyMaster bool
	command     func(ctx context.Context, id string) (redis.Cmder, error)
}

// The questions are harmless: they concern a room that nobody is in, and so no
// data of a socket is looked at. Every server answers, with no sockets.

// Classic asks servers of the classic adapter, version 6.1 and later, for the ids of
// sockets. Those of older generations understand it too, and answer in another way.
func Classic(format encoding.Classic) Adapter { return classic{format: format} }

type classic struct {
	published
	format encoding.Classic
}

// ReplyChannels returns both channels that servers use: the second one is that of
// publishOnSpecificResponseChannel.
func (a classic) ReplyChannels(namespace string) ([]string, bool) {
	channel := a.format.ResponseChannel(namespace)
	return []string{channel, wire.Within(channel, encoding.UID)}, false
}

func (classic) by() *subscription { return &byPattern }

func (a classic) questions(namespace string, _ []string) []question {
	channel := a.format.RequestChannel(namespace)
	return []question{{"numsub", channel, true, func(ctx context.Context, id string) (redis.Cmder, error) {
		text, err := json.Marshal(struct {
			UID       string   `json:"uid"`
			RequestID string   `json:"requestId"`
			Type      int      `json:"type"`
			Rooms     []string `json:"rooms"`
		}{encoding.UID, id, wire.ClassicSocketIDs, []string{nobody()}})
		return publish(ctx, "publish", channel, text), err
	}}}
}

func (a classic) presence(namespace string) question {
	q := a.questions(namespace, nil)[0]
	q.everyMaster = false
	return q
}

// Sharded asks servers of the sharded adapter.
func Sharded(format encoding.Sharded) Adapter { return sharded{format: format} }

type sharded struct {
	published
	format encoding.Sharded
}

func (a sharded) ReplyChannels(namespace string) ([]string, bool) {
	return []string{a.format.ResponseChannel(namespace)}, true
}

func (sharded) by() *subscription { return &byShardChannel }

// questions go to the channels of rooms, too: on a Redis Cluster they come by other
// connections than what goes to the channel of the namespace.
func (a sharded) questions(namespace string, rooms []string) []question {
	all := []question{a.question(namespace, a.format.Channel(namespace, nil))}
	for _, channel := range rooms {
		if channel != all[0].channel {
			all = append(all, a.question(namespace, channel))
		}
	}
	return all
}

func (a sharded) presence(namespace string) question { return a.questions(namespace, nil)[0] }

func (a sharded) question(namespace, channel string) question {
	return question{"shardnumsub", channel, false, func(ctx context.Context, id string) (redis.Cmder, error) {
		message, err := a.format.MarshalRequest(&encoding.Request{
			Kind: encoding.FetchSockets, ID: id,
			Broadcast: encoding.Broadcast{Namespace: namespace, Rooms: []encoding.Room{encoding.Room(nobody())}},
		})
		return publish(ctx, "spublish", channel, message), err
	}}
}

// Streams asks servers of the streams adapter, through the stream. MaxLen is the
// length to which it is trimmed; sharded says that the channels beside it are shard
// channels.
func Streams(format encoding.Streams, maxLen int64, sharded bool) Adapter {
	return streams{format, maxLen, sharded}
}

type streams struct {
	format  encoding.Streams
	maxLen  int64
	sharded bool
}

func (a streams) ReplyChannels(namespace string) ([]string, bool) {
	return []string{a.format.ResponseChannel(namespace)}, a.sharded
}

func (streams) by() *subscription { return nil }

func (a streams) numsub() string {
	if a.sharded {
		return "shardnumsub"
	}
	return "numsub"
}

// presence goes beside the stream.
func (a streams) presence(namespace string) question {
	name, channel := "publish", a.format.Channel(namespace)
	if a.sharded {
		name = "spublish"
	}
	return question{a.numsub(), channel, false, func(ctx context.Context, id string) (redis.Cmder, error) {
		_, message, err := a.format.MarshalRequest(&encoding.Request{
			Kind: encoding.FetchSockets, ID: id,
			Broadcast: encoding.Broadcast{Namespace: namespace, Rooms: []encoding.Room{encoding.Room(nobody())}},
		})
		return publish(ctx, name, channel, message), err
	}}
}

func (a streams) questions(namespace string, _ []string) []question {
	return []question{{a.numsub(), a.format.Channel(namespace), false, func(ctx context.Context, id string) (redis.Cmder, error) {
		stream, err := a.format.Stream(namespace)
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(map[string]any{
			"opts":      map[string]any{"rooms": []string{nobody()}, "except": []string{}, "flags": struct{}{}},
			"requestId": id,
		})
		return redis.NewStringCmd(ctx, "xadd", stream, "MAXLEN", "~", a.maxLen, "*",
			"uid", encoding.UID, "nsp", namespace, "type", strconv.Itoa(wire.ClusterFetch), "data", data), err
	}}}
}

func (a streams) missing(ctx context.Context, client *goredis.Client, namespace string, entries span) (string, error) {
	stream, err := a.format.Stream(namespace)
	if err != nil {
		return "", err
	}
	return entries.missing(ctx, client, stream)
}

// nobody is the name of a room that nobody is in. It does not look like the id of a
// socket.
func nobody() string { return "nobody-" + rand.Text() }

// publish returns the command of a question that is sent once, whatever the client
// makes of an error: the two answers of one server would count as those of two.
func publish(ctx context.Context, name, channel string, message []byte) redis.Cmder {
	return once.NewQuestion(ctx, redis.NewIntCmd(ctx, name, channel, message))
}
