package store

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"unsafe"

	"bellwether"

	"github.com/fxamacker/cbor/v2"
)

// RecordError says which record could not be written or read, and why.
type RecordError struct {
	Record string // such as "event"
	Reason string // continues "event record "
	Err    error  // of the CBOR library, if it comes from there
}

func (e *RecordError) Error() string { return e.Record + " record " + e.Reason }

// Unwrap returns the library's error, nil where there is none.
func (e *RecordError) Unwrap() error { return e.Err }

// Limits of a record that is read, so that hostile bytes can ask for little more memory than they paid for.
const (
	maxNesting  = 16
	maxElements = 1 << 17 // of a list or map
	maxRecent   = 10_000  // of Profile.Recent, whose events take far more memory than bytes
)

// Encode returns the CBOR form of the record that v points to: a map whose keys are the numbers
// in the fields' cbor tags (docs/formats/records.md). Equal records have equal forms. Fields of
// a newer program that Decode left in v.Unknown are written as they came. An error is a *RecordError.
func Encode(v any) ([]byte, error) {
	s, at, err := shapeOf(v)
	if err != nil {
		return nil, err
	}
	if err := checkKept(v); err != nil {
		return nil, err
	}
	b, err := writing.Marshal(reflect.NewAt(s.twin, at).Interface())
	if err == nil && s.hasUnknown {
		if more := *(*[]byte)(unsafe.Add(at, s.unknown)); len(more) > 0 {
			b, err = joinMaps(b, more)
		}
	}
	if err == nil && len(b) > s.elements { // it may have a list that no reader would take
		err = s.lenient.Wellformed(b)
	}
	if err != nil {
		return nil, &RecordError{s.name, "cannot be written: " + err.Error(), err}
	}
	return b, nil
}

// Decode replaces the record that v points to by the one in b, of which it keeps nothing. Fields
// that this program does not know are no error: they are kept in v.Unknown where the type has
// such a field. An error is a *RecordError; v is then not to be used.
func Decode(b []byte, v any) error {
	s, at, err := shapeOf(v)
	if err != nil {
		return err
	}
	record := reflect.ValueOf(v).Elem()
	record.SetZero()
	twin := reflect.NewAt(s.twin, at).Interface()
	err = s.strict.Unmarshal(b, twin)
	var unknown *cbor.UnknownFieldError
	if errors.As(err, &unknown) {
		record.SetZero()
		if err = s.lenient.Unmarshal(b, twin); err == nil && s.hasUnknown {
			*(*[]byte)(unsafe.Add(at, s.unknown)), err = s.unknownFields(b)
		}
	}
	if err != nil {
		return &RecordError{s.name, "cannot be read: " + err.Error(), err}
	}
	return checkKept(v)
}

// checkKept reports what the types of a record allow and its form does not.
func checkKept(v any) error {
	switch v := v.(type) {
	case *bellwether.Event:
		return checkTraits("event", v.Traits)
	case *bellwether.Profile:
		if len(v.Recent) > maxRecent {
			return &RecordError{Record: "profile", Reason: fmt.Sprintf("has %d recent events, more than %d", len(v.Recent), maxRecent)}
		}
		for i := range v.Recent {
			if err := checkTraits("profile", v.Recent[i].Traits); err != nil {
				return err
			}
		}
		return checkTraits("profile", v.Traits)
	}
	return nil
}

func checkTraits(record string, traits map[string]any) error {
	for name, v := range traits {
		switch v.(type) {
		case nil, bool, string, float64, int64, int:
		default:
			return &RecordError{Record: record, Reason: fmt.Sprintf("has the trait %q of type %T; strings, numbers and booleans are kept", name, v)}
		}
	}
	return nil
}

// writing is how records are written: sorted keys and the shortest form of each number, so that
// equal records have equal bytes.
var writing = must(cbor.EncOptions{Sort: cbor.SortBytewiseLexical, ShortestFloat: cbor.ShortestFloat16}.EncMode())

// reading returns how records are read.
func reading(elements int, extra cbor.ExtraDecErrorCond) cbor.DecMode {
	return must(cbor.DecOptions{
		ExtraReturnErrors: extra,
		IndefLength:       cbor.IndefLengthForbidden,
		IntDec:            cbor.IntDecConvertSignedOrFail, // a trait that is a whole number reads as int64
		UTF8:              cbor.UTF8DecodeInvalid,         // text is kept as it came
		MaxNestedLevels:   maxNesting,
		MaxArrayElements:  elements,
		MaxMapPairs:       maxElements,
	}.DecMode())
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// shape is what is known of a type of record.
type shape struct {
	name            string       // as people call it
	twin            reflect.Type // the type that the library sees: see twinOf
	keys            map[int64]bool
	unknown         uintptr // offset of the field Unknown
	hasUnknown      bool
	elements        int // of the longest list or map
	strict, lenient cbor.DecMode
}

var (
	eventShape    = newShape(reflect.TypeFor[bellwether.Event]())
	decisionShape = newShape(reflect.TypeFor[bellwether.Decision]())
	shapes        sync.Map // of others: reflect.Type of a record → *shape
)

// shapeOf returns the shape of the record that v points to, and where it is.
func shapeOf(v any) (*shape, unsafe.Pointer, error) {
	switch v := v.(type) { // those that there are millions of
	case *bellwether.Event:
		if v != nil {
			return eventShape, unsafe.Pointer(v), nil
		}
	case *bellwether.Decision:
		if v != nil {
			return decisionShape, unsafe.Pointer(v), nil
		}
	}
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() || p.Type().Elem().Kind() != reflect.Struct {
		return nil, nil, &RecordError{Record: fmt.Sprintf("%T", v), Reason: "is no pointer to a struct"}
	}
	t := p.Type().Elem()
	if s, ok := shapes.Load(t); ok {
		return s.(*shape), p.UnsafePointer(), nil
	}
	s, _ := shapes.LoadOrStore(t, newShape(t))
	return s.(*shape), p.UnsafePointer(), nil
}

func newShape(t reflect.Type) *shape {
	s := &shape{name: strings.ToLower(t.Name()), twin: twinOf(t), keys: keysOf(t), elements: maxElements}
	if f, ok := t.FieldByName("Unknown"); ok && f.Type == reflect.TypeFor[[]byte]() {
		s.unknown, s.hasUnknown = f.Offset, true
	}
	if t == reflect.TypeFor[bellwether.Profile]() {
		s.elements = maxRecent
	}
	s.strict = reading(s.elements, cbor.ExtraDecErrorUnknownField)
	s.lenient = reading(s.elements, cbor.ExtraDecErrorNone)
	return s
}
