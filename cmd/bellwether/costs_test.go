package main

import (
	"strings"
	"testing"

	"bellwether"
	"bellwether/measure"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// TestCosts: what the configuration says is what the report counts; what it does not say has no currency, and is not known.
func TestCosts(t *testing.T) {
	var c costs
	if err := yaml.Unmarshal([]byte("{messages: {email: 0.0004, push: 0, letter: 1.2}, coupons: {TEN: 10}, campaigns: {spring: {contact: 0.05}, fair: {coupon: 2.5}}, other: 1500}"), &c); err != nil {
		t.Fatal(err)
	}
	got, err := c.measured("EUR")
	if err != nil {
		t.Fatal(err)
	}
	euro := func(minor int64) bellwether.Money { return bellwether.Money{Amount: minor, Currency: "EUR"} }
	want := measure.Costs{
		Other:    euro(150_000),
		Messages: map[bellwether.Channel]measure.Each{"email": {Money: euro(4), For: 100}, "push": {Money: euro(0), For: 1}, "letter": {Money: euro(120), For: 1}},
		Coupons:  map[string]bellwether.Money{"TEN": euro(1000)},
		Campaigns: map[bellwether.CampaignID]measure.CampaignCost{
			"spring": {Contact: measure.Each{Money: euro(5), For: 1}}, "fair": {Coupon: euro(250)},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	yen, err := (&costs{Messages: map[bellwether.Channel]float64{"sms": 7.5}}).measured("JPY")
	if e := yen.Messages["sms"]; err != nil || e.Amount != 75 || e.For != 10 {
		t.Errorf("%+v, %v", e, err)
	}
	negative, part := -1., 1.001
	for name, c := range map[string]costs{
		"messages: email": {Messages: map[bellwether.Channel]float64{"email": -1}}, "coupons: TEN": {Coupons: map[string]float64{"TEN": 0.005}},
		"other is -1": {Other: &negative}, "no whole number": {Campaigns: map[bellwether.CampaignID]campaignCosts{"x": {Coupon: &part}}},
		"the least": {Messages: map[bellwether.Channel]float64{"email": 1e-12}},
	} {
		if _, err := c.measured("EUR"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
