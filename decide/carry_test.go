package decide

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

// broken is how a sending was broken off: what had been done when the program was killed.
var broken = []struct {
	name          string
	acted, logged bool
}{{"before it left", false, false}, {"after it left", true, false}, {"after it was logged", true, true}}

func TestABrokenSendingIsTakenUpAgain(t *testing.T) {
	for _, b := range broken {
		t.Run(b.name, func(t *testing.T) {
			ctx, dir := context.Background(), t.TempDir()
			p, closeStore := openProject(t, dir)
			actor, m := &post{}, message("d1", "ann")
			s := newSender(t, p, actor, SenderOptions{Caps: []Cap{{Global, 1, time.Hour}}})
			if no, _, err := s.caps.reserve(ctx, "ann", s.sending(m, epoch)); no != nil || err != nil {
				t.Fatal(no, err)
			}
			if b.acted {
				_ = actor.Act(ctx, m)
			}
			if b.logged {
				if err := s.record(ctx, m, epoch); err != nil {
					t.Fatal(err)
				}
			}
			closeStore()
			p, closeStore = openProject(t, dir)
			defer closeStore()
			actor = &post{}
			s = newSender(t, p, actor, SenderOptions{Caps: []Cap{{Global, 1, time.Hour}}})
			if plan, err := s.Plan(ctx, []Message{m}); err != nil || plan[0].Held != "" {
				t.Errorf("the plan holds it back: %+v, %v", plan, err)
			}
			for i, want := range []Planned{{Sent: true}, {Held: HeldRepeated}} {
				out, err := s.Send(ctx, []Message{m})
				if err != nil || out[0].Sent != want.Sent || out[0].Held != want.Held {
					t.Errorf("time %d: %+v, %v", i+1, out, err)
				}
			}
			if len(actor.sent) != 1 || actor.sent[0].Decision.ID != "d1" {
				t.Errorf("it was sent %d times after the program came back", len(actor.sent))
			}
			ids := map[string]bool{}
			for _, r := range logged(t, p, store.KindEvent) {
				ids[r.ID] = true
			}
			if len(ids) != 1 {
				t.Errorf("%d events of one message", len(ids))
			}
			if out, err := s.Send(ctx, []Message{message("d2", "ann")}); err != nil || out[0].Held != HeldCap {
				t.Errorf("it took no place under the cap: %+v, %v", out, err)
			}
		})
	}
}

// A receiver that did not answer may have got it: it is asked again under the same id, and a refusal then gives no place back.
func TestWhatMayHaveArrivedIsSentAgainUnderItsID(t *testing.T) {
	ctx := context.Background()
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	actor := &post{fail: func(Message) error { return errors.New("the connection broke after the data") }}
	s := newSender(t, p, actor, SenderOptions{Caps: []Cap{{Global, 1, time.Hour}}})
	try := func(id string) Planned {
		out, err := s.Send(ctx, []Message{message(id, "ann")})
		if err != nil {
			t.Fatal(err)
		}
		return out[0]
	}
	if got := try("d1"); got.Error == "" {
		t.Errorf("%+v", got)
	}
	actor.fail = func(Message) error { return ErrNotDelivered }
	if got := try("d1"); got.Error == "" || got.Held != "" {
		t.Errorf("%+v", got)
	}
	if got := try("d2"); got.Held != HeldCap {
		t.Errorf("the place was given back though the message may have arrived: %+v", got)
	}
	actor.fail = nil
	if got := try("d1"); !got.Sent {
		t.Errorf("%+v", got)
	}
}

