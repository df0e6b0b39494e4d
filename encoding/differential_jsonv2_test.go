//go:build goexperiment.jsonv2

package encoding

//lint:file-ignore SA5008 tags that encoding/json takes in another way are the point here

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

type v1Fields struct{ Here int }

var (
	v1Types  []reflect.Type
	v1Tags   []string
	v1Values map[string]any
)

// TestAcceptedDifferences lists what encoding/json does in another way under
// GOEXPERIMENT=jsonv2, where we do not follow it: what arrives must not depend
// on how a program is built. Everything else is compared. It fails when
// something here differs no more.
func TestAcceptedDifferences(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		v            any
		ours, theirs string // "" is an error
	}{
		"a key of kind string that is a TextMarshaler": {map[textString]int{"a": 1}, `{"a":1}`, `{"text:a":1}`},
		"a key that is a float":                        {map[float64]int{1: 1}, "", `{"1":1}`},
		"a key that is a bool":                         {map[bool]int{}, "", `{}`},
		"a tag with a quote": {struct {
			A int `json:"a\"b"`
		}{}, `{"A":0}`, `{"a":0}`},
		"a tag with a backslash": {struct {
			A int `json:"a\\b"`
		}{}, `{"A":0}`, `{"a":0}`},
		"an option that only version 2 has": {struct {
			A map[string]any `json:"a,unknown"`
		}{map[string]any{"x": 1}}, `{"a":{"x":1}}`, `{}`},
	} {
		ours, ourErr := AppendJSON(nil, c.v)
		theirs, theirErr := json.Marshal(c.v)
		if string(ours) != c.ours || string(theirs) != c.theirs || (ourErr != nil) != (c.ours == "") || theirErr != nil {
			t.Errorf("%s: ours %s, %v, theirs %s, %v", name, ours, ourErr, theirs, theirErr)
		}
		var unsupported *json.UnsupportedTypeError
		if c.ours == "" && !errors.As(ourErr, &unsupported) {
			t.Errorf("%s: %v", name, ourErr)
		}
	}
}
