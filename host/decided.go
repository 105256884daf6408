package host

import (
	"context"
	"slices"
	"strings"

	"bellwether"
	"bellwether/decide"
	"bellwether/pipeline"
	"bellwether/web/console"
)

// searched is how many of the newest decisions a search looks at, and pageRows how many a page lists.
const (
	searched = 500
	pageRows = 25
)

// Decisions implements [console.Source]: among the newest ones, or the one with that id whenever it was.
func (source) Decisions(ctx context.Context, q console.Query) (console.Decisions, error) {
	out := console.Decisions{Command: "bellwether recommend PERSON"}
	p, err := project(ctx)
	if err != nil {
		return out, err
	}
	recent, err := p.Decider.Recent(ctx, searched)
	if err != nil {
		return out, err
	}
	for i := range recent {
		if s := recent[i].Surface; !slices.Contains(out.Surfaces, s) {
			out.Surfaces = append(out.Surfaces, s)
		}
	}
	slices.Sort(out.Surfaces)
	all, err := titled(p, recent)
	if err != nil {
		return out, err
	}
	words := strings.ToLower(q.Text)
	found := slices.DeleteFunc(all, func(d console.Decision) bool {
		return q.Surface != "" && d.Surface != q.Surface || words != "" && !matches(&d, words)
	})
	if len(found) == 0 && q.Text != "" {
		if d, ok, err := p.History.Decision(bellwether.DecisionID(q.Text)); err != nil {
			return out, err
		} else if ok && (q.Surface == "" || d.Surface == q.Surface) {
			if found, err = titled(p, []bellwether.Decision{d}); err != nil {
				return out, err
			}
		}
	}
	out.Pages = (len(found) + pageRows - 1) / pageRows
	from := min(max(0, q.Page-1)*pageRows, len(found))
	out.Rows = found[from:min(from+pageRows, len(found))]
	return out, nil
}

// matches reports whether words, in small letters, name the decision: its person, its id, or what was shown.
func matches(d *console.Decision, words string) bool {
	if within(words, string(d.Subject), string(d.ID)) {
		return true
	}
	for _, a := range d.Actions {
		if name := d.Candidates[a].Action; within(words, name, d.Titles[name]) {
			return true
		}
	}
	return false
}

// titled are decisions with the titles of their items.
func titled(p *pipeline.Project, decisions []bellwether.Decision) ([]console.Decision, error) {
	items, err := p.History.Items()
	if err != nil {
		return nil, err
	}
	out := make([]console.Decision, len(decisions))
	for i, d := range decisions {
		out[i] = console.Decision{Decision: d, Titles: map[string]string{}, Value: p.Currency}
		for _, c := range d.Candidates {
			if it := items[bellwether.ItemID(c.Action)]; it != nil && it.Title != "" {
				out[i].Titles[c.Action] = it.Title
			}
		}
	}
	return out, nil
}

// Decision implements [console.Source].
func (source) Decision(ctx context.Context, id bellwether.DecisionID) (console.Decision, error) {
	p, err := project(ctx)
	if err != nil {
		return console.Decision{}, err
	}
	d, err := p.Decider.Decision(ctx, id)
	if err != nil {
		return console.Decision{}, missing(err, decide.ErrNotFound)
	}
	out, err := titled(p, []bellwether.Decision{d})
	if err != nil {
		return console.Decision{}, err
	}
	out[0].Outcome, err = p.Outcome(ctx, &d)
	return out[0], err
}
