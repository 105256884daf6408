package pipeline

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/decide"
	"bellwether/store"
)

// Campaign is one message that may be sent to everybody who is known.
type Campaign struct {
	Name    string
	Surface string // whose policy decides; its channel is the actor's
	Title   string
	Text    string
	Really  bool // decide and send; else a dry run that writes nothing
}

// Send decides for each known person whether the campaign's message goes out, and hands those
// messages to actor. The address is the person's trait "email" for mail, else the person's id.
// A dry run shows who would get what, and who would be held back and why.
func (e *Engine) Send(ctx context.Context, c Campaign, actor decide.Actor, o decide.SenderOptions) ([]decide.Planned, error) {
	o.Clock = e.o.Clock
	sender, err := decide.NewSender(e.project, actor, o)
	if err != nil {
		return nil, fmt.Errorf("preparing the campaign: %w", err)
	}
	people, err := e.people.all()
	if err != nil {
		return nil, fmt.Errorf("listing people: %w", err)
	}
	messages := make([]decide.Message, 0, len(people))
	for i := range people {
		p := &people[i]
		answer, err := e.Act(ctx, ActionRequest{
			Subject: p.Subject, Surface: bellwether.Surface(c.Surface), Actions: []string{"send", "none"},
			Key: "campaign/" + c.Name + "/" + string(p.Subject), Preview: !c.Really,
		})
		if err != nil {
			return nil, fmt.Errorf("deciding for %s: %w", p.Subject, err)
		}
		messages = append(messages, decide.Message{
			Decision: answer.Decision, Address: address(p, actor.Channel()), Consent: p.Consent,
			Campaign: bellwether.CampaignID(c.Name), Title: c.Title, Text: c.Text,
		})
	}
	if !c.Really {
		return sender.Plan(ctx, messages)
	}
	return sender.Send(ctx, messages)
}

func address(p *bellwether.Profile, channel bellwether.Channel) string {
	if channel == "email" {
		s, _ := p.Traits["email"].(string)
		return s
	}
	return string(p.Subject)
}

// all returns the profile of everybody who signed in, by subject.
func (p *people) all() ([]bellwether.Profile, error) {
	var out []bellwether.Profile
	var failed error
	err := p.view.Scan([]byte("p/"), func(k, v []byte) bool {
		if k[2] == '~' {
			return true // not signed in: nowhere to write to
		}
		var profile bellwether.Profile
		if failed = store.Decode(v, &profile); failed != nil {
			return false
		}
		out = append(out, profile)
		return true
	})
	if failed != nil {
		err = failed
	}
	return out, err
}
