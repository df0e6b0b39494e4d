package wire

import (
	"cmp"
	"strings"
)

// CompareKeys orders the keys of an object as JavaScript lists them once the
// document that encoding/json writes, with its sorted keys, has been parsed:
// array indices first, by value, then all others, by their bytes. The official
// emitter publishes them in that order.
func CompareKeys(a, b string) int {
	i, aIsIndex := ArrayIndex(a)
	j, bIsIndex := ArrayIndex(b)
	switch {
	case aIsIndex && bIsIndex:
		return cmp.Compare(i, j)
	case aIsIndex:
		return -1
	case bIsIndex:
		return 1
	}
	return strings.Compare(a, b)
}

// ArrayIndex reports whether key is an array index in the sense of ECMAScript:
// the canonical decimal text of an integer below 2^32-1.
func ArrayIndex[T string | []byte](key T) (uint32, bool) {
	if len(key) == 0 || len(key) > 10 || key[0] < '0' || key[0] > '9' || key[0] == '0' && len(key) > 1 {
		return 0, false
	}
	var n uint64
	for i := range len(key) {
		c := key[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return uint32(n), n < 1<<32-1
}
