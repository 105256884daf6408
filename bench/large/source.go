package main

import (
	"slices"

	"bellwether"
	"bellwether/dataset"
	"bellwether/internal/market"
	"bellwether/models/sequence"
)

// types are the events that a model sees.
var types = []bellwether.EventType{bellwether.ViewItem, bellwether.SelectItem, bellwether.AddToCart, bellwether.Purchase}

// days of a customer's history.
const days = 90

// shown is what the shop shows to everybody: the items that come to mind most, and a newsletter.
var shown = market.Fixed{Items: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, Contacts: true}

// source reads histories from a market: those of pass n belong to the customers
// that follow those of pass n−1, and begin anew after the last.
type source struct {
	world  *market.World
	shop   bellwether.Sequences // what is known of items and steps
	tokens map[int]int          // by pass
}

func newSource(p market.Preset, seed uint64) (*source, error) {
	w, err := market.New(p, seed)
	if err != nil {
		return nil, err
	}
	s := &source{world: w, tokens: map[int]int{}}
	catalogue := make(map[bellwether.ItemID]*bellwether.Item, len(w.Items))
	for j := range w.Items {
		it := &w.Items[j].Item
		catalogue[it.ID] = it
		s.shop.Items = append(s.shop.Items, it.ID)
	}
	s.shop.Channels, s.shop.Campaigns = []bellwether.Channel{"email", "home"}, []bellwether.CampaignID{"newsletter"}
	dataset.Describe(&s.shop, catalogue)
	return s, nil
}

// stream is what a trainer reads whose model looks at so many events.
func (s *source) stream(length int) *sequence.Stream {
	return &sequence.Stream{
		Name: s.world.Name(), Items: s.shop.Items, Types: types,
		Channels: s.shop.Channels, Campaigns: s.shop.Campaigns, Categories: s.shop.Categories, Content: s.shop.Content,
		Batch: func(pass, size int) ([]sequence.Person, error) {
			people, err := s.batch(pass, size)
			s.tokens[pass] = 0
			for _, p := range people {
				s.tokens[pass] += min(length, max(len(p.Steps)-1, 0))
			}
			return people, err
		},
	}
}

// tokensOf is the number of tokens that the first passes are, of so many people each.
func (s *source) tokensOf(passes, size, length int) (int, error) {
	n, stream := 0, s.stream(length)
	for pass := 1; pass <= passes; pass++ {
		if _, known := s.tokens[pass]; !known { // another process trained on it
			if _, err := stream.Batch(pass, size); err != nil {
				return 0, err
			}
		}
		n += s.tokens[pass]
	}
	return n, nil
}

func (s *source) batch(pass, size int) ([]sequence.Person, error) {
	people := make([]sequence.Person, size)
	for k := range people {
		i := ((pass-1)*size + k) % len(s.world.Customers)
		events, err := s.world.History(i, days, shown)
		if err != nil {
			return nil, err
		}
		people[k] = sequence.Person{ID: s.world.Customers[i].ID, Steps: s.steps(events)}
	}
	return people, nil
}

func (s *source) steps(events []market.Event) []bellwether.Step {
	var out []bellwether.Step
	for i := range events {
		e := &events[i]
		kind := slices.Index(types, e.Type)
		if kind < 0 || e.Item < 0 {
			continue
		}
		step := bellwether.Step{
			Item: int32(e.Item), Type: uint8(kind), Quantity: int32(e.Quantity),
			Price: s.world.Items[e.Item].Price.Amount, Time: e.Occurred().Unix(),
		}
		switch {
		case e.Campaign:
			step.Channel, step.Campaign = 1, 1
		case e.Slate:
			step.Channel = 2
		}
		out = append(out, step)
	}
	return out
}
