package collect

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"bellwether"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
)

// imports reads text and returns the report and the events, in short.
func imports(t *testing.T, text string, o ImportOptions) (ImportReport, []string, error) {
	t.Helper()
	c, p := inStore(t)
	r, err := c.Import(t.Context(), strings.NewReader(text), o, nil)
	if err == nil {
		holds(t, c, r.Result, r.Rows)
	}
	var short []string
	for _, e := range logged(t, p) {
		s := fmt.Sprintf("%s %s%s %s", e.Type, e.Subject, e.Channel, e.Item)
		if !e.Price.IsZero() {
			s += " " + e.Price.String()
		}
		if e.Value != 0 {
			s += fmt.Sprint(" ", e.Value)
		}
		short = append(short, strings.TrimSpace(s))
	}
	return r, short, err
}

func TestImportFormats(t *testing.T) {
	for _, test := range []struct {
		name, text, format string
		options            ImportOptions
		want               []string
		rejected           int64
	}{
		{"sequence", "u1 a1 2\n", "csv", ImportOptions{Format: "sequence"}, []string{"view_item u1 a1", "view_item u1 2"}, 0},
		{"sequence found out", "1 10 11 10\n2 10\n3\n", "sequence", ImportOptions{}, []string{"view_item 1 10", "view_item 1 11", "view_item 1 10", "view_item 2 10"}, 1},
		{"movielens", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n1\t2\tx\t881250949\n", "movielens", ImportOptions{}, []string{"rating 196 242 3"}, 1},
		{"segment", view1 + "\n{]\n", "segment", ImportOptions{}, []string{"view_item ann shoe 19.99 EUR"}, 1},
		{
			"csv", "Customer ID,Product ID,Order Date,Price,Notes\nann,shoe,2026-02-01,5.50,\"two\nlines, quoted\"\nbob,hat,someday,1,\neve,hat\n\"open,1\n", "csv",
			ImportOptions{},
			[]string{"purchase ann shoe 5.50 EUR"},
			3,
		},
		{"semicolons", "user_id;item_id;timestamp\n1;2;1700000000\n", "csv", ImportOptions{}, []string{"view_item 1 2"}, 0},
		{"spend", "date,tv_S,search_S\n2026-01-01,100,50\n2026-01-08,0,\n", "spend", ImportOptions{Format: "spend"}, []string{"media_spend tv  100.00 EUR", "media_spend search  50.00 EUR", "media_spend tv  0.00 EUR"}, 0},
		{"prices", "sku,competitor,price,date\nshoe,other,18,2026-01-01\n", "prices", ImportOptions{Format: "prices"}, []string{"competitor_price  shoe 18.00 EUR"}, 0},
		{"catalogue", "sku,name,price,colour\nshoe,Red shoe,20,red\n,x,1,\n", "items", ImportOptions{Format: "items"}, nil, 1},
		{"catalogue of JSON", `{"id":"shoe","title":"Red shoe"}` + "\n" + `{"title":7}` + "\n", "items", ImportOptions{}, nil, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, got, err := imports(t, test.text, test.options)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if r.Rejected != test.rejected {
				t.Errorf("%d refused, want %d: %+v", r.Rejected, test.rejected, r.Examples)
			}
			for _, e := range r.Examples {
				if e.Line == 0 || e.Reason == "" {
					t.Errorf("example %+v has no line or no reason", e)
				}
			}
		})
	}
}

