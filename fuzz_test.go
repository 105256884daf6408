package bellwether

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

type validator interface{ Validate() error }

// fuzzJSON checks that a valid record keeps its JSON through a round trip.
func fuzzJSON(f *testing.F, example any) {
	j, err := json.Marshal(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(j)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, j []byte) {
		r, again := newLike(example), newLike(example)
		if json.Unmarshal(j, r) != nil || r.(validator).Validate() != nil {
			return
		}
		once, err := json.Marshal(r)
		if err != nil {
			t.Skip("a number or time that JSON cannot carry")
		}
		if err := json.Unmarshal(once, again); err != nil {
			t.Fatal(err)
		}
		if twice, err := json.Marshal(again); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s became %s, %v", once, twice, err)
		}
	})
}

func FuzzEventJSON(f *testing.F)    { fuzzJSON(f, exampleEvent()) }
func FuzzItemJSON(f *testing.F)     { fuzzJSON(f, exampleItem()) }
func FuzzProfileJSON(f *testing.F)  { fuzzJSON(f, exampleProfile()) }
func FuzzDecisionJSON(f *testing.F) { fuzzJSON(f, exampleDecision()) }
func FuzzOutcomeJSON(f *testing.F)  { fuzzJSON(f, exampleOutcome()) }

func TestExamplesAreValid(t *testing.T) {
	for name, r := range examples() {
		if v, ok := r.(validator); ok {
			if err := v.Validate(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if reflect.ValueOf(r).Elem().IsZero() {
			t.Errorf("%s is empty", name)
		}
	}
}

// TestExamplesFillEveryField keeps a new field from being forgotten by the golden files, here and in
// package store: no field of an example is zero.
func TestExamplesFillEveryField(t *testing.T) {
	for name, r := range examples() {
		v := reflect.ValueOf(r).Elem()
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.Name != "Unknown" && v.Field(i).IsZero() {
				t.Errorf("the example %s leaves %s empty", name, f.Name)
			}
		}
	}
}

// TestEveryFieldIsStored keeps the numbers of stored fields unique and complete.
func TestEveryFieldIsStored(t *testing.T) {
	for _, r := range []any{Event{}, Item{}, Profile{}, Decision{}, Outcome{}} {
		typ, seen := reflect.TypeOf(r), map[string]bool{}
		for i := range typ.NumField() {
			f := typ.Field(i)
			number, options, _ := strings.Cut(f.Tag.Get("cbor"), ",")
			if f.Name == "Unknown" && number == "-" {
				continue
			}
			if _, err := strconv.ParseUint(number, 10, 8); err != nil || seen[number] || !strings.HasPrefix(options, "keyasint,omit") {
				t.Errorf("%s.%s has the tag %q: give it the next number, keyasint and omitempty or omitzero", typ.Name(), f.Name, f.Tag)
			}
			seen[number] = true
		}
	}
}
