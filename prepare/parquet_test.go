package prepare

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"bellwether"
)

func readParquet[T any](t *testing.T, b []byte) []T {
	t.Helper()
	rows, err := parquet.Read[T](bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestWriteEvents(t *testing.T) {
	full := purchase("1", "ana", "tea", day(1).Add(123456*time.Microsecond), 1999)
	full.Consent, full.Traits = everything, map[string]any{"city": "Köln", "age": 41.0}
	events := []bellwether.Event{full, visitorAt("2", "x", 2, nil)}
	for i := range 3000 { // more than one batch
		events = append(events, view(string(rune('a'+i)), "bo", "cup", day(3)))
	}
	var b bytes.Buffer
	if err := WriteEvents(&b, events); err != nil {
		t.Fatal(err)
	}
	rows := readParquet[eventRow](t, b.Bytes())
	if len(rows) != len(events) {
		t.Fatalf("%d rows, want %d", len(rows), len(events))
	}
	got := rows[0]
	if got.ID != "1" || got.Type != "purchase" || !got.Occurred.Equal(full.Occurred) || *got.Price != 1999 || *got.Currency != "EUR" || *got.Quantity != 1 {
		t.Errorf("%+v", got)
	}
	var traits map[string]any
	if err := json.Unmarshal([]byte(*got.Traits), &traits); err != nil || !cmp.Equal(traits, full.Traits) || len(got.Consent) != 2 {
		t.Errorf("traits %v, consent %v, %v", traits, got.Consent, err)
	}
	if rows[1].Price != nil || rows[1].Subject != nil || *rows[1].Anonymous != "x" {
		t.Errorf("what was not said is null: %+v", rows[1])
	}
	for i, row := range rows[2:] {
		if row.Anonymous != nil || row.Currency != nil || row.Order != nil || row.Traits != nil || row.Quantity != nil {
			t.Fatalf("what was not said is null, also after rows that say it: row %d %+v", i+2, row)
		}
	}
}

func TestWriteSequences(t *testing.T) {
	c := clean(t, Input{Events: all(
		view("1", "ana", "tea", day(1)), purchase("2", "ana", "cup", day(2), 500), view("3", "ana", "tin", day(3)), view("4", "bo", "tea", day(4)),
	)})
	s, err := Sequences(c, SequenceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := WriteSequences(&b, s); err != nil {
		t.Fatal(err)
	}
	tea, cup, tin, one, price := "tea", "cup", "tin", int32(1), int64(500)
	want := []parquetStep{
		{"ana", 0, &tea, "view_item", nil, nil, day(1), "train"},
		{"ana", 1, &cup, "purchase", &one, &price, day(2), "validation"},
		{"ana", 2, &tin, "view_item", nil, nil, day(3), "test"},
		{"bo", 0, &tea, "view_item", nil, nil, day(4), "train"},
	}
	if diff := cmp.Diff(want, readParquet[parquetStep](t, b.Bytes())); diff != "" {
		t.Error(diff)
	}
}

func TestWriteTable(t *testing.T) {
	n := 2500
	table := &bellwether.Table{Columns: []bellwether.Column{{Name: "visits", Numbers: make([]float64, n)}, {Name: "city", Codes: make([]int32, n), Levels: []string{"Bonn", "Köln"}}}}
	for i := range n {
		table.Subjects = append(table.Subjects, bellwether.Subject(string(rune('a'+i%26))))
		table.Target, table.Split = append(table.Target, float64(i%2)), append(table.Split, bellwether.Split(i%3))
		table.Columns[0].Numbers[i], table.Columns[1].Codes[i] = float64(i)/2, int32(i%3)-1
	}
	table.Columns[0].Numbers[1] = math.NaN()
	var b bytes.Buffer
	if err := WriteTable(&b, table); err != nil {
		t.Fatal(err)
	}
	type row struct {
		Subject string   `parquet:"subject"`
		Target  float64  `parquet:"target"`
		Split   string   `parquet:"split"`
		Visits  *float64 `parquet:"visits,optional"`
		City    *string  `parquet:"city,optional"`
	}
	rows := readParquet[row](t, b.Bytes())
	if len(rows) != n {
		t.Fatalf("%d rows", len(rows))
	}
	if r := rows[0]; r.Subject != "a" || r.Target != 0 || r.Split != "train" || *r.Visits != 0 || r.City != nil {
		t.Errorf("row 0: %+v", r)
	}
	if r := rows[1]; r.Visits != nil || r.Split != "validation" || *r.City != "Bonn" || r.Target != 1 {
		t.Errorf("row 1: %+v", r)
	}
	if r := rows[2499]; *r.Visits != 1249.5 || r.City != nil && *r.City != "Bonn" {
		t.Errorf("row 2499: %+v", r)
	}
	table.Columns[0].Name = "target"
	if err := WriteTable(&b, table); err == nil {
		t.Error("two columns of one name are accepted")
	}
}
