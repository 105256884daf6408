package recommend

import (
	"fmt"
	"strconv"
	"time"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/history"
)

// filters says what may not be shown, and counts what it held back of the items that came up for the answer.
type filters struct {
	request *Request
	items   map[bellwether.ItemID]*bellwether.Item
	done    map[bellwether.ItemID]bool // bought or seen, ever, as asked
	now     time.Time
	held    map[string]int
}

func newFilters(p *app.Project, r *Request, who *history.Person) (*filters, error) {
	items, err := p.History.Items()
	if err != nil {
		return nil, err
	}
	f := &filters{request: r, items: items, done: map[bellwether.ItemID]bool{}, now: p.Clock(), held: map[string]int{}}
	switch r.Exclude {
	case "none":
	case "seen", "purchased":
		for i := range who.Events {
			if e := &who.Events[i]; e.Item != "" && (r.Exclude == "seen" || e.Type == bellwether.Purchase) {
				f.done[e.Item] = true
			}
		}
	default:
		return nil, fmt.Errorf("%w: exclude is %q; it can be purchased, seen or none", app.ErrBadRequest, r.Exclude)
	}
	return f, nil
}

// skip reports whether an item may not be shown. An item that is not in the catalogue may be.
func (f *filters) skip(id bellwether.ItemID) bool {
	reason := ""
	it := f.items[id]
	switch {
	case f.done[id]:
		reason = f.request.Exclude
	case it == nil:
		if f.request.Category != "" {
			reason = "category"
		}
	case it.Stock != nil && *it.Stock <= 0:
		reason = "stock"
	case !it.From.IsZero() && f.now.Before(it.From), !it.To.IsZero() && !f.now.Before(it.To):
		reason = "validity"
	case f.request.Category != "" && it.Category != f.request.Category:
		reason = "category"
	}
	if reason != "" {
		f.held[reason]++
	}
	return reason != ""
}

// counts names every filter with how many items it held back: decisions with the same filters can be
// compared, so that a filter which held nothing is named too.
func (f *filters) counts() []string {
	var out []string
	for _, name := range []string{f.request.Exclude, "stock", "validity", "category"} {
		out = append(out, name+":"+strconv.Itoa(f.held[name]))
	}
	return out
}
