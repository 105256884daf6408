package sequence

import (
	"fmt"
	"slices"

	"bellwether"
	"bellwether/tensor/nn"
)

const (
	priceShares = 16 // that the prices of a category are cut into
	fewPrices   = 64 // a category with fewer takes the bounds of all items
)

// prices cut the prices of each category into equal shares.
type prices struct {
	groups []float32 // by item: its row of bounds; nil: the first
	bounds []float32 // [groups, priceShares − 1], ascending, in minor units; the first row is of all items; nil: no price is known
}

// learnPrices finds the bounds of the prices of steps. categories are by item, nil for none.
func learnPrices(categories []string, steps [][]bellwether.Step) prices {
	var all []int64
	own := map[string][]int64{}
	for _, list := range steps {
		for i := range list {
			s := &list[i]
			if s.Price <= 0 {
				continue
			}
			all = append(all, s.Price)
			if s.Item >= 0 && int(s.Item) < len(categories) {
				own[categories[s.Item]] = append(own[categories[s.Item]], s.Price)
			}
		}
	}
	p := prices{}
	if len(all) == 0 {
		return p
	}
	p.add(all)
	if len(categories) == 0 {
		return p
	}
	p.groups = make([]float32, len(categories))
	rows := map[string]float32{}
	for i, c := range categories {
		row, known := rows[c]
		if !known {
			if len(own[c]) >= fewPrices {
				row = float32(len(p.bounds) / (priceShares - 1))
				p.add(own[c])
			}
			rows[c] = row
		}
		p.groups[i] = row
	}
	return p
}

// add adds the bounds of a list of prices.
func (p *prices) add(list []int64) {
	slices.Sort(list)
	for k := 1; k < priceShares; k++ {
		p.bounds = append(p.bounds, float32(list[len(list)*k/priceShares]))
	}
}

// row returns the row of a price in the field's table: 0 where it is not known, else 1 … priceShares.
func (p *prices) row(item int32, price int64) int32 {
	if price <= 0 || p.bounds == nil {
		return 0
	}
	group := 0
	if item >= 0 && p.groups != nil {
		group = int(p.groups[item])
	}
	row := int32(1)
	for _, bound := range p.bounds[group*(priceShares-1) : (group+1)*(priceShares-1)] {
		if float32(price) > bound {
			row++
		}
	}
	return row
}

// arrays are the parts of a file.
func (p *prices) arrays() []nn.Array {
	var out []nn.Array
	if p.bounds != nil {
		out = append(out, nn.Array{Name: "prices.bounds", Shape: []int{len(p.bounds) / (priceShares - 1), priceShares - 1}, Floats: p.bounds})
	}
	if p.groups != nil {
		out = append(out, nn.Array{Name: "prices.groups", Shape: []int{len(p.groups)}, Floats: p.groups})
	}
	return out
}

// restorePrices reads them again.
func restorePrices(w *nn.Weights, items int) (prices, error) {
	p := prices{}
	if a := w.Array("prices.bounds"); a != nil {
		p.bounds = a.Floats
	}
	rows := len(p.bounds) / (priceShares - 1)
	if len(p.bounds) != rows*(priceShares-1) {
		return p, fmt.Errorf("%w: %d bounds of prices are not %d a category", nn.ErrFormat, len(p.bounds), priceShares-1)
	}
	a := w.Array("prices.groups")
	if a == nil {
		return p, nil
	}
	p.groups = a.Floats
	if len(p.groups) != items || slices.ContainsFunc(p.groups, func(g float32) bool { return !(g >= 0 && int(g) < rows) }) {
		return p, fmt.Errorf("%w: it does not say which of %d rows of bounds the prices of %d items have", nn.ErrFormat, rows, items)
	}
	return p, nil
}
