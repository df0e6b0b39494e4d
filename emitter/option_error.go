package emitter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// OptionError says what is wrong with an option that New was given. Err returns
// it, and so does every call.
type OptionError struct {
	// Option is its name, such as "WithServerVersion", or "StreamCount" of
	// StreamsOptions.
	Option string
	// Value is what it was given; nil when any value would be wrong.
	Value any
	// Adapter is "sharded", "streams" or "python" when it is the adapter that has no such
	// option or value.
	Adapter string
	// Err says why. It is ErrInvalidUTF8 for a name that no server can have.
	Err error
}

func (e *OptionError) Error() string {
	text := "emitter: " + e.Option
	switch value := e.Value.(type) {
	case nil:
	case string:
		text += fmt.Sprintf(" %q", value)
	case SubscriptionMode:
		text += fmt.Sprintf(" %q", value)
	default:
		if strings.HasPrefix(e.Option, "With") {
			text += fmt.Sprintf("(%v)", value)
		} else {
			text += fmt.Sprintf(" %v", value)
		}
	}
	return text + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *OptionError) Unwrap() error { return e.Err }

// checkText refuses a name that an option sets.
func checkText(option, name string) error {
	if !utf8.ValidString(name) {
		return &OptionError{Option: option, Value: name, Err: ErrInvalidUTF8}
	}
	return nil
}
