package encoding

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sioemit/sioemit/internal/harm"
	"github.com/sioemit/sioemit/internal/wire"
)

// field is one struct field as encoding/json sees it.
type field struct {
	name   string
	tagged bool  // whether the tag gives the name
	index  []int // path from the outermost struct, through embedded ones
	typ    reflect.Type

	omitEmpty bool
	isZero    func(reflect.Value) bool // set by omitzero
	quoted    bool

	head   []byte // the name in MessagePack
	encode encodeFunc
}

func newStructEncoder(t reflect.Type) encodeFunc {
	fields := structFields(t)
	// JavaScript lists array indices before other keys; see wire.CompareKeys.
	slices.SortStableFunc(fields, func(a, b field) int {
		_, aIsIndex := wire.ArrayIndex(a.name)
		_, bIsIndex := wire.ArrayIndex(b.name)
		if aIsIndex || bIsIndex {
			return wire.CompareKeys(a.name, b.name)
		}
		return 0
	})
	optional := false
	for i := range fields {
		f := &fields[i]
		f.head = wire.AppendString(nil, f.name)
		f.encode = typeEncoder(f.typ)
		if f.quoted {
			f.encode = newCustomEncoder(f.typ, f.typ.Kind() != reflect.Pointer, newQuotedEncoder)
		}
		if harm.IsSpecial(f.name) {
			f.encode = showMember(f.name, f.encode)
		}
		optional = optional || f.omitEmpty || f.isZero != nil || len(f.index) > 1
	}
	switch {
	case optional && len(fields) <= 15:
		return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
			return encodeFewOptional(e, b, v, fields)
		}
	case optional:
		return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
			return encodeManyOptional(e, b, v, fields)
		}
	}
	header := wire.AppendMapHeader(nil, len(fields))
	return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
		err := e.Descend()
		if err != nil {
			return nil, err
		}
		b = append(b, header...)
		for i := range fields {
			f := &fields[i]
			if b, err = f.encode(e, append(b, f.head...), v.Field(f.index[0])); err != nil {
				return nil, err
			}
		}
		e.Depth--
		return b, nil
	}
}

// showMember shows each value of a field whose name is special to
// encoder.member.
func showMember(name string, encode encodeFunc) encodeFunc {
	return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
		start := len(b)
		b, err := encode(e, b, v)
		if err == nil {
			err = e.Member(name, b[start])
		}
		return b, err
	}
}

// encodeFewOptional writes a struct of which some fields may be left out. Their
// number is known only in the end, and fits into the first byte.
func encodeFewOptional(e *encoder, b []byte, v reflect.Value, fields []field) ([]byte, error) {
	err := e.Descend()
	if err != nil {
		return nil, err
	}
	start, n := len(b), 0
	b = append(b, 0)
	for i := range fields {
		f := &fields[i]
		fv, ok := f.in(v)
		if !ok {
			continue
		}
		n++
		if b, err = f.encode(e, append(b, f.head...), fv); err != nil {
			return nil, err
		}
	}
	b[start] = wire.MapHeader(n)
	e.Depth--
	return b, nil
}

// encodeManyOptional does so where their number may take more bytes. It finds
// out first which ones there are, because what is written never moves: in
// nested structs it would move once for each level.
func encodeManyOptional(e *encoder, b []byte, v reflect.Value, fields []field) ([]byte, error) {
	err := e.Descend()
	if err != nil {
		return nil, err
	}
	start := len(e.present)
	for i := range fields {
		if _, ok := fields[i].in(v); ok {
			e.present = append(e.present, i)
		}
	}
	end := len(e.present)
	b = wire.AppendMapHeader(b, end-start)
	for at := start; at < end; at++ { // the stack may grow and move meanwhile
		f := &fields[e.present[at]]
		fv, _ := f.of(v)
		if b, err = f.encode(e, append(b, f.head...), fv); err != nil {
			return nil, err
		}
	}
	e.present = e.present[:start]
	e.Depth--
	return b, nil
}

// in returns the field of v, and whether it is to be sent.
func (f *field) in(v reflect.Value) (reflect.Value, bool) {
	fv, ok := f.of(v)
	return fv, ok && !(f.omitEmpty && isEmpty(fv)) && (f.isZero == nil || !f.isZero(fv))
}

// of finds the field in v. It reports false when an embedded pointer on the way
// is nil.
func (f *field) of(v reflect.Value) (reflect.Value, bool) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, true
}

// isEmpty is the rule of omitempty: false, 0, a nil pointer or interface, and
// anything of length 0.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct, reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128:
		return false
	}
	return v.IsZero()
}

// zeroFunc is the rule of omitzero: the type's own IsZero method where there is
// one, else the zero value.
func zeroFunc(t reflect.Type) func(reflect.Value) bool {
	type zeroer interface{ IsZero() bool }
	zeroerType := reflect.TypeFor[zeroer]()
	switch {
	case t.Implements(zeroerType):
		return func(v reflect.Value) bool {
			if isNil(v) || v.Kind() == reflect.Interface && v.Elem().Kind() == reflect.Pointer && v.Elem().IsNil() {
				return true
			}
			return v.Interface().(zeroer).IsZero()
		}
	case reflect.PointerTo(t).Implements(zeroerType):
		return func(v reflect.Value) bool {
			if !v.CanAddr() {
				// IsZero has a pointer receiver: give it a copy to point at.
				copied := reflect.New(t).Elem()
				copied.Set(v)
				v = copied
			}
			return v.Addr().Interface().(zeroer).IsZero()
		}
	}
	return reflect.Value.IsZero
}

