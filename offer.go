package bellwether

// Exclude says which items of a history are no candidates for what follows it.
type Exclude uint8

// What a surface leaves out.
const (
	ExcludeNone      Exclude = iota // nothing: people return to items
	ExcludePurchased                // what the person bought
	ExcludeSeen                     // whatever the person had to do with
)

// Offer says which items may be offered, as the filters of a surface do. It is a function of the history and of the moment at which
// somebody asks, and never of what follows: a set of candidates that depends on the answer tells the answer. The zero
// value offers everything.
type Offer struct {
	Exclude  Exclude
	From, To []int64 // by item, Unix seconds from when and until when it may be offered, 0: open; nil: always
}

// Withhold appends the items that may not be offered after a history to somebody who asks at a moment, Unix seconds; one may come twice.
func (o *Offer) Withhold(out []int32, history []Step, at int64) []int32 {
	if o.Exclude != ExcludeNone {
		for i := range history {
			if item := history[i].Item; item >= 0 && o.excludes(&history[i]) {
				out = append(out, item)
			}
		}
	}
	for item := range int32(len(o.From)) {
		if !o.valid(item, at) {
			out = append(out, item)
		}
	}
	return out
}

// Allows reports whether an item may be offered after a history to somebody who asks at a moment: whether it is not among what is withheld.
func (o *Offer) Allows(history []Step, at int64, item int32) bool {
	if !o.valid(item, at) {
		return false
	}
	for i := range history {
		if history[i].Item == item && o.excludes(&history[i]) {
			return false
		}
	}
	return true
}

func (o *Offer) excludes(s *Step) bool {
	return o.Exclude == ExcludeSeen || o.Exclude == ExcludePurchased && s.Bought
}

// valid reports whether a moment lies in the item's own time; where the moment is not known, it does.
func (o *Offer) valid(item int32, at int64) bool {
	if int(item) >= len(o.From) || at == 0 {
		return true
	}
	return at >= o.From[item] && (o.To[item] == 0 || at < o.To[item])
}
