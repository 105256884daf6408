package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"

	"bellwether/bench/engine"

	"github.com/spf13/cobra"
)

// benchmark is what bench prints.
type benchmark struct {
	Suite     string       `json:"suite"`
	Threads   int          `json:"threads"`
	Processor bool         `json:"processor_time,omitempty"` // of one thread, instead of time on the wall
	Torch     string       `json:"torch,omitempty"`          // version of the twin
	Rows      []engine.Row `json:"rows"`
	PeakGiB   float64      `json:"peak_rss_gib,omitempty"` // of resident memory, the whole run
}

func (s *shell) bench() *cobra.Command {
	var o engine.Options
	var script, python, shared string
	cmd := &cobra.Command{
		Use: "bench engine|train|sparse|infer", Short: "Time the numeric engine on this machine, beside PyTorch if asked for", Args: cobra.ExactArgs(1),
		Long: "Time kernels (engine), training steps (train), row updates of large tables (sparse) or answers for one person (infer)\n" +
			"and print one JSON document: median and least milliseconds of each case, and the most memory that the run held. With\n" +
			"--peer each measurement is followed by one of the same case in PyTorch, and the ratio of the two is printed: above 1\n" +
			"this program is faster.",
		Example: "  bellwether bench engine --only MatMul/\n  bellwether bench train --peer bench/peers/engine_torch.py --python /path/to/python",
		RunE: func(c *cobra.Command, args []string) error {
			cases, ok := engine.Suites(shared)[args[0]]
			if !ok {
				return exit{2, fmt.Errorf("no benchmark is called %q: there are engine, train, sparse, infer", args[0])}
			}
			b := benchmark{Suite: args[0], Threads: runtime.GOMAXPROCS(0), Processor: o.Processor}
			if o.Processor {
				b.Threads = 1
			}
			if script != "" {
				twin, err := engine.StartTwin(c.Context(), python, script, shared, o.Processor)
				if err != nil {
					return err
				}
				defer twin.Close()
				o.Twin, b.Torch = twin, twin.Version
				cases = slices.DeleteFunc(cases, func(c engine.Case) bool { return !c.HasTwin() })
			}
			var err error
			if b.Rows, err = engine.Measure(c.Context(), cases, o); err != nil {
				return err
			}
			b.PeakGiB = engine.PeakGiB()
			return printBenchmark(c.OutOrStdout(), b)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Only, "only", "", "cases whose name contains this")
	f.IntVar(&o.Times, "times", 0, "runs of a measurement, of which the median is taken (25)")
	f.IntVar(&o.Alternations, "alternations", 0, "measurements of a case (1, with a peer 5)")
	f.BoolVar(&o.Processor, "processor", false, "processor time with one thread, for a machine that others use")
	f.StringVar(&script, "peer", "", "bench/peers/engine_torch.py: measure PyTorch in alternation")
	f.StringVar(&python, "python", env("BELLWETHER_PYTHON", "python3"), "the python that has torch (BELLWETHER_PYTHON)")
	f.StringVar(&shared, "shared", env("BELLWETHER_SHARED", "../shared"), "folder of the data sets; cases that need an absent one are left out (BELLWETHER_SHARED)")
	return cmd
}

func printBenchmark(w io.Writer, b benchmark) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(b)
}
