package learn

import (
	"math"

	"bellwether"
)

// Steps is a history, in the order of time, in the vocabulary of the model, as Best scores it.
func (v *Serving) Steps(history []bellwether.Event) []bellwether.Step { return v.steps(nil, history) }

// steps appends to steps, which is empty. Items and types that the model does not know are left out. A run of events about one
// item is one step with the type of the last, and a run of prompts alone is none, as training collapses them
// (dataset.SequenceOptions).
func (v *Serving) steps(steps []bellwether.Step, history []bellwether.Event) []bellwether.Step {
	var last, before open // the last step, and the one before it
	for i := range history {
		e := &history[i]
		item, known := v.items[e.Item]
		kind, typed := v.types[e.Type]
		if !typed || e.Item == "" {
			continue
		}
		n := len(steps) - 1
		if n >= 0 && last.prompted && (!known || steps[n].Item != item) { // something else came, be it unknown
			steps, last = steps[:n], before
			n--
		}
		if !known {
			continue
		}
		if n >= 0 && steps[n].Item == item {
			v.extend(&steps[n], &last, kind, e)
			continue
		}
		steps = append(steps, bellwether.Step{
			Item: item, Type: kind, Channel: v.channels[e.Channel], Campaign: v.campaigns[e.Campaign], Bought: e.Type == bellwether.Purchase,
			Quantity: int32(min(e.Quantity, math.MaxInt32)), Price: v.price(e), Time: e.Occurred.Unix(),
		})
		before, last = last, open{prompted: e.Prompted(), channel: e.Channel != "", campaign: e.Campaign != ""}
	}
	if last.prompted {
		steps = steps[:len(steps)-1]
	}
	return steps
}

// open is what is known of the last step beside its numbers.
type open struct {
	prompted          bool // nothing but prompts are in it
	channel, campaign bool // were said, be it by a name without a number
}

// extend adds the next event about the same item.
func (v *Serving) extend(s *bellwether.Step, last *open, kind uint8, e *bellwether.Event) {
	s.Type, s.Quantity = kind, max(s.Quantity, int32(min(e.Quantity, math.MaxInt32)))
	s.Bought = s.Bought || e.Type == bellwether.Purchase
	if price := v.price(e); price != 0 {
		s.Price = price
	}
	if !last.channel {
		s.Channel, last.channel = v.channels[e.Channel], e.Channel != ""
	}
	if !last.campaign {
		s.Campaign, last.campaign = v.campaigns[e.Campaign], e.Campaign != ""
	}
	last.prompted = last.prompted && e.Prompted()
}

func (v *Serving) price(e *bellwether.Event) int64 {
	if e.Price.Currency != v.currency {
		return 0
	}
	return e.Price.Amount
}
