package store

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"bellwether"
)

// The root package imports nothing, so that its types can say by tags alone how they are stored.
// What tags cannot say (that a time is a number of nanoseconds, that money is a list) is said by
// a twin of the type: made once from it, with the same memory layout and other methods, it is
// what the library sees of a record.

// twins are the twins that differ from their types in more than their fields' twins.
var twins = map[reflect.Type]reflect.Type{
	reflect.TypeFor[time.Time]():              reflect.TypeFor[instant](),
	reflect.TypeFor[json.RawMessage]():        reflect.TypeFor[[]byte](), // else the library asks it for JSON
	reflect.TypeFor[bellwether.Money]():       reflect.TypeFor[amount](),
	reflect.TypeFor[bellwether.Link]():        reflect.TypeFor[link](),
	reflect.TypeFor[[]bellwether.Candidate](): reflect.TypeFor[candidates](),
}

// twinOf returns the twin of t.
func twinOf(t reflect.Type) reflect.Type {
	if twin, ok := twins[t]; ok {
		mustFit(t, twin)
		return twin
	}
	switch t.Kind() {
	case reflect.Struct:
		fields := make([]reflect.StructField, t.NumField())
		for i := range fields {
			f := t.Field(i)
			fields[i] = reflect.StructField{Name: f.Name, PkgPath: f.PkgPath, Type: twinOf(f.Type), Tag: f.Tag}
		}
		twin := reflect.StructOf(fields)
		mustFit(t, twin)
		return twin
	case reflect.Slice:
		return reflect.SliceOf(twinOf(t.Elem()))
	case reflect.Pointer:
		return reflect.PointerTo(twinOf(t.Elem()))
	case reflect.Map, reflect.Array:
		if twinOf(t.Elem()) != t.Elem() {
			panic(fmt.Sprintf("store: records cannot hold a %v", t)) // its memory would not be that of its twin
		}
	}
	return t
}

// mustFit panics if memory of the one type cannot be used as the other's.
func mustFit(t, twin reflect.Type) {
	if !fits(t, twin) {
		panic(fmt.Sprintf("store: %v and its twin %v differ in their layout", t, twin))
	}
}

func fits(t, twin reflect.Type) bool {
	if t.Kind() != twin.Kind() || t.Size() != twin.Size() || t.Align() != twin.Align() {
		return false
	}
	switch t.Kind() {
	case reflect.Struct:
		skip := twin.NumField() - t.NumField() // a field of no size that says toarray
		for i := range t.NumField() {
			a, b := t.Field(i), twin.Field(max(i+skip, 0))
			if a.Name != b.Name || a.Offset != b.Offset || !fits(a.Type, b.Type) {
				return false
			}
		}
	case reflect.Slice, reflect.Pointer:
		return fits(t.Elem(), twin.Elem())
	case reflect.Map, reflect.Array, reflect.Interface:
		return t == twin
	}
	return true
}

// keysOf returns the numbers of t's fields.
func keysOf(t reflect.Type) map[int64]bool {
	keys := map[int64]bool{}
	for i := range t.NumField() {
		number, _, _ := strings.Cut(t.Field(i).Tag.Get("cbor"), ",")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			keys[n] = true
		}
	}
	return keys
}
