package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// ArrivesAs returns what a client receives when a server has read v, a value
// that Decode returned, from Redis and sent it on: a Date is its ISO text; NaN
// and the infinities are null; undefined is null, and as a member of an object
// nothing; an ArrayBuffer is binary. It may change v.
func ArrivesAs(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = ArrivesAs(v[i])
		}
	case map[string]any:
		for k, member := range v {
			if e, ok := member.(Extension); ok && e.isUndefined() {
				delete(v, k)
				continue
			}
			v[k] = ArrivesAs(member)
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
	case time.Time:
		return jsDate(v)
	case Extension:
		return v.arrives()
	}
	return v
}

// isUndefined tells what notepack.io 2, the encoder of adapters before 8, makes
// of undefined.
func (e Extension) isUndefined() bool {
	return e.Type == 0 && len(e.Data) == 1 && e.Data[0] == 0
}

// arrives reads the extensions of type 0 that notepack.io 2 writes: undefined, a
// Date, which has the eight bytes of its milliseconds, or else an ArrayBuffer.
// Any other extension arrives as an array of its type and its bytes.
func (e Extension) arrives() any {
	switch {
	case e.Type != 0:
		return []any{int64(e.Type), e.Data}
	case e.isUndefined():
		return nil
	case len(e.Data) == 8:
		const most = 8_640_000_000_000_000
		if ms := int64(binary.BigEndian.Uint64(e.Data)); -most <= ms && ms <= most {
			return jsDate(time.UnixMilli(ms))
		}
	}
	return e.Data
}

// jsDate is the text that JSON.stringify makes of a Date.
func jsDate(t time.Time) any {
	t = t.UTC()
	const most = 8_640_000_000_000 // seconds from the epoch that a Date can hold
	if s := t.Unix(); s < -most || s >= most {
		return nil
	}
	text := t.Format("-01-02T15:04:05.000Z")
	switch year := t.Year(); {
	case year < 0:
		return fmt.Sprintf("-%06d%s", -year, text)
	case year > 9999:
		return fmt.Sprintf("+%06d%s", year, text)
	default:
		return fmt.Sprintf("%04d%s", year, text)
	}
}

// Buffers turns {"type":"Buffer","data":[...]}, which JSON.stringify makes of
// binary, at any depth back into it.
func Buffers(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = Buffers(v[i])
		}
	case map[string]any:
		if data, ok := v["data"].([]any); ok && len(v) == 2 && v["type"] == "Buffer" {
			if b, ok := byteList(data); ok {
				return b
			}
		}
		for k := range v {
			v[k] = Buffers(v[k])
		}
	}
	return v
}

func byteList(list []any) ([]byte, bool) {
	b := make([]byte, len(list))
	for i, v := range list {
		n, ok := v.(int64)
		if !ok || n < 0 || n > 255 {
			return nil, false
		}
		b[i] = byte(n)
	}
	return b, true
}
