package dataset

import (
	"testing"
	"time"

	"bellwether"
)

// TestDigest: the digest is of the contents: each change of them gives another one, when they were made does not.
func TestDigest(t *testing.T) {
	made := func() *bellwether.Dataset {
		return &bellwether.Dataset{Project: "p", Name: "n", Sequences: &bellwether.Sequences{
			Items: []bellwether.ItemID{"a", "b"}, Types: []bellwether.EventType{"view_item"}, Channels: []bellwether.Channel{"email"},
			Campaigns: []bellwether.CampaignID{"x"}, Categories: []string{"", "c"}, Content: []float32{1, 2}, People: []bellwether.Subject{"ana"},
			Steps: [][]bellwether.Step{{{Item: 1, Time: 5}, {Item: 0, Time: 6}}}, TrainEnd: []int{1}, Test: []bellwether.Target{{Person: 0, At: 1}},
		}, Table: &bellwether.Table{
			Subjects: []bellwether.Subject{"ana"}, Target: []float64{1}, Split: []bellwether.Split{bellwether.Test}, Positive: "yes",
			Columns: []bellwether.Column{{Name: "x", Numbers: []float64{3}}, {Name: "y", Codes: []int32{0}, Levels: []string{"l"}}},
		}}
	}
	want := Digest(made())
	again := made()
	again.AsOf, again.Digest = time.Now(), "else"
	if Digest(again) != want || len(want) != 64 {
		t.Error("the same contents have another digest")
	}
	seen := map[string]int{want: -1}
	for i, change := range []func(*bellwether.Dataset){
		func(d *bellwether.Dataset) { d.Project = "q" },
		func(d *bellwether.Dataset) { d.Name = "m" },
		func(d *bellwether.Dataset) { d.Sequences = nil },
		func(d *bellwether.Dataset) { d.Table = nil },
		func(d *bellwether.Dataset) { d.Sequences.Items = []bellwether.ItemID{"ab"} },
		func(d *bellwether.Dataset) { d.Sequences.Items[0] = "c" },
		func(d *bellwether.Dataset) { d.Sequences.Channels[0] = "push" },
		func(d *bellwether.Dataset) { d.Sequences.Campaigns = nil },
		func(d *bellwether.Dataset) { d.Sequences.Categories[0] = "d" },
		func(d *bellwether.Dataset) { d.Sequences.Content[1] = 3 },
		func(d *bellwether.Dataset) { d.Sequences.People[0] = "bo" },
		func(d *bellwether.Dataset) { d.Sequences.Steps[0][1].Time++ },
		func(d *bellwether.Dataset) { d.Sequences.Steps[0][1].Price++ },
		func(d *bellwether.Dataset) { d.Sequences.Steps[0][1].Campaign++ },
		func(d *bellwether.Dataset) { d.Sequences.TrainEnd[0] = 2 },
		func(d *bellwether.Dataset) { d.Sequences.Validation, d.Sequences.Test = d.Sequences.Test, nil },
		func(d *bellwether.Dataset) { d.Table.Columns[0].Numbers[0] = 4 },
		func(d *bellwether.Dataset) { d.Table.Columns[1].Levels[0] = "m" },
		func(d *bellwether.Dataset) { d.Table.Split[0] = bellwether.Train },
		func(d *bellwether.Dataset) { d.Table.Positive = "no" },
	} {
		d := made()
		change(d)
		got := Digest(d)
		if before, ok := seen[got]; ok {
			t.Errorf("change %d has the digest of %d", i, before)
		}
		seen[got] = i
	}
}
