// Package secrets takes passwords out of the errors of Redis.
//
// go-redis sends AUTH and HELLO with the user's password before the first
// command of a connection, and gives what Redis answers to them as the error of
// that command. A Redis that does not know them, because they have been renamed,
// repeats what it was sent: "ERR unknown command 'auth', with args beginning
// with: 'u' 'S3cr3tP4ss'". Other servers and proxies word it otherwise.
package secrets

import (
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Clean returns err as it is, unless what Redis has answered may repeat a
// password, one of those that are known or another. Then the error that it
// returns says the rest, and errors.Is and errors.As find in it what has nothing
// to hide; in place of the answer itself, errors.As finds a redis.Error without
// it.
func Clean(err error, passwords ...string) error {
	if err == nil {
		return nil
	}
	known := known(passwords)
	c := &cleaned{err: err, text: err.Error()}
	eachReply(err, func(reply redis.Error) {
		if shown := known.shown(reply.Error()); shown != reply.Error() {
			c.text = strings.ReplaceAll(c.text, reply.Error(), shown)
			c.hidden, c.reply = append(c.hidden, reply.Error()), cleanReply(shown)
		}
	})
	c.text = arguments.ReplaceAllString(c.text, "") // of an error that wraps none
	if c.text == err.Error() {
		return err
	}
	return c
}

// eachReply finds the answers of Redis in the tree of an error.
func eachReply(err error, found func(redis.Error)) {
	if reply, ok := err.(redis.Error); ok {
		found(reply)
	}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil {
			eachReply(inner, found)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range err.Unwrap() {
			eachReply(inner, found)
		}
	}
}

// cleaned is an error without answers of Redis that may repeat a password.
type cleaned struct {
	err    error // not to be shown, nor unwrapped
	text   string
	hidden []string
	reply  cleanReply // what is left of one of them
}

// cleanReply is what is left of an answer of Redis.
type cleanReply string

func (r cleanReply) Error() string { return string(r) }
func (cleanReply) RedisError()     {}

func (c *cleaned) Error() string { return c.text }

func (c *cleaned) Is(target error) bool { return errors.Is(c.err, target) }

func (c *cleaned) As(target any) bool {
	if reply, ok := target.(*redis.Error); ok && c.reply != "" {
		*reply = c.reply
		return true
	}
	// Into another variable: what is refused must not be left in that of the caller.
	found := reflect.New(reflect.TypeOf(target).Elem())
	if !errors.As(c.err, found.Interface()) {
		return false
	}
	err, ok := found.Elem().Interface().(error)
	if !ok || arguments.MatchString(err.Error()) || slices.ContainsFunc(c.hidden, func(reply string) bool { return strings.Contains(err.Error(), reply) }) {
		return false
	}
	reflect.ValueOf(target).Elem().Set(found.Elem())
	return true
}

const notShown = "(the rest of the answer is not shown, because it may repeat a password)"

var (
	arguments = regexp.MustCompile(`(?is)[, ]*with args beginning with.*`)
	about     = regexp.MustCompile(`(?i)auth|hello|pass|credential`)
	quoted    = regexp.MustCompile("(?s)'.*'|`.*`|\".*\"")

	// What Redis says of AUTH and HELLO without repeating anything.
	harmless = regexp.MustCompile(`^(?:` + strings.Join([]string{
		`NOAUTH Authentication required\.`,
		`NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO .*`,
		`WRONGPASS invalid username-password pair(?: or user is disabled)?\.`,
		`ERR AUTH <password> called without any password configured for the default user\. Are you sure your configuration is correct\?`,
		`ERR Client sent AUTH, but no password is set`,
		`ERR invalid password`,
		"ERR unknown command ['`]?(?i:auth|hello)['`]?",
		`ERR wrong number of arguments for '(?i:auth|hello)' command`,
		`NOPERM (?:this user|User \S+) has no permissions to run the '[a-z|]+' command(?: or its subcommand)?`,
		`DENIED Redis is running in protected mode .*`,
	}, "|") + `)$`)
)

// ourWords are what Redis may quote of the commands that are sent to it here.
var ourWords = []string{"auth", "hello", "publish", "spublish", "xadd", "pubsub", "numsub", "shardnumsub", "subscribe", "ssubscribe", "ping", "cluster", "maxmemory"}

// known are the passwords that are known. An empty one is none.
type known []string

// shown returns what may be shown of an answer of Redis.
func (k known) shown(reply string) string {
	text := arguments.ReplaceAllString(reply, "")
	code, _, _ := strings.Cut(text, " ")
	if code != strings.ToUpper(code) || k.in(code) {
		code = "ERR"
	}
	switch {
	case k.in(text), about.MatchString(text) && !harmless.MatchString(text):
		return code + " " + notShown
	case code == "ERR":
		text = quoted.ReplaceAllStringFunc(text, func(words string) string {
			if slices.Contains(ourWords, strings.ToLower(words[1:len(words)-1])) {
				return words
			}
			return "'…'"
		})
	}
	return text
}

// in reports whether a text holds a password, or the beginning of a long one,
// which Redis cuts.
func (k known) in(text string) bool {
	return slices.ContainsFunc(k, func(password string) bool {
		return password != "" && strings.Contains(text, password[:min(len(password), 32)])
	})
}
