package collect

import (
	"encoding/json"
	"fmt"

	"bellwether"
)

// ga4Event is an event as Google Analytics 4 exports it to BigQuery, written as JSON.
type ga4Event struct {
	Name      string          `json:"event_name"`
	Time      json.RawMessage `json:"event_timestamp"` // microseconds, as a text or number
	User      string          `json:"user_id"`
	Device    string          `json:"user_pseudo_id"`
	Items     json.RawMessage `json:"items"`
	Ecommerce struct {
		Transaction string          `json:"transaction_id"`
		Revenue     json.RawMessage `json:"purchase_revenue"`
		Refund      json.RawMessage `json:"refund_value"`
	} `json:"ecommerce"`
	Params []struct {
		Key   string                     `json:"key"`
		Value map[string]json.RawMessage `json:"value"` // of one type the value, of the others null
	} `json:"event_params"`
	Traffic struct {
		Source string `json:"source"`
		Name   string `json:"name"`
	} `json:"traffic_source"`
}

// ga4Message reads one event; an order of several items becomes an event each.
func ga4Message(raw []byte, o *Options) message {
	m := message{raw: raw, format: FormatGA4}
	var g ga4Event
	err := json.Unmarshal(raw, &g)
	if err != nil {
		m.reject = fmt.Sprintf("is no event of Google Analytics: %v", err)
		return m
	}
	if m.events, err = g.events(raw, o); err != nil {
		m.reject = err.Error()
	}
	return m
}

func (g *ga4Event) events(raw []byte, o *Options) ([]bellwether.Event, error) {
	e := bellwether.Event{ID: contentID([]byte(FormatGA4), raw), Type: canonicalName(g.Name), Order: g.Ecommerce.Transaction, Channel: bellwether.Channel(g.Traffic.Source), Campaign: bellwether.CampaignID(g.Traffic.Name)}
	if e.Type == "" || reserved(e.Type) {
		return nil, fmt.Errorf("event_name %q is missing or kept for the program's own records", clip(g.Name))
	}
	if err := setTime(&e.Occurred, "event_timestamp", orNull(g.Time)); err != nil {
		return nil, err
	}
	e.Received = e.Occurred
	if !o.nobody(g.User) {
		e.Subject = bellwether.Subject(g.User)
	}
	if !o.nobody(g.Device) {
		e.Anonymous = bellwether.AnonymousID(g.Device)
	}
	p := properties{event: &e, currency: o.Currency}
	for _, param := range g.Params {
		for _, value := range param.Value {
			if value = orNull(value); value[0] == 'n' {
				continue
			}
			known, err := p.known(param.Key, value)
			if err == nil && !known {
				err = p.trait(param.Key, value)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", clip(param.Key), err)
			}
		}
	}
	for _, total := range []json.RawMessage{g.Ecommerce.Revenue, g.Ecommerce.Refund} {
		if text, ok := scalarText(orNull(total)); ok && text != "" && text != "0" {
			p.total = text
		}
	}
	if items := orNull(g.Items); items[0] == '[' {
		if _, err := p.list(items); err != nil {
			return nil, err
		}
	}
	events, err := p.events()
	if err == nil {
		events[0].Raw = raw
	}
	return events, err
}

// orNull is a JSON value that may be missing.
func orNull(v json.RawMessage) []byte {
	if len(v) == 0 {
		return []byte("null")
	}
	return v
}
