package main

import (
	"fmt"
	"math"
	"math/big"
	"strconv"

	"bellwether"
	"bellwether/measure"
)

// costs are what the product spends, in the project's currency; 0 is free, and what is not said is not known.
type costs struct {
	Messages  map[bellwether.Channel]float64          `yaml:"messages,omitempty"`  // one message or other contact, by channel
	Campaigns map[bellwether.CampaignID]campaignCosts `yaml:"campaigns,omitempty"` // in place of messages and coupons
	Coupons   map[string]float64                      `yaml:"coupons,omitempty"`   // one redeemed coupon, by its code; not what the price has already taken off
	Other     *float64                                `yaml:"other,omitempty"`     // the rest of the product, over the whole comparison
}

type campaignCosts struct {
	Contact *float64 `yaml:"contact,omitempty"` // one message or other contact
	Coupon  *float64 `yaml:"coupon,omitempty"`  // one redeemed coupon
}

// measured are the costs as the report counts them.
func (c *costs) measured(currency bellwether.Currency) (out measure.Costs, err error) {
	m := pricer{currency: currency}
	if c.Other != nil {
		out.Other = m.money("other", *c.Other)
	}
	out.Messages = map[bellwether.Channel]measure.Each{}
	for channel, v := range c.Messages {
		out.Messages[channel] = m.each("messages: "+string(channel), v)
	}
	out.Coupons = map[string]bellwether.Money{}
	for code, v := range c.Coupons {
		out.Coupons[code] = m.money("coupons: "+code, v)
	}
	out.Campaigns = map[bellwether.CampaignID]measure.CampaignCost{}
	for name, v := range c.Campaigns {
		var of measure.CampaignCost
		if v.Contact != nil {
			of.Contact = m.each("campaigns: "+string(name)+": contact", *v.Contact)
		}
		if v.Coupon != nil {
			of.Coupon = m.money("campaigns: "+string(name)+": coupon", *v.Coupon)
		}
		out.Campaigns[name] = of
	}
	return out, m.err
}

// pricer turns numbers of a currency into money, and keeps the first error.
type pricer struct {
	currency bellwether.Currency
	err      error
}

// money is a number of whole minor units.
func (m *pricer) money(what string, v float64) bellwether.Money {
	e := m.each(what, v)
	if e.For > 1 && m.err == nil {
		m.err = exit{2, fmt.Errorf("configuration: costs: %s is %g %s, which is no whole number of its smallest unit", what, v, m.currency)}
	}
	return e.Money
}

// each is a number of which so many make whole minor units: 0.0004 EUR are 4 cents for 100.
func (m *pricer) each(what string, v float64) measure.Each {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(v, 'f', -1, 64))
	if !ok || v < 0 || math.IsInf(v, 0) || v > 1e12 {
		if m.err == nil {
			m.err = exit{2, fmt.Errorf("configuration: costs: %s is %g; give an amount of %s, 0 or more", what, v, m.currency)}
		}
		return measure.Each{}
	}
	ten, number := big.NewRat(10, 1), int64(1)
	for range m.currency.Exponent() {
		r.Mul(r, ten)
	}
	for !r.IsInt() && number < 1e6 {
		r.Mul(r, ten)
		number *= 10
	}
	if !r.IsInt() && m.err == nil {
		m.err = exit{2, fmt.Errorf("configuration: costs: %s is %g; a millionth of the smallest unit of %s is the least", what, v, m.currency)}
	}
	return measure.Each{Money: bellwether.Money{Amount: new(big.Int).Quo(r.Num(), r.Denom()).Int64(), Currency: m.currency}, For: number}
}
