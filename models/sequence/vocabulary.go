package sequence

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"

	"bellwether"
)

// vocabulary is what the numbers of steps stand for, and what is known of items.
type vocabulary struct {
	items     []bellwether.ItemID
	types     []bellwether.EventType
	channels  []bellwether.Channel
	campaigns []bellwether.CampaignID
	content   []float32 // [items, width], nil for none
	prices    prices
}

func vocabularyOf(q *bellwether.Sequences) vocabulary {
	return vocabulary{items: q.Items, types: q.Types, channels: q.Channels, campaigns: q.Campaigns, content: q.Content}
}

// contentShape is that of content: [items, width].
func (v *vocabulary) contentShape() []int { return []int{len(v.items), len(v.content) / len(v.items)} }

// fieldRows says how many rows the table of each optional field of a token has: the type of the event, the
// channel and the campaign that it came by, the time since the one before in powers of two seconds, the hour of
// the week in UTC, the price as a share of those of the category, and the quantity in powers of two (docs/science.md §2).
var fieldRows = map[string]func(v *vocabulary) int{
	"type":     func(*vocabulary) int { return 256 },
	"channel":  func(v *vocabulary) int { return len(v.channels) + 1 },
	"campaign": func(v *vocabulary) int { return len(v.campaigns) + 1 },
	"gap":      func(*vocabulary) int { return 32 },
	"hour":     func(*vocabulary) int { return 168 },
	"price":    func(*vocabulary) int { return priceShares + 1 },
	"quantity": func(*vocabulary) int { return 16 },
}

// fieldNames are the fields in the order in which they are chosen.
var fieldNames = slices.Sorted(maps.Keys(fieldRows))

// row returns the row of a field for a step; before is the step before it, nil for none.
func (v *vocabulary) row(field string, s, before *bellwether.Step) int32 {
	switch field {
	case "type":
		return int32(s.Type)
	case "channel":
		return int32(s.Channel)
	case "campaign":
		return int32(s.Campaign)
	case "gap":
		if before == nil {
			return 0
		}
		return power(s.Time-before.Time, 32)
	case "hour":
		return int32(((s.Time/3600)%168 + 168) % 168)
	case "price":
		return v.prices.row(s.Item, s.Price)
	default: // quantity
		return power(int64(s.Quantity), 16)
	}
}

// power is 0 for what is not positive, else 1 + ⌊log₂ x⌋, below limit.
func power(x int64, limit int) int32 {
	return int32(min(bits.Len64(uint64(max(x, 0))), limit-1))
}

// check reports an item, channel or campaign that the vocabulary lacks, and a type if types is set.
func (v *vocabulary) check(steps []bellwether.Step, types bool) error {
	for i := range steps {
		s := &steps[i]
		lacks := func(what string, n, known int) error {
			return fmt.Errorf("step %d has %s %d, the vocabulary %d of them: prepare the sequences with the model's vocabulary", i, what, n, known)
		}
		switch {
		case s.Item < -1 || int(s.Item) >= len(v.items):
			return lacks("item", int(s.Item), len(v.items))
		case types && int(s.Type) >= max(len(v.types), 1):
			return lacks("type", int(s.Type), len(v.types))
		case int(s.Channel) > len(v.channels):
			return lacks("channel", int(s.Channel), len(v.channels))
		case int(s.Campaign) > len(v.campaigns):
			return lacks("campaign", int(s.Campaign), len(v.campaigns))
		}
	}
	return nil
}

// chooseFields names the fields in which the training steps of q differ. Times that follow each other like the ticks of a clock
// were given to events that had none: nine gaps in ten that are one power of two seconds count as no times.
func chooseFields(q *bellwether.Sequences) []string {
	fields, gaps, most := []string{}, map[int32]int{}, 0
	vary := map[string]bool{"type": len(q.Types) > 1, "channel": len(q.Channels) > 0, "campaign": len(q.Campaigns) > 0}
	for p, steps := range q.Steps {
		for i := range steps[:min(max(q.TrainEnd[p], 0), len(steps))] {
			s := &steps[i]
			vary["price"] = vary["price"] || s.Price > 0
			vary["quantity"] = vary["quantity"] || s.Quantity > 1
			if i > 0 {
				gaps[power(s.Time-steps[i-1].Time, 32)]++
			}
		}
	}
	all := 0
	for _, n := range gaps {
		all, most = all+n, max(most, n)
	}
	vary["gap"] = 10*most < 9*all
	vary["hour"] = vary["gap"]
	for _, name := range fieldNames {
		if vary[name] {
			fields = append(fields, name)
		}
	}
	return fields
}

// headWeight is that of the losses of heads that nobody weighed, small beside the next item's 1.
const headWeight = .05

// chooseTasks names the heads for which the steps have answers: the next type where there are several, the time to the
// next event where tokens know times.
func chooseTasks(q *bellwether.Sequences, fields []string) map[string]float32 {
	tasks := map[string]float32{}
	if len(q.Types) > 1 {
		tasks["type"] = headWeight
	}
	if slices.Contains(fields, "gap") {
		tasks["wait"] = headWeight
	}
	return tasks
}
