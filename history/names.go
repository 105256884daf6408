package history

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"bellwether"
)

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
	for i := range len(t) {
		if c := t[i]; c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return bellwether.EventType(strings.Join(strings.FieldsFunc(strings.ToLower(string(t)), func(r rune) bool {
				return r == '-' || unicode.IsSpace(r)
			}), "_"))
		}
	}
	return t
}

// cleanNames gives each name one spelling; it reports false when nobody is left.
func (c *cleaner) cleanNames(e *entry) bool {
	var before, after string
	changed := false
	note := func(was, is string) {
		if was != is && !changed {
			before, after, changed = was, is, true
		}
	}
	rename(&e.Type, note, typeName)
	rename(&e.Channel, note, c.channelName)
	rename(&e.Item, note, c.itemName)
	rename(&e.Campaign, note, func(s bellwether.CampaignID) bellwether.CampaignID { return c.limits.campaign(s) })
	rename(&e.Creative, note, func(s bellwether.CreativeID) bellwether.CreativeID { return c.limits.creative(s) })
	rename(&e.Subject, note, squeeze)
	rename(&e.Anonymous, note, squeeze)
	rename(&e.Previous, note, squeeze)
	rename(&e.Session, note, squeeze)
	rename(&e.Order, note, squeeze)
	rename(&e.Decision, note, squeeze)
	if e.Type.Personal() && e.Subject == "" && e.Anonymous == "" {
		c.tally.of(ruleNames).drop(e.ID, func() string { return "the person's id is white space" })
		return false
	}
	if changed {
		c.tally.of(ruleNames).change(e.ID, before, after)
	}
	return true
}

// rename replaces a name that is not empty and tells note.
func rename[T ~string](p *T, note func(was, is string), name func(T) T) {
	if *p != "" {
		was := *p
		*p = name(was)
		note(string(was), string(*p))
	}
}

func (c *cleaner) channelName(s bellwether.Channel) bellwether.Channel {
	for i := range len(s) {
		if b := s[i]; (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '_' && b != '-' {
			return bellwether.Channel(c.words.of(strings.ToLower(string(squeeze(s)))))
		}
	}
	return s
}

// itemName is the catalogue's spelling where the name is that of exactly one item when case is ignored.
func (c *cleaner) itemName(id bellwether.ItemID) bellwether.ItemID {
	if c.items.items[id] != nil {
		return id
	}
	id = squeeze(id)
	if c.items.items[id] != nil {
		return id
	}
	if known := c.items.folded[strings.ToLower(string(id))]; known != "" {
		return known
	}
	return id
}

// spellings counts how often each spelling was seen.
type spellings map[string]int64

func (s spellings) count(name string, n int64) {
	if name != "" {
		s[name] += n
	}
}

// choose maps each spelling that is not the usual one to the most frequent spelling that is equal to it when case and
// white space are ignored; of equally frequent ones to the first in byte order.
func (s spellings) choose() map[string]string {
	squeezed := spellings{}
	for name, n := range s {
		squeezed[squeeze(name)] += n
	}
	best := map[string]string{}
	for name, n := range squeezed {
		key := strings.ToLower(name)
		known, ok := best[key]
		if !ok || n > squeezed[known] || n == squeezed[known] && name < known {
			best[key] = name
		}
	}
	out := map[string]string{}
	for name := range s {
		if usual := best[strings.ToLower(squeeze(name))]; usual != name {
			out[name] = usual
		}
	}
	return out
}