func TestSendersAtOnceSendOnce(t *testing.T) {
	ctx := context.Background()
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	actor := &post{fail: func(Message) error { time.Sleep(50 * time.Millisecond); return nil }}
	var all sync.WaitGroup
	var messages []Message
	for i := range 20 {
		messages = append(messages, message(fmt.Sprint("d", i), fmt.Sprint("person-", i)))
	}
	for range 4 {
		s := newSender(t, p, actor, SenderOptions{})
		all.Go(func() {
			if _, err := s.Send(ctx, messages); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(actor.sent) != 20 || len(logged(t, p, store.KindEvent)) != 20 {
		t.Errorf("%d messages and %d events of 20", len(actor.sent), len(logged(t, p, store.KindEvent)))
	}
}

// Who left asks for nothing more: the rest is neither begun nor sent.
func TestNothingIsBegunForWhoLeft(t *testing.T) {
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	actor := &post{}
	s := newSender(t, p, actor, SenderOptions{})
	out, err := s.Send(ctx, []Message{message("d1", "ann")})
	if err != nil || out[0].Error == "" || out[0].Sent || len(actor.sent) > 0 {
		t.Errorf("%+v, %v", out, err)
	}
	if out, err = s.Send(context.Background(), []Message{message("d1", "ann")}); err != nil || !out[0].Sent {
		t.Errorf("later: %+v, %v", out, err)
	}
}

// A list that is made again, after whatever happened to the one before, has everybody who was chosen, and each is logged once.
func TestListsHaveEverybody(t *testing.T) {
	ctx := context.Background()
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	var messages []Message
	for i := range 30 {
		messages = append(messages, message(fmt.Sprint("d", i), fmt.Sprint("person-", i)))
	}
	send := func(deliver func() error, messages []Message) (names map[string]bool, out []Planned) {
		var file bytes.Buffer
		a, err := NewAudience(&file, deliver, CSV, "")
		if err != nil {
			t.Fatal(err)
		}
		s := newSender(t, p, a, SenderOptions{Caps: []Cap{{PerChannel, 1, time.Hour}}})
		if out, err = s.Send(ctx, messages); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&file).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		names = map[string]bool{}
		for _, r := range rows[1:] {
			names[r[0]] = true
		}
		return names, out
	}
	if _, out := send(func() error { return errors.New("the disk is full") }, messages[:10]); out[3].Sent || out[3].Error == "" {
		t.Errorf("a list that was not written sent %+v", out[3])
	}
	if n := len(logged(t, p, store.KindEvent)); n != 0 {
		t.Errorf("%d messages of a list that was not written are in the log", n)
	}
	names, out := send(nil, messages[:10])
	if len(names) != 10 || !out[3].Sent || len(logged(t, p, store.KindEvent)) != 10 {
		t.Errorf("%d of 10 people: %+v", len(names), out[3])
	}
	if names, out = send(nil, messages); len(names) != 30 || !out[3].Sent || !out[20].Sent {
		t.Errorf("the list that was made again has %d of 30 people: %+v", len(names), out[3])
	}
	if n := len(logged(t, p, store.KindEvent)); n != 30 {
		t.Errorf("%d events of 30 messages", n)
	}
	s := newSender(t, p, &post{}, SenderOptions{})
	if out, err := s.Send(ctx, messages[:1]); err != nil || out[0].Held != HeldRepeated {
		t.Errorf("another channel sent it again: %+v, %v", out, err)
	}
}

func TestSpreadsheetsComputeNothing(t *testing.T) {
	for field, want := range map[string]string{
		"": "", "ann": "ann", "a=b": "a=b", `=cmd|' /C calc'!A0`: `'=cmd|' /C calc'!A0`, "@SUM(A1)": "'@SUM(A1)", "+49 (30) 123-4": "+49 (30) 123-4", "-5.5": "-5.5",
		"+1+cmd|x": "'+1+cmd|x", "-2+A1": "'-2+A1", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1", "%x": "'%x", "|x": "'|x",
	} {
		if got := asText(field); got != want {
			t.Errorf("%q is written as %q, want %q", field, got, want)
		}
	}
	var file bytes.Buffer
	a, err := NewAudience(&file, nil, CSV, "")
	if err == nil {
		err = a.Act(context.Background(), message("d", "x", func(m *Message) { m.Decision.Subject, m.Address = "=A1", "@x" }))
	}
	if err != nil || !strings.Contains(file.String(), "\n'=A1,'@x,") {
		t.Errorf("%s %v", &file, err)
	}
}

// What left, or may have left, by one channel does not leave by another: not as a message, nor on a list.
func TestOneChannelAMessage(t *testing.T) {
	ctx := context.Background()
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	sent, begun := message("d1", "ann"), message("d2", "bob")
	if _, err := newSender(t, p, &post{}, SenderOptions{}).Send(ctx, []Message{sent}); err != nil {
		t.Fatal(err)
	}
	lost := &post{fail: func(Message) error { return errors.New("no answer") }}
	if _, err := newSender(t, p, lost, SenderOptions{}).Send(ctx, []Message{begun}); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	a, err := NewAudience(&file, nil, CSV, "")
	if err != nil {
		t.Fatal(err)
	}
	out, err := newSender(t, p, a, SenderOptions{}).Send(ctx, []Message{sent, begun})
	if err != nil || file.Len() > 0 {
		t.Errorf("%q, %v", &file, err)
	}
	if diff := cmp.Diff([]Reason{HeldRepeated, HeldRepeated}, reasons(out)); diff != "" {
		t.Error(diff)
	}
}

// Ledgers of older programs say of every message that it left.
func TestOldLedgers(t *testing.T) {
	p, closeStore := openProject(t, t.TempDir())
	defer closeStore()
	ctx := context.Background()
	if _, err := p.KV.Put(ctx, capsKey("ann"), []byte(`{"sent":[{"d":"d1","m":"spring","c":"push","t":1}]}`)); err != nil {
		t.Fatal(err)
	}
	s := newSender(t, p, &post{}, SenderOptions{})
	out, err := s.Send(ctx, []Message{message("d1", "ann")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Reason{HeldRepeated}, reasons(out)); diff != "" {
		t.Error(diff)
	}
}
