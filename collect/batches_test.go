package collect

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

const sales = "user_id,item_id,event,timestamp,price\nann,shoe,purchase,2026-02-01,10\nann,shoe,purchase,2026-02-01,10\nbob,hat,purchase,2026-02-02,5\n"

func importSales(t *testing.T, c *Collector, o ImportOptions) ImportReport {
	t.Helper()
	o.Name = "sales.csv"
	r, err := c.Import(t.Context(), strings.NewReader(sales), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestUndo: what an import brought is named, listed, taken back by a note in the log, and can come again.
func TestUndo(t *testing.T) {
	c, p := inStore(t)
	first := importSales(t, c, ImportOptions{})
	if !strings.HasPrefix(first.ID, rowsBatch) || first.Accepted != 3 {
		t.Fatalf("%+v", first)
	}
	for _, e := range logged(t, p) {
		if e.Import != first.ID {
			t.Errorf("an event came with %q, not %q", e.Import, first.ID)
		}
	}
	if again := importSales(t, c, ImportOptions{}); again.Duplicates != 3 {
		t.Errorf("again: %+v", again)
	}
	all, err := c.Imports(t.Context())
	if err != nil || len(all) != 2 || all[0].Duplicates+all[1].Duplicates != 3 || all[0].Ended == nil || all[1].Name != "sales.csv" || all[0].Rows != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	before := len(logged(t, p))
	b, err := c.UndoImport(t.Context(), first.ID)
	if err != nil || b.Undone == nil || b.Accepted != 3 {
		t.Fatalf("%+v, %v", b, err)
	}
	if after := len(logged(t, p)); after != before {
		t.Errorf("the log had %d events and has %d: nothing is deleted", before, after)
	}
	if _, err := c.UndoImport(t.Context(), first.ID); !errors.Is(err, store.ErrConflict) {
		t.Errorf("twice: %v", err)
	}
	if _, err := c.UndoImport(t.Context(), "t-none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown one: %v", err)
	}
	if third := importSales(t, c, ImportOptions{}); third.Accepted != 3 || third.ID == first.ID {
		t.Errorf("afterwards: %+v", third)
	}
}

// TestReplace: the same file with another mapping stands in the place of the first import; imports of other names stay.
func TestReplace(t *testing.T) {
	c, _ := inStore(t)
	first := importSales(t, c, ImportOptions{})
	other, err := c.Import(t.Context(), strings.NewReader("user_id,item_id,timestamp\neve,cap,2026-02-01\n"), ImportOptions{Name: "views.csv"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ParseMapping([]byte("fields: {subject: user_id, item: item_id, time: timestamp, price: price, event: {value: refund}}"))
	if err != nil {
		t.Fatal(err)
	}
	r := importSales(t, c, ImportOptions{Mapping: m, Replace: true})
	if r.Accepted != 3 || r.Duplicates != 0 || len(r.Replaced) != 1 || r.Replaced[0] != first.ID {
		t.Errorf("%+v", r)
	}
	all, err := c.Imports(t.Context())
	if err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	for _, b := range all {
		if gone := b.ID == first.ID; (b.Undone != nil) != gone || gone && b.ReplacedBy != r.ID || b.ID == other.ID && b.Undone != nil {
			t.Errorf("%+v", b)
		}
	}
	if dry := importSales(t, c, ImportOptions{DryRun: true, Replace: true}); dry.Accepted+dry.Duplicates != 3 {
		t.Errorf("dry: %+v", dry)
	}
	if after, err := c.Imports(t.Context()); err != nil || len(after) != 3 {
		t.Errorf("a dry run wrote an import: %+v, %v", after, err)
	}
}

// TestInterruptedImportGoesOn: an import that broke off and is repeated is one import.
func TestInterruptedImportGoesOn(t *testing.T) {
	c, _ := inStore(t)
	whole := packed("user_id,item_id,event,timestamp\n" + strings.Repeat("ann,shoe,view,2026-02-01\n", 30_000))
	first, err := c.Import(t.Context(), strings.NewReader(string(whole[:len(whole)-9])), ImportOptions{Name: "v.csv.gz"}, nil)
	if err == nil || first.Accepted == 0 {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := c.Import(t.Context(), strings.NewReader(string(whole)), ImportOptions{Name: "v.csv.gz"}, nil)
	if err != nil || second.ID != first.ID || second.Accepted+second.Duplicates != 30_000 || second.Duplicates != first.Accepted {
		t.Errorf("%+v, %v after %+v", second.Result, err, first.Result)
	}
}

// TestUndoItems: items become what they were before the import; those that were not there end.
func TestUndoItems(t *testing.T) {
	c, p := inStore(t)
	if _, err := c.AcceptItems(t.Context(), []json.RawMessage{[]byte(`{"id":"shoe","title":"Shoe","price":{"amount":1000,"currency":"EUR"}}`)}); err != nil {
		t.Fatal(err)
	}
	r, err := c.Import(t.Context(), strings.NewReader("sku,name,price\nshoe,Wrong,99\nhat,Hat,5\n"), ImportOptions{Name: "c.csv", Format: FormatItems}, nil)
	if err != nil || r.Accepted != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, err := c.UndoImport(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	items := map[bellwether.ItemID]bellwether.Item{}
	err = p.Log.Read(t.Context(), 0, func(b store.Batch) error {
		for _, r := range b.Records {
			if r.Kind != store.KindItem {
				continue
			}
			var it bellwether.Item
			if err := store.Decode(r.Data, &it); err != nil {
				return err
			}
			items[it.ID] = it
		}
		return nil
	})
	if shoe, hat := items["shoe"], items["hat"]; err != nil || shoe.Title != "Shoe" || shoe.Price.Amount != 1000 || !shoe.To.IsZero() || !hat.To.Equal(noon) {
		t.Errorf("%+v, %v", items, err)
	}
}

// TestOwnExport: a table as this program exports it comes back with its ids, devices and traits, and with what was withdrawn.
func TestOwnExport(t *testing.T) {
	type row struct {
		Subject   string    `parquet:"subject"`
		Identity  string    `parquet:"identity"`
		Occurred  time.Time `parquet:"occurred,timestamp(microsecond)"`
		Received  time.Time `parquet:"received,timestamp(microsecond)"`
		ID        string    `parquet:"id"`
		Type      string    `parquet:"type"`
		Anonymous *string   `parquet:"anonymous,optional"`
		Consent   *string   `parquet:"consent,optional"`
		Traits    *string   `parquet:"traits,optional"`
	}
	text := func(s string) *string { return &s }
	var file bytes.Buffer
	err := parquet.Write(&file, []row{
		{"ann", "ann", noon, noon, "m1", "identify", nil, nil, text(`{"email":"ann@x.example","n":2,"crm":9007199254740993}`)},
		{"ann", "ann", noon, noon.Add(time.Hour), "m2", "identify", text("d2"), text(""), nil},
		{"~d1", "~d1", noon, noon, "m3", "view_item", text("d1"), text("ads,mail"), nil},
		{"null", "null", noon, noon, "m4", "view_item", nil, nil, nil},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, p := inStore(t)
	r, err := c.Import(t.Context(), bytes.NewReader(file.Bytes()), ImportOptions{}, nil)
	if err != nil || r.Accepted != 4 {
		t.Fatalf("%+v, %v", r, err)
	}
	want := []bellwether.Event{
		{ID: "m1", Type: "identify", Occurred: noon, Received: noon, Subject: "ann", Traits: map[string]any{"email": "ann@x.example", "n": 2.0, "crm": "9007199254740993"}},
		{ID: "m2", Type: "identify", Occurred: noon, Received: noon.Add(time.Hour), Subject: "ann", Anonymous: "d2", Consent: []bellwether.Purpose{}},
		{ID: "m3", Type: "view_item", Occurred: noon, Received: noon, Anonymous: "d1", Consent: []bellwether.Purpose{"ads", "mail"}},
		{ID: "m4", Type: "view_item", Occurred: noon, Received: noon, Subject: "null"},
	}
	got := logged(t, p)
	for i := range got {
		got[i].Import = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
