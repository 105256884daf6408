// Command arm64 says how good the engine's arm64 kernels are without a clock.
//
//	go run ./bench/arm64
//
// It builds the kernels, takes the inner loops out of the program, and has Debian's
// llvm-mca (package llvm-19 or another from 16 up, whose model of the Neoverse
// N1 is its own) say how many cycles they take on processors that need not be there;
//
//	go run ./bench/arm64 --instructions
//
// counts the instructions of training steps at each level under qemu-aarch64. Both
// print a table and fail where a promise is not kept.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

// processors are the models that loops are measured against.
var processors = []string{"neoverse-n1", "apple-a14"}

func main() {
	instructions := flag.Bool("instructions", false, "count the instructions of training steps")
	flag.Parse()
	if err := run(*instructions); err != nil {
		fmt.Fprintln(os.Stderr, "bench/arm64:", err)
		os.Exit(1)
	}
}

func run(instructions bool) error {
	folder, err := os.MkdirTemp("", "arm64")
	if err != nil {
		return err
	}
	if instructions {
		err = countSteps(folder)
	} else {
		err = analyseLoops(folder)
	}
	return errors.Join(err, os.RemoveAll(folder))
}

// analyseLoops prints the table of the loops.
func analyseLoops(folder string) error {
	tools, err := findTools()
	if err != nil {
		return err
	}
	program, err := build(folder)
	if err != nil {
		return err
	}
	fmt.Println(tools.version)
	fmt.Println()
	fmt.Println("| loop | unit | " + join(processors, " | ", func(p string) string { return p + ": cycles a unit" }) + " | instructions a unit | bar |")
	fmt.Println("|---|---|" + join(processors, "", func(string) string { return "---|" }) + "---|---|")
	failed := 0
	for _, l := range loops {
		body, err := tools.loop(program, l)
		if err != nil {
			return err
		}
		row, ok, err := tools.row(l, body)
		if err != nil {
			return err
		}
		fmt.Println(row)
		if !ok {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d loops miss their bars", failed, len(loops))
	}
	return nil
}
