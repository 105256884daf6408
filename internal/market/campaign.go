package market

import (
	"math/bits"

	"bellwether"
)

// Campaign is the name of the e-mail campaign.
const Campaign = "newsletter"

// CampaignDay reports whether the e-mail campaign runs on day.
func (w *World) CampaignDay(day int) bool { return day%w.CampaignEvery == w.CampaignEvery/2 }

// Eligible reports whether the campaign may ask about a customer: one who has signed in and came within 60 days.
func (w *World) Eligible(day int, s State) bool {
	return w.CampaignDay(day) && s.Signed && !s.Gone && day-(s.Seen-1) <= 60
}

// campaign plays a campaign day: the customer buys with the probability that their kind gives, contacted or not.
// A contact's effect is 20 % smaller for each other one in the last seven days.
func (d *doing) campaign(h Host) error {
	if !d.Eligible(d.day, d.s) {
		return nil
	}
	contacted, err := h.Contact(d.question())
	if err != nil {
		return err
	}
	p := response[d.c.Kind][0]
	if contacted {
		effect := d.c.Effect()
		for range bits.OnesCount8(d.s.Contacts &^ 1) {
			effect *= .8
		}
		p += effect
		d.s.Contacts |= 1
	}
	second := 6*3600 + int(d.uniform(ofCampaign, 0)*1800)
	if contacted && d.below(.35, ofCampaign, 1) {
		d.add(Event{Type: bellwether.MessageOpen, Second: second, Item: -1, Campaign: true})
	}
	if d.below(p, ofCampaign, 2) {
		j := d.tempting()
		d.order([]line{{item: j, quantity: 1, utility: d.utility(d.i, j, d.day)}}, second+120, 1, contacted)
	}
	return nil
}

// tempting draws what is bought on a campaign day.
func (d *doing) tempting() int {
	if d.Considered > 0 {
		return d.consider(1000, ofCampaign, 3) // no visit has so many views
	}
	return d.pick(d.NextItem(d.i, d.day, d.s), ofCampaign, 3)
}
