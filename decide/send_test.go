package decide

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

// post is an actor that remembers, and fails where it is told to.
type post struct {
	mu   sync.Mutex
	sent []Message
	fail func(Message) error
}

func (*post) Channel() bellwether.Channel { return "push" }

func (a *post) Act(_ context.Context, m Message) error {
	if a.fail != nil {
		if err := a.fail(m); err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sent = append(a.sent, m)
	return nil
}

// message is decision id's message to the person.
func message(id, subject string, change ...func(*Message)) Message {
	m := Message{
		Decision: bellwether.Decision{
			ID: bellwether.DecisionID(id), Time: epoch, Subject: bellwether.Subject(subject), Surface: "push", Policy: "test/1",
			Candidates: []bellwether.Candidate{{Action: "send"}, {Action: "none"}}, Actions: []int{0}, Propensity: 1,
		},
		Address: subject + "@example.org", Consent: []bellwether.Purpose{"marketing"}, Campaign: "spring",
		Title: "Hello", Text: "Spring is here.", Cost: bellwether.Money{Amount: 2, Currency: "EUR"},
	}
	for _, fn := range change {
		fn(&m)
	}
	return m
}

func newSender(t testing.TB, p *store.Project, a Actor, o SenderOptions) *Sender {
	t.Helper()
	if o.Clock == nil {
		o.Clock = fixedClock
	}
	s, err := NewSender(p, a, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func reasons(planned []Planned) (out []Reason) {
	for _, p := range planned {
		out = append(out, p.Held)
	}
	return out
}

func TestPlanShowsWhoGetsWhatAndWhoIsHeldBack(t *testing.T) {
	ctx := context.Background()
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	actor := &post{}
	s := newSender(t, p, actor, SenderOptions{
		Quiet: QuietHours{From: 21 * time.Hour, To: 8 * time.Hour},
		Caps:  []Cap{{PerCampaign, 1, 24 * time.Hour}},
	})
	messages := []Message{
		message("d1", "ann"),
		message("d2", "ann"),
		message("d3", "bob", func(m *Message) { m.Decision.Actions = []int{1} }),
		message("d4", "cat", func(m *Message) { m.Decision.Holdout = true }),
		message("d5", "dan", func(m *Message) {
			m.Consent, m.Decision.Holdout, m.Decision.Actions = []bellwether.Purpose{"analytics"}, true, []int{1}
		}), // whatever was drawn
		message("d6", "eve", func(m *Message) { m.Address = "" }),
		message("d7", "fay", func(m *Message) { m.Zone = time.FixedZone("Tokyo", 9*3600) }), // 21:00 there
	}
	want := []Reason{"", HeldCap, HeldNoAction, HeldHoldout, HeldNoConsent, HeldNoAddress, HeldQuiet}
	plan, err := s.Plan(ctx, messages)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, reasons(plan)); diff != "" {
		t.Fatal(diff)
	}
	if len(actor.sent) != 0 || len(logged(t, p, store.KindEvent)) != 0 {
		t.Fatal("the dry run sent something")
	}
	if !plan[1].Until.Equal(epoch.Add(24*time.Hour)) || !plan[6].Until.Equal(epoch.Add(11*time.Hour)) || plan[0].Title != "Hello" {
		t.Errorf("until %v and %v", plan[1].Until, plan[6].Until)
	}
	if again, err := s.Plan(ctx, messages); err != nil || !cmp.Equal(plan, again) {
		t.Errorf("a second dry run differs: %v", err)
	}
	s.o.Parallel = 1 // in the plan's order
	done, err := s.Send(ctx, messages)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, reasons(done)); diff != "" || !done[0].Sent || len(actor.sent) != 1 {
		t.Error("what was sent is not what was planned", diff)
	}
}

func TestEachSendingIsAnEventOfItsDecision(t *testing.T) {
	ctx := context.Background()
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	actor := &post{}
	s := newSender(t, p, actor, SenderOptions{})
	for range 3 { // the same decision three times: once
		if _, err := s.Send(ctx, []Message{message("d1", "ann")}); err != nil {
			t.Fatal(err)
		}
	}
	records := logged(t, p, store.KindEvent)
	if len(records) != 1 || len(actor.sent) != 1 {
		t.Fatalf("%d events of %d sendings, want one", len(records), len(actor.sent))
	}
	var e bellwether.Event
	if err := store.Decode(records[0].Data, &e); err != nil {
		t.Fatal(err)
	}
	if err := e.Validate(); err != nil {
		t.Error(err)
	}
	if e.Type != bellwether.MessageSent || e.Decision != "d1" || e.Subject != "ann" || e.Campaign != "spring" || e.Channel != "push" || e.Price.Amount != 2 {
		t.Errorf("%+v", e)
	}
}

func TestFailuresKeepOrGiveBackTheirPlace(t *testing.T) {
	ctx := context.Background()
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	actor := &post{}
	s := newSender(t, p, actor, SenderOptions{Caps: []Cap{{Global, 1, time.Hour}}})
	try := func(id string, fail error) Planned {
		actor.fail = func(Message) error { return fail }
		out, err := s.Send(ctx, []Message{message(id, "ann")})
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	if got := try("d1", fmt.Errorf("refused: %w", ErrNotDelivered)); got.Error == "" || got.Sent {
		t.Fatalf("%+v", got)
	}
	if got := try("d1", nil); !got.Sent {
		t.Fatalf("after a refusal the place is not given back: %+v", got)
	}
	if got := try("d2", nil); got.Held != HeldCap {
		t.Fatalf("over the cap: %+v", got)
	}
	p2 := message("d3", "bob")
	actor.fail = func(Message) error { return errors.New("connection lost after the data") }
	if out, err := s.Send(ctx, []Message{p2}); err != nil || out[0].Error == "" {
		t.Fatal(out, err)
	}
	actor.fail = nil
	if out, err := s.Send(ctx, []Message{message("d4", "bob")}); err != nil || out[0].Held != HeldCap {
		t.Errorf("what may have arrived does not count: %+v, %v", out, err)
	}
}
