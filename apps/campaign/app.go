// Package campaign is the application that sends one message to everybody who is known, as far as the policy, consent, quiet hours and
// caps let it ([Send]).
package campaign

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/decide"
	"bellwether/history"

	"github.com/spf13/cobra"
)

// Name is that of the application.
const Name = "campaign"

// Application returns the application; act decides whether a message goes out.
func Application(act app.Act) app.Application {
	return app.Application{
		Name: Name, Title: "Campaigns", Routes: sendRoutes(act),
		Commands: func(sh app.Shell) []*cobra.Command { return []*cobra.Command{sendCommand(sh)} },
	}
}

// Campaign is one message that may be sent to everybody who is known.
type Campaign struct {
	Name    string
	Surface bellwether.Surface // whose policy decides; its channel is the actor's
	Title   string
	Text    string
	Really  bool // decide and send; else a dry run that writes nothing
}

// Send decides by act for each known person whether the campaign's message goes out, and hands those messages to actor. The address is the
// person's trait "email" for mail, else the person's id. A dry run shows who would get what, and who would be held back and why.
func Send(ctx context.Context, p *app.Project, act app.Act, c Campaign, actor decide.Actor, o decide.SenderOptions) ([]decide.Planned, error) {
	o.Clock = p.Clock
	sender, err := decide.NewSender(p.Store, actor, o)
	if err != nil {
		return nil, fmt.Errorf("preparing the campaign: %w", err)
	}
	people, err := p.SignedIn(ctx)
	if err != nil {
		return nil, err
	}
	messages := make([]decide.Message, 0, len(people))
	for _, subject := range people {
		m, err := message(ctx, p, act, &c, subject, actor.Channel())
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	if !c.Really {
		return sender.Plan(ctx, messages)
	}
	return sender.Send(ctx, messages)
}

// message decides for one person.
func message(ctx context.Context, p *app.Project, act app.Act, c *Campaign, subject bellwether.Subject, channel bellwether.Channel) (decide.Message, error) {
	who, err := p.Person(ctx, subject, "")
	if err != nil {
		return decide.Message{}, err
	}
	answer, err := act(ctx, p, app.ActionRequest{
		Subject: subject, Surface: c.Surface, Actions: []string{"send", "none"},
		Key: "campaign/" + c.Name + "/" + string(subject), Preview: !c.Really,
	})
	if err != nil {
		return decide.Message{}, fmt.Errorf("deciding for %s: %w", subject, err)
	}
	return decide.Message{
		Decision: answer.Decision, Address: address(who, channel), Consent: who.Consent,
		Campaign: bellwether.CampaignID(c.Name), Title: c.Title, Text: c.Text,
	}, nil
}

func address(who *history.Person, channel bellwether.Channel) string {
	if channel == "email" {
		s, _ := who.Traits["email"].(string)
		return s
	}
	return string(who.Subject)
}
