package shop

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"bellwether"
	"bellwether/internal/market"
)

// message is one message in Segment's format, as an SDK sends it.
type message struct {
	Type       string         `json:"type,omitempty"`
	Event      string         `json:"event,omitempty"`
	Name       string         `json:"name,omitempty"`
	ID         string         `json:"messageId"`
	User       string         `json:"userId,omitempty"`
	Anonymous  string         `json:"anonymousId,omitempty"`
	Timestamp  string         `json:"timestamp,omitempty"`
	SentAt     string         `json:"sentAt,omitempty"`
	Properties *properties    `json:"properties,omitempty"`
	Traits     map[string]any `json:"traits,omitempty"`
	Context    *sender        `json:"context,omitempty"`

	canonical bellwether.EventType
	ahead     time.Duration // of the clock that wrote Timestamp
}

type properties struct {
	Item     string          `json:"product_id,omitempty"`
	Price    json.RawMessage `json:"price,omitempty"` // in major units
	Currency string          `json:"currency,omitempty"`
	Quantity json.RawMessage `json:"quantity,omitempty"`
	Position int             `json:"position,omitempty"`
	Decision string          `json:"decision_id,omitempty"`
	Session  string          `json:"session_id,omitempty"`
	Order    string          `json:"order_id,omitempty"`
	Total    json.RawMessage `json:"total,omitempty"`
	Score    *float64        `json:"score,omitempty"`
	Products []product       `json:"products,omitempty"`
}

type product struct {
	Item     string          `json:"product_id"`
	Price    json.RawMessage `json:"price"`
	Quantity json.RawMessage `json:"quantity"`
}

type sender struct {
	UserAgent string         `json:"userAgent,omitempty"`
	Campaign  *campaignNames `json:"campaign,omitempty"`
}

type campaignNames struct {
	Name   string `json:"name"`
	Source string `json:"source"`
}

// names are the spellings of an event by three SDKs: GA4's, Segment's, and a home-made one.
var names = map[bellwether.EventType][3]string{
	bellwether.ViewItem:     {"view_item", "Product Viewed", "productViewed"},
	bellwether.ViewItemList: {"view_item_list", "Product List Viewed", "product list viewed"},
	bellwether.SelectItem:   {"select_item", "Product Clicked", "productClicked"},
	bellwether.AddToCart:    {"add_to_cart", "Product Added", "product-added"},
	bellwether.Purchase:     {"purchase", "Order Completed", "orderCompleted"},
	bellwether.Survey:       {"survey_response", "Survey Response", "surveyResponse"},
	bellwether.MessageOpen:  {"message_open", "Email Opened", "emailOpened"},
}

var (
	sdk    = map[string]int{"phone": 0, "desktop": 1, "tablet": 2}
	agents = map[string]string{
		"phone":   "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0 Mobile Safari/537.36",
		"desktop": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36",
		"tablet":  "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1",
	}
	ages = []string{"18-24", "25-34", "35-49", "50-64", "65+"}
)

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// amount writes minor units (two digits) as a JSON number in major units.
func amount(minor int64) json.RawMessage {
	return json.RawMessage(fmt.Sprintf("%d.%02d", minor/100, minor%100))
}

func integer(n int64) json.RawMessage { return json.RawMessage(strconv.FormatInt(n, 10)) }

// answers are the decisions that a customer's day answers.
type answers struct{ slate, contact string }

// diary turns one customer's day into messages.
type diary struct {
	w       *market.World
	c       *market.Customer
	i, day  int
	answers answers
	n       int // messages so far, for ids
}

func newDiary(w *market.World, i, day int, a answers) *diary {
	return &diary{w: w, c: &w.Customers[i], i: i, day: day, answers: a}
}

func (d *diary) id() string {
	d.n++
	return fmt.Sprintf("m-%d-%d-%d", d.i+1, d.day, d.n)
}

// base is the message of an event without properties.
func (d *diary) base(kind string, at time.Time) message {
	return message{
		Type: kind, ID: d.id(), User: string(d.c.ID), Timestamp: stamp(at),
		Context: &sender{UserAgent: agents[d.c.Device]},
	}
}

func (d *diary) session() string   { return fmt.Sprintf("s-%d-%d", d.i+1, d.day) }
func (d *diary) anonymous() string { return fmt.Sprintf("a-%d-%d", d.i+1, d.day) }

// message is the one of an event; an order's further lines are added by addProduct.
func (d *diary) message(e *market.Event) message {
	if e.Type == bellwether.Identify {
		return d.identify(e)
	}
	m := d.base("track", e.Occurred())
	m.Event, m.canonical = names[e.Type][sdk[d.c.Device]], e.Type
	p := &properties{Session: d.session(), Position: e.Position}
	m.Properties = p
	if e.Anonymous {
		m.User, m.Anonymous = "", d.anonymous()
	}
	switch {
	case e.Slate:
		p.Decision = d.answers.slate
	case e.Campaign:
		p.Decision = d.answers.contact
		m.Context.Campaign = &campaignNames{Name: market.Campaign, Source: "email"}
	}
	switch e.Type {
	case bellwether.Purchase:
		p.Order, p.Currency = e.Order, string(market.Currency)
		d.addProduct(p, e)
	case bellwether.Survey:
		p.Score = &e.Value
	default:
		d.item(p, e)
	}
	return m
}

func (d *diary) identify(e *market.Event) message {
	m := d.base("identify", e.Occurred())
	if e.Anonymous {
		m.Anonymous = d.anonymous()
	}
	m.Traits = map[string]any{
		"age_band": ages[d.c.Age], "region": fmt.Sprintf("R%02d", d.c.Region+1), "device": d.c.Device,
		"acquired_by": d.c.Source, "subscriber": d.c.Subscriber,
	}
	return m
}

func (d *diary) item(p *properties, e *market.Event) {
	if e.Item < 0 {
		return
	}
	it := &d.w.Items[e.Item]
	p.Item, p.Price, p.Currency = string(it.ID), amount(it.Price.Amount), string(market.Currency)
	if e.Quantity > 0 {
		p.Quantity = integer(e.Quantity)
	}
}

func (d *diary) addProduct(p *properties, e *market.Event) {
	it := &d.w.Items[e.Item]
	p.Products = append(p.Products, product{Item: string(it.ID), Price: amount(it.Price.Amount), Quantity: integer(e.Quantity)})
}
