package main

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bellwether"
	"bellwether/apps/recommend"
	"bellwether/dataset"
	"bellwether/evaluate"
	"bellwether/history"
	"bellwether/learn"
	"bellwether/store"
)

// truthChecks hold the figures that choose to what they claim.
var truthChecks = []check{
	{"protocols", testsCheck("candidates do not tell the target", "./evaluate", "-run", "Candidates")},
	{"demo", tableCheck},
	{"beauty", firstTimeCheck(beauty, publishedOf("beauty"))},
	{"games", firstTimeCheck(games, publishedOf("games"))},
	{"deskdrop", timesCheck(deskdrop)},
	{"movielens", timesCheck(films)},
}

// publishedOf are the plain rows of docs/science.md §2 on a file.
func publishedOf(name string) map[string]figures {
	if name == "games" {
		return map[string]figures{"popularity": {.0190, .0099}, "markov": {.0738, .0445}, "item-knn": {.0893, .0487}, "rules": {.0819, .0475}, "blend": {.1027, .0584}}
	}
	out := map[string]figures{}
	for _, p := range published {
		out[p.name] = p.figures
	}
	return out
}

// under returns an estimate of a card's row on the test part, under a protocol ("": as served).
func under(row *bellwether.CardRow, metric, protocol string) bellwether.Estimate {
	if protocol == "" {
		return row.Test[metric]
	}
	return row.Test[evaluate.Named(metric, protocol)]
}

// table adds a row for each model under the protocols that its card has, and one for what serves against the plain rows.
func (r *runner) table(name string, rows []bellwether.CardRow, chosen string) {
	for i := range rows {
		row := &rows[i]
		text := ""
		for _, p := range []string{"", evaluate.FirstTime, evaluate.AllItems, evaluate.UnseenWho, evaluate.UnseenIts} {
			if e := under(row, "ndcg@10", p); e.N > 0 {
				text += fmt.Sprintf("%s %.4f %.4f (n %d); ", strings.TrimPrefix(p+" ", " "), e.Value, e.Interval, e.N)
			}
		}
		r.add(name+": "+row.Name, text, "shown", true)
	}
	at := slices.IndexFunc(rows, func(c bellwether.CardRow) bool { return c.Name == chosen })
	if at < 0 {
		r.add(name+": what serves", chosen, "a row", false)
		return
	}
	best, plain := 0., ""
	for i := range rows {
		if v := rows[i].Test["ndcg@10"].Value; rows[i].Baseline && v > best {
			best, plain = v, rows[i].Name
		}
	}
	served := rows[at].Test["ndcg@10"]
	r.add(name+": what serves, as served", fmt.Sprintf("%s %.4f %.4f; the best plain row is %s, %.4f", chosen, served.Value, served.Interval, plain, best),
		"above every plain row, or plain", rows[at].Baseline || served.Value > best)
}

// tableCheck prints the demo's tables.
func tableCheck(r *runner) error {
	const folder = "tables"
	if _, err := r.program(folder, "demo", "--once", "--json"); err != nil {
		return err
	}
	turns, err := turnsIn(r.ctx, filepath.Join(r.folder, folder))
	if err != nil {
		return err
	}
	for i, turn := range turns {
		for _, t := range turn.Tasks {
			if t.Task == recommend.Name {
				r.table(fmt.Sprintf("demo, turn %d", i+1), t.Rows, t.Chosen)
			}
		}
	}
	r.add("demo: turns with tables", fmt.Sprint(len(turns)), "≥ 3", len(turns) >= 3)
	return nil
}

