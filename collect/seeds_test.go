package collect

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
)

// bodySeeds are bodies of the HTTP interface that mutations begin with.
var bodySeeds = []string{
	view1,
	`{"batch":[` + view1 + `,{"type":"identify","userId":"ann","anonymousId":"a1","traits":{"email":"a@b.c","age":40}}],"sentAt":"2026-03-01T12:00:00Z"}`,
	`{"type":"track","event":"Order Completed","anonymousId":"a1","properties":{"order_id":"7","currency":"JPY","total":"1,234.50","products":[{"product_id":"x","price":1e3,"quantity":2}]}}`,
	`{"type":"alias","previousId":"old","userId":"new"}`, `{"type":"page","userId":"ü😀","timestamp":1700000000000,"context":{"userAgent":"bot","campaign":{"name":"spring"}}}`,
}

// fileSeeds are files by format.
var fileSeeds = map[string][]string{
	"segment":   {view1 + "\n" + view1 + "\n", `{"type":"track"}` + "\n\n{}\n"},
	"csv":       {"user_id,item_id,timestamp,price\n1,2,1700000000,1.50\n3,\"a\nb\",2026-01-01,\n", "Customer;Product;Date\nann;shoe;01/02/2026\n"},
	"sequence":  {"1 10 11 12\n2 10\n", "u a b c\n"},
	"movielens": {"user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n"},
	"items":     {"sku,name,price,stock\nshoe,Red,19.99,3\n", `{"id":"shoe","price":{"amount":1,"currency":"EUR"}}` + "\n"},
	"spend":     {"date,tv_S,search_spend\n2026-01-01,100,50\n", "date,channel,spend\n2026-01-01,tv,3\n"},
	"prices":    {"sku,competitor,price,date\nshoe,other,18,2026-01-01\n"},
	"jsonl":     {`{"user":{"id":"ann"},"product_id":7,"timestamp":"2026-01-01","tags":["a","b"]}` + "\n", `{"sku":"shoe","title":"Red","price":19.99}` + "\n"},
	"events":    {`{"id":"e1","type":"view_item","occurred":"2026-01-01T00:00:00Z","subject":"ann","item":"shoe","traits":{"a":1}}` + "\n"},
	"parquet":   {parquetSeed()},
}

// parquetSeed is a small file with the types that columns of events have.
func parquetSeed() string {
	type sale struct {
		Customer string    `parquet:"customer_id"`
		Product  *string   `parquet:"product_id,optional,dict"`
		At       time.Time `parquet:"timestamp,timestamp(microsecond)"`
		Day      int32     `parquet:"day,date"`
		Price    int64     `parquet:"price,decimal(2:10)"`
		Tags     []string  `parquet:"tags,list"`
	}
	shoe := "shoe"
	var file bytes.Buffer
	err := parquet.Write(&file, []sale{{"ann", &shoe, noon, 20454, 1999, []string{"a", "b"}}, {"bob", nil, noon.Add(time.Second), 20455, -5, nil}})
	if err != nil {
		panic(err)
	}
	return file.String()
}

const mappingSeed = "kind: events\ndelimiter: \",\"\nfields:\n  subject: a\n  item: {column: b}\n  time: {column: c, format: unix}\n  event: {value: view_item}\ntraits: [d]\n"

// tryBody sends a body and checks what must hold: what is answered is what was counted, and what is refused as a whole says
// where it broke or what is too much, and leaves nothing.
func tryBody(t testing.TB, c *Collector, path string, body []byte) {
	before := c.Totals()
	r, err := send(c, path, body)
	if at, broken := Broken(err); err != nil && (err.Error() == "" || broken && at < 0 || !broken && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrTooMany)) {
		t.Fatalf("%q: %v", body, err)
	}
	if err != nil && r != (Result{}) {
		t.Fatalf("%q: %+v with %v", body, r, err)
	}
	after := c.Totals()
	if after.Accepted-before.Accepted != r.Accepted || after.Rejected-before.Rejected != r.Rejected || after.Duplicates-before.Duplicates != r.Duplicates {
		t.Fatalf("%q: answered %+v, counted %+v after %+v", body, r, after, before)
	}
}

// tryFile imports a file into a collector of its own and checks what must hold.
func tryFile(t testing.TB, c *Collector, format string, data []byte) {
	before := len(letters(t, c))
	r, err := c.Import(context.Background(), bytes.NewReader(data), ImportOptions{Format: format, Name: "f"}, nil)
	if r.Accepted+r.Duplicates+r.Rejected != r.Rows && err == nil {
		t.Fatalf("%s %q: %+v of %d rows", format, data, r.Result, r.Rows)
	}
	all := letters(t, c)
	if int64(len(all)-before) != r.Rejected {
		t.Fatalf("%s %q: %d dead letters of %d refused", format, data, len(all)-before, r.Rejected)
	}
	for _, l := range all[before:] {
		if l.Reason == "" {
			t.Fatalf("%s %q: dead letter %+v has no reason", format, data, l)
		}
	}
	if err != nil && strings.TrimSpace(err.Error()) == "" {
		t.Fatalf("%s %q: an error without a text", format, data)
	}
}

func FuzzBody(f *testing.F) {
	for _, s := range bodySeeds {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Add(packed(view1), false)
	f.Fuzz(func(t *testing.T, body []byte, batch bool) {
		path := "/v1/track"
		if batch {
			path = "/v1/batch"
		}
		c := inMemory()
		tryBody(t, c, path, body)
		holds(t, c, c.Totals(), -1)
	})
}

func fuzzFile(f *testing.F, format string) {
	for _, s := range fileSeeds[format] {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { tryFile(t, inMemory(), format, data) })
}

func FuzzSegment(f *testing.F)   { fuzzFile(f, "segment") }
func FuzzCSV(f *testing.F)       { fuzzFile(f, "csv") }
func FuzzSequence(f *testing.F)  { fuzzFile(f, "sequence") }
func FuzzMovieLens(f *testing.F) { fuzzFile(f, "movielens") }
func FuzzItems(f *testing.F)     { fuzzFile(f, "items") }
func FuzzSpend(f *testing.F)     { fuzzFile(f, "spend") }
func FuzzPrices(f *testing.F)    { fuzzFile(f, "prices") }
func FuzzJSON(f *testing.F)      { fuzzFile(f, "jsonl") }
func FuzzEvents(f *testing.F)    { fuzzFile(f, "events") }
func FuzzParquet(f *testing.F)   { fuzzFile(f, "parquet") }

// FuzzAny finds the format out by itself.
func FuzzAny(f *testing.F) {
	for _, seeds := range fileSeeds {
		for _, s := range seeds {
			f.Add([]byte(s))
			f.Add(packed(s))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) { tryFile(t, inMemory(), "", data) })
}

func FuzzMapping(f *testing.F) {
	f.Add([]byte(mappingSeed))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseMapping(text)
		if err != nil {
			return
		}
		again, err := m.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseMapping(again); err != nil {
			t.Fatalf("%q was written as %q: %v", text, again, err)
		}
	})
}
