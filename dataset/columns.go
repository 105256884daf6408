package dataset

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"bellwether"
)

// customerColumns turns people into columns.
func customerColumns(people []*customer, cut time.Time, types []bellwether.EventType) []bellwether.Column {
	days := func(t time.Time) float64 {
		if t.IsZero() {
			return math.NaN()
		}
		return cut.Sub(t).Hours() / 24
	}
	number := func(name string, value func(*customer) float64) bellwether.Column {
		col := bellwether.Column{Name: name, Numbers: make([]float64, len(people))}
		for i, p := range people {
			col.Numbers[i] = value(p)
		}
		return col
	}
	columns := []bellwether.Column{
		number("recency", func(p *customer) float64 { return days(p.lastPurchase) }),
		number("frequency", func(p *customer) float64 { return float64(p.purchases) }),
		number("monetary", func(p *customer) float64 { return p.monetary }),
		number("average_order", func(p *customer) float64 { return p.monetary / float64(p.purchases) }), // NaN: none
		number("tenure", func(p *customer) float64 { return days(p.first) }),
		number("days_since_seen", func(p *customer) float64 { return days(p.last) }),
		number("sessions", func(p *customer) float64 { return float64(p.sessions) }),
		number("events", func(p *customer) float64 { return float64(p.events) }),
	}
	for _, t := range types {
		for w, window := range windows {
			columns = append(columns, number(string(t)+"_"+window.name, func(p *customer) float64 {
				if c := p.ofType(t); c != nil {
					return float64(c.counts[w])
				}
				return 0
			}))
		}
		columns = append(columns, number("days_since_"+string(t), func(p *customer) float64 {
			if c := p.ofType(t); c != nil {
				return days(time.Unix(0, c.last))
			}
			return math.NaN()
		}))
	}
	columns = append(columns,
		categoryColumn("favourite_category", len(people), func(i int) string { return people[i].category }),
		categoryColumn("channel", len(people), func(i int) string { return people[i].channel }))
	for k, name := range traitColumns {
		columns = append(columns, categoryColumn(name, len(people), func(i int) string { return people[i].traits[k] }))
	}
	return columns
}

// usualTypes returns the types that most people have, by name.
func usualTypes(people []*customer) []bellwether.EventType {
	counts := map[bellwether.EventType]int{}
	for _, p := range people {
		for i := range p.types {
			counts[p.types[i].kind]++
		}
	}
	types := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(types, func(a, b bellwether.EventType) int { return cmp.Compare(counts[b], counts[a]) })
	types = types[:min(len(types), maxTypeColumns)]
	slices.Sort(types)
	return types
}

// mostFrequent returns the key with the greatest count; of equal ones the first in byte order.
func mostFrequent(counts map[string]int) (best string) {
	for key, n := range counts {
		if n > counts[best] || n == counts[best] && key < best {
			best = key
		}
	}
	return best
}

// categoryColumn codes n values by their place among the sorted levels; "" is missing.
func categoryColumn(name string, n int, value func(i int) string) bellwether.Column {
	col := bellwether.Column{Name: name, Codes: make([]int32, n)}
	codes := map[string]int32{}
	for i := range n {
		if v := value(i); v != "" {
			codes[v] = 0
		}
	}
	col.Levels = slices.Sorted(maps.Keys(codes))
	for code, level := range col.Levels {
		codes[level] = int32(code)
	}
	for i := range n {
		col.Codes[i] = -1
		if v := value(i); v != "" {
			col.Codes[i] = codes[v]
		}
	}
	return col
}
