package lake

import (
	"reflect"
	"testing"
	"time"

	"bellwether"
	"bellwether/history"
)

// A digest changes with every field of an event, so that no change of one stays out of the files.
func TestDigestOfEveryField(t *testing.T) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	of := func(e bellwether.Event) uint64 {
		d, err := (&Writer{}).digest(&history.Person{Subject: "ann", Events: []bellwether.Event{e}})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	plain := bellwether.Event{ID: "e", Type: bellwether.ViewItem, Occurred: at, Received: at, Subject: "ann", Quantity: 1}
	seen := map[uint64]string{of(plain): "nothing"}
	if again := plain; of(plain) != of(again) {
		t.Fatal("the same event has two digests")
	}
	change := func(name string, do func(*bellwether.Event)) {
		e := plain
		do(&e)
		d := of(e)
		if other, ok := seen[d]; ok {
			t.Errorf("a change of %s looks like one of %s", name, other)
		}
		seen[d] = name
	}
	for i := range reflect.TypeFor[bellwether.Event]().NumField() {
		name := reflect.TypeFor[bellwether.Event]().Field(i).Name
		change(name, func(e *bellwether.Event) {
			switch f := reflect.ValueOf(e).Elem().Field(i).Addr().Interface().(type) {
			case *time.Time:
				*f = f.Add(time.Duration(i + 1))
			case *bellwether.Money:
				*f = bellwether.Money{Amount: 3, Currency: "EUR"}
			case *map[string]any:
				*f = map[string]any{"plan": "gold"}
			case *[]bellwether.Purpose:
				*f = []bellwether.Purpose{"analytics"}
			default:
				switch v := reflect.ValueOf(f).Elem(); v.Kind() {
				case reflect.String:
					v.SetString(v.String() + "x")
				case reflect.Int64, reflect.Int32:
					v.SetInt(v.Int() + 7)
				case reflect.Float64:
					v.SetFloat(v.Float() + 7)
				case reflect.Slice:
					text := []byte(`{"a":1}`)
					if name == "Unknown" {
						text = []byte{0xa1, 0x18, 0x63, 0x01} // {99: 1} as CBOR
					}
					v.SetBytes(text)
				default:
					t.Errorf("no change is known for %s", name)
				}
			}
		})
	}
	change("the amount of a price", func(e *bellwether.Event) { e.Price.Amount = 4 })
	change("the currency of a price", func(e *bellwether.Event) { e.Price.Currency = "EUR" })
	change("withdrawn consent", func(e *bellwether.Event) { e.Consent = []bellwether.Purpose{} })
	change("traits of another value", func(e *bellwether.Event) { e.Traits = map[string]any{"plan": "blue"} })
}
