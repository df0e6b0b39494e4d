// Package cli describes the flags of a command line: their names, what the help
// says of them, and where their values go.
//
// The packages that others have made for it print their help through text/template,
// which calls methods by their names. The linker then has to keep every exported
// method of every type in the program, and two fifths of it would be that.
package cli

import (
	"fmt"
	"strconv"
	"time"
)

// Flag is one of the flags below.
type Flag interface {
	// Names returns its names, without dashes. The first one is the one to call it by.
	Names() []string
	// About is what there is to say of it.
	About() About
	// Reset gives it its default.
	Reset()
	// Set gives it a value: one more, where it takes several and has been set since Reset.
	Set(word string) error
}

// About is what the help, the manual page and the completion say of a flag.
type About struct {
	Category string
	Usage    string   // with the name of its value in backquotes
	Default  string   // empty: none that is worth a word
	EnvVars  []string // the variables that stand for it
}

// The kinds of flags there are. Those with a slice can be given several times.
type (
	BoolFlag         = Of[bool]
	StringFlag       = Of[string]
	IntFlag          = Of[int]
	Int64Flag        = Of[int64]
	DurationFlag     = Of[time.Duration]
	StringSliceFlag  = Of[[]string]
	Float64SliceFlag = Of[[]float64]
)

// Value is what a flag can be.
type Value interface {
	bool | string | int | int64 | time.Duration | []string | []float64
}

// Of is a flag whose value is a T.
type Of[T Value] struct {
	Name        string
	Aliases     []string
	Category    string
	Usage       string
	EnvVars     []string
	TakesFile   bool // whose name need not be UTF-8
	Value       T    // the default
	Destination *T
}

// Names returns the name, then the aliases.
func (f *Of[T]) Names() []string { return append([]string{f.Name}, f.Aliases...) }

// About is what there is to say of it.
func (f *Of[T]) About() About {
	a := About{Category: f.Category, Usage: f.Usage, EnvVars: f.EnvVars}
	switch value := any(f.Value).(type) {
	case string:
		a.Default = value
	case int, int64, time.Duration:
		if a.Default = fmt.Sprint(value); a.Default == "0" || a.Default == "0s" {
			a.Default = ""
		}
	}
	return a
}

// Reset gives it its default.
func (f *Of[T]) Reset() { *f.Destination = f.Value }

// Set gives it a value.
func (f *Of[T]) Set(word string) (err error) {
	switch to := any(f.Destination).(type) {
	case *bool:
		*to, err = strconv.ParseBool(word)
	case *string:
		*to = word
	case *int:
		var n int64
		n, err = strconv.ParseInt(word, 0, strconv.IntSize)
		*to = int(n)
	case *int64:
		*to, err = strconv.ParseInt(word, 0, 64)
	case *time.Duration:
		*to, err = time.ParseDuration(word)
	case *[]string:
		*to = append(*to, word)
	case *[]float64:
		var n float64
		n, err = strconv.ParseFloat(word, 64)
		*to = append(*to, n)
	}
	return err
}
