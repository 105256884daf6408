package engine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"bellwether"
	"bellwether/models/dnn"
	"bellwether/models/sequence"
)

// users are the people of a batch of the sequence model.
const users = 128

// sasrec is the trunk of the benchmarks; its twin is bench/peers/engine_torch.py's.
func sasrec(length, hidden int, loss string) sequence.Settings {
	return sequence.Settings{Dim: 64, Blocks: 2, Heads: 1, Hidden: hidden, Length: length, Dropout: .2, Loss: loss, Negatives: 1, Rate: 1e-3, Batch: users}
}

// trainings are training steps: of the sequence model on sequences that all have
// the full length, of the same on the purchases of Amazon Beauty, and of the DNN.
func trainings(shared string) []Case {
	var out []Case
	for _, length := range []int{50, 200} {
		for _, loss := range []string{"bce", "full"} {
			out = append(out, training(fmt.Sprintf("SASRec/%d/%s", length, loss), users, func(ctx context.Context, report func(bellwether.Progress)) error {
				settings := sasrec(length, 64, loss)
				_, err := endless(settings).Train(ctx, randomSequences(8*users, length+1, 3416), report)
				return err
			}))
		}
	}
	beauty := filepath.Join(shared, "data", "sequences", "amazon-beauty.txt.gz")
	if _, err := os.Stat(beauty); err == nil {
		settings := sasrec(50, 256, "full")
		gated := settings
		gated.Gated, gated.Blocks = true, 1
		out = append(out, onFile("Beauty/plain/2", beauty, settings), onFile("Beauty/ligr/1", beauty, gated))
	}
	return append(out, training("DNN/128-64-1/32", 32, func(ctx context.Context, report func(bellwether.Progress)) error {
		_, err := dnn.Trainer{Epochs: 1 << 30}.Train(ctx, randomTable(1<<14, 32), report)
		return err
	}))
}

func endless(s sequence.Settings) sequence.Trainer {
	return sequence.Trainer{Settings: &s, Epochs: 1 << 30, Patience: -1}
}

func onFile(name, path string, s sequence.Settings) Case {
	return training(name, users, func(ctx context.Context, report func(bellwether.Progress)) error {
		d, err := leaveOneOut(path)
		if err != nil {
			return err
		}
		_, err = endless(s).Train(ctx, d, report)
		return err
	})
}
