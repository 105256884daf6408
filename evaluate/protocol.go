package evaluate

import (
	"fmt"
	"maps"
	"strings"

	"bellwether"
)

// Protocol says which items are candidates for a target, and thereby which targets count: those that are candidates. It looks at what was
// known before a target, and never at the target, so that no model can tell it by who competes.
type Protocol struct {
	Name  string
	Offer bellwether.Offer
	Of    Part // whose targets, and of which items
}

// Part is a part of the targets.
type Part uint8

// The parts of a temporal cut, which leave-one-out does not have.
const (
	Everybody Part = iota
	NewPeople      // without a step before the cut
	NewItems       // that had no step before the cut
)

// The names of protocols, as they stand behind figures.
const (
	AsServed  = "as served"
	FirstTime = "first-time items"
	AllItems  = "all items"
	UnseenWho = "as served, people unseen before the cut"
	UnseenIts = "as served, items unseen before the cut"
)

// Served is the protocol that chooses: the surface's own filter.
func Served(q *bellwether.Sequences) Protocol { return Protocol{Name: AsServed, Offer: q.Served} }

// First is the protocol of the published tables: items of the history are no candidates, and targets that repeat one are left out.
func First() Protocol {
	return Protocol{Name: FirstTime, Offer: bellwether.Offer{Exclude: bellwether.ExcludeSeen}}
}

// Protocols are those that a card shows: the one that chooses first, then first-time items, all items, and, after a temporal cut, what it
// had not seen.
func Protocols(q *bellwether.Sequences) []Protocol {
	return []Protocol{
		Served(q), First(),
		{Name: AllItems},
		{Name: UnseenWho, Offer: q.Served, Of: NewPeople},
		{Name: UnseenIts, Offer: q.Served, Of: NewItems},
	}
}

// Under are the figures of rankings under several protocols in one map: those of the first by their own names, those of the others with the
// name of their protocol behind them in brackets. A nil ranking has none.
func Under(all []*Ranking) map[string]bellwether.Estimate {
	out := map[string]bellwether.Estimate{}
	for n, r := range all {
		switch {
		case r == nil:
		case n == 0:
			maps.Copy(out, r.Estimates())
		default:
			for name, e := range r.Estimates() {
				out[Named(name, r.o.Protocol.Name)] = e
			}
		}
	}
	return out
}

// Named is the name of a figure under a protocol that is not the one that chooses.
func Named(metric, protocol string) string { return fmt.Sprintf("%s (%s)", metric, protocol) }

// shown are the protocols beside the one that chooses, in the order of a card.
var shown = []string{FirstTime, AllItems, UnseenWho, UnseenIts}

// under takes figures apart that Under put together: those of a protocol of shown, or those of the one that chooses where it is "".
func under(figures map[string]bellwether.Estimate, protocol string) map[string]bellwether.Estimate {
	out := map[string]bellwether.Estimate{}
	for name, e := range figures {
		metric, of, other := strings.Cut(strings.TrimSuffix(name, ")"), " (")
		if other == (protocol != "") && of == protocol {
			out[metric] = e
		}
	}
	return out
}

// counts tells which targets count.
func (p *Protocol) counts(q *bellwether.Sequences) func(bellwether.Target) bool {
	among := p.Of.of(q)
	return func(t bellwether.Target) bool {
		steps := q.Steps[t.Person]
		return among(t) && p.Offer.Allows(steps[:t.At], steps[t.At].Time, steps[t.At].Item)
	}
}

// of tells which targets are of the part. Of people with a training part, new ones are those whose part is empty.
func (p Part) of(q *bellwether.Sequences) func(bellwether.Target) bool {
	switch p {
	case NewPeople:
		return func(t bellwether.Target) bool { return q.TrainEnd[t.Person] == 0 }
	case NewItems:
		seen := make([]bool, len(q.Items))
		for person, end := range q.TrainEnd {
			for _, s := range q.Steps[person][:end] {
				if s.Item >= 0 {
					seen[s.Item] = true
				}
			}
		}
		return func(t bellwether.Target) bool { return !seen[q.Steps[t.Person][t.At].Item] }
	}
	return func(bellwether.Target) bool { return true }
}
