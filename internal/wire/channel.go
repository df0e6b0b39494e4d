package wire

import "strings"

// Suffixes of the key in the channels on which the classic adapter asks and
// answers.
const (
	RequestSuffix  = "-request"
	ResponseSuffix = "-response"
)

// Channel returns the channel, or shard channel, of a namespace with its leading
// slash: <prefix>#<namespace>#. Each server subscribes to it once.
func Channel(prefix, namespace string) string { return prefix + "#" + namespace + "#" }

// ListenerUID is how the uid of one begins who listens, and answers as a server
// without clients does so that servers do not wait for it.
const ListenerUID = "listen-"

// Within returns the part of a channel that is for one room, or for the answers to
// one uid: <channel><part>#.
func Within(channel, part string) string { return channel + part + "#" }

// SplitChannel takes the name of a channel apart; the part is empty where it is
// that of the namespace.
func SplitChannel(name string) (prefix, namespace, part string, ok bool) {
	prefix, name, ok = strings.Cut(name, "#/")
	if !ok {
		return "", "", "", false
	}
	namespace, part, ok = strings.Cut(name, "#")
	if !ok || part != "" && !strings.HasSuffix(part, "#") {
		return "", "", "", false
	}
	return prefix, "/" + namespace, strings.TrimSuffix(part, "#"), true
}
