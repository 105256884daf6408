package collect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"bellwether"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// TestTables: what a table is about is told by its columns, however it is written.
func TestTables(t *testing.T) {
	for _, test := range []struct {
		name, text, format string
		want               []string
		rejected           int64
	}{
		{"inches are no quotes", "user_id,item_id,note,timestamp\n1,a,5\" pipe,2026-01-01\n2,b,\"6\"\" pipe\",2026-01-01\n3,c,7\" pipe,2026-01-01\n", "csv", []string{"view_item 1 a", "view_item 2 b", "view_item 3 c"}, 0},
		{"an open quote takes no more than it must", "user_id,item_id,timestamp\n1,a,2026-01-01\n2,\"b,2026-01-01\n", "csv", []string{"view_item 1 a"}, 1},
		{"MovieLens without a header", "196\t242\t3\t881250949\n186\t302\t4\t891717742\n", "csv", []string{"rating 196 242 3", "rating 186 302 4"}, 0},
		{"names as ids", "ann shoe hat\nbob hat\n", "sequence", []string{"view_item ann shoe", "view_item ann hat", "view_item bob hat"}, 0},
		{"spaces and a header", " customer_id  date number_of_cds  dollar_value\n 00001 19970101  2   11.77\n 00001 19970102  2   12.00\n", "csv", []string{"purchase 00001  11.77 EUR", "purchase 00001  6.00 EUR"}, 0},
		{"the days of a continent", "customer,product,date\n1,2,13/02/2026\n1,3,01/03/2026\n", "csv", []string{"view_item 1 2", "view_item 1 3"}, 0},
		{"objects", `{"user_id":"ann","action":"buy","product":{"x":1},"product_id":7,"timestamp":1700000000}` + "\n[]\n{\n", "jsonl", []string{"purchase ann 7"}, 2},
		{"own events", `{"id":"e1","type":"view_item","occurred":"2026-01-01T00:00:00Z","subject":"ann","item":"shoe"}` + "\n" + `{"id":"e2","type":"model_promoted","occurred":"2026-01-01T00:00:00Z"}` + "\n", "events", []string{"view_item ann shoe"}, 1},
		{"people", "customerID,gender,Churn\n7590,Female,No\n", "csv", []string{"identify 7590"}, 0},
		{"a catalogue", "item_id:token\tmovie_title:token_seq\tclass:token_seq\n1\tToy Story\tComedy\n", "items", nil, 0},
		{"prices of competitors", "sku,competitor,price\nshoe,other,18\n", "prices", []string{"competitor_price  shoe 18.00 EUR"}, 0},
		{"spend by channel", "date,channel,campaign,spend\n2026-01-01,tv,spring,3\n", "spend", []string{"media_spend tv  3.00 EUR"}, 0},
		{"an empty file", "", "", nil, 0},
		{"a header alone", "user_id,item_id,timestamp\n", "csv", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, got, err := imports(t, test.text, ImportOptions{Name: "f"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if r.Format != test.format || r.Rejected != test.rejected {
				t.Errorf("format %s with %d refused, want %s with %d: %+v", r.Format, r.Rejected, test.format, test.rejected, r.Examples)
			}
		})
	}
}

// TestParquetTypes: times, days, decimals and lists are read as what they are.
func TestParquetTypes(t *testing.T) {
	c, p := inStore(t)
	r, err := c.Import(t.Context(), strings.NewReader(parquetSeed()), ImportOptions{}, nil)
	if err != nil || r.Accepted != 1 || r.Rejected != 1 {
		t.Fatalf("%+v, %v", r, err) // a price below zero is refused
	}
	e := logged(t, p)[0]
	want := bellwether.Event{
		ID: e.ID, Import: r.ID, Type: bellwether.Purchase, Subject: "ann", Item: "shoe", Occurred: noon, Received: noon,
		Price: bellwether.Money{Amount: 1999, Currency: "EUR"}, Traits: map[string]any{"day": "2026-01-01", "tags": "a,b"},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

// TestParquetWithoutRows: a file of no rows is no error, also where it has a group of them, which has no pages; the report says 0 rows.
func TestParquetWithoutRows(t *testing.T) {
	type view struct {
		User string `parquet:"user_id,dict"`
		Item string `parquet:"item_id,dict"`
	}
	var none, one bytes.Buffer
	w := parquet.NewGenericWriter[view](&one)
	if _, err := w.Write([]view{{"ann", "shoe"}}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), parquet.NewGenericWriter[view](&none).Close()); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"no group": none.Bytes(), "an empty group": emptied(t, one.Bytes())} {
		r, err := inMemory().Import(t.Context(), bytes.NewReader(file), ImportOptions{}, nil)
		if err != nil || r.Rows != 0 || !slices.Contains(r.Notes, "there are 0 rows in it") {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// emptied is a Parquet file whose groups say that they hold nothing and have pages of words alone, as some programs write them.
func emptied(t *testing.T, file []byte) []byte {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	meta := *f.Metadata()
	meta.NumRows = 0
	for i := range meta.RowGroups {
		g := &meta.RowGroups[i]
		g.NumRows = 0
		for k := range g.Columns {
			c := &g.Columns[k].MetaData
			c.NumValues, c.TotalCompressedSize, c.DataPageOffset = 0, c.DataPageOffset-c.DictionaryPageOffset, 0
		}
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), &meta)
	if err != nil {
		t.Fatal(err)
	}
	pages := len(file) - 8 - int(binary.LittleEndian.Uint32(file[len(file)-8:]))
	out := append(file[:pages:pages], footer...)
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(footer))), "PAR1"...)
}

