package main

import (
	"os"
	"path/filepath"
	"strings"

	"bellwether/bench/growth"
)

// growthCheck measures the shop of one size. Figures that should not grow are compared with those of the first size of the run.
func growthCheck(size growth.Size) func(*runner) error {
	return func(r *runner) error {
		folder := filepath.Join(r.folder, "growth-"+strings.ReplaceAll(size.String(), " ", "-"))
		defer os.RemoveAll(folder) // the next size needs the room
		result, err := (&growth.Bench{Program: r.binary, Folder: folder, Size: size, Seed: 1, Log: os.Stderr}).Run(r.ctx)
		if err != nil {
			return err
		}
		if r.smallest == nil {
			r.smallest = result
		}
		for _, g := range result.Gates(r.smallest) {
			r.add(g.Name, g.Value, g.Gate, g.Pass)
		}
		return nil
	}
}
