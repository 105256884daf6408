package measure

import (
	"maps"
	"slices"
	"strings"

	"bellwether"
)

// The figures of a person on a surface, of mature decisions.
const (
	sDecisions = iota
	sClicked
	sConverted
	sRevenue
	surfaceFigures
)

// surfaceTally adds up the mature decisions of a surface by person, treated and holdout.
type surfaceTally struct {
	arms      [2]gram
	decisions int64
	policies  map[bellwether.PolicyID]bool
	newest    newest
	row       [surfaceFigures]float64 // of the person at hand
}

// surface returns the tally of a surface.
func (s *Study) surface(name bellwether.Surface) *surfaceTally {
	t := s.surfaces[name]
	if t == nil {
		t = &surfaceTally{
			arms:     [2]gram{newGram(surfaceFigures), newGram(surfaceFigures)},
			policies: map[bellwether.PolicyID]bool{}, newest: newest{limit: s.o.Sample},
		}
		s.surfaces[bellwether.Surface(strings.Clone(string(name)))] = t
	}
	return t
}

// add counts one mature decision of the person at hand.
func (t *surfaceTally) add(o *bellwether.Outcome) {
	t.decisions++
	if !t.policies[o.Policy] {
		t.policies[bellwether.PolicyID(strings.Clone(string(o.Policy)))] = true
	}
	t.row[sDecisions]++
	t.row[sClicked] += o.Rewards[Click]
	t.row[sConverted] += o.Rewards[Conversion]
	t.row[sRevenue] += o.Rewards[Revenue]
}

// close takes in the person at hand.
func (t *surfaceTally) close(arm int) {
	if t.row[sDecisions] > 0 {
		t.arms[arm].add(t.row[:])
		t.row = [surfaceFigures]float64{}
	}
}

func (t *surfaceTally) merge(o *surfaceTally) {
	for i := range t.arms {
		t.arms[i].merge(&o.arms[i])
	}
	t.decisions += o.decisions
	maps.Copy(t.policies, o.policies)
	t.newest.merge(&o.newest)
}

// surfaceMetrics are the figures a decision.
func surfaceMetrics(currency bellwether.Currency) []metric {
	return []metric{
		{"clicked", "share of decisions", sClicked, sDecisions, false},
		{"converted", "share of decisions", sConverted, sDecisions, false},
		{"revenue", string(currency) + " a decision", sRevenue, sDecisions, false},
	}
}

// rows compares the arms of each surface.
func (s *Study) rows(level float64) []SurfaceRow {
	out := make([]SurfaceRow, 0, len(s.surfaces))
	for _, name := range sortedKeys(s.surfaces) {
		t := s.surfaces[name]
		if t.decisions == 0 {
			continue
		}
		row := SurfaceRow{Surface: name, Decisions: int(t.decisions), Policies: slices.Sorted(maps.Keys(t.policies))}
		for _, m := range surfaceMetrics(s.o.Join.Prices.Currency) {
			row.Effects = append(row.Effects, m.effect(&t.arms, 0, level))
		}
		out = append(out, row)
	}
	return out
}
