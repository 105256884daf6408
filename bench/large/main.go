// Command large trains the preset "large" of models/sequence, of a billion parameters, on
// the endless market, and prints one JSON document: how fast, in how much memory,
// and whether what is saved, mapped and resumed is what was trained.
//
//	go run ./bench/large >large.json
//
// It needs 16 GiB of memory and 20 GiB of disk, and takes an hour on two cores.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"bellwether/internal/market"
	"bellwether/models/sequence"
)

func main() {
	log.SetFlags(0)
	world := market.Stream()
	o := options{Progress: os.Stderr}
	preset := flag.String("preset", "large", "preset of models/sequence")
	flag.StringVar(&o.Dir, "dir", "", "folder of the checkpoint and the model; a run that finds a checkpoint there goes on from it (default: a new one, removed afterwards)")
	flag.IntVar(&o.Steps, "steps", 300, "training steps")
	flag.DurationVar(&o.Every, "every", 3*time.Minute, "least time between two checkpoints")
	flag.IntVar(&world.Customers, "customers", world.Customers, "people of the market")
	flag.IntVar(&world.Items, "items", world.Items, "items of the market")
	flag.Uint64Var(&o.Seed, "seed", 1, "of the market and of the model")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := print(ctx, world, *preset, o); err != nil {
		log.Fatal(err)
	}
}

func print(ctx context.Context, world market.Preset, preset string, o options) error {
	settings, err := sequence.Preset(preset)
	if err != nil {
		return err
	}
	if endless := market.Stream(); world.Customers != endless.Customers || world.Items != endless.Items {
		world.Name = fmt.Sprintf("%s-%dx%d", world.Name, world.Customers, world.Items)
	}
	o.World, o.Settings = world, &settings
	if o.Dir == "" {
		if o.Dir, err = os.MkdirTemp("", "bellwether-large-"); err != nil {
			return fmt.Errorf("making a folder for the checkpoint: %w", err)
		}
		defer os.RemoveAll(o.Dir)
	}
	r, err := run(ctx, o)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", " ")
	return out.Encode(r)
}
