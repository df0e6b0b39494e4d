package main

import (
	"encoding/json"
	"regexp"

	"github.com/sioemit/sioemit/emitter"
)

// readOptions turns the options of a line into those of New. What is not there
// is not set, so that a default is the library's own.
func readOptions(text json.RawMessage) ([]emitter.Option, error) {
	var o struct {
		Adapter          string
		Key              *string
		ServerVersion    *int
		Codec            *string
		ChannelPrefix    string
		SubscriptionMode string
		StreamName       string
		StreamCount      int
		MaxLen           int64
		UseShardedPubSub bool
		Channel          string
		AllowBinary      bool
		MaxAttachments   *int
		SocketIDs        *string
	}
	if text != nil {
		if err := json.Unmarshal(text, &o); err != nil {
			return nil, err
		}
	}
	var options []emitter.Option
	switch o.Adapter {
	case "sharded":
		options = append(options, emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{
			ChannelPrefix: o.ChannelPrefix, SubscriptionMode: emitter.SubscriptionMode(o.SubscriptionMode),
		})))
	case "streams":
		options = append(options, emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{
			StreamName: o.StreamName, StreamCount: o.StreamCount, MaxLen: o.MaxLen,
			ChannelPrefix: o.ChannelPrefix, UseShardedPubSub: o.UseShardedPubSub,
		})))
	case "python":
		options = append(options, emitter.WithAdapter(emitter.Python(emitter.PythonOptions{Channel: o.Channel, AllowBinary: o.AllowBinary})))
	case "classic":
		options = append(options, emitter.WithAdapter(emitter.Classic()))
	}
	if o.Key != nil {
		options = append(options, emitter.WithKey(*o.Key))
	}
	if o.ServerVersion != nil {
		options = append(options, emitter.WithServerVersion(*o.ServerVersion))
	}
	if o.MaxAttachments != nil {
		options = append(options, emitter.WithMaxAttachments(*o.MaxAttachments))
	}
	if o.SocketIDs != nil {
		pattern, err := regexp.Compile(*o.SocketIDs)
		if err != nil {
			return nil, err
		}
		options = append(options, emitter.WithSocketIDs(pattern))
	}
	if o.Codec != nil && *o.Codec == "json" {
		options = append(options, emitter.WithCodec(emitter.JSON))
	}
	return options, nil
}
