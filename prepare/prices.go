package prepare

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"bellwether"
)

// loadItems reads the catalogue; of two items with one id the later counts.
func (c *cleaner) loadItems(items []bellwether.Item) {
	c.catalogue = make(map[bellwether.ItemID]int, len(items))
	for _, item := range items {
		item.ID = squeeze(item.ID)
		if i, ok := c.catalogue[item.ID]; ok {
			c.items[i] = item
			continue
		}
		c.catalogue[item.ID] = len(c.items)
		c.items = append(c.items, item)
	}
	slices.SortFunc(c.items, func(a, b bellwether.Item) int { return cmp.Compare(a.ID, b.ID) })
	for i := range c.items {
		c.catalogue[c.items[i].ID] = i
	}
	if c.rules.Currency == "" {
		c.rules.Currency = c.usualCurrency()
	}
	for i := range c.items {
		for _, m := range []*bellwether.Money{&c.items[i].Price, &c.items[i].Cost} {
			*m, _ = c.convert(*m)
		}
	}
}

// usualCurrency is the most frequent one of all prices; of equally frequent ones the first in byte order.
func (c *cleaner) usualCurrency() (best bellwether.Currency) {
	counts := map[bellwether.Currency]int{}
	for i := range c.items {
		counts[c.items[i].Price.Currency]++
	}
	for i := range c.events {
		counts[c.events[i].Price.Currency]++
	}
	delete(counts, "")
	for _, currency := range slices.Sorted(maps.Keys(counts)) {
		if counts[currency] > counts[best] {
			best = currency
		}
	}
	return best
}

// convert returns m in the main currency, or m and false when no rate is known.
func (c *cleaner) convert(m bellwether.Money) (bellwether.Money, bool) {
	if m.IsZero() || m.Currency == c.rules.Currency {
		return m, true
	}
	rate, ok := c.rules.Rates[m.Currency]
	amount := math.Round(float64(m.Amount) * rate * math.Pow10(c.rules.Currency.Exponent()-m.Currency.Exponent()))
	if !ok || math.Abs(amount) > bellwether.MaxPriceAmount {
		return m, false
	}
	return bellwether.Money{Amount: int64(amount), Currency: c.rules.Currency}, true
}

// convertPrices turns prices into the main currency.
func (c *cleaner) convertPrices() {
	converted, unknown := c.report.rule("currency"), c.report.rule("unknown_currency")
	for i := range c.events {
		e := &c.events[i]
		if e.Price.IsZero() || e.Price.Currency == c.rules.Currency {
			continue
		}
		price, ok := c.convert(e.Price)
		if !ok {
			unknown.see(e.ID, e.Price.String)
			continue
		}
		converted.change(e.ID, e.Price, price)
		e.Price = price
	}
}

// priced reports whether events of a type are about a price.
func priced(t bellwether.EventType) bool {
	switch t {
	case bellwether.AddToCart, bellwether.RemoveFromCart, bellwether.BeginCheckout, bellwether.Purchase, bellwether.Refund:
		return true
	}
	return false
}

// minPrices is how many prices an item must have for their median to be its reference.
const minPrices = 5

// findReferences gives each item its reference price: the catalogue's, or the median of its prices.
func (c *cleaner) findReferences() {
	c.references = make(map[bellwether.ItemID]int64, len(c.items))
	for i := range c.items {
		if p := c.items[i].Price; p.Amount > 0 && p.Currency == c.rules.Currency {
			c.references[c.items[i].ID] = p.Amount
		}
	}
	prices := map[bellwether.ItemID][]int64{}
	for i := range c.events {
		e := &c.events[i]
		if !priced(e.Type) || e.Item == "" || e.Price.IsZero() || e.Price.Currency != c.rules.Currency {
			continue
		}
		if _, ok := c.references[e.Item]; !ok {
			prices[e.Item] = append(prices[e.Item], abs(e.Price.Amount))
		}
	}
	for item, p := range prices {
		if m := lowerMedian(p); len(p) >= minPrices && m > 0 {
			c.references[item] = m
		}
	}
}

func abs(v int64) int64 { return max(v, -v) }

