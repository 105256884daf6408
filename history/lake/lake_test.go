package lake

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/history"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

// Every event is in the file of its day and its person's bucket, once, as it was.
func TestRows(t *testing.T) {
	target := Folder(t.TempDir())
	people := crowd(rand.New(rand.NewPCG(1, 1)), 300)
	mustTurn(t, target, people, Options{Cursor: 17, AsOf: begin})
	want := map[string]*EventRow{}
	for _, p := range people {
		for i := range p.Events {
			row, err := newEventRow(&p.Events[i], string(p.Subject), string(p.Subject))
			if err != nil {
				t.Fatal(err)
			}
			want[row.ID] = row
		}
	}
	last := ""
	for _, row := range rowsOf[EventRow](t, target, Filter{}) {
		if diff := cmp.Diff(want[row.ID], &row); diff != "" {
			t.Fatal(diff)
		}
		delete(want, row.ID)
		key := fmt.Sprint(row.Occurred.Format(time.DateOnly), 100+history.BucketOf(bellwether.Subject(row.Subject)), row.Subject, "/", row.Occurred.Format(timeText))
		if key <= last {
			t.Fatalf("%s after %s", key, last)
		}
		last = key
	}
	if len(want) > 0 {
		t.Errorf("%d events are missing", len(want))
	}
	m, err := ReadManifest(context.Background(), target)
	if err != nil || m.Cursor != 17 || m.Turn != 1 || m.Tables[Events].Rows != int64(len(rowsOf[EventRow](t, target, Filter{}))) {
		t.Errorf("%+v %v", m, err)
	}
	day := Filter{From: begin.AddDate(0, 0, 1), To: begin.AddDate(0, 0, 2), Buckets: []int{3, 4}}
	some := rowsOf[EventRow](t, target, day)
	for _, r := range some {
		if b := history.BucketOf(bellwether.Subject(r.Subject)); r.Occurred.Format(time.DateOnly) != "2026-11-02" || b != 3 && b != 4 {
			t.Errorf("%v of bucket %d", r, b)
		}
	}
	if len(some) == 0 {
		t.Error("the filter leaves nothing")
	}
}

// A lake that grew over turns, with late events, robots found and people joined, has the bytes of one that is written at once;
// a turn in which nothing changed writes nothing.
func TestGrownIsWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	people := crowd(r, 120)
	grown := newMemory()
	mustTurn(t, grown, people, Options{})
	for range 3 {
		for range 10 { // events come, old ones change their price
			i := r.IntN(len(people))
			who := string(people[i].Subject)
			people[i] = person(who, len(people[i].Events)+r.IntN(3))
			people[i].Events[r.IntN(len(people[i].Events))].Price.Amount += 5
		}
		at := r.IntN(len(people)) // a robot
		people = slices.Delete(people, at, at+1)
		to, from := people[0], people[1] // one person after all
		joined := *to
		joined.Identities = append(slices.Clone(to.Identities), history.Identity{ID: from.Subject, Parent: 0})
		joined.Events, joined.Owners = slices.Clone(to.Events), slices.Clone(to.Owners)
		for _, e := range from.Events {
			e.Subject = to.Subject
			joined.Events, joined.Owners = append(joined.Events, e), append(joined.Owners, int32(len(joined.Identities)-1))
		}
		people = append([]*history.Person{&joined}, people[2:]...)
		report := mustTurn(t, grown, people, Options{})
		if report.Gone < 1 || report.Changed < 5 || report.Changed > 20 {
			t.Errorf("%+v", report)
		}
	}
	whole := newMemory()
	r.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
	report := mustTurn(t, whole, people, Options{Workers: 3})
	a, b := contents(t, grown), contents(t, whole)
	if names := differences(a, b); len(names) > 0 || len(a) < 100 {
		t.Errorf("%d of %d files differ: %v", len(names), len(a), names[:min(len(names), 10)])
	}
	again := mustTurn(t, whole, people, Options{})
	if again.Files != 0 || again.Changed != 0 || again.Gone != 0 || !cmp.Equal(again.Rows, report.Rows) {
		t.Errorf("a turn without news: %+v, %+v", again, report)
	}
}

// faulty fails at the n-th change, or after it was carried out.
type faulty struct {
	Target
	left  int
	after bool
}

var errFault = errors.New("the disk is full")

func (f *faulty) change(do func() error) error {
	if f.left--; f.left == 0 && f.after {
		return errors.Join(do(), errFault)
	} else if f.left <= 0 {
		return errFault
	}
	return do()
}

func (f *faulty) Put(ctx context.Context, name string, r io.Reader) error {
	return f.change(func() error { return f.Target.Put(ctx, name, r) })
}

