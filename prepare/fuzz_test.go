package prepare

import (
	"context"
	"encoding/json"
	"testing"

	"bellwether"
)

// FuzzClean cleans events as they may stand in a file of JSON: whatever they say, every event is kept or
// counted as dropped, and what is kept is valid and has a place in every training set.
func FuzzClean(f *testing.F) {
	sample, err := json.Marshal([]bellwether.Event{
		purchase("1", "ana", "TEA ", day(1), 1000), loginAt("2", "x", "ana", 2, analytics), aliasAt("3", "ana", "bo", 3),
		visitorAt("4", "x", 0, analytics), view("4", "ana", "cup", day(9)),
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sample)
	f.Fuzz(func(t *testing.T, text []byte) {
		var events []bellwether.Event
		if json.Unmarshal(text, &events) != nil {
			return
		}
		c, err := Clean(context.Background(), Input{Events: all(events...), Items: catalogue, Rules: Rules{Currency: "EUR"}})
		if err != nil {
			t.Fatal(err)
		}
		left := len(c.Events)
		for _, r := range c.Report.Rules {
			left += int(r.Dropped)
		}
		if left != len(events) {
			t.Fatalf("%d events, %d accounted for", len(events), left)
		}
		for i := range c.Events {
			if err := c.Events[i].Validate(); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = Sequences(c, SequenceOptions{Protocol: Temporal})
		_, _ = CustomerTable(c, TableOptions{Backfilled: true})
	})
}
