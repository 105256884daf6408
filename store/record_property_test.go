package store_test

import (
	"bytes"
	"math"
	"reflect"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// fillAny draws a value for everything in v, the zero value often.
func fillAny(t *rapid.T, v reflect.Value) {
	if rapid.Bool().Draw(t, "zero") {
		return
	}
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		at := time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
		v.Set(reflect.ValueOf(at))
		return
	case reflect.TypeFor[map[string]any]():
		value := rapid.OneOf(
			rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }), rapid.Map(rapid.String(), func(s string) any { return s }),
			rapid.Map(rapid.Float64(), func(f float64) any { return f }), rapid.Map(rapid.Int64(), func(n int64) any { return n }),
		)
		v.Set(reflect.ValueOf(rapid.MapOfN(rapid.String(), value, 1, 5).Draw(t, "traits")))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "Unknown" {
				fillAny(t, v.Field(i))
			}
		}
	case reflect.String:
		v.SetString(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number") >> (64 - v.Type().Bits()))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "number") >> (64 - v.Type().Bits()))
	case reflect.Float32:
		v.SetFloat(float64(math.Float32frombits(rapid.Uint32().Draw(t, "bits"))))
	case reflect.Float64:
		v.SetFloat(math.Float64frombits(rapid.Uint64().Draw(t, "bits")))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillAny(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(1, 3).Draw(t, "length"), 3))
		for i := range v.Len() {
			fillAny(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(1, 3).Draw(t, "length") {
			value := reflect.New(v.Type().Elem()).Elem()
			fillAny(t, value)
			v.SetMapIndex(reflect.ValueOf(rapid.String().Draw(t, "key")), value)
		}
	default:
		t.Fatalf("no value for a %v", v.Type())
	}
}

// TestRecordRoundTrip: what is stored of any record is all of it, and the same each time.
func TestRecordRoundTrip(t *testing.T) {
	for name, r := range examples(t) {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				want, got := newLike(r), newLike(r)
				fillAny(t, reflect.ValueOf(want).Elem())
				fillAny(t, reflect.ValueOf(got).Elem()) // left over
				b, err := store.Encode(want)
				if err != nil {
					t.Fatal(err)
				}
				if err := store.Decode(b, got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
					t.Fatal(diff)
				}
				if again, err := store.Encode(got); err != nil || !bytes.Equal(b, again) {
					t.Fatalf("%x became %x, %v", b, again, err)
				}
			})
		})
	}
}

// TestDecodedRecordsOwnTheirMemory: a record stays as it is when the bytes that it was read from change.
func TestDecodedRecordsOwnTheirMemory(t *testing.T) {
	for name, want := range examples(t) {
		b, got := encode(t, want), newLike(want)
		if err := store.Decode(b, got); err != nil {
			t.Fatal(err)
		}
		for i := range b {
			b[i] = 'x'
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s changed with its bytes:\n%s", name, diff)
		}
	}
}

// fuzzRecord checks that bytes which are accepted survive a second round trip to the same bytes.
func fuzzRecord(f *testing.F, example any) {
	f.Add(encode(f, example))
	f.Add([]byte{0xa0})
	f.Add([]byte("\xa2\x01\x61a\x18\x28\xf5"))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, second := newLike(example), newLike(example)
		if store.Decode(b, first) != nil {
			return
		}
		once, err := store.Encode(first)
		if err != nil {
			t.Fatalf("a record that was read cannot be written: %v", err)
		}
		if err := store.Decode(once, second); err != nil {
			t.Fatal(err)
		}
		twice, err := store.Encode(second)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x became %x, %v", once, twice, err)
		}
	})
}

func FuzzEventRecord(f *testing.F)    { fuzzRecord(f, examples(f)["event"].(*bellwether.Event)) }
func FuzzItemRecord(f *testing.F)     { fuzzRecord(f, examples(f)["item"]) }
func FuzzProfileRecord(f *testing.F)  { fuzzRecord(f, examples(f)["profile"]) }
func FuzzDecisionRecord(f *testing.F) { fuzzRecord(f, examples(f)["decision"]) }
func FuzzOutcomeRecord(f *testing.F)  { fuzzRecord(f, examples(f)["outcome"]) }
