//go:build slow

package lake

import (
	"cmp"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"bellwether"
	"bellwether/history"
)

// readers says what pyarrow and duckdb find in a folder and in an exported file.
const readers = `
import sys, json, duckdb, pyarrow.parquet as pq, pyarrow.dataset as ds
lake, file = sys.argv[1], sys.argv[2]
q = lambda s: duckdb.sql(s.replace("EVENTS", f"read_parquet('{lake}/events/*/*.parquet', hive_partitioning=true)").replace("DECISIONS", f"read_parquet('{lake}/decisions/*/*.parquet')").replace("OUTCOMES", f"read_parquet('{lake}/outcomes/*/*.parquet')")).fetchall()
schema = pq.read_schema(file)
table = ds.dataset(lake + "/events", format="parquet", partitioning="hive").to_table()
out = {
  "types": {n: str(schema.field(n).type) for n in ["occurred", "price", "value", "quantity", "traits", "subject"]},
  "rows": q("SELECT count(*) FROM EVENTS")[0][0], "file": pq.read_table(file).num_rows, "arrow": table.num_rows,
  "nulls": list(q("SELECT count(*) FILTER (price IS NULL), count(*) FILTER (value IS NULL), count(*) FILTER (quantity IS NULL) FROM EVENTS")[0]),
  "sum": {c: str(s) for c, s in q("SELECT currency, sum(price * coalesce(quantity, 1)) FROM EVENTS WHERE currency IS NOT NULL GROUP BY 1")},
  "arrow_nulls": table["price"].null_count,
  "first": str(q("SELECT min(occurred) AT TIME ZONE 'UTC' FROM EVENTS")[0][0]),
  "days": q("SELECT count(*) FROM EVENTS WHERE day <> CAST(occurred AT TIME ZONE 'UTC' AS DATE)")[0][0],
  "trait": q("SELECT count(*) FROM EVENTS WHERE json_extract_string(traits, '$.size') = 'L'")[0][0],
  "seed": str(q("SELECT seed FROM DECISIONS")[0][0]),
  "candidates": q("SELECT len(candidates), candidates[2].action, actions[1] FROM DECISIONS")[0],
  "revenue": str(q("SELECT revenue FROM OUTCOMES")[0][0]), "margin": q("SELECT margin FROM OUTCOMES")[0][0],
}
print(json.dumps(out))
`

// Other programs read the types, sums and nulls that were written. It needs a python with duckdb and pyarrow: BELLWETHER_PYTHON.
func TestPythonReads(t *testing.T) {
	python := cmp.Or(os.Getenv("BELLWETHER_PYTHON"), "python3")
	if err := exec.Command(python, "-c", "import duckdb, pyarrow, pytz").Run(); err != nil {
		t.Skipf("%s has no duckdb, pyarrow and pytz: %v", python, err)
	}
	target := Folder(t.TempDir())
	people := crowd(rand.New(rand.NewPCG(5, 5)), 300)
	people[3].Events[0].Traits = map[string]any{"size": "L"}
	d := bellwether.Decision{
		ID: "d1", Time: begin, Subject: "p0", Surface: "home", Policy: "softmax/1", Propensity: .25, Evaluable: true, Floor: .1, Seed: 1<<64 - 1,
		Candidates: []bellwether.Candidate{{Action: "x", Propensity: .25}, {Action: "y", Propensity: .75}}, Actions: []int{0},
	}
	people[0].Outcomes = []bellwether.Outcome{{Decision: "d1", Subject: "p0", Rewards: map[string]float64{"revenue": 19.99}, Rule: "last-touch", Matured: true}}
	mustTurn(t, target, people, Options{Decision: func(bellwether.DecisionID) (bellwether.Decision, bool, error) { return d, true, nil }})
	file := filepath.Join(t.TempDir(), "events.parquet")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := Export(context.Background(), target, Events, Parquet, Filter{}, f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(python, "-c", readers, string(target), file).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	checkRead(t, text, people)
}

func checkRead(t *testing.T, text []byte, people []*history.Person) {
	t.Helper()
	var got struct {
		Types                   map[string]string
		Rows, File, Arrow, Days int
		Nulls                   []int
		ArrowNulls              int `json:"arrow_nulls"`
		Sum                     map[string]string
		First, Seed, Revenue    string
		Trait                   int
		Candidates              []any
		Margin                  any
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	events, priced := 0, 0
	sums := map[string]Decimal{}
	for _, p := range people {
		for i := range p.Events {
			e := &p.Events[i]
			events++
			if !e.Price.IsZero() {
				priced++
				sums[string(e.Price.Currency)] += *decimalOf(e.Revenue())
			}
		}
	}
	if got.Rows != events || got.File != events || got.Arrow != events || got.Days != 0 || got.Trait != 1 {
		t.Errorf("%d events: %s", events, text)
	}
	if n := events - priced; got.Nulls[0] != n || got.Nulls[1] != events || got.Nulls[2] != n || got.ArrowNulls != n {
		t.Errorf("%d of %d prices are null: %s", n, events, text)
	}
	for c, want := range sums {
		if s := want.String(); got.Sum[c] != s && got.Sum[c] != s+"0" {
			t.Errorf("%s: %s, want %s", c, got.Sum[c], s)
		}
	}
	types := map[string]string{"occurred": "timestamp[us, tz=UTC]", "price": "decimal128(18, 3)", "value": "double", "quantity": "int64", "traits": "string", "subject": "string"}
	for name, want := range types {
		if got.Types[name] != want {
			t.Errorf("%s is %s, want %s", name, got.Types[name], want)
		}
	}
	if got.First != "2026-11-01 22:00:00.123456" || got.Seed != "18446744073709551615" || got.Revenue != "19.990" || got.Margin != nil || got.Candidates[0] != 2. || got.Candidates[1] != "y" || got.Candidates[2] != "x" {
		t.Errorf("%s", text)
	}
}
