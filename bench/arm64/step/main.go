// Command step trains a model of bench/engine for some steps and ends: what
// bench/arm64 runs under an emulator to count a step's instructions.
//
//	step NAME STEPS
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"bellwether/bench/engine"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "step:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want a training's name and a number of steps, got %q", args)
	}
	steps, err := strconv.Atoi(args[1])
	if err != nil {
		return fmt.Errorf("the number of steps: %w", err)
	}
	for _, c := range engine.Suites("")["train"] {
		if c.Name != args[0] {
			continue
		}
		training, err := c.Open(context.Background())
		if err != nil {
			return err
		}
		_, err = training.Sample(steps)
		return err
	}
	return fmt.Errorf("there is no training %q", args[0])
}
