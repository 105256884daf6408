package history

import (
	"math"

	"bellwether"
)

// Limits is what the rules know of everybody when they look at one person: a small table that each turn republishes.
// The zero value knows nothing and limits nothing.
type Limits struct {
	Cursor     uint64                              `json:"cursor"`               // of the log, up to which they were learned
	References map[bellwether.ItemID]int64         `json:"references,omitempty"` // usual price of items of which the catalogue has none, in minor units of the main currency
	Campaigns  map[string]string                   `json:"campaigns,omitempty"`  // usual spelling, of those that are spelled otherwise
	Creatives  map[string]string                   `json:"creatives,omitempty"`
	Quantities map[bellwether.EventType]int64      `json:"quantities,omitempty"` // the largest that is believed
	Values     map[bellwether.EventType]ValueLimit `json:"values,omitempty"`
	Popular    Popularity                          `json:"popular"`
}

// ValueLimit is the centre and the spread of a type's values; a deviation of 0 sets no limit.
type ValueLimit struct {
	Median    float64 `json:"median"`
	Deviation float64 `json:"deviation"`
}

func (l *Limits) campaign(s bellwether.CampaignID) bellwether.CampaignID {
	if usual, ok := l.Campaigns[string(s)]; ok {
		return bellwether.CampaignID(usual)
	}
	return s
}

func (l *Limits) creative(s bellwether.CreativeID) bellwether.CreativeID {
	if usual, ok := l.Creatives[string(s)]; ok {
		return bellwether.CreativeID(usual)
	}
	return s
}

// Bounds of quantities, prices and values.
const (
	maxQuantityRatio   = 100 // times the median quantity of its type
	maxPriceRatio      = 10  // times the reference, or a part of it: beyond it lie errors of units
	minPrices          = 5   // that an item must have for their median to be its reference
	maxAnswer          = 10
	maxSeconds         = 86_400
	maxDeviations      = 1000
	minValuesForLimits = 20
)

// priced reports whether events of a type are about a price.
func priced(t bellwether.EventType) bool {
	switch t {
	case bellwether.AddToCart, bellwether.RemoveFromCart, bellwether.BeginCheckout, bellwether.Purchase, bellwether.Refund:
		return true
	}
	return false
}

// money is what turns prices into the main currency.
type money struct {
	currency bellwether.Currency
	rates    map[bellwether.Currency]float64
}

// convert returns m in the main currency, or m and false when no rate is known.
func (c *money) convert(m bellwether.Money) (bellwether.Money, bool) {
	if m.IsZero() || m.Currency == c.currency {
		return m, true
	}
	rate, ok := c.rates[m.Currency]
	amount := math.Round(float64(m.Amount) * rate * math.Pow10(c.currency.Exponent()-m.Currency.Exponent()))
	if !ok || math.Abs(amount) > bellwether.MaxPriceAmount {
		return m, false
	}
	return bellwether.Money{Amount: int64(amount), Currency: c.currency}, true
}

// reference is an item's usual price.
func (c *cleaner) reference(item bellwether.ItemID) (int64, bool) {
	if it := c.items.items[item]; it != nil && it.Price.Amount > 0 && it.Price.Currency == c.money.currency {
		return it.Price.Amount, true
	}
	p, ok := c.limits.References[item]
	return p, ok
}
