package main

import (
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"bellwether"
	"bellwether/dataset"
	"bellwether/evaluate"
	"bellwether/models/trees"
)

// Trees beside LightGBM: 5 stratified folds, seed 42.
const (
	folds       = 5
	foldSeed    = 42
	treesMargin = .002 // of the area under the curve
	treesSpeed  = .5   // of LightGBM's
)

// tableFile is a table of ../shared/data.
type tableFile struct {
	name, target string
	drop         []string
	published    map[string]float64 // docs/science.md §3: LightGBM's area under the curve by settings, on other folds
}

var tableFiles = []tableFile{
	{"telco-churn", "Churn", []string{"customerID"}, map[string]float64{"100 × 31": .8342, "400 × 15": .8431}},
	{"bank-marketing", "y", []string{"duration"}, map[string]float64{"100 × 31": .8016, "400 × 15": .8037}},
	{"online-shoppers", "Revenue", nil, map[string]float64{"100 × 31": .9290, "400 × 15": .9333}},
}

// treeSettings are ours and LightGBM's, equal: its default, and the strongest row of docs/science.md §3.
var treeSettings = []struct {
	name string
	ours trees.Trainer
	peer map[string]any
}{
	{"100 × 31", trees.Trainer{Trees: 100, Leaves: 31, Rate: .1, Rows: 1, Columns: 1, Patience: -1}, map[string]any{"num_trees": 100, "num_leaves": 31, "learning_rate": .1}},
	{"400 × 15", trees.Trainer{Trees: 400, Leaves: 15, Rate: .03, Rows: .8, Columns: .6, Patience: -1}, map[string]any{
		"num_trees": 400, "num_leaves": 15, "learning_rate": .03, "bagging_fraction": .8, "bagging_freq": 1, "feature_fraction": .6,
	}},
}

// treeFigures are by fold.
type treeFigures struct {
	AUC     []float64 `json:"auc"`
	LogLoss []float64 `json:"logloss"`
	Seconds []float64 `json:"seconds"`
}

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return x[len(x)/2]
}

// treesCheck trains trees on each table's folds and, with --peers, LightGBM on the same.
func treesCheck(r *runner) error {
	if !r.shared("trees") {
		return nil
	}
	for i := range tableFiles {
		if err := r.treesOn(&tableFiles[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) treesOn(f *tableFile) error {
	t, err := f.read(r.data)
	if err != nil {
		return err
	}
	fold := stratified(t.Target)
	var peer map[string]json.RawMessage
	if r.python != "" {
		if peer, err = r.peerTrees(f.name, t, fold); err != nil {
			return err
		}
	}
	for _, s := range treeSettings {
		ours, err := r.fitTrees(s.ours, t, fold)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("%s: trees, %s leaves", f.name, s.name)
		value := fmt.Sprintf("AUC %.4f, log-loss %.4f, %.2f s", mean(ours.AUC), mean(ours.LogLoss), median(ours.Seconds))
		if peer == nil {
			r.add(name, value, fmt.Sprintf("shown; LightGBM %.4f on other folds", f.published[s.name]), true)
			continue
		}
		var theirs treeFigures
		if err := json.Unmarshal(peer[s.name], &theirs); err != nil || len(theirs.AUC) != folds {
			return fmt.Errorf("tables.py printed %s: %w", peer[s.name], err)
		}
		beside := fmt.Sprintf("; LightGBM AUC %.4f, log-loss %.4f, %.2f s", mean(theirs.AUC), mean(theirs.LogLoss), median(theirs.Seconds))
		r.add(name, value+beside, fmt.Sprintf("AUC ≥ LightGBM's − %g", treesMargin), mean(ours.AUC) >= mean(theirs.AUC)-treesMargin)
		speed := median(theirs.Seconds) / median(ours.Seconds)
		r.add(name+", speed", fmt.Sprintf("%.2f × LightGBM's", speed), fmt.Sprintf("≥ %g ×", treesSpeed), speed >= treesSpeed)
	}
	return nil
}

func (f *tableFile) read(data string) (*bellwether.Table, error) {
	file, err := os.Open(filepath.Join(data, "tabular", f.name+".csv.gz"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	t, _, err := dataset.ReadTable(z, dataset.ReadTableOptions{Target: f.target, Drop: f.drop})
	return t, err
}

// stratified gives each row a fold, each fold its share of each class.
func stratified(y []float64) []int {
	order := rand.New(rand.NewPCG(foldSeed, foldSeed)).Perm(len(y))
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(y[a], y[b]) })
	fold := make([]int, len(y))
	for i, row := range order {
		fold[row] = i % folds
	}
	return fold
}

// fitTrees trains on all folds but one, for each.
func (r *runner) fitTrees(tr trees.Trainer, t *bellwether.Table, fold []int) (treeFigures, error) {
	var out treeFigures
	for f := range folds {
		part := *t
		part.Split = make([]bellwether.Split, len(fold))
		for row, of := range fold {
			if of == f {
				part.Split[row] = bellwether.Test
			}
		}
		start := time.Now()
		m, err := tr.Train(r.ctx, &bellwether.Dataset{Table: &part}, nil)
		if err != nil {
			return out, err
		}
		out.Seconds = append(out.Seconds, time.Since(start).Seconds())
		p, err := m.(bellwether.Classifier).Predict(r.ctx, t)
		if err != nil {
			return out, err
		}
		var tp, ty []float64
		for row, of := range fold {
			if of == f {
				tp, ty = append(tp, p[row]), append(ty, t.Target[row])
			}
		}
		figures, err := evaluate.Binary(tp, ty, evaluate.BinaryOptions{Bootstrap: -1})
		if err != nil {
			return out, err
		}
		out.AUC, out.LogLoss = append(out.AUC, figures["auc"].Value), append(out.LogLoss, figures["logloss"].Value)
	}
	return out, nil
}

// peerTrees runs LightGBM on the same rows and folds.
func (r *runner) peerTrees(name string, t *bellwether.Table, fold []int) (map[string]json.RawMessage, error) {
	type column struct {
		Name     string     `json:"name"`
		Category bool       `json:"category"`
		Values   []*float64 `json:"values"`
	}
	var columns []column
	for i := range t.Columns {
		c := &t.Columns[i]
		out := column{Name: c.Name, Category: c.Categorical()}
		for row := range t.Rows() {
			x := math.NaN()
			switch {
			case !c.Categorical():
				x = c.Numbers[row]
			case c.Codes[row] >= 0:
				x = float64(c.Codes[row])
			}
			if math.IsNaN(x) {
				out.Values = append(out.Values, nil)
			} else {
				out.Values = append(out.Values, &x)
			}
		}
		columns = append(columns, out)
	}
	settings := map[string]any{}
	for _, s := range treeSettings {
		settings[s.name] = s.peer
	}
	text, err := json.Marshal(map[string]any{"columns": columns, "y": t.Target, "fold": fold, "settings": settings})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(r.folder, name+".json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	out, err := r.command(".", nil, r.python, filepath.Join("bench", "peers", "tables.py"), file)
	if err != nil {
		return nil, err
	}
	var answer map[string]json.RawMessage
	return answer, json.Unmarshal(out, &answer)
}
