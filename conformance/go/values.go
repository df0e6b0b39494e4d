package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// values turns the arguments of a case into Go values.
func values(words []json.RawMessage) ([]any, error) {
	args := make([]any, len(words))
	for i, text := range words {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		var err error
		if args[i], err = value(v); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// value turns what encoding/json decodes into what the tags in it stand for. A
// whole number is an int64, any other a float64.
func value(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n, nil
		}
		return v.Float64()
	case []any:
		for i := range v {
			if v[i], err = value(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if len(v) == 1 {
			for key, inner := range v {
				if strings.HasPrefix(key, "$") {
					return tagged(key, inner)
				}
			}
		}
		for key := range v {
			if v[key], err = value(v[key]); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func tagged(tag string, v any) (any, error) {
	switch text, _ := v.(string); tag {
	case "$binary":
		return base64.StdEncoding.DecodeString(text)
	case "$date":
		return time.Parse(time.RFC3339Nano, text)
	case "$bigint":
		n, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return nil, fmt.Errorf("driver: %q is not an integer", text)
		}
		return n, nil
	case "$float":
		return strconv.ParseFloat(text, 64)
	case "$repeat":
		return repeated(v)
	case "$object":
		return ordered(v)
	case "$cycle":
		if v == "array" {
			list := make([]any, 1)
			list[0] = list
			return list, nil
		}
		object := make(map[string]any)
		object["self"] = object
		return object, nil
	case "$literal":
		object, ok := v.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("driver: $literal takes an object")
		}
		var err error
		for key := range object {
			if object[key], err = value(object[key]); err != nil {
				return nil, err
			}
		}
		return object, nil
	}
	return nil, skipError("no tag " + tag)
}

// repeated makes text, binary or an array that is one part many times over, or
// as many levels of arrays or objects as count says.
func repeated(v any) (any, error) {
	spec, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("driver: $repeat takes an object")
	}
	number, _ := spec["count"].(json.Number)
	count, err := strconv.Atoi(string(number))
	if err != nil {
		return nil, err
	}
	if nest, ok := spec["nest"].(string); ok {
		var out any
		for range count {
			if nest == "array" {
				out = []any{out}
			} else {
				out = map[string]any{"a": out}
			}
		}
		return out, nil
	}
	part, err := value(spec["value"])
	if err != nil {
		return nil, err
	}
	switch part := part.(type) {
	case string:
		return strings.Repeat(part, count), nil
	case []byte:
		return bytes.Repeat(part, count), nil
	case []any:
		var out []any
		for range count {
			out = append(out, part...)
		}
		return out, nil
	}
	return nil, fmt.Errorf("driver: %T cannot be repeated", part)
}

// ordered makes an object whose keys have an order, which a Go map has not.
func ordered(v any) (any, error) {
	pairs, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("driver: $object takes an array of pairs")
	}
	text := []byte("{")
	for i, p := range pairs {
		pair, ok := p.([]any)
		if !ok || len(pair) != 2 {
			return nil, fmt.Errorf("driver: $object takes an array of pairs")
		}
		key, err := json.Marshal(pair[0])
		if err != nil {
			return nil, err
		}
		member, err := value(pair[1])
		if err != nil {
			return nil, err
		}
		written, err := json.Marshal(member)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			text = append(text, ',')
		}
		text = append(append(append(text, key...), ':'), written...)
	}
	return json.RawMessage(append(text, '}')), nil
}