func (f *faulty) Delete(ctx context.Context, name string) error {
	return f.change(func() error { return f.Target.Delete(ctx, name) })
}

// Whatever a turn was doing when it was cut off, the next one ends with the files of one that was not, also when people whose rows
// the first one wrote have gone meanwhile.
func TestCutOff(t *testing.T) {
	first := []*history.Person{person("a", 30), person("b", 50), person("c", 9)}
	second := []*history.Person{person("a", 40), person("b", 50), person("d", 80), person("e", 3)}
	third := []*history.Person{person("a", 41), person("b", 44), person("e", 3)}
	want := newMemory()
	mustTurn(t, want, third, Options{})
	whole := contents(t, want)
	cuts := 0
	for after := range 2 {
		for n := 1; ; n++ {
			target := newMemory()
			mustTurn(t, target, first, Options{})
			_, err := turn(t, &faulty{target, n, after == 1}, second, Options{Workers: 1})
			if err != nil && !errors.Is(err, errFault) {
				t.Fatal(err)
			}
			mustTurn(t, target, third, Options{})
			if names := differences(contents(t, target), whole); len(names) > 0 {
				t.Fatalf("cut off at change %d: %v differ", n, names)
			}
			if err == nil {
				break
			}
			cuts++
		}
	}
	if cuts < 20 {
		t.Errorf("cut off %d times", cuts)
	}
}

// A decision stays in the lake when its outcome is settled and history no longer hands it out.
func TestSettled(t *testing.T) {
	target := newMemory()
	d := bellwether.Decision{
		ID: "d1", Time: begin, Subject: "ann", Surface: "home", Policy: "softmax/1", Model: "recommend-1", Propensity: .25, Evaluable: true, Floor: .1, Seed: 1 << 63,
		Candidates: []bellwether.Candidate{{Action: "x", Score: 1, Propensity: .25}, {Action: "y", Score: 2, Propensity: .75}}, Actions: []int{0},
		Context: map[string]float64{"b": 2, "a": 1}, Consent: []bellwether.Purpose{"analytics"},
	}
	p := person("ann", 2)
	p.Decisions = []bellwether.Decision{d}
	mustTurn(t, target, []*history.Person{p}, Options{})
	pending := rowsOf[DecisionRow](t, target, Filter{})
	if len(pending) != 1 || *pending[0].Context != `{"a":1,"b":2}` || pending[0].Consent == nil || pending[0].Seed != 1<<63 || len(pending[0].Candidates) != 2 || pending[0].Actions[0] != "x" {
		t.Fatalf("%+v", pending)
	}
	p.Decisions = nil
	p.Outcomes = []bellwether.Outcome{{Decision: "d1", Subject: "ann", Exposed: begin.Add(time.Second), Rewards: map[string]float64{"click": 1, "revenue": 19.99}, Rule: "last-touch", Matured: true}}
	find := func(id bellwether.DecisionID) (bellwether.Decision, bool, error) { return d, id == "d1", nil }
	mustTurn(t, target, []*history.Person{p}, Options{Decision: find})
	if diff := cmp.Diff(pending, rowsOf[DecisionRow](t, target, Filter{})); diff != "" {
		t.Error(diff)
	}
	o := rowsOf[OutcomeRow](t, target, Filter{})
	if len(o) != 1 || *o[0].Revenue != 19_990 || o[0].Margin != nil || !o[0].Time.Equal(begin) || *o[0].Rewards != `{"click":1,"revenue":19.99}` || o[0].Surface != "home" {
		t.Errorf("%+v", o)
	}
	if r := mustTurn(t, newMemory(), []*history.Person{p}, Options{}); r.Orphans != 1 || r.Rows[Decisions] != 0 {
		t.Errorf("%+v", r)
	}
}

