package history

import (
	"fmt"
	"math"

	"bellwether"
)

// convertPrice turns the price into the main currency.
func (c *cleaner) convertPrice(e *entry) {
	if e.Price.IsZero() || e.Price.Currency == c.money.currency {
		return
	}
	price, ok := c.money.convert(e.Price)
	if !ok {
		c.tally.of(ruleUnknownCurrency).see(e.ID, e.Price.String)
		return
	}
	c.tally.of(ruleCurrency).change(e.ID, e.Price, price)
	e.Price = price
}

// fillPrice gives a sale without a price the item's reference, and one that is ten times off, too.
func (c *cleaner) fillPrice(e *entry) {
	if !priced(e.Type) || e.Item == "" {
		return
	}
	reference, known := c.reference(e.Item)
	is := bellwether.Money{Amount: reference, Currency: c.money.currency}
	switch {
	case e.Price.IsZero() && !known:
		c.tally.of(ruleMissingPrice).see(e.ID, func() string { return fmt.Sprintf("no price is known of item %s", e.Item) })
	case e.Price.IsZero():
		e.Price = is
		c.tally.of(ruleMissingPrice).change(e.ID, "no price", is)
	case known && e.Price.Amount != 0 && e.Price.Currency == c.money.currency && !plausible(e.Price.Amount, reference):
		if e.Price.Amount < 0 {
			is.Amount = -reference
		}
		c.tally.of(ruleOutlyingPrice).change(e.ID, e.Price, is)
		e.Price = is
	}
}

func plausible(amount, reference int64) bool {
	a := float64(max(amount, -amount))
	return a <= maxPriceRatio*float64(reference) && maxPriceRatio*a >= float64(reference)
}

// boundQuantity forgets a quantity that is beyond belief.
func (c *cleaner) boundQuantity(e *entry) {
	if limit, ok := c.limits.Quantities[e.Type]; ok && e.Quantity > limit {
		c.tally.of(ruleOutlyingQuantity).change(e.ID, e.Quantity, "not said")
		e.Quantity = 0
	}
}

// boundValue forgets a value that is beyond belief; it reports false for an impossible answer.
func (c *cleaner) boundValue(e *entry) bool {
	outliers := c.tally.of(ruleOutlyingValue)
	switch e.Type {
	case bellwether.Survey:
		if e.Value < 0 || e.Value > maxAnswer {
			outliers.drop(e.ID, func() string { return fmt.Sprintf("answer %g", e.Value) })
			return false
		}
		return true
	case bellwether.Engagement:
		if e.Value >= 0 && e.Value <= maxSeconds {
			return true
		}
	default:
		limit := c.limits.Values[e.Type]
		if e.Value == 0 || limit.Deviation <= 0 || math.Abs(e.Value-limit.Median) <= maxDeviations*limit.Deviation {
			return true
		}
	}
	outliers.change(e.ID, e.Value, "not said")
	e.Value = 0
	return true
}