// turnsIn reads the reports of the turns of the demo in a data folder.
func turnsIn(ctx context.Context, folder string) ([]learn.TurnReport, error) {
	s, err := store.Open(ctx, folder, store.Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	p, err := s.Project(ctx, "demo")
	if err != nil {
		return nil, err
	}
	registry, err := learn.NewRegistry(p, []learn.Task{recommend.Task()}, learn.Options{Clock: time.Now})
	if err != nil {
		return nil, err
	}
	return registry.Turns(ctx, 24)
}

// firstTimeCheck holds plain rows to the published ones among first-time items, and says how many targets repeat.
func firstTimeCheck(d realFile, plain map[string]figures) func(*runner) error {
	return func(r *runner) error {
		if !r.shared(d.name) {
			return nil
		}
		card, err := r.learn(&d)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(plain)) {
			got, want := testOf(card, name), plain[name]
			r.add(d.name+", first-time items: "+name, got.String(), want.String()+" ± .002", math.Abs(got.hr-want.hr) <= .002 && math.Abs(got.ndcg-want.ndcg) <= .002)
		}
		r.hold(d.parts(card))
		row := &card.Rows[0]
		first, all := under(row, "hr@10", evaluate.FirstTime), under(row, "hr@10", evaluate.AllItems)
		r.add(d.name+": targets that repeat an item", fmt.Sprintf("%.2f %% of %d", 100*(1-float64(first.N)/float64(all.N)), all.N), "shown", all.N > 0)
		r.table(d.name, card.Rows, card.Chosen)
		return nil
	}
}

// timed is a file of events with real times.
type timed struct {
	name, file             string
	comma                  rune
	person, item, kind, at int // columns; kind −1: all are views
	minutes                float64
}

var (
	deskdrop = timed{name: "deskdrop", file: "news/deskdrop-interactions.csv.gz", comma: ',', person: 3, item: 2, kind: 1, at: 0, minutes: 2}
	films    = timed{name: "movielens", file: "sequences/ml-100k.inter.tsv.gz", comma: '\t', person: 0, item: 1, kind: -1, at: 3, minutes: 2}
)

// timesCheck fits every row after one cut in time and with each person's last step left out, prints them, and fits what was chosen again.
func timesCheck(f timed) func(*runner) error {
	return func(r *runner) error {
		if !r.shared(f.name) {
			return nil
		}
		people, err := f.read(r.data)
		if err != nil {
			return err
		}
		for _, p := range []struct {
			name string
			dataset.Protocol
		}{{"temporal", dataset.Temporal}, {"leave-one-out", dataset.LeaveOneOut}} {
			name := f.name + ", " + p.name
			l, err := r.fitHere(people, p.Protocol, min(f.minutes, r.minutes))
			if err != nil {
				return err
			}
			r.table(name, l.card.Rows, l.card.Chosen)
			if err := r.again(name, l); err != nil {
				return err
			}
		}
		return nil
	}
}

// learned is what fitHere made.
type learned struct {
	card   *bellwether.Card
	fitted []learn.Fitted
	data   *bellwether.Dataset
}

// fitHere fits and judges the rows of recommend on people, without the program.
func (r *runner) fitHere(people []*history.Person, protocol dataset.Protocol, minutes float64) (*learned, error) {
	s := dataset.NewSequences(dataset.SequenceOptions{Protocol: protocol, Collapse: true, Exclude: bellwether.ExcludePurchased})
	for _, p := range people {
		if err := s.Add(p); err != nil {
			return nil, err
		}
	}
	if err := s.Done(); err != nil {
		return nil, err
	}
	q, err := s.Data()
	if err != nil {
		return nil, err
	}
	l := &learned{card: new(bellwether.Card), data: &bellwether.Dataset{Name: recommend.Name, Sequences: q}}
	l.data.Digest = dataset.Digest(l.data)
	rows := recommend.Candidates(learn.FitOptions{Training: learn.Training{Minutes: minutes, Seed: 42}, Clock: time.Now})
	if l.fitted, err = learn.FitAll(r.ctx, rows, l.data, minutes, time.Now, nil); err != nil {
		return nil, err
	}
	for _, f := range l.fitted {
		row := bellwether.CardRow{Name: f.Name, Baseline: f.Baseline}
		if row.Validation, row.Test, err = learn.JudgeRanks(r.ctx, f.Model, l.data); err != nil {
			return nil, err
		}
		l.card.Rows = append(l.card.Rows, row)
	}
	l.card.Chosen, _ = evaluate.Choose(l.card.Rows, "ndcg@10")
	return l, l.settle(r)
}

