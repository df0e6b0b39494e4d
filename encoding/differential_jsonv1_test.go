//go:build !goexperiment.jsonv2

package encoding

//lint:file-ignore SA5008 tags that encoding/json only just accepts are the point here

import "reflect"

// v1Fields, v1Types and v1Tags are where encoding/json differs under
// GOEXPERIMENT=jsonv2; see TestAcceptedDifferences.
type v1Fields struct {
	BadName    int `json:"a\"b"`
	StringKeys map[textString]any
}

var (
	v1Types  = []reflect.Type{reflect.TypeFor[map[textString]int]()}
	v1Tags   = []string{"b\\\\s"}
	v1Values = map[string]any{"odd key": map[float64]int{1: 1}, "odd key empty": map[bool]int{}}
)
