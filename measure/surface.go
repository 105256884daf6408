package measure

import (
	"math"
	"slices"

	"bellwether"
)

// surfaceRows compares the mature decisions of each surface by person.
func surfaceRows(j *Joined, in Input) []SurfaceRow {
	type key struct {
		person  bellwether.Subject
		holdout bool
	}
	rows, people := map[bellwether.Surface]*SurfaceRow{}, map[bellwether.Surface]map[key]*Totals{}
	for i := range j.touches {
		t, o := &j.touches[i], &j.Outcomes[i]
		if !o.Matured {
			continue
		}
		if rows[t.surface] == nil {
			rows[t.surface], people[t.surface] = &SurfaceRow{Surface: t.surface}, map[key]*Totals{}
		}
		row, who := rows[t.surface], key{t.person, t.holdout}
		if people[t.surface][who] == nil {
			people[t.surface][who] = &Totals{}
		}
		sum := people[t.surface][who]
		sum.Decisions++
		sum.Clicked += o.Rewards[Click]
		sum.Orders += o.Rewards[Conversion]
		sum.Revenue += o.Rewards[Revenue]
		if row.Decisions++; !slices.Contains(row.Policies, t.policy) {
			row.Policies = append(row.Policies, t.policy)
		}
	}
	out := make([]SurfaceRow, 0, len(rows))
	for _, surface := range sortedKeys(rows) {
		row := rows[surface]
		var units []Person
		for who, sum := range people[surface] {
			units = append(units, Person{Subject: who.person, Holdout: who.holdout, During: *sum})
		}
		slices.SortFunc(units, func(a, b Person) int { return comparePeople(&a, &b) })
		slices.Sort(row.Policies)
		for _, m := range surfaceMetrics(in.Prices.Currency) {
			row.Effects = append(row.Effects, m.effect(units, EffectOptions{Level: in.Level}))
		}
		out = append(out, *row)
	}
	return out
}

func comparePeople(a, b *Person) int {
	if a.Holdout != b.Holdout {
		return int(math.Copysign(1, indicator(a.Holdout)-indicator(b.Holdout)))
	}
	if a.Subject < b.Subject {
		return -1
	}
	return 1
}

// surfaceMetrics are the figures a decision.
func surfaceMetrics(currency bellwether.Currency) []metric {
	decisions := func(t Totals) float64 { return t.Decisions }
	return []metric{
		{name: "clicked", unit: "share of decisions", value: func(t Totals) float64 { return t.Clicked }, denominator: decisions},
		{name: "converted", unit: "share of decisions", value: func(t Totals) float64 { return t.Orders }, denominator: decisions},
		{name: "revenue", unit: string(currency) + " a decision", value: func(t Totals) float64 { return t.Revenue }, denominator: decisions},
	}
}
