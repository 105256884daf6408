package bellwether

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// fuzzBinary checks that bytes which are accepted survive a second round trip to the same bytes.
func fuzzBinary(f *testing.F, example binaryRecord) {
	b, err := example.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{CodecVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		first, second := newLike(example), newLike(example)
		if first.UnmarshalBinary(b) != nil {
			return
		}
		once, err := first.MarshalBinary()
		if err != nil {
			t.Fatalf("a record that was read cannot be written: %v", err)
		}
		if err := second.UnmarshalBinary(once); err != nil {
			t.Fatal(err)
		}
		twice, err := second.MarshalBinary()
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%x became %x, %v", once, twice, err)
		}
	})
}

func FuzzEventBinary(f *testing.F)      { fuzzBinary(f, exampleEvent()) }
func FuzzItemBinary(f *testing.F)       { fuzzBinary(f, exampleItem()) }
func FuzzProfileBinary(f *testing.F)    { fuzzBinary(f, exampleProfile()) }
func FuzzDecisionBinary(f *testing.F)   { fuzzBinary(f, exampleDecision()) }
func FuzzOutcomeBinary(f *testing.F)    { fuzzBinary(f, exampleOutcome()) }
func FuzzPredictionBinary(f *testing.F) { fuzzBinary(f, examplePrediction()) }
func FuzzDatasetBinary(f *testing.F)    { fuzzBinary(f, exampleDataset()) }

type validator interface{ Validate() error }

// fuzzJSON checks that a valid record keeps its JSON through a round trip, and its binary form too.
func fuzzJSON(f *testing.F, example binaryRecord) {
	j, err := json.Marshal(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(j)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, j []byte) {
		r := newLike(example)
		if json.Unmarshal(j, r) != nil || r.(validator).Validate() != nil {
			return
		}
		once, err := json.Marshal(r)
		if err != nil {
			t.Skip("a number or time that JSON cannot carry")
		}
		fromJSON, fromBinary := newLike(example), newLike(example)
		if err := json.Unmarshal(once, fromJSON); err != nil {
			t.Fatal(err)
		}
		b, err := fromJSON.MarshalBinary()
		if err != nil {
			t.Fatalf("a valid record has no binary form: %v", err)
		}
		if err := fromBinary.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		for _, other := range []binaryRecord{fromJSON, fromBinary} {
			twice, err := json.Marshal(other)
			if err != nil || !bytes.Equal(once, twice) {
				t.Fatalf("%s became %s, %v", once, twice, err)
			}
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

// TestExamplesFillEveryField keeps a new field from being forgotten by the codec: the golden
// round trip compares whole records, and here no field of an example is zero.
func TestExamplesFillEveryField(t *testing.T) {
	for name, r := range examples() {
		v := reflect.ValueOf(r).Elem()
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("the example %s leaves %s empty", name, v.Type().Field(i).Name)
			}
		}
	}
}