// settle chooses the best plain row where what was chosen does not beat every plain one beyond chance, as promotion does.
func (l *learned) settle(r *runner) error {
	model := func(name string) bellwether.Model {
		return l.fitted[slices.IndexFunc(l.fitted, func(f learn.Fitted) bool { return f.Name == name })].Model
	}
	plain := slices.DeleteFunc(slices.Clone(l.card.Rows), func(c bellwether.CardRow) bool { return !c.Baseline })
	best := l.card.Chosen
	for _, row := range plain {
		if row.Name == l.card.Chosen {
			return nil
		}
		figures, err := learn.CompareRanks(r.ctx, model(l.card.Chosen), model(row.Name), l.data)
		if err != nil {
			return err
		}
		if e := figures["ndcg@10"]; e.Interval[0] <= 0 {
			best, _ = evaluate.Choose(plain, "ndcg@10")
		}
	}
	l.card.Chosen = best
	return nil
}

// again compares what was chosen with the same fitted again on all that came before the test events.
func (r *runner) again(name string, l *learned) error {
	at := slices.IndexFunc(l.fitted, func(f learn.Fitted) bool { return f.Name == l.card.Chosen })
	all, more := untilTest(l.data)
	m, err := recommend.Task().Refit(r.ctx, l.card.Chosen, l.fitted[at].Model, all, more, func(bellwether.Progress) {})
	if err != nil {
		return err
	}
	_, twice, err := learn.JudgeRanks(r.ctx, m, l.data)
	if err != nil {
		return err
	}
	a, b := l.card.Rows[at].Test["ndcg@10"], twice["ndcg@10"]
	r.add(name+": "+l.card.Chosen+" fitted again with the validation events", fmt.Sprintf("%.4f %.4f → %.4f %.4f", a.Value, a.Interval, b.Value, b.Interval), "not below", b.Value >= a.Value)
	return nil
}

// untilTest is d with all that came before each person's first test event in the training part, and how much more that is as a share.
func untilTest(d *bellwether.Dataset) (*bellwether.Dataset, float64) {
	q := *d.Sequences
	q.Validation, q.Test, q.TrainEnd = nil, nil, nil
	for _, steps := range q.Steps {
		q.TrainEnd = append(q.TrainEnd, len(steps))
	}
	for _, t := range d.Sequences.Test {
		q.TrainEnd[t.Person] = min(q.TrainEnd[t.Person], int(t.At))
	}
	before, after := 0, 0
	for p, end := range q.TrainEnd {
		before, after = before+d.Sequences.TrainEnd[p], after+end
	}
	out := *d
	out.Sequences = &q
	return &out, float64(after-before) / float64(before)
}

// read returns the file's people in the order of their ids' first lines.
func (f *timed) read(data string) ([]*history.Person, error) {
	file, err := os.Open(filepath.Join(data, f.file))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.file, err)
	}
	rows := csv.NewReader(z)
	rows.Comma = f.comma
	if _, err := rows.Read(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", f.file, err)
	}
	var out []*history.Person
	place := map[string]*history.Person{}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", f.file, err)
		}
		unix, err := strconv.ParseInt(row[f.at], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", f.file, err)
		}
		e := bellwether.Event{Type: bellwether.ViewItem, Item: bellwether.ItemID(row[f.item]), Occurred: time.Unix(unix, 0).UTC(), Received: time.Unix(unix, 0).UTC()}
		if f.kind >= 0 && row[f.kind] != "VIEW" {
			e.Type = bellwether.EventType(strings.ToLower(strings.ReplaceAll(row[f.kind], " ", "_")))
		}
		p := place[row[f.person]]
		if p == nil {
			p = &history.Person{Subject: bellwether.Subject(row[f.person])}
			place[row[f.person]], out = p, append(out, p)
		}
		p.Events = append(p.Events, e)
	}
	for _, p := range out {
		slices.SortStableFunc(p.Events, func(a, b bellwether.Event) int { return a.Occurred.Compare(b.Occurred) })
	}
	return out, nil
}
