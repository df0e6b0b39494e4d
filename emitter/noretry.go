package emitter

import (
	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/once"
)

// NoRetry returns a hook for AddHook of a go-redis client, with which a command
// that was sent is never sent again, whatever becomes of its connection. Without
// it, an event can arrive twice: go-redis repeats what it got no answer to. With
// it, such an event is an error, which means that it may have been sent, or not.
//
// For a *redis.Client, MaxRetries: -1 does the same. On a *redis.ClusterClient
// that option has no effect, and this hook has. MOVED and ASK are still followed:
// a node that answers so has not carried out the command. Hooks that are added
// after it see commands of another type; add it last.
func NoRetry() redis.Hook { return once.Hook{} }
