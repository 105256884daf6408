package measure

import (
	"fmt"
	"slices"
	"strings"

	"bellwether"
)

// Costs say what the product spends where events do not. An amount of 0 with its currency means free; money
// without a currency means that nobody said it.
type Costs struct {
	Other     bellwether.Money                       // of the product besides messages and coupons, over the whole comparison
	Messages  map[bellwether.Channel]Each            // of one message or other contact, by channel
	Campaigns map[bellwether.CampaignID]CampaignCost // in place of Messages and Coupons
	Coupons   map[string]bellwether.Money            // of one redeemed coupon, by its code; what the price paid has already taken off is no cost
}

// Each is what one thing costs: a mail for .0004 EUR is 4 cents for 100.
type Each struct {
	bellwether.Money
	For int64 // so many cost Money together; 0: one does
}

// CampaignCost is what one contact and one redeemed coupon of a campaign cost.
type CampaignCost struct {
	Contact Each
	Coupon  bellwether.Money
}

// bill adds up what was spent on the people of the comparison, and what is not known of it.
type bill struct {
	messages, coupons int64
	spent             float64
	missing           examples // costs and rates
	noRate            examples // currencies of sales
	noCost            examples // items sold
	sales, costless   int64
}

// add returns what e cost.
func (b *bill) add(e *bellwether.Event, c *Costs, p *Prices) float64 {
	cost := 0.0
	switch e.Type {
	case bellwether.MessageSent:
		b.messages++
		cost = b.price(c.contact(e), p, func() string { return "the cost of a message" + origin(e) })
	case bellwether.Purchase:
		code, _ := e.Traits["coupon"].(string)
		money, issued := c.coupon(e, code)
		if !issued {
			return 0
		}
		b.coupons++
		cost = b.price(Each{Money: money}, p, func() string { return fmt.Sprintf("the cost of the coupon %q", code) })
	}
	b.spent += cost
	return cost
}

// contact is what a message cost: as it says itself, as its campaign says, or as its channel's do.
func (c *Costs) contact(e *bellwether.Event) Each {
	if !e.Price.IsZero() {
		return Each{Money: e.Price}
	}
	if m := c.Campaigns[e.Campaign].Contact; !m.IsZero() {
		return m
	}
	return c.Messages[e.Channel]
}

// coupon is what a redeemed coupon cost. It is the product's own, and not one of the shop's others, when it has a cost
// or its sale names a campaign.
func (c *Costs) coupon(e *bellwether.Event, code string) (m bellwether.Money, issued bool) {
	if code == "" {
		return m, false
	}
	if m = c.Campaigns[e.Campaign].Coupon; m.IsZero() {
		m = c.Coupons[code]
	}
	return m, !m.IsZero() || e.Campaign != ""
}

func origin(e *bellwether.Event) string {
	switch {
	case e.Campaign != "":
		return fmt.Sprintf(" of campaign %q", string(e.Campaign))
	case e.Channel != "":
		return fmt.Sprintf(" by %s", e.Channel)
	}
	return " without channel and campaign"
}

// price returns m in major units of the report's currency; where that is not known it notes what is missing.
func (b *bill) price(m Each, p *Prices, what func() string) float64 {
	if m.IsZero() {
		b.missing.add(what())
		return 0
	}
	v, ok := p.in(m.Money)
	if !ok {
		b.missing.add(rateOf(m.Currency))
		return 0
	}
	return v / float64(max(m.For, 1))
}

func rateOf(c bellwether.Currency) string { return "the exchange rate of " + string(c) }

// sold notes what is not known of a sale.
func (b *bill) sold(e *bellwether.Event, p *Prices) {
	b.sales++
	switch s := p.sale(e); {
	case s.noRate:
		b.noRate.add(rateOf(e.Price.Currency))
	case s.noCost:
		b.costless++
		b.noCost.add(fmt.Sprintf("the cost of item %q", string(e.Item)))
	}
}

func (b *bill) merge(o *bill) {
	b.messages, b.coupons, b.spent = b.messages+o.messages, b.coupons+o.coupons, b.spent+o.spent
	b.sales, b.costless = b.sales+o.sales, b.costless+o.costless
	b.missing.merge(o.missing)
	b.noRate.merge(o.noRate)
	b.noCost.merge(o.noCost)
}

