package measure

import (
	"math"

	"bellwether"
)

// Prices turn events into money of one currency.
type Prices struct {
	Currency  bellwether.Currency                    // of every figure
	Rates     map[bellwether.Currency]float64        // units of Currency for one unit of another
	Catalogue map[bellwether.ItemID]*bellwether.Item // must not be changed
}

// in converts m to major units of p.Currency; false when there is no rate.
func (p Prices) in(m bellwether.Money) (float64, bool) {
	if m.IsZero() || m.Currency == p.Currency {
		return m.Major(), true
	}
	rate, ok := p.Rates[m.Currency]
	return m.Major() * rate, ok
}

// sale is what an event of type purchase or refund brought. A refund is negative.
type sale struct {
	revenue, margin   float64
	noRate, noCost    bool
	quantity, refunds float64
}

// sale reads e. Margin is (price − the item's cost) × quantity; where the cost is not
// known it is 0 and noCost is set.
func (p Prices) sale(e *bellwether.Event) sale {
	s := sale{quantity: float64(max(e.Quantity, 1))}
	revenue, ok := p.in(e.Revenue())
	if !ok {
		return sale{noRate: true}
	}
	cost, known := 0.0, false
	if item := p.Catalogue[e.Item]; item != nil && !item.Cost.IsZero() {
		cost, known = p.in(item.Cost)
	}
	s.revenue = math.Abs(revenue)
	if s.noCost = !known; known {
		s.margin = s.revenue - cost*s.quantity
	}
	if e.Type == bellwether.Refund {
		s = sale{revenue: -s.revenue, margin: -s.margin, noCost: s.noCost, refunds: 1}
	}
	return s
}
