package decide

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"

	"pgregory.net/rapid"
)

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
		l, h := ledgerOfCaps{caps: []Cap{c}}, &sentList{}
		var accepted []sending
		at := int64(1000)
		for i := range rapid.IntRange(1, 40).Draw(t, "messages") {
			at += int64(rapid.IntRange(0, 6).Draw(t, "wait"))
			v := sending{
				Decision: bellwether.DecisionID(fmt.Sprint(i)), Campaign: bellwether.CampaignID(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "campaign")),
				Channel: bellwether.Channel(rapid.SampledFrom([]string{"push", "email"}).Draw(t, "channel")), At: at,
			}
			count := 0
			for _, a := range accepted {
				if a.At > at-int64(c.Window) && (c.Per == Global || c.Per == PerChannel && a.Channel == v.Channel || c.Per == PerCampaign && a.Campaign == v.Campaign) {
					count++
				}
			}
			no, _ := l.add(h, v)
			if (no == nil) != (count < c.Max) {
				t.Fatalf("message %d with %d in the window of %+v: held %+v", i, count, c, no)
			}
			if no == nil {
				accepted = append(accepted, v)
			} else if c.Max > 0 { // at Until there is a place
				later := v
				later.At = no.until.UnixNano()
				copied := sentList{Sent: append([]sending(nil), h.Sent...)}
				if no, _ := l.add(&copied, later); no != nil {
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
