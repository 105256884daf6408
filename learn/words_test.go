package learn

import (
	"context"
	"io"
	"testing"

	"bellwether"
)

// listener keeps the histories that it was asked about.
type listener struct{ heard []bellwether.Step }

func (*listener) Family() string             { return "listener" }
func (*listener) Save(io.Writer) error       { return nil }
func (*listener) Items() []bellwether.ItemID { return []bellwether.ItemID{"a"} }

func (l *listener) Score(_ context.Context, histories [][]bellwether.Step, _ [][]float32) error {
	l.heard = append(l.heard[:0], histories[0]...)
	return nil
}

// TestChampionIsAskedInItsOwnWords: data that were assembled later number types, channels and campaigns otherwise.
func TestChampionIsAskedInItsOwnWords(t *testing.T) {
	l := new(listener)
	v := &Serving{
		Model: l, Scorer: l, types: numbers[bellwether.EventType, uint8]([]bellwether.EventType{"view", "buy"}, 0),
		channels:  numbers[bellwether.Channel, uint8]([]bellwether.Channel{"email"}, 1),
		campaigns: numbers[bellwether.CampaignID, uint16](nil, 1),
	}
	q := &bellwether.Sequences{Types: []bellwether.EventType{"buy", "like", "view"}, Channels: []bellwether.Channel{"push", "email"}, Campaigns: []bellwether.CampaignID{"spring"}}
	m := v.inWordsOf(&bellwether.Dataset{Sequences: q}).(bellwether.Scorer)
	asked := []bellwether.Step{{Type: 0, Channel: 2, Campaign: 1}, {Type: 1, Channel: 1}, {Type: 2}}
	if err := m.Score(context.Background(), [][]bellwether.Step{asked}, nil); err != nil {
		t.Fatal(err)
	}
	want := []bellwether.Step{{Type: 1, Channel: 1}, {Type: 0}, {Type: 0}}
	for i := range want {
		if l.heard[i] != want[i] {
			t.Errorf("step %d is heard as %+v, want %+v", i, l.heard[i], want[i])
		}
	}
	if asked[0].Type != 0 {
		t.Error("the data were changed")
	}
	q.Types, q.Channels, q.Campaigns = []bellwether.EventType{"view", "buy"}, []bellwether.Channel{"email"}, nil
	if got := v.inWordsOf(&bellwether.Dataset{Sequences: q}); got != v.Model {
		t.Error("equal words are translated")
	}
}