// The store's objects are a target like a folder.
func TestObjects(t *testing.T) {
	st, err := store.Open(context.Background(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	p, err := st.Project(context.Background(), "lake")
	if err != nil {
		t.Fatal(err)
	}
	folder := Folder(t.TempDir())
	people := []*history.Person{person("a", 30), person("b", 5)}
	for range 2 {
		mustTurn(t, folder, people, Options{})
		mustTurn(t, p.Objects, people, Options{})
		if names := differences(contents(t, folder), contents(t, p.Objects)); len(names) > 0 {
			t.Errorf("%v differ", names)
		}
		people = []*history.Person{person("a", 31)}
	}
}

// A damaged state costs one writing of its bucket and nothing else.
func TestDamagedState(t *testing.T) {
	target := newMemory()
	people := crowd(rand.New(rand.NewPCG(3, 3)), 50)
	mustTurn(t, target, people, Options{})
	want := contents(t, target)
	name := stateName(history.BucketOf("p7"))
	for _, text := range []string{"", "\x01", want[name][:len(want[name])/2], "\x02" + want[name][1:]} {
		if err := target.Put(context.Background(), name, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		mustTurn(t, target, people, Options{})
		if names := differences(contents(t, target), want); len(names) > 0 {
			t.Errorf("%q: %v differ", text, names)
		}
	}
}

// CSV and JSON lines say the same as the files: exact amounts, nothing where nothing was said.
func TestExport(t *testing.T) {
	target := newMemory()
	people := crowd(rand.New(rand.NewPCG(4, 4)), 200)
	people[0].Events[0].Traits = map[string]any{"size": "L, \"wide\"", "n": int64(3)}
	mustTurn(t, target, people, Options{})
	rows := rowsOf[EventRow](t, target, Filter{})
	var text, lines, file bytes.Buffer
	for format, w := range map[string]io.Writer{CSV: &text, JSONLines: &lines, Parquet: &file} {
		if err := Export(context.Background(), target, Events, format, Filter{}, w); err != nil {
			t.Fatal(err)
		}
	}
	table, err := csv.NewReader(&text).ReadAll()
	if err != nil || len(table) != len(rows)+1 {
		t.Fatalf("%d lines for %d rows: %v", len(table), len(rows), err)
	}
	at := func(column string) int { return slices.Index(table[0], column) }
	decoder := json.NewDecoder(&lines)
	for i := range rows {
		line := table[i+1]
		var v struct {
			ID       string
			Occurred time.Time
			Price    json.Number
			Quantity *int64
		}
		if err := decoder.Decode(&v); err != nil {
			t.Fatal(err)
		}
		price := ""
		if rows[i].Price != nil {
			price = rows[i].Price.String()
		}
		if line[at("id")] != rows[i].ID || v.ID != rows[i].ID || line[at("price")] != price || string(v.Price) != price || !v.Occurred.Equal(rows[i].Occurred) {
			t.Fatalf("%v, %v for %+v", line, v, rows[i])
		}
		if (v.Quantity == nil) != (rows[i].Quantity == nil) || (line[at("quantity")] == "") != (rows[i].Quantity == nil) {
			t.Fatalf("%v, %v for %+v", line, v, rows[i])
		}
	}
	if err := Folder(t.TempDir()).Put(context.Background(), "events/day=2026-11-01/bucket-00.parquet", &file); err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][2]string{{"people", CSV}, {Events, "xml"}} {
		if err := Export(context.Background(), target, bad[0], bad[1], Filter{}, io.Discard); err == nil {
			t.Errorf("%v was exported", bad)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, c := range []struct {
		money bellwether.Money
		text  string
	}{
		{bellwether.Money{Amount: 1999, Currency: "EUR"}, "19.99"},
		{bellwether.Money{Amount: -5, Currency: "EUR"}, "-0.05"},
		{bellwether.Money{Amount: 1999, Currency: "JPY"}, "1999.00"},
		{bellwether.Money{Amount: 1234, Currency: "KWD"}, "1.234"},
		{bellwether.Money{Amount: 0, Currency: "EUR"}, "0.00"},
		{bellwether.Money{Amount: bellwether.MaxPriceAmount, Currency: "JPY"}, "100000000000000.00"},
		{bellwether.Money{Amount: -bellwether.MaxPriceAmount, Currency: "KWD"}, "-100000000000.000"},
	} {
		if got := decimalOf(c.money).String(); got != c.text && got+"0" != c.text {
			t.Errorf("%v is %s, want %s", c.money, got, c.text)
		}
	}
	if decimalOf(bellwether.Money{}) != nil {
		t.Error("no amount is an amount")
	}
}

// Names of files say day and bucket, days before 1970 too.
func TestNames(t *testing.T) {
	for _, d := range []day{{table: 1, day: -1}, {day: 0}, {table: 2, day: 20_000}} {
		got, bucket, ok := parseName(fileName(d, 9))
		if got != d || bucket != 9 || !ok {
			t.Errorf("%v is %s, read as %v %d %v", d, fileName(d, 9), got, bucket, ok)
		}
	}
	for _, bad := range []string{"events/day=2026-11-01/bucket-64.parquet", "events/day=2026-11-01/bucket-1", "people/day=2026-11-01/bucket-01.parquet", manifestName, stateName(3)} {
		if _, _, ok := parseName(bad); ok {
			t.Errorf("%s is a table's file", bad)
		}
	}
}

// TestEmptyFolder: a pass that has nothing to keep makes no folder, and is no failure.
func TestEmptyFolder(t *testing.T) {
	f := Folder(filepath.Join(t.TempDir(), "none"))
	if s, ok := any(f).(interface{ Flush() error }); ok {
		if err := s.Flush(); err != nil {
			t.Error(err)
		}
	}
}