// fillPrices gives sales without a price the item's reference.
func (c *cleaner) fillPrices() {
	c.findReferences()
	missing := c.report.rule("missing_price")
	for i := range c.events {
		e := &c.events[i]
		if !priced(e.Type) || e.Item == "" || !e.Price.IsZero() {
			continue
		}
		reference, ok := c.references[e.Item]
		if !ok {
			missing.see(e.ID, func() string { return fmt.Sprintf("no price is known of item %s", e.Item) })
			continue
		}
		e.Price = bellwether.Money{Amount: reference, Currency: c.rules.Currency}
		missing.change(e.ID, "no price", e.Price)
	}
}

// maxPriceRatio is how far a price may be from its item's reference: beyond it lie errors of units.
const maxPriceRatio = 10

// boundPrices replaces prices that are ten times off.
func (c *cleaner) boundPrices() {
	outliers := c.report.rule("outlying_price")
	for i := range c.events {
		e := &c.events[i]
		reference, ok := c.references[e.Item]
		if !ok || !priced(e.Type) || e.Price.IsZero() || e.Price.Currency != c.rules.Currency {
			continue
		}
		amount := float64(abs(e.Price.Amount))
		if amount <= maxPriceRatio*float64(reference) && maxPriceRatio*amount >= float64(reference) {
			continue
		}
		is := bellwether.Money{Amount: reference, Currency: c.rules.Currency}
		if e.Price.Amount < 0 {
			is.Amount = -reference
		}
		outliers.change(e.ID, e.Price, is)
		e.Price = is
	}
}

// maxQuantityRatio is how many times the median quantity of its type a quantity may be.
const maxQuantityRatio = 100

// boundQuantities forgets quantities that are beyond belief.
func (c *cleaner) boundQuantities() {
	outliers := c.report.rule("outlying_quantity")
	quantities := map[bellwether.EventType][]int64{}
	for i := range c.events {
		if e := &c.events[i]; e.Quantity > 0 {
			quantities[e.Type] = append(quantities[e.Type], e.Quantity)
		}
	}
	limits := make(map[bellwether.EventType]int64, len(quantities))
	for t, q := range quantities {
		limits[t] = maxQuantityRatio * lowerMedian(q)
	}
	for i := range c.events {
		if e := &c.events[i]; e.Quantity > 0 && e.Quantity > limits[e.Type] {
			outliers.change(e.ID, e.Quantity, "not said")
			e.Quantity = 0
		}
	}
}

// Limits of values.
const (
	maxAnswer          = 10
	maxSeconds         = 86_400
	maxDeviations      = 1000
	minValuesForLimits = 20
)

// boundValues drops impossible answers and forgets other values that are beyond belief.
func (c *cleaner) boundValues() {
	outliers, limits := c.report.rule("outlying_value"), c.valueLimits()
	c.keep(func(_ int, e *bellwether.Event) bool {
		limit := limits[e.Type]
		switch {
		case e.Type == bellwether.Survey && (e.Value < 0 || e.Value > maxAnswer):
			outliers.drop(e.ID, func() string { return fmt.Sprintf("answer %g", e.Value) })
			return false
		case e.Type == bellwether.Engagement && (e.Value < 0 || e.Value > maxSeconds),
			e.Type != bellwether.Engagement && e.Value != 0 && limit.deviation > 0 && math.Abs(e.Value-limit.median) > maxDeviations*limit.deviation:
			outliers.change(e.ID, e.Value, "not said")
			e.Value = 0
		}
		return true
	})
}

// valueLimit is the centre and the spread of a type's values; a deviation of 0 sets no limit.
type valueLimit struct{ median, deviation float64 }

func (c *cleaner) valueLimits() map[bellwether.EventType]valueLimit {
	values := map[bellwether.EventType][]float64{}
	for i := range c.events {
		if e := &c.events[i]; e.Value != 0 && e.Type != bellwether.Survey && e.Type != bellwether.Engagement {
			values[e.Type] = append(values[e.Type], e.Value)
		}
	}
	limits := make(map[bellwether.EventType]valueLimit, len(values))
	for t, v := range values {
		if len(v) < minValuesForLimits {
			continue
		}
		median := lowerMedian(v)
		for i := range v {
			v[i] = math.Abs(v[i] - median)
		}
		limits[t] = valueLimit{median, lowerMedian(v)}
	}
	return limits
}
