package decide

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bellwether"
	"bellwether/store"
)

// ErrNotDelivered is wrapped by an [Actor]'s error when it is certain that nothing reached the
// person: only then is the place under the frequency cap given back.
var ErrNotDelivered = errors.New("not delivered")

// Message is what one decision asks to be sent to one person.
type Message struct {
	Decision bellwether.Decision  // names the person and the action
	Address  string               // where it goes: an e-mail address, or the person's id at the receiver
	Zone     *time.Location       // of the person; nil: the quiet hours' own
	Consent  []bellwether.Purpose // in force now, which may be less than when it was decided
	Campaign bellwether.CampaignID
	Creative bellwether.CreativeID
	Title    string
	Text     string
	HTML     string           // optional, beside Text
	Cost     bellwether.Money // of this sending
}

// Actor carries one message out. It is safe for concurrent use.
type Actor interface {
	Channel() bellwether.Channel
	// Act sends m. A message whose sending was broken off is sent again, and carries the decision's id, by which the receiver
	// tells the repetition.
	Act(ctx context.Context, m Message) error
}

// Lister is an Actor whose messages leave together, as a list. A list that is made again names everybody once more who
// was on the one before: nobody is missing on the last one.
type Lister interface {
	Actor
	// Deliver lets what Act took leave, all of it or nothing.
	Deliver() error
}

// Reason says why a message is held back.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	HeldNoConsent Reason = "no consent"    // the purpose is not in force
	HeldNoAction  Reason = "no action"     // the decision is to do nothing
	HeldHoldout   Reason = "holdout"       // the person is in the global holdout
	HeldNoAddress Reason = "no address"    // nowhere to send it
	HeldQuiet     Reason = "quiet hours"   // until Planned.Until
	HeldRepeated  Reason = "already sent"  // this decision's message left, or is about to
	HeldCap       Reason = "frequency cap" // until Planned.Until
)

// Planned is what happens, or would, to one message.
type Planned struct {
	Subject  bellwether.Subject    `json:"subject"`
	Decision bellwether.DecisionID `json:"decision"`
	Action   string                `json:"action"`
	Channel  bellwether.Channel    `json:"channel"`
	Campaign bellwether.CampaignID `json:"campaign,omitempty"`
	Address  string                `json:"address,omitempty"`
	Title    string                `json:"title,omitempty"`
	Held     Reason                `json:"held,omitempty"`   // "": it is sent
	Detail   string                `json:"detail,omitempty"` // which cap
	Until    time.Time             `json:"until,omitzero"`   // when it may be tried again
	Sent     bool                  `json:"sent"`             // false in a dry run
	Error    string                `json:"error,omitempty"`  // of the actor
}

// hold notes why the message is held back; nil: it is not.
func (p *Planned) hold(why *held) {
	if why != nil {
		p.Held, p.Detail, p.Until = why.reason, why.detail, why.until
	}
}

// SenderOptions configure a [Sender]; the zero value works.
type SenderOptions struct {
	Clock    func() time.Time   // nil: time.Now
	Purpose  bellwether.Purpose // consent that a message needs; "": "marketing"
	NoAction string             // the action that sends nothing; "": "none"
	Quiet    QuietHours
	Caps     []Cap
	Parallel int // messages under way at once; 0: 8
}

// Sender sends decided messages through one actor within consent, quiet hours and caps. The caps
// of a project are shared by all its senders and survive restarts. It is safe for concurrent use.
//
// Each message is noted before it leaves and again when it has left. One that was noted and, because the program stopped
// or the receiver did not answer, never noted again, leaves under the same id when its campaign is sent again.
type Sender struct {
	log   *store.Log
	actor Actor
	caps  ledgerOfCaps
	o     SenderOptions
}

// NewSender returns a Sender of p's messages through actor.
func NewSender(p *store.Project, actor Actor, o SenderOptions) (*Sender, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Purpose == "" {
		o.Purpose = "marketing"
	}
	if o.NoAction == "" {
		o.NoAction = "none"
	}
	if o.Parallel <= 0 {
		o.Parallel = 8
	}
	for _, c := range o.Caps {
		if err := c.validate(); err != nil {
			return nil, err
		}
	}
	return &Sender{log: p.Log, actor: actor, caps: ledgerOfCaps{kv: p.KV, caps: o.Caps}, o: o}, nil
}

// Plan is the dry run: who would get what if Send were called now, and who is held back and why. It
// sends and reserves nothing, but counts the messages of this plan against the caps.
func (s *Sender) Plan(ctx context.Context, messages []Message) ([]Planned, error) {
	now := s.o.Clock()
	out := make([]Planned, len(messages))
	histories := map[bellwether.Subject]*sentList{}
	for i, m := range messages {
		out[i] = s.screen(m, now)
		if out[i].Held != "" {
			continue
		}
		h := histories[m.Decision.Subject]
		if h == nil {
			read, _, err := s.caps.read(ctx, m.Decision.Subject)
			if err != nil {
				return nil, fmt.Errorf("read the frequency caps of %q: %w", m.Decision.Subject, err)
			}
			h = &read
			histories[m.Decision.Subject] = h
		}
		held, _ := s.caps.add(h, s.sending(m, now))
		if s.listed(held) {
			held = nil
		}
		out[i].hold(held)
	}
	return out, nil
}

// screen applies the rules that need no counting.
func (s *Sender) screen(m Message, now time.Time) Planned {
	p := Planned{
		Subject: m.Decision.Subject, Decision: m.Decision.ID, Channel: s.actor.Channel(),
		Campaign: m.Campaign, Address: m.Address, Title: m.Title,
	}
	if chosen := m.Decision.Chosen(); len(chosen) > 0 {
		p.Action = chosen[0]
	}
	quiet, until := s.o.Quiet.At(now, m.Zone)
	switch {
	case !slices.Contains(m.Consent, s.o.Purpose): // before what was drawn: who must not be written to is told so
		p.Held, p.Detail = HeldNoConsent, string(s.o.Purpose)
	case p.Action == "" || p.Action == s.o.NoAction:
		p.Held = HeldNoAction
	case m.Decision.Holdout:
		p.Held = HeldHoldout
	case m.Address == "":
		p.Held = HeldNoAddress
	case quiet:
		p.Held, p.Until = HeldQuiet, until
	}
	return p
}

func (s *Sender) sending(m Message, now time.Time) sending {
	return sending{Decision: m.Decision.ID, Campaign: m.Campaign, Channel: s.actor.Channel(), At: now.UnixNano()}
}