func TestImportTwiceAddsNothing(t *testing.T) {
	c, p := inStore(t)
	text := "user_id,item_id,timestamp\n1,2,1700000000\n1,2,1700000000\n3,4,1700000001\n"
	for k, want := range []Result{{Accepted: 3, Events: 3}, {Duplicates: 3}} {
		r, err := c.Import(t.Context(), strings.NewReader(text), ImportOptions{}, nil)
		r.Sequence = 0
		if err != nil || r.Result != want {
			t.Errorf("import %d: %+v, %v; want %+v", k+1, r.Result, err, want)
		}
	}
	if n := len(logged(t, p)); n != 3 {
		t.Errorf("%d events", n)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	c, p := inStore(t)
	before, _ := p.Log.Last(t.Context())
	r, err := c.Import(t.Context(), strings.NewReader("1 10 11\n2\n"), ImportOptions{DryRun: true}, nil)
	if err != nil || r.Accepted != 2 || r.Rejected != 1 || len(r.Examples) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if after, _ := p.Log.Last(t.Context()); after != before {
		t.Errorf("the log went from %d to %d", before, after)
	}
	if len(letters(t, c)) != 0 {
		t.Error("a dry run left dead letters")
	}
}

func TestUnknownColumnNamesThoseThatExist(t *testing.T) {
	m, err := ParseMapping([]byte("fields:\n  subject: nobody\n  item: sku\n  time: day\n  event: {value: view_item}\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = imports(t, "sku,day,customer\na,2026-01-01,ann\n", ImportOptions{Mapping: m})
	if !errors.Is(err, ErrMapping) || !strings.Contains(err.Error(), "sku, day, customer") {
		t.Errorf("%v", err)
	}
}

func TestGuessNeedsATimeAndAPerson(t *testing.T) {
	for _, text := range []string{"a,b\n1,2\n", "customer,item\n1,2\n", "time,item\n1,2\n"} {
		if _, _, err := imports(t, text, ImportOptions{Format: "csv"}); !errors.Is(err, ErrMapping) || !strings.Contains(err.Error(), "--map") {
			t.Errorf("%q gave %v", text, err)
		}
	}
	if _, _, err := imports(t, "x", ImportOptions{Format: "word"}); !errors.Is(err, ErrFormat) {
		t.Errorf("an unknown format gave %v", err)
	}
}

// TestReplayOfARow: a row is read again by the mapping that it was refused with.
func TestReplayOfARow(t *testing.T) {
	c, p := inStore(t)
	_, err := c.Import(t.Context(), strings.NewReader("user_id\titem_id\ttimestamp\n1\t2\tsomeday\n"), ImportOptions{Name: "views.tsv"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := letters(t, c)
	if len(all) != 1 || all[0].Source != "views.tsv" || all[0].Line != 2 {
		t.Fatalf("dead letters are %+v", all)
	}
	r, err := c.Replay(t.Context(), []string{all[0].ID}, func(r Rejected) ([]byte, error) {
		return bytes.Replace(r.Raw, []byte("someday"), []byte("1700000000"), 1), nil
	})
	if err != nil || r.Accepted != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if events := logged(t, p); len(events) != 1 || events[0].Item != "2" {
		t.Errorf("the log has %+v", events)
	}
}

func TestImportUnpacks(t *testing.T) {
	var z bytes.Buffer
	w, err := zstd.NewWriter(&z)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "1 10 11\n")
	w.Close()
	for name, data := range map[string][]byte{"gzip": packed("1 10 11\n"), "zstd": z.Bytes(), "plain": []byte("1 10 11\n")} {
		c, _ := inStore(t)
		r, err := c.Import(t.Context(), bytes.NewReader(data), ImportOptions{}, nil)
		if err != nil || r.Accepted != 2 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestImportParquet(t *testing.T) {
	type sale struct {
		Customer string  `parquet:"customer_id"`
		Product  string  `parquet:"product_id"`
		At       int64   `parquet:"timestamp"`
		Price    float64 `parquet:"price"`
	}
	var file bytes.Buffer
	if err := parquet.Write(&file, []sale{{"ann", "shoe", 1700000000, 19.5}, {"", "hat", 1700000001, 1}}); err != nil {
		t.Fatal(err)
	}
	r, got, err := imports(t, file.String(), ImportOptions{})
	if err != nil || r.Format != "parquet" || r.Rejected != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if diff := cmp.Diff([]string{"purchase ann shoe 19.50 EUR"}, got); diff != "" {
		t.Error(diff)
	}
	if _, _, err := imports(t, file.String()[:file.Len()-9], ImportOptions{}); !errors.Is(err, ErrFormat) {
		t.Errorf("a cut file gave %v", err)
	}
}

// TestImportBeauty: every event of a real file of sequences is there, in its order.
func TestImportBeauty(t *testing.T) {
	f := shared(t, "sequences/amazon-beauty.txt.gz")
	c, p := inStore(t)
	r, err := c.Import(t.Context(), f, ImportOptions{Name: "beauty"}, nil)
	if err != nil || r.Accepted != 198_502 || r.Rejected != 0 || r.Format != "sequence" {
		t.Fatalf("%+v, %v", r, err)
	}
	last := map[bellwether.Subject]int64{}
	for _, e := range logged(t, p) {
		if at := e.Occurred.Unix(); at <= last[e.Subject] {
			t.Fatalf("%s goes back in time", e.Subject)
		} else {
			last[e.Subject] = at
		}
	}
	if len(last) != 22_363 {
		t.Errorf("%d people", len(last))
	}
}

// TestImportNews: a real export of another tool, with odd user agents, by a guessed mapping.
func TestImportNews(t *testing.T) {
	f := shared(t, "news/deskdrop-interactions.csv.gz")
	c, p := inStore(t)
	r, err := c.Import(t.Context(), f, ImportOptions{Name: "news"}, nil)
	if err != nil || r.Accepted != 72_312 || !r.Guessed {
		t.Fatalf("%+v, %v", r.Result, err)
	}
	types := map[bellwether.EventType]int{}
	for _, e := range logged(t, p) {
		types[e.Type]++
	}
	for _, want := range []bellwether.EventType{bellwether.Like, bellwether.Bookmark, bellwether.Follow, bellwether.Comment} {
		if types[want] == 0 {
			t.Errorf("no %s among %v", want, types)
		}
	}
}

// TestStrayQuote: quotes that never close cost their own line, not the file.
func TestStrayQuote(t *testing.T) {
	var text strings.Builder
	text.WriteString("user_id,item_id,timestamp\n")
	for k := range 1000 {
		quote := ""
		if k == 10 {
			quote = `"`
		}
		fmt.Fprintf(&text, "%s%d,%d,%d\n", quote, k, k, 1700000000+k)
	}
	r, _, err := imports(t, text.String(), ImportOptions{})
	if err != nil || r.Rows != 1000 || r.Accepted != 999 || r.Rejected != 1 || r.Examples[0].Line != 12 {
		t.Errorf("%+v %+v, %v", r.Result, r.Examples, err)
	}
}