// structFields lists the fields of struct type t that encoding/json would send,
// in its order. Embedded structs are walked breadth first; of several fields
// with one name the least nested wins, then the one whose tag gives the name,
// and where that leaves more than one, none is sent.
func structFields(t reflect.Type) []field {
	var found []field
	seen := make(map[reflect.Type]bool)
	level := []field{{typ: t}}
	for len(level) > 0 {
		times := make(map[reflect.Type]int) // how often each struct stands on this level
		for _, s := range level {
			times[s.typ]++
		}
		var next []field
		for _, s := range level {
			if seen[s.typ] {
				continue
			}
			seen[s.typ] = true
			for i := range s.typ.NumField() {
				f, embedded, ok := parseField(s.typ.Field(i))
				if !ok {
					continue
				}
				f.index = append(slices.Clone(s.index), i)
				if embedded {
					next = append(next, f)
					continue
				}
				found = append(found, f)
				if times[s.typ] > 1 {
					// The same struct, embedded twice on one level: its fields
					// are ambiguous, which a second mention expresses.
					found = append(found, f)
				}
			}
		}
		level = next
	}
	return dominantFields(found)
}

// dominantFields drops the fields that lose their name to another one and
// brings the others into the order of their declaration.
func dominantFields(found []field) []field {
	byName := make(map[string][]field)
	for _, f := range found {
		byName[f.name] = append(byName[f.name], f)
	}
	var fields []field
	for _, same := range byName {
		slices.SortStableFunc(same, compareRank)
		if len(same) == 1 || compareRank(same[0], same[1]) != 0 {
			fields = append(fields, same[0])
		}
	}
	slices.SortFunc(fields, func(a, b field) int { return slices.Compare(a.index, b.index) })
	return fields
}

func compareRank(a, b field) int {
	switch {
	case len(a.index) != len(b.index):
		return len(a.index) - len(b.index)
	case a.tagged == b.tagged:
		return 0
	case a.tagged:
		return -1
	}
	return 1
}

// parseField reads the declaration of one field. It reports whether the field
// is an embedded struct whose own fields are to be sent in its place, and
// whether there is anything to send at all.
func parseField(sf reflect.StructField) (f field, embedded, ok bool) {
	base := sf.Type
	if base.Name() == "" && base.Kind() == reflect.Pointer {
		base = base.Elem()
	}
	if !sf.IsExported() && !(sf.Anonymous && base.Kind() == reflect.Struct) {
		return f, false, false
	}
	tag := sf.Tag.Get("json")
	if tag == "-" {
		return f, false, false
	}
	name, options, _ := strings.Cut(tag, ",")
	if !isFieldName(name) {
		name = ""
	}
	if name == "" && sf.Anonymous && base.Kind() == reflect.Struct {
		return field{typ: base}, true, true
	}
	f = field{name: name, tagged: name != "", typ: sf.Type}
	if name == "" {
		f.name = sf.Name
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			f.omitEmpty = true
		case "omitzero":
			f.isZero = zeroFunc(sf.Type)
		case "string":
			f.quoted = isQuotable(base.Kind())
		}
	}
	return f, false, true
}

// isFieldName reports whether encoding/json accepts name in a tag.
func isFieldName(name string) bool {
	for _, r := range name {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return name != ""
}

// isQuotable reports whether the string option means something for the kind.
func isQuotable(k reflect.Kind) bool {
	return k == reflect.Bool || k == reflect.String || reflect.Int <= k && k <= reflect.Float64
}

// newQuotedEncoder writes a scalar, or what a pointer to it points at, as a
// string that holds its JSON text. A type that encodes itself is not quoted.
func newQuotedEncoder(t reflect.Type) encodeFunc {
	if t.Kind() != reflect.Pointer {
		return encodeQuoted
	}
	encodeElem := newCustomEncoder(t.Elem(), true, newQuotedEncoder)
	return func(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
		if v.IsNil() {
			return wire.AppendNil(b), nil
		}
		return encodeElem(e, b, v.Elem())
	}
}

// encodeQuoted lets encoding/json make the JSON text.
func encodeQuoted(e *encoder, b []byte, v reflect.Value) ([]byte, error) {
	switch v.Kind() {
	case reflect.Bool:
		return wire.AppendString(b, strconv.FormatBool(v.Bool())), nil
	case reflect.Float32, reflect.Float64, reflect.String:
		text, err := json.Marshal(v.Interface())
		if err != nil {
			return nil, err
		}
		return wire.AppendString(b, string(text)), nil
	}
	if v.CanInt() {
		return wire.AppendString(b, strconv.FormatInt(v.Int(), 10)), nil
	}
	return wire.AppendString(b, strconv.FormatUint(v.Uint(), 10)), nil
}
