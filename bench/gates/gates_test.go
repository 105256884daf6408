package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bellwether"

	"github.com/google/go-cmp/cmp"
)

// passes are the rows' names and whether they pass.
func passes(rows []row) map[string]bool {
	out := map[string]bool{}
	for _, r := range rows {
		out[r.Name] = r.Pass
	}
	return out
}

func TestNamed(t *testing.T) {
	all := areas["engine"].checks
	some, err := named(all, "ml-100k,tables")
	if err != nil || len(some) != 2 || some[0].name != "ml-100k" || some[1].name != "tables" {
		t.Errorf("%v %v", some, err)
	}
	if every, err := named(all, ""); err != nil || len(every) != len(all) {
		t.Errorf("%d of %d checks: %v", len(every), len(all), err)
	}
	if _, err := named(all, "tables,quality"); err == nil || !strings.Contains(err.Error(), "ml-100k") {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestMinutes(t *testing.T) {
	for minutes, want := range map[float64]float64{15: 2, .3: .3} {
		r := runner{minutes: minutes}
		if got := r.minutesOf(&movieLens); got != want || r.minutesOf(&beauty) != minutes {
			t.Errorf("%g minutes of MovieLens, want %g", got, want)
		}
	}
}

// Gates hold the trunk's row and the chosen one, whatever others reach.
func TestQualityRows(t *testing.T) {
	var card bellwether.Card
	const text = `{"chosen": "ensemble", "rows": [
		{"name": "blend", "test": {"hr@10 (first-time items)": {"value": 0.9}, "ndcg@10 (first-time items)": {"value": 0.9}}},
		{"name": "transformer", "test": {"hr@10 (first-time items)": {"value": 0.090}, "ndcg@10 (first-time items)": {"value": 0.0539}}},
		{"name": "ensemble", "test": {"hr@10 (first-time items)": {"value": 0.1}, "ndcg@10 (first-time items)": {"value": 0.06}}}]}`
	if err := json.Unmarshal([]byte(text), &card); err != nil {
		t.Fatal(err)
	}
	var r runner
	r.hold(beauty.parts(&card))
	r.compare(beauty.parts(&card), figures{.095, .053})
	r.hold(games.parts(&card))
	want := map[string]bool{
		"beauty: the trunk": false, "beauty: what is served (ensemble)": true,
		"beauty: the trunk beside PyTorch": false, "beauty: what is served (ensemble) beside PyTorch": true,
		"games: what is served (ensemble)": false,
	}
	if diff := cmp.Diff(want, passes(r.rows)); diff != "" {
		t.Error(diff)
	}
}

func TestPeerFigures(t *testing.T) {
	const text = `{"set": "beauty", "users": 22363}
{"train_seconds": 1.5, "steps": 5, "valid": {"full": {"hr10": 0.1, "ndcg10": 0.1}, "unseen": {"hr10": 0.2, "ndcg10": 0.1}}}
{"best_by_validation": {"steps": 5, "valid": {"unseen": {"hr10": 0.2, "ndcg10": 0.1}}, "test": {"full": {"hr10": 0.08, "ndcg10": 0.05}, "unseen": {"hr10": 0.09, "ndcg10": 0.06}}}}
`
	if got, err := peerFigures([]byte(text)); err != nil || got != (figures{.09, .06}) {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []string{"", "killed", text[:strings.Index(text, "\n")]} {
		if _, err := peerFigures([]byte(bad)); err == nil {
			t.Errorf("%q has figures", bad)
		}
	}
}

func TestWriteInOrder(t *testing.T) {
	source, name := filepath.Join(t.TempDir(), "in.gz"), filepath.Join(t.TempDir(), "out")
	write := func(text string) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write([]byte(text))
		z.Close()
		if err := os.WriteFile(source, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("user\titem\trating\ttime\n1\t9\t3\t20\n1\t8\t3\t10\n2\t7\t3\t10\n1\t6\t3\t10\n")
	if err := writeInOrder(name, source); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(name); err != nil || string(got) != "1 8\n2 7\n1 6\n1 9\n" {
		t.Errorf("%q %v", got, err)
	}
	for _, bad := range []string{"1\t9\t3\tlate", "1\t9"} {
		write("user\titem\trating\ttime\n" + bad + "\n")
		if err := writeInOrder(name, source); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestLargeRows(t *testing.T) {
	const text = `{"parameters": 1010000000, "steps": 300, "first_loss": 6.5, "last_loss": 5.5, "tokens_per_second": 900,
		"peak_rss_gib": 12.5, "loaded_equal": true, "resumed_from": 290, "resumed_equal": true}`
	var r runner
	if err := r.judgeLarge([]byte(text)); err != nil {
		t.Fatal(err)
	}
	for name, pass := range passes(r.rows) {
		if !pass {
			t.Errorf("%s fails", name)
		}
	}
	rows := len(r.rows)
	for _, change := range [][2]string{
		{"1010000000", "990000000"},
		{"300", "290"},
		{"5.5", "6.6"},
		{"12.5", "24.1"},
		{`"loaded_equal": true`, `"loaded_equal": false`},
		{`"resumed_equal": true`, `"resumed_equal": false`},
		{"peak_rss_gib", "unknown"},
	} {
		r := runner{}
		if err := r.judgeLarge([]byte(strings.Replace(text, change[0], change[1], 1))); err != nil {
			t.Fatal(err)
		}
		failed := 0
		for _, row := range r.rows {
			if !row.Pass {
				failed++
			}
		}
		if failed != 1 || len(r.rows) != rows {
			t.Errorf("%s in place of %s: %d of %d rows fail, want 1", change[1], change[0], failed, len(r.rows))
		}
	}
	if err := r.judgeLarge([]byte("step 10")); err == nil {
		t.Error("what is no JSON was read")
	}
}
