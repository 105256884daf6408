package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// trainings are those whose steps are counted, and how many more of them the second run takes.
var trainings = []struct {
	name  string
	steps int
}{
	{"dnn", 50},
	{"sasrec", 3},
}

// mostOfPortable is the promise: NEON's instructions of a step by the portable level's.
const mostOfPortable = .2

// countSteps prints how many instructions a training step takes at each level, under qemu-aarch64.
func countSteps(folder string) error {
	emulator, err := exec.LookPath("qemu-aarch64")
	if err != nil {
		return fmt.Errorf("counting instructions needs qemu-aarch64 (apt-get install qemu-user): %w", err)
	}
	plugin, program := filepath.Join(folder, "count.so"), filepath.Join(folder, "step")
	if out, err := exec.Command("cc", "-O2", "-shared", "-fPIC", "-o", plugin, filepath.Join("bench", "arm64", "qemu", "count.c")).CombinedOutput(); err != nil {
		return fmt.Errorf("compiling qemu's plugin (run this at the top of the repository, with a C compiler): %w\n%s", err, out)
	}
	if err := crossBuild("build", "-o", program, "bellwether/bench/arm64/step"); err != nil {
		return err
	}
	fmt.Println("| training step | portable | neon | neon+dot | share | bar |\n|---|---|---|---|---|---|")
	var missed error
	for _, t := range trainings {
		counts := map[string]float64{}
		for _, level := range []string{"portable", "neon", "neon+dot"} {
			if counts[level], err = instructions(emulator, plugin, program, level, t.name, t.steps); err != nil {
				return err
			}
		}
		share := counts["neon"] / counts["portable"]
		verdict := fmt.Sprintf("%.3f", share)
		if share > mostOfPortable {
			verdict += " **missed**"
			missed = errors.Join(missed, fmt.Errorf("%s takes %.3f of the portable level's instructions, more than %g", t.name, share, mostOfPortable))
		}
		fmt.Printf("| %s | %.4g | %.4g | %.4g | %s | ≤ %g |\n", t.name, counts["portable"], counts["neon"], counts["neon+dot"], verdict, mostOfPortable)
	}
	return missed
}

// instructions is what one step takes: the difference between a run of one step and a longer one.
func instructions(emulator, plugin, program, level, name string, steps int) (float64, error) {
	short, err := executed(emulator, plugin, program, level, name, 1)
	if err != nil {
		return 0, err
	}
	long, err := executed(emulator, plugin, program, level, name, 1+steps)
	return (long - short) / float64(steps), err
}

var counted = regexp.MustCompile(`instructions (\d+)`)

func executed(emulator, plugin, program, level, name string, steps int) (float64, error) {
	c := exec.Command(emulator, "-cpu", "max", "-plugin", plugin, program, name, strconv.Itoa(steps))
	c.Env = append(os.Environ(), "BELLWETHER_CPU="+level, "GOMAXPROCS=1", "GOGC=off")
	out, err := c.CombinedOutput()
	m := counted.FindSubmatch(out)
	if err != nil || m == nil {
		return 0, fmt.Errorf("%s under qemu: %v\n%s", name, err, out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}
