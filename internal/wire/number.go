package wire

import (
	"fmt"
	"math"
	"strconv"
)

func IsNumberByte(c byte) bool {
	return '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// AppendNumber appends the number whose JSON text is given. One that no float64
// can hold is refused: it would arrive as Infinity.
func AppendNumber(b, text []byte) ([]byte, error) {
	if n, ok := shortInt(text); ok {
		return AppendInt(b, n), nil
	}
	f, err := parseFloat(string(text))
	if err != nil {
		return nil, err
	}
	return AppendFloat(b, f), nil
}

func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if math.IsInf(f, 0) {
		return 0, fmt.Errorf("number %s is too large for JavaScript", text)
	}
	if err != nil {
		return 0, fmt.Errorf("number %q: %w", text, err)
	}
	return f, nil
}

// number returns the int64, or else the float64, that the JSON text of a number
// stands for.
func Number(text string) (any, error) {
	if n, ok := shortInt(text); ok {
		return n, nil
	}
	f, err := parseFloat(text)
	if n := int64(f); err == nil && f >= -MaxExact && f <= MaxExact && float64(n) == f {
		return n, nil
	}
	return f, err
}

// shortInt reads an integer of at most 15 digits, which needs no float64.
func shortInt[T string | []byte](text T) (n int64, ok bool) {
	digits := text
	if text[0] == '-' {
		digits = text[1:]
	}
	if len(digits) > 15 {
		return 0, false
	}
	for i := range len(digits) {
		c := digits[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	if text[0] == '-' {
		n = -n
	}
	return n, true
}