// TestForeignMoney: amounts that the project can't count are told, before money is missed on a screen.
func TestForeignMoney(t *testing.T) {
	c := inMemory()
	c.o.Rates = map[bellwether.Currency]float64{"CHF": 1.05}
	const file = "user_id,event,item_id,timestamp,price,currency\n" +
		"ann,purchase,shoe,2026-01-01,9.99,EUR\nann,purchase,hat,2026-01-02,9.99,CHF\nbob,purchase,hat,2026-01-02,5,SEK\nbob,purchase,shoe,2026-01-03,6,SEK\nbob,view,shoe,2026-01-03,,\n"
	r, err := c.Import(t.Context(), strings.NewReader(file), ImportOptions{}, nil)
	told := slices.DeleteFunc(r.Notes, func(n string) bool { return !strings.Contains(n, "amounts are in") })
	if err != nil || r.Accepted != 5 || len(told) != 1 || !strings.HasPrefix(told[0], "2 amounts are in SEK: the project counts in EUR") {
		t.Errorf("%+v, %q, %v", r, told, err)
	}
}

// TestMinorUnits: what the program exported comes back with the same amounts.
func TestMinorUnits(t *testing.T) {
	r, got, err := imports(t, "id,type,occurred,received,subject,item,price,currency\n0123456789abcdefg,purchase,2026-01-01,2026-01-01,ann,shoe,1999,EUR\n", ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"purchase ann shoe 19.99 EUR"}, got); diff != "" {
		t.Errorf("by %+v (-want +got):\n%s", r.Mapping, diff)
	}
}

// TestSequenceRuns: a person's events come one after the other, each at its own time in the past,
// also where the lines of people mix and items repeat; a line of any length loses none.
func TestSequenceRuns(t *testing.T) {
	c, p := inStore(t)
	long := "ann" + strings.Repeat(" shoe", 100_000)
	r, err := c.Import(t.Context(), strings.NewReader("ann hat\nbob hat\nann hat\n"+long+"\nbob shoe\n"), ImportOptions{Format: FormatSequence}, nil)
	if err != nil || r.Accepted != 100_004 || r.Rejected != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	last, ids := map[bellwether.Subject]bellwether.Event{}, map[bellwether.EventID]bool{}
	for _, e := range logged(t, p) {
		if before := last[e.Subject]; !e.Occurred.After(before.Occurred) || e.Occurred.After(noon) || ids[e.ID] {
			t.Fatalf("%+v came after %+v", e, before)
		}
		last[e.Subject], ids[e.ID] = e, true
	}
}

