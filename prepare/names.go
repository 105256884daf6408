package prepare

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"bellwether"
)

// cleanNames gives each name one spelling.
func (c *cleaner) cleanNames() {
	names := c.report.rule("names")
	folded := c.foldedItems()
	campaigns, creatives := spellings[bellwether.CampaignID]{}, spellings[bellwether.CreativeID]{}
	for i := range c.events {
		campaigns.count(c.events[i].Campaign)
		creatives.count(c.events[i].Creative)
	}
	campaign, creative := campaigns.choose(), creatives.choose()
	types, channels := map[bellwether.EventType]bellwether.EventType{}, map[bellwether.Channel]bellwether.Channel{}
	c.keep(func(_ int, e *bellwether.Event) bool {
		var before, after string
		changed := false
		note := func(was, is string) {
			if was != is && !changed {
				before, after, changed = was, is, true
			}
		}
		rename(&e.Type, note, func(t bellwether.EventType) bellwether.EventType { return memo(types, t, typeName) })
		rename(&e.Channel, note, func(s bellwether.Channel) bellwether.Channel {
			return memo(channels, s, func(s bellwether.Channel) bellwether.Channel {
				return bellwether.Channel(strings.ToLower(squeeze(string(s))))
			})
		})
		rename(&e.Item, note, func(id bellwether.ItemID) bellwether.ItemID { return c.itemName(folded, id) })
		rename(&e.Campaign, note, func(s bellwether.CampaignID) bellwether.CampaignID { return campaign[s] })
		rename(&e.Creative, note, func(s bellwether.CreativeID) bellwether.CreativeID { return creative[s] })
		rename(&e.Subject, note, squeeze)
		rename(&e.Anonymous, note, squeeze)
		rename(&e.Previous, note, squeeze)
		rename(&e.Session, note, squeeze)
		rename(&e.Order, note, squeeze)
		rename(&e.Decision, note, squeeze)
		if e.Type.Personal() && e.Subject == "" && e.Anonymous == "" {
			names.drop(e.ID, func() string { return "the person's id is white space" })
			return false
		}
		if changed {
			names.change(e.ID, before, after)
		}
		return true
	})
}

// rename replaces a name that is not empty and tells note.
func rename[T ~string](p *T, note func(was, is string), name func(T) T) {
	if *p != "" {
		was := *p
		*p = name(was)
		note(string(was), string(*p))
	}
}

func memo[T ~string](known map[T]T, s T, name func(T) T) T {
	out, ok := known[s]
	if !ok {
		out = name(s)
		known[s] = out
	}
	return out
}

// squeeze trims s and makes each inner run of white space one space.
func squeeze[T ~string](s T) T {
	last := byte(' ')
	for i := range len(s) {
		b := s[i]
		if b >= utf8.RuneSelf || b != ' ' && b < '!' || b == ' ' && last == ' ' {
			return T(strings.Join(strings.Fields(string(s)), " "))
		}
		last = b
	}
	return T(strings.TrimSuffix(string(s), " "))
}

// typeName is an event type in snake_case.
func typeName(t bellwether.EventType) bellwether.EventType {
	return bellwether.EventType(strings.Join(strings.FieldsFunc(strings.ToLower(string(t)), func(r rune) bool {
		return r == '-' || unicode.IsSpace(r)
	}), "_"))
}

// foldedItems maps a lower-case spelling to the one catalogue item that has it, to "" if several have.
func (c *cleaner) foldedItems() map[string]bellwether.ItemID {
	out := make(map[string]bellwether.ItemID, len(c.items))
	for i := range c.items {
		key := strings.ToLower(string(c.items[i].ID))
		if _, ok := out[key]; ok {
			out[key] = ""
		} else {
			out[key] = c.items[i].ID
		}
	}
	return out
}

func (c *cleaner) itemName(folded map[string]bellwether.ItemID, id bellwether.ItemID) bellwether.ItemID {
	if _, ok := c.catalogue[id]; ok {
		return id
	}
	id = squeeze(id)
	if _, ok := c.catalogue[id]; ok {
		return id
	}
	if known := folded[strings.ToLower(string(id))]; known != "" {
		return known
	}
	return id
}

// spellings counts how often each spelling was seen.
type spellings[T ~string] map[T]int

func (s spellings[T]) count(name T) {
	if name != "" {
		s[name]++
	}
}

// choose maps each spelling to the most frequent one that is equal to it when case and white space
// are ignored; of equally frequent ones to the first in byte order.
func (s spellings[T]) choose() map[T]T {
	squeezed := spellings[T]{}
	for name, n := range s {
		squeezed[squeeze(name)] += n
	}
	best := map[string]T{}
	for _, name := range slices.Sorted(maps.Keys(squeezed)) {
		key := strings.ToLower(string(name))
		if known, ok := best[key]; !ok || squeezed[name] > squeezed[known] {
			best[key] = name
		}
	}
	out := make(map[T]T, len(s))
	for name := range s {
		out[name] = best[strings.ToLower(string(squeeze(name)))]
	}
	return out
}

// maxAhead is how far a sender's clock may run ahead before its time is not believed.
const maxAhead = 5 * time.Minute

// moveFuture gives an event from the future the time of its receipt.
func (c *cleaner) moveFuture() {
	future := c.report.rule("future")
	for i := range c.events {
		if e := &c.events[i]; e.Occurred.Sub(e.Received) > maxAhead {
			future.change(e.ID, e.Occurred.UTC(), e.Received.UTC())
			e.Occurred = e.Received
		}
	}
}
