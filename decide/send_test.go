package decide

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
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
		message("d5", "dan", func(m *Message) { m.Consent = []bellwether.Purpose{"analytics"} }),
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
	if err := e.UnmarshalBinary(records[0].Data); err != nil {
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

// TestCapsHoldWithConcurrencyAndRestarts sends at random times from several senders at once, closes the store
// in between without notice, and counts what left in every window.
func TestCapsHoldWithConcurrencyAndRestarts(t *testing.T) {
	caps := []Cap{{PerCampaign, 2, 3 * time.Hour}, {PerChannel, 3, 5 * time.Hour}, {Global, 4, 10 * time.Hour}}
	ctx, dir := context.Background(), t.TempDir()
	rng := rand.New(rand.NewPCG(7, 7))
	type sentAt struct {
		m  Message
		at time.Time
	}
	var mu sync.Mutex
	sent := map[bellwether.Subject][]sentAt{}
	now, id := epoch, 0
	for range 4 { // runs of the program
		p, closeStore := openProject(t, dir)
		for range 6 {
			at := now
			actor := &post{fail: func(m Message) error {
				mu.Lock()
				defer mu.Unlock()
				sent[m.Decision.Subject] = append(sent[m.Decision.Subject], sentAt{m, at})
				return nil
			}}
			var wait sync.WaitGroup
			for range 3 {
				var batch []Message
				for range 10 {
					id++
					campaign := bellwether.CampaignID([]string{"spring", "summer"}[rng.IntN(2)])
					batch = append(batch, message(fmt.Sprint("d", id), []string{"ann", "bob"}[rng.IntN(2)], func(m *Message) { m.Campaign = campaign }))
				}
				s := newSender(t, p, actor, SenderOptions{Clock: func() time.Time { return at }, Caps: caps})
				wait.Go(func() {
					if _, err := s.Send(ctx, batch); err != nil {
						t.Error(err)
					}
				})
			}
			wait.Wait()
			now = now.Add(time.Duration(rng.IntN(150)) * time.Minute)
		}
		closeStore()
	}
	for person, list := range sent {
		for i, x := range list {
			counts := map[Scope]int{}
			for _, y := range list[:i+1] {
				for _, c := range caps {
					same := c.Per != PerCampaign || y.m.Campaign == x.m.Campaign
					if same && y.at.After(x.at.Add(-c.Window)) {
						counts[c.Per]++
					}
				}
			}
			for _, c := range caps {
				if counts[c.Per] > c.Max {
					t.Fatalf("%s got %d messages per %s in %s, cap %d", person, counts[c.Per], c.Per, c.Window, c.Max)
				}
			}
		}
		if len(list) < 8 {
			t.Errorf("%s got only %d messages: the caps hold back too much", person, len(list))
		}
	}
}

// TestCapModel compares the cap with a plain count, message by message.
func TestCapModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Cap{Per: rapid.SampledFrom([]Scope{PerCampaign, PerChannel, Global}).Draw(t, "per"), Max: rapid.IntRange(0, 3).Draw(t, "max"), Window: time.Duration(rapid.IntRange(1, 20).Draw(t, "window"))}
		l, h := ledgerOfCaps{caps: []Cap{c}}, &history{}
		var accepted []sending
		at := int64(1000)
		for i := range rapid.IntRange(1, 40).Draw(t, "messages") {
			at += int64(rapid.IntRange(0, 6).Draw(t, "wait"))
			v := sending{Decision: bellwether.DecisionID(fmt.Sprint(i)), Campaign: bellwether.CampaignID(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "campaign")),
				Channel: bellwether.Channel(rapid.SampledFrom([]string{"push", "email"}).Draw(t, "channel")), At: at}
			count := 0
			for _, a := range accepted {
				if a.At > at-int64(c.Window) && (c.Per == Global || c.Per == PerChannel && a.Channel == v.Channel || c.Per == PerCampaign && a.Campaign == v.Campaign) {
					count++
				}
			}
			no := l.add(h, v)
			if (no == nil) != (count < c.Max) {
				t.Fatalf("message %d with %d in the window of %+v: held %+v", i, count, c, no)
			}
			if no == nil {
				accepted = append(accepted, v)
			} else if c.Max > 0 { // at Until there is a place
				later := v
				later.At = no.until.UnixNano()
				copied := history{Sent: append([]sending(nil), h.Sent...)}
				if l.add(&copied, later) != nil {
					t.Fatalf("no place at %d either", later.At)
				}
			}
		}
	})
}

func TestBadCapsAreErrors(t *testing.T) {
	for _, c := range []Cap{{"person", 1, time.Hour}, {Global, -1, time.Hour}, {Global, 1, 0}} {
		if _, err := NewSender(&store.Project{}, &post{}, SenderOptions{Caps: []Cap{c}}); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func TestQuietHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones here:", err)
	}
	night := QuietHours{From: 21 * time.Hour, To: 8*time.Hour + 30*time.Minute, Zone: berlin}
	for _, c := range []struct {
		q     QuietHours
		at    string
		until string // "": not quiet
	}{
		{night, "2025-03-01T20:59:59+01:00", ""},
		{night, "2025-03-01T21:00:00+01:00", "2025-03-02T08:30:00+01:00"},
		{night, "2025-03-02T08:29:59+01:00", "2025-03-02T08:30:00+01:00"},
		{night, "2025-03-02T08:30:00+01:00", ""},
		{night, "2025-03-29T23:00:00+01:00", "2025-03-30T08:30:00+02:00"}, // the clocks go forward in this night
		{night, "2025-12-31T22:00:00+01:00", "2026-01-01T08:30:00+01:00"},
		{QuietHours{From: 12 * time.Hour, To: 14 * time.Hour}, "2025-03-01T13:00:00Z", "2025-03-01T14:00:00Z"},
		{QuietHours{From: 12 * time.Hour, To: 14 * time.Hour}, "2025-03-01T14:00:00Z", ""},
		{QuietHours{}, "2025-03-01T03:00:00Z", ""},
	} {
		at, _ := time.Parse(time.RFC3339, c.at)
		quiet, until := c.q.At(at, nil)
		want, _ := time.Parse(time.RFC3339, c.until)
		if quiet != (c.until != "") || quiet && !until.Equal(want) {
			t.Errorf("%s: quiet %v until %v, want %q", c.at, quiet, until, c.until)
		}
	}
}

func TestAudience(t *testing.T) {
	var list, lines bytes.Buffer
	asCSV, err := NewAudience(&list, CSV, "")
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := NewAudience(&lines, JSONLines, "ads")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"ann", `b,"ob`} {
		for _, a := range []*Audience{asCSV, asJSON} {
			if err := a.Act(context.Background(), message(fmt.Sprint("d", i), name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	rows, err := csv.NewReader(&list).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{audienceColumns, {"ann", "ann@example.org", "send", "spring", "", "d0"}, {`b,"ob`, `b,"ob@example.org`, "send", "spring", "", "d1"}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	var last map[string]string
	text := strings.Split(strings.TrimSpace(lines.String()), "\n")
	if err := json.Unmarshal([]byte(text[1]), &last); err != nil || len(text) != 2 || last["subject"] != `b,"ob` {
		t.Errorf("%q, %v", text, err)
	}
	if asCSV.Channel() != "audience" || asJSON.Channel() != "ads" {
		t.Error("channels")
	}
	if _, err := NewAudience(&list, "xml", ""); err == nil {
		t.Error("xml was accepted")
	}
}