// unknown names what keeps the return on cost from being known.
func (b *bill) unknown(other bellwether.Money, p *Prices) []string {
	out := append(slices.Clone([]string(b.missing)), b.noRate...)
	if _, ok := p.in(other); !ok {
		out = append(out, rateOf(other.Currency))
	}
	if float64(b.costless) > maxCostless*float64(b.sales) {
		out = append(out, b.noCost...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// maxCostless is the share of sales of items without a cost from which the margin is not known.
const maxCostless = 0.01

// names are the first few in the order of the alphabet, whatever came first.
type examples []string

const maxNames = 5

func (n *examples) add(name string) {
	at, found := slices.BinarySearch(*n, name)
	if found || at == maxNames {
		return
	}
	*n = slices.Insert(*n, at, strings.Clone(name))
	if len(*n) > maxNames {
		*n = (*n)[:maxNames]
	}
}

func (n *examples) merge(o examples) {
	for _, name := range o {
		n.add(name)
	}
}

// Cost is what was spent and what came back.
type Cost struct {
	Messages int                 `json:"messages"`          // to people of the comparison, since its start
	Coupons  int                 `json:"coupons"`           // that they redeemed
	Sent     float64             `json:"sent"`              // what messages and coupons cost
	Caused   float64             `json:"caused"`            // of it, on the treated beyond what the holdout cost: the product's
	Other    float64             `json:"other"`             // Costs.Other
	Missing  []string            `json:"missing,omitempty"` // costs and rates that are not known
	ROI      bellwether.Estimate `json:"roi"`               // margin earned / (caused + other) − 1
}

const roiMethod = "margin earned / cost − 1, cost beyond the holdout's, Fieller"

// cost adds up what was spent. ROI needs the margin's effect and every cost.
func (s *Study) cost(r *Report, headline [2]linear, level float64) Cost {
	p := &s.o.Join.Prices
	other, _ := p.in(s.o.Costs.Other)
	treated := float64(s.people.arms[0].n)
	c := Cost{
		Messages: int(s.bill.messages), Coupons: int(s.bill.coupons), Sent: s.bill.spent, Other: other,
		Caused:  treated * (s.people.arms[0].mean(vCost) - s.people.arms[1].mean(vCost)),
		Missing: s.bill.unknown(s.o.Costs.Other, p), ROI: bellwether.Estimate{Method: roiMethod},
	}
	switch {
	case r.Hidden != "":
		c.ROI.Withheld = r.Hidden
	case r.Earned.Metric != Margin:
		c.ROI.Withheld = "the items' costs are not known, so neither is the margin"
	case len(c.Missing) > 0:
		c.ROI.Withheld = "not known: " + strings.Join(c.Missing, ", ") + "; say it in the configuration, or with the campaign"
	case c.Caused+c.Other <= 0:
		c.ROI.Withheld = "nothing was spent beyond what the holdout cost; give messages a cost, or the product's in the configuration"
	case r.Earned.Total.Interval == nil:
		c.ROI.Withheld = r.Earned.Total.Withheld
	default:
		c.ROI = s.returns(headline, other/treated, level)
	}
	return c
}

// returns is the margin earned over what was spent, both a treated person, less 1.
func (s *Study) returns(margin [2]linear, other, level float64) bellwether.Estimate {
	cost, f, n := plain(vCost), fieller{b: other}, int64(0)
	for i, sign := range [2]float64{1, -1} {
		g := &s.people.arms[i]
		f.a += sign * g.value(margin[i])
		f.b += sign * g.value(cost)
		scale := 1 / (float64(g.n-1) * float64(g.n))
		f.aa += scale * g.product(margin[i], margin[i])
		f.bb += scale * g.product(cost, cost)
		f.ab += scale * g.product(margin[i], cost)
		n += g.n
	}
	e := bellwether.Estimate{Value: f.a/f.b - 1, N: n, Method: roiMethod}
	low, high, ok := f.interval(level)
	if !ok {
		e.Withheld = "the cost is not clearly above what the holdout cost: the return has no bounded interval"
		return e
	}
	e.Interval, e.Level = []float64{low - 1, high - 1}, level
	return e
}
