package sequence

import (
	"math"
	"slices"
	"strings"
	"testing"

	"bellwether"
)

func TestRowsOfFields(t *testing.T) {
	v := &vocabulary{
		channels: make([]bellwether.Channel, 5), campaigns: make([]bellwether.CampaignID, 9),
		prices: prices{bounds: []float32{1, 2, 3, 4, 5, 6, 7, 8, 499, 500, 501, 502, 503, 504, 505}},
	}
	s, before := &bellwether.Step{Time: 1000, Price: 500, Quantity: 3, Type: 7, Channel: 4, Campaign: 9}, &bellwether.Step{Time: 940}
	for field, want := range map[string]int32{"type": 7, "gap": 6, "hour": 0, "price": 10, "quantity": 2, "channel": 4, "campaign": 9} {
		if got := v.row(field, s, before); got != want {
			t.Errorf("%s %d, want %d", field, got, want)
		}
	}
	for _, s := range []bellwether.Step{{Time: math.MaxInt64, Price: math.MaxInt64, Quantity: math.MaxInt32}, {Time: math.MinInt64, Price: -1, Quantity: -1}} {
		for field, rows := range fieldRows {
			if got := v.row(field, &s, &bellwether.Step{}); got < 0 || got >= int32(rows(v)) {
				t.Errorf("%s %d of %+v is outside its table", field, got, s)
			}
		}
	}
}

func TestUnknownIDs(t *testing.T) {
	v := &vocabulary{items: make([]bellwether.ItemID, 3), types: make([]bellwether.EventType, 1), channels: make([]bellwether.Channel, 1)}
	for want, s := range map[string]bellwether.Step{
		"item 3": {Item: 3}, "item -2": {Item: -2}, "type 1": {Type: 1}, "channel 2": {Channel: 2}, "campaign 1": {Campaign: 1},
	} {
		if err := v.check([]bellwether.Step{{Item: -1, Channel: 1}, s}, true); err == nil || !strings.Contains(err.Error(), "step 1 has "+want) {
			t.Errorf("%+v: %v, want that step 1 has %s", s, err, want)
		}
	}
}

// Each category's prices are cut into shares of their own; one with few takes those of all.
func TestPricesAreSharesOfTheirCategory(t *testing.T) {
	categories := []string{"cheap", "dear", "rare", "cheap"}
	var steps []bellwether.Step
	for k := range int64(160) {
		steps = append(steps, bellwether.Step{Item: 0, Price: 1 + k}, bellwether.Step{Item: 1, Price: 10_000 + 100*k})
	}
	steps = append(steps, bellwether.Step{Item: 2, Price: 50}, bellwether.Step{Item: 3})
	p := learnPrices(categories, [][]bellwether.Step{steps})
	for _, c := range []struct {
		item  int32
		price int64
		want  int32
	}{
		{0, 1, 1},
		{0, 11, 1},
		{0, 12, 2},
		{3, 81, 8},
		{3, 82, 9},
		{0, 5000, 16},
		{1, 10_000, 1},
		{1, 18_100, 9},
		{1, 25_900, 16},
		{2, 162, 9},
		{-1, 10_001, 9},
		{2, 0, 0},
		{0, -5, 0},
	} {
		if got := p.row(c.item, c.price); got != c.want {
			t.Errorf("price %d of item %d is in row %d, want %d", c.price, c.item, got, c.want)
		}
	}
	if none := learnPrices(categories, [][]bellwether.Step{{{Item: 1}}}); none.row(1, 5) != 0 {
		t.Error("a price has a row where none was learned")
	}
}

// Fields are those that the training part has; held-out steps tell nothing.
func TestChoosesFieldsByTheData(t *testing.T) {
	q := walks(20, 10).Sequences
	q.Types = q.Types[:1]
	for _, steps := range q.Steps {
		for i := range steps {
			steps[i] = bellwether.Step{Item: steps[i].Item}
		}
		steps[len(steps)-1] = bellwether.Step{Item: 1, Price: 5, Quantity: 9, Time: 100}
	}
	if got := chooseFields(q); got == nil || len(got) != 0 {
		t.Errorf("fields %v of steps that have none", got)
	}
	for _, steps := range q.Steps {
		for i := range steps {
			steps[i].Time = int64(i) * 3600
		}
	}
	if got := chooseFields(q); len(got) != 0 {
		t.Errorf("fields %v of steps whose times are the ticks of a clock", got)
	}
	q = known(walks(20, 10)).Sequences
	if got := chooseFields(q); !slices.Equal(got, []string{"campaign", "channel", "gap", "hour", "price", "type"}) {
		t.Errorf("fields %v", got)
	}
	q.Steps[3][0].Quantity = 2
	if got := chooseFields(q); !slices.Equal(got, fieldNames) {
		t.Errorf("fields %v, want all", got)
	}
}

// What is known of items tells those apart that the model would else take for one.
func TestContentIsLearned(t *testing.T) {
	d := walks(400, 30)
	s := small()
	s.Content, s.Rate, s.Fields = true, 1e-2, []string{}
	d.Sequences.Content = make([]float32, 30*30)
	for i := range 30 {
		d.Sequences.Content[i*30+i] = 1
	}
	r, err := Trainer{Settings: s, Seed: 1}.prepare(d)
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(r.model.embedding.content.project.Weight.Value)
	fit, err := r.plan(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	fit.Epochs = 3
	m, err := r.train(t.Context(), fit)
	if err != nil {
		t.Fatal(err)
	}
	if after := m.embedding.content.project.Weight.Value; slices.Equal(before, after) {
		t.Error("the projection of what items are like did not move")
	}
	row, again := make([]float32, 30), make([]float32, 30)
	history := [][]bellwether.Step{{{Item: 3}, {Item: 5}}}
	if err := m.Score(t.Context(), history, [][]float32{row}); err != nil {
		t.Fatal(err)
	}
	copy(m.content[5*30:6*30], m.content[9*30:10*30])
	if err := m.Score(t.Context(), history, [][]float32{again}); err != nil {
		t.Fatal(err)
	}
	if slices.Equal(row, again) {
		t.Error("an item that is like another one is scored as before")
	}
	d.Sequences.Content = d.Sequences.Content[1:]
	if _, err := (Trainer{Settings: s, Epochs: 1}).Train(t.Context(), d, nil); err == nil || !strings.Contains(err.Error(), "content vectors") {
		t.Errorf("vectors of another width: %v", err)
	}
}
