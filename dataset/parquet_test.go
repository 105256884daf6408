package dataset

import (
	"bytes"
	"math"
	"testing"

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

func TestWriteSequences(t *testing.T) {
	s := sequences(t, SequenceOptions{Currency: "EUR"}, people(
		view("ana", "tea", day(1)), purchase("ana", "cup", day(2), 500), view("ana", "tin", day(3)), view("bo", "tea", day(4)),
	))
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
