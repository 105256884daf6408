package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"bellwether"
	"bellwether/dataset"
	"bellwether/evaluate"
)

// figures are HR@10 and NDCG@10: the last event of each person held out, all items
// ranked but those of the history.
type figures struct{ hr, ndcg float64 }

func (f figures) String() string             { return fmt.Sprintf("%.4f/%.4f", f.hr, f.ndcg) }
func (f figures) atLeast(least figures) bool { return f.hr >= least.hr && f.ndcg >= least.ndcg }
func (f figures) above(other figures) bool   { return f.hr > other.hr && f.ndcg > other.ndcg }

// testOf returns the figures of a row of the card on the test part among first-time items, nought if there is no such row.
func testOf(card *bellwether.Card, name string) (f figures) {
	for _, row := range card.Rows {
		if row.Name == name {
			f = figures{under(&row, "hr@10", evaluate.FirstTime).Value, under(&row, "ndcg@10", evaluate.FirstTime).Value}
		}
	}
	return f
}

// realFile is a file of real sequences, with what docs/science.md §2 asks of the models that learn from it.
type realFile struct {
	name, file    string
	events        int64
	timed         bool    // lines of person, item, rating and time, in any order
	most          float64 // minutes of training; 0: no limit
	trunk, served figures // gates; nought: none
}

var (
	beauty    = realFile{name: "beauty", file: "amazon-beauty.txt.gz", events: 198_502, trunk: figures{.090, .054}, served: figures{.099, .060}}
	games     = realFile{name: "games", file: "amazon-games.txt.gz", events: 287_107, served: figures{.114, .063}}
	movieLens = realFile{name: "ml-100k", file: "ml-100k.inter.tsv.gz", events: 100_000, timed: true, most: 2, served: figures{.196, .103}}
)

func (r *runner) path(d *realFile) string { return filepath.Join(r.data, "sequences", d.file) }

// minutesOf is how long models train on d.
func (r *runner) minutesOf(d *realFile) float64 {
	if d.most > 0 {
		return min(d.most, r.minutes)
	}
	return r.minutes
}

// learn imports d into a data folder of its name, trains there and evaluates. A turn cuts events with times at one moment; where the
// gate asks for each person's last event, they are learned here.
func (r *runner) learn(d *realFile) (*bellwether.Card, error) {
	if d.timed {
		people, err := films.read(r.data)
		if err != nil {
			return nil, err
		}
		l, err := r.fitHere(people, dataset.LeaveOneOut, r.minutesOf(d))
		if err != nil {
			return nil, err
		}
		return l.card, nil
	}
	start := time.Now()
	out, err := r.program(d.name, "import", r.path(d), "--json")
	if err != nil {
		return nil, err
	}
	took := time.Since(start).Seconds()
	var imports []struct{ Events int64 }
	if err := json.Unmarshal(out, &imports); err != nil || len(imports) != 1 {
		return nil, fmt.Errorf("the import printed %s: %w", out, err)
	}
	r.add(d.name+": events imported", fmt.Sprintf("%d in %.1f s", imports[0].Events, took), fmt.Sprintf("%d under 60 s", d.events), imports[0].Events == d.events && took < 60)
	if _, err := r.program(d.name, "train", "recommend", "--minutes", fmt.Sprint(r.minutesOf(d))); err != nil {
		return nil, err
	}
	r.add(d.name+": trained", "done", fmt.Sprintf("in %g minutes", r.minutesOf(d)), true)
	if out, err = r.program(d.name, "evaluate", "recommend", "--json"); err != nil {
		return nil, err
	}
	card := new(bellwether.Card)
	return card, json.Unmarshal(out, card)
}

// qualityCheck holds what learned from d to its gates and, with --peers, to PyTorch after as long a training.
func qualityCheck(d realFile) func(*runner) error {
	return func(r *runner) error {
		if !r.shared(d.name) {
			return nil
		}
		card, err := r.learn(&d)
		if err != nil {
			return err
		}
		for _, row := range card.Rows {
			r.add(d.name+": "+row.Name, testOf(card, row.Name).String(), "shown", true)
		}
		parts := d.parts(card)
		r.hold(parts)
		if r.python == "" {
			return nil
		}
		peer, err := r.peer(&d)
		if err == nil {
			r.compare(parts, peer)
		}
		return err
	}
}

// part is a row of the card that has a gate.
type part struct {
	name      string
	got, gate figures
}

func (d *realFile) parts(card *bellwether.Card) []part {
	parts := []part{
		{fmt.Sprintf("%s: the trunk", d.name), testOf(card, "transformer"), d.trunk},
		{fmt.Sprintf("%s: what is served (%s)", d.name, card.Chosen), testOf(card, card.Chosen), d.served},
	}
	return slices.DeleteFunc(parts, func(p part) bool { return p.gate == figures{} })
}

// hold adds a row for each part and its gate.
func (r *runner) hold(parts []part) {
	for _, p := range parts {
		r.add(p.name, p.got.String(), "≥ "+p.gate.String(), p.got.atLeast(p.gate))
	}
}

// compare adds a row for each part beside PyTorch's figures.
func (r *runner) compare(parts []part, peer figures) {
	for _, p := range parts {
		r.add(p.name+" beside PyTorch", fmt.Sprintf("%s, PyTorch %s", p.got, peer), "above sasrec_torch.py --ligr", p.got.above(peer))
	}
}

// marketCheck compares the customer model with the oracle that knows the simulated market's true utilities.
func marketCheck(r *runner) error {
	out, err := r.command(".", nil, "go", "test", "-tags=slow", "-run", "MarketQuality", "-count=1", "-v", "-timeout", "30m", "./models/sequence")
	r.add("market small: HR@10 of the model and of the oracle", lastMatch(`(model \d[^\n]*)`, out), "≥ .85 of the oracle's", err == nil)
	return nil
}
