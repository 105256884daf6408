package shop

import (
	"context"
	"fmt"
	"net/url"
	"strconv"

	"bellwether/internal/market"
)

// slateBody is the answer to /v1/recommend, as far as a shop needs it.
type slateBody struct {
	Decision string `json:"decision"`
	Holdout  bool   `json:"holdout"`
	Items    []struct {
		Item string `json:"item"`
	} `json:"items"`
}

// actionBody is the answer to /v1/decide, as far as a mailer needs it.
type actionBody struct {
	Decision string `json:"decision"`
	Action   string `json:"action"`
	Holdout  bool   `json:"holdout"`
}

// recommendBody is the body of a preview of /v1/recommend.
type recommendBody struct {
	Subject string `json:"subject"`
	Surface string `json:"surface"`
	K       int    `json:"k"`
	Key     string `json:"key"`
	Exclude string `json:"exclude,omitempty"`
	History []past `json:"history"`
	Preview bool   `json:"preview"`
	Holdout bool   `json:"holdout"`
}

// decideBody is the body of /v1/decide. History and Holdout are told in a preview alone.
type decideBody struct {
	Subject string             `json:"subject"`
	Surface string             `json:"surface"`
	Key     string             `json:"key"`
	Actions []string           `json:"actions"` // the last one is what the holdout gets
	Context map[string]float64 `json:"context"`
	History []past             `json:"history,omitempty"`
	Preview bool               `json:"preview,omitempty"`
	Holdout *bool              `json:"holdout,omitempty"`
}

// asker is the market's host over HTTP, for one customer's day on one trajectory.
type asker struct {
	c       *Client
	ctx     context.Context
	p       *person
	past    []past // told in previews
	preview bool
	answers answers
	asked   counts
}

// counts are what one customer's day asked.
type counts struct{ decisions, previews, contacts int64 }

// Slate asks for the home page.
func (a *asker) Slate(q market.Question) ([]int, error) {
	who := string(a.c.o.World.Customers[q.Customer].ID)
	key := fmt.Sprintf("%s/%d/visit/1", who, q.Day)
	var out slateBody
	if a.preview {
		a.asked.previews++
		body := recommendBody{
			Subject: who, Surface: "home", K: a.c.o.K, Key: key, Exclude: a.c.o.Exclude,
			History: known(a.past, q.Day), Preview: true, Holdout: !a.p.holdout,
		}
		if err := a.c.caller.call(a.ctx, "/v1/recommend", body, &out); err != nil {
			return nil, err
		}
		a.answers.slate = out.Decision
		return a.items(&out)
	}
	a.asked.decisions++
	query := url.Values{"subject": {who}, "surface": {"home"}, "k": {strconv.Itoa(a.c.o.K)}, "key": {key}}
	if a.c.o.Exclude != "" {
		query.Set("exclude", a.c.o.Exclude)
	}
	if err := a.c.caller.call(a.ctx, "/v1/recommend?"+query.Encode(), nil, &out); err != nil {
		return nil, err
	}
	a.answers.slate = out.Decision
	if err := a.p.assign(who, out.Holdout); err != nil {
		return nil, err
	}
	return a.items(&out)
}

func (a *asker) items(s *slateBody) ([]int, error) {
	slate := make([]int, len(s.Items))
	for k, it := range s.Items {
		j, ok := a.c.items[it.Item]
		if !ok {
			return nil, fmt.Errorf("the slate of decision %s has the item %q, which the shop does not sell", s.Decision, it.Item)
		}
		slate[k] = j
	}
	return slate, nil
}

// Contact asks whether to send the e-mail.
func (a *asker) Contact(q market.Question) (bool, error) {
	c := &a.c.o.World.Customers[q.Customer]
	body := decideBody{
		Subject: string(c.ID), Surface: "email", Key: fmt.Sprintf("%s/%d/email", c.ID, q.Day), Actions: []string{"send", "none"},
		Context: map[string]float64{
			"age": float64(c.Age), "subscriber": flag(c.Subscriber), "days_since_visit": float64(q.Day - q.State.Seen + 1),
		},
	}
	if a.preview {
		a.asked.previews++
		other := !a.p.holdout
		body.Preview, body.Holdout, body.History = true, &other, known(a.past, q.Day)
	} else {
		a.asked.decisions++
	}
	var out actionBody
	if err := a.c.caller.call(a.ctx, "/v1/decide", body, &out); err != nil {
		return false, err
	}
	sent := out.Action == "send"
	if sent {
		a.asked.contacts++
	}
	if a.preview {
		return sent, nil
	}
	a.answers.contact = out.Decision
	return sent, a.p.assign(string(c.ID), out.Holdout)
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
