package sequence_test

import (
	"context"
	"fmt"
	"log"

	"bellwether"
	"bellwether/models/sequence"
)

// Train on people who go around three items, and ask what comes next.
func ExampleRanker() {
	q := &bellwether.Sequences{Items: []bellwether.ItemID{"tea", "cup", "spoon"}}
	for p := range 30 {
		var steps []bellwether.Step
		for i := range 6 {
			steps = append(steps, bellwether.Step{Item: int32((p + i) % 3)})
		}
		q.Steps, q.TrainEnd = append(q.Steps, steps), append(q.TrainEnd, len(steps))
	}
	model, err := sequence.Trainer{Preset: "tiny", Epochs: 30}.Train(context.Background(), &bellwether.Dataset{Sequences: q}, nil)
	if err != nil {
		log.Fatal(err)
	}

	ranker, err := sequence.NewRanker(model.(*sequence.Model), sequence.RankerOptions{Cache: sequence.NewCache(64 << 20)})
	if err != nil {
		log.Fatal(err)
	}
	history := []bellwether.Step{{Item: 0}, {Item: 1}}
	for _, item := range []int32{2, 0} { // the second request costs one token
		history = append(history, bellwether.Step{Item: item})
		best, err := ranker.Rank(nil, &sequence.Question{Person: "ann", History: history, K: 1})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(best[0].Item)
	}
	// Output:
	// tea
	// cup
}
