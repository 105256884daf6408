package campaign

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/decide"
	"bellwether/internal/apptest"
)

// box is an actor that keeps what it was given.
type box struct {
	mu   sync.Mutex
	got  map[string]decide.Message
	kind bellwether.Channel
}

func (b *box) Channel() bellwether.Channel { return b.kind }

func (b *box) Act(_ context.Context, m decide.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got[string(m.Decision.Subject)] = m
	return nil
}

// send decides to send to everybody who is not in the holdout.
func send(ctx context.Context, p *app.Project, r app.ActionRequest) (app.Answer, error) {
	who, err := p.Person(ctx, r.Subject, r.Anonymous)
	if err != nil {
		return app.Answer{}, err
	}
	yes, no := bellwether.Candidate{Action: r.Actions[0], Score: 1}, bellwether.Candidate{Action: r.Actions[1]}
	d, err := p.Decide(ctx, decide.Request{
		Key: r.Key, Subject: who.Subject, Bucket: who.Bucket, Surface: r.Surface, Candidates: []bellwether.Candidate{yes}, Baseline: []bellwether.Candidate{no}, Consent: who.Consent,
	}, r.Preview, r.Holdout)
	return app.Answer{Decision: d}, err
}

func TestSend(t *testing.T) {
	s := apptest.Open(t, Application(send))
	var events []bellwether.Event
	for i := range 40 {
		e := bellwether.Event{
			ID: bellwether.EventID(fmt.Sprint(i)), Type: bellwether.Identify, Subject: apptest.Person(i),
			Consent: []bellwether.Purpose{"marketing"}, Traits: map[string]any{"email": fmt.Sprint("p", i, "@example.com")},
		}
		if i == 5 {
			e.Consent = []bellwether.Purpose{}
		}
		if i == 6 {
			e.Traits = nil
		}
		events = append(events, e)
	}
	s.Accept(append(events, bellwether.Event{ID: "device", Type: bellwether.PageView, Anonymous: "phone"})...)
	c, b := Campaign{Name: "spring", Surface: "mail", Title: "Hello", Text: "Spring is here"}, &box{got: map[string]decide.Message{}, kind: "email"}
	plan, err := Send(t.Context(), s.Project, send, c, b, decide.SenderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	held := map[decide.Reason]int{}
	for _, m := range plan {
		held[m.Held]++
		if m.Sent {
			t.Errorf("a dry run sent to %s", m.Subject)
		}
	}
	if len(plan) != 40 || len(b.got) != 0 || held[decide.HeldNoConsent] != 1 || held[decide.HeldNoAddress] != 1 || held[""]+held[decide.HeldNoAction]+held[decide.HeldHoldout] != 38 {
		t.Errorf("the plan for %d people holds back %v, and sent %d", len(plan), held, len(b.got))
	}
	if n, err := s.History.Recent(t.Context(), 10); err != nil || len(n) != 0 {
		t.Errorf("a dry run left %d decisions, %v", len(n), err)
	}
	c.Really = true
	if _, err = Send(t.Context(), s.Project, send, c, b, decide.SenderOptions{}); err != nil {
		t.Fatal(err)
	}
	if m := b.got["person-001"]; len(b.got) != held[""] || m.Title != "Hello" || m.Campaign != "spring" || m.Address != "p1@example.com" && m.Decision.ID != "" {
		t.Errorf("%d messages went out, to person-001 %+v; %d were planned", len(b.got), m, held[""])
	}
	sent := len(b.got)
	clear(b.got)
	if _, err = Send(t.Context(), s.Project, send, c, b, decide.SenderOptions{}); err != nil || len(b.got) != 0 {
		t.Errorf("again %d of %d messages went out, %v", len(b.got), sent, err)
	}
	broken := errors.New("broken")
	fail := func(context.Context, *app.Project, app.ActionRequest) (app.Answer, error) {
		return app.Answer{}, broken
	}
	if _, err := Send(t.Context(), s.Project, fail, c, b, decide.SenderOptions{}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestAddressElsewhereIsTheID(t *testing.T) {
	s := apptest.Open(t, Application(send))
	s.Accept(bellwether.Event{ID: "1", Type: bellwether.Identify, Subject: "ana", Consent: []bellwether.Purpose{"marketing"}})
	b := &box{got: map[string]decide.Message{}, kind: "push"}
	plan, err := Send(t.Context(), s.Project, send, Campaign{Name: "x", Surface: "push"}, b, decide.SenderOptions{})
	if err != nil || len(plan) != 1 || plan[0].Held == decide.HeldNoAddress {
		t.Errorf("%+v, %v", plan, err)
	}
}