// TestRefusedByItsValues: a row that can be read and is no valid event is read again by its mapping too.
func TestRefusedByItsValues(t *testing.T) {
	c, _ := inStore(t)
	for _, text := range []string{"user_id,item_id,timestamp\n,a,2026-01-01\n", `{"user_id":"","item_id":"a","timestamp":"2026-01-01"}`} {
		if _, err := c.Import(t.Context(), strings.NewReader(text), ImportOptions{Name: "f"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, l := range letters(t, c) {
		r, err := c.Replay(t.Context(), []string{l.ID}, func(r Rejected) ([]byte, error) {
			return []byte(strings.Replace(strings.Replace(string(r.Raw), `""`, `"ann"`, 1), ",a", "ann,a", 1)), nil
		})
		if err != nil || r.Accepted != 1 {
			t.Errorf("%s: %+v, %v", l.Raw, r, err)
		}
	}
}

// TestProgress: it ends at the size of the source.
func TestProgress(t *testing.T) {
	c, _ := inStore(t)
	text := "ann" + strings.Repeat(" shoe", 5000)
	var told []bellwether.Progress
	_, err := c.Import(t.Context(), strings.NewReader(text), ImportOptions{Name: "f", Size: int64(len(text))}, func(p bellwether.Progress) { told = append(told, p) })
	if err != nil || len(told) < 3 {
		t.Fatalf("%d reports, %v", len(told), err)
	}
	if p := told[len(told)-1]; p.Done != int64(len(text)) || p.Total != p.Done || p.Step != "import f" {
		t.Errorf("the last report is %+v", p)
	}
}

// TestBrokenSource: what was read before a source broke off is written, and counted.
func TestBrokenSource(t *testing.T) {
	c, p := inStore(t)
	whole := packed(strings.Repeat("ann shoe hat\n", 20_000))
	r, err := c.Import(t.Context(), strings.NewReader(string(whole[:len(whole)-20])), ImportOptions{Format: FormatSequence}, nil)
	if err == nil || r.Accepted != r.Rows || len(logged(t, p)) != int(r.Rows) {
		t.Errorf("%+v, %v, %d in the log", r, err, len(logged(t, p)))
	}
}

// TestMovieLens: ratings with their times, a catalogue and people, of a real data set.
func TestMovieLens(t *testing.T) {
	for name, want := range map[string]ImportReport{
		"inter": {Format: FormatMovieLens, Rows: 100_000}, "item": {Format: FormatItems, Rows: 1682}, "user": {Format: FormatMovieLens, Rows: 943},
	} {
		f := shared(t, "sequences/ml-100k."+name+".tsv.gz")
		r, err := inMemory().Import(t.Context(), f, ImportOptions{}, nil)
		if err != nil || r.Format != want.Format || r.Rows != want.Rows || r.Accepted != want.Rows {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// TestParquetAsksForNoMemory: a file of a kilobyte with a length in it that is huge never takes many megabytes.
func TestParquetAsksForNoMemory(t *testing.T) {
	var before, after runtime.MemStats
	for at := range len(parquetSeed()) - 4 {
		file := []byte(parquetSeed())
		copy(file[at:], "\xff\xff\xff\x7f")
		runtime.ReadMemStats(&before)
		_, err := inMemory().Import(t.Context(), bytes.NewReader(file), ImportOptions{Format: FormatParquet}, nil)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 32<<20 {
			t.Errorf("a length at byte %d took %d MB, %v", at, took>>20, err)
		}
	}
}
