// Command step trains a small model for some steps and ends: what bench/arm64
// runs under an emulator to count a step's instructions.
//
//	step dnn|sasrec STEPS
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"

	"bellwether"
	"bellwether/models/dnn"
	"bellwether/models/sequence"
)

// trainings are by name.
var trainings = map[string]func(context.Context, func(bellwether.Progress)) error{
	"dnn": func(ctx context.Context, report func(bellwether.Progress)) error {
		_, err := dnn.Trainer{Epochs: 1 << 30}.Train(ctx, table(1<<11, 32), report)
		return err
	},
	"sasrec": func(ctx context.Context, report func(bellwether.Progress)) error {
		settings := sequence.Settings{Dim: 64, Blocks: 2, Heads: 1, Hidden: 64, Length: 50, Dropout: .2, Loss: "full", Rate: 1e-3, Batch: 8}
		_, err := sequence.Trainer{Settings: &settings, Epochs: 1 << 30, Patience: -1}.Train(ctx, sequences(64, 51, 1000), report)
		return err
	},
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "step:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 || trainings[args[0]] == nil {
		return fmt.Errorf("want dnn or sasrec and a number of steps, got %q", args)
	}
	steps, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("the number of steps: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	done := 0
	err = trainings[args[0]](ctx, func(p bellwether.Progress) {
		if p.Note == "" { // not a validation
			done++
		}
		if done == steps {
			stop()
		}
	})
	if done < steps || err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("training ended after %d steps of %d: %w", done, steps, err)
	}
	return nil
}

func table(rows, columns int) *bellwether.Dataset {
	rng, t := rand.New(rand.NewPCG(42, 0)), &bellwether.Table{Positive: "1"}
	for c := range columns {
		numbers := make([]float64, rows)
		for i := range numbers {
			numbers[i] = rng.NormFloat64()
		}
		t.Columns = append(t.Columns, bellwether.Column{Name: strconv.Itoa(c), Numbers: numbers})
	}
	for range rows {
		t.Target = append(t.Target, float64(rng.IntN(2)))
	}
	return &bellwether.Dataset{Table: t}
}

func sequences(people, length, items int) *bellwether.Dataset {
	rng, q := rand.New(rand.NewPCG(42, 0)), &bellwether.Sequences{Types: []bellwether.EventType{bellwether.Purchase}}
	for i := range items {
		q.Items = append(q.Items, bellwether.ItemID(strconv.Itoa(i)))
	}
	for p := range people {
		steps := make([]bellwether.Step, length)
		for i := range steps {
			steps[i] = bellwether.Step{Item: rng.Int32N(int32(items)), Time: int64(i)}
		}
		q.People, q.Steps, q.TrainEnd = append(q.People, bellwether.Subject(strconv.Itoa(p))), append(q.Steps, steps), append(q.TrainEnd, length)
	}
	return &bellwether.Dataset{Sequences: q}
}
