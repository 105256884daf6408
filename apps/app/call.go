package app

import (
	"context"
	"net/http"
	"time"

	"bellwether"
	"bellwether/decide"
	"bellwether/learn"
	"bellwether/web"
)

// Holder is an open project that has a Project in it.
type Holder interface{ AppProject() *Project }

// AppProject implements [Holder].
func (p *Project) AppProject() *Project { return p }

// From returns the project of a call: what routes and pages of applications work with.
func From(ctx context.Context) (*Project, error) {
	h, err := web.ProjectOf[Holder](ctx)
	if err != nil {
		return nil, err
	}
	return h.AppProject(), nil
}

// Failures say what the errors answer that applications have in common. Those of the applications come on top.
func Failures(all []Application) []web.Failure {
	out := []web.Failure{
		{Err: ErrBadRequest, Status: http.StatusBadRequest, Name: "bad-request"},
		{Err: ErrWithheld, Status: http.StatusConflict, Name: "withheld", Advice: "see the model's card; the next turn may train one that passes the check"},
		{Err: ErrUnknownPerson, Status: http.StatusNotFound, Name: "unknown-person", Advice: "ask again once events about the person have come in"},
		{Err: learn.ErrUnknownTask, Status: http.StatusNotFound, Name: "unknown-task", Advice: "GET /v1/models names the tasks"},
		{Err: learn.ErrNoRun, Status: http.StatusNotFound, Name: "no-run", Advice: "train a model first"},
		{Err: learn.ErrNoModel, Status: http.StatusNotFound, Name: "no-model", Advice: "run a turn first"},
		{Err: learn.ErrNotJudged, Status: http.StatusConflict, Name: "not-evaluated", Advice: "evaluate the run first"},
		{Err: learn.ErrNoData, Status: http.StatusConflict, Name: "no-data", Advice: "import more events, then try again"},
		{Err: learn.ErrLeak, Status: http.StatusBadRequest, Name: "leak", Advice: "leave the column out (--drop), or allow it by name"},
		{Err: learn.ErrOtherData, Status: http.StatusConflict, Name: "other-data", Advice: "train again"},
		{Err: decide.ErrRequest, Status: http.StatusBadRequest, Name: "invalid-field", Advice: "ids and names have 1 to 255 characters, none of them a control character"},
		{Err: decide.ErrNotFound, Status: http.StatusNotFound, Name: "no-decision", Advice: "GET /v1/decisions lists the newest ones"},
		{Err: decide.ErrTooMuch, Status: http.StatusBadRequest, Name: "too-much", Advice: "ask for less"},
		{Err: decide.ErrKeyReused, Status: http.StatusConflict, Name: "key-reused", Advice: "make a new key for each request"},
	}
	for _, a := range all {
		out = append(out, a.Failures...)
	}
	return out
}

// Visit is one past event of a person as a request writes it.
type Visit struct {
	Item     bellwether.ItemID     `json:"item"`
	Type     bellwether.EventType  `json:"type"`
	Channel  bellwether.Channel    `json:"channel,omitempty"`
	Campaign bellwether.CampaignID `json:"campaign,omitempty"`
	Quantity int64                 `json:"quantity,omitempty"`
	Price    int64                 `json:"price,omitempty" doc:"Of one piece, in minor units of the project's currency."`
	Time     time.Time             `json:"time"`
	Decision bellwether.DecisionID `json:"decision,omitempty" doc:"That this event answers."`
}

// Events is a history that a request brings, oldest first; nil when it brings none.
func (p *Project) Events(visits []Visit) []bellwether.Event {
	if visits == nil {
		return nil
	}
	out := make([]bellwether.Event, len(visits))
	for i, v := range visits {
		out[i] = bellwether.Event{
			Item: v.Item, Type: v.Type, Channel: v.Channel, Campaign: v.Campaign, Quantity: v.Quantity,
			Price: bellwether.Money{Amount: v.Price, Currency: p.Currency}, Occurred: v.Time, Received: v.Time, Decision: v.Decision,
		}
	}
	return out
}
