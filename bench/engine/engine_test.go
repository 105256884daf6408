package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"bellwether"
)

// TestMain lets the test binary stand for the twin: it takes 30 ms for anything but what is unknown.
func TestMain(m *testing.M) {
	if os.Getenv("BELLWETHER_TEST_TWIN") == "" {
		os.Exit(m.Run())
	}
	fmt.Println(`{"torch": "0.0"}`)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "unknown") {
			fmt.Println(`{"error": "KeyError: 'unknown'"}`)
			continue
		}
		fmt.Println(`{"median_ms": 30}`)
	}
}

func sleeper(name string) Case {
	return kernel(name, 1e6, func() func() { return func() { time.Sleep(10 * time.Millisecond) } })
}

func TestMeasure(t *testing.T) {
	rows, err := Measure(context.Background(), []Case{sleeper("a/1"), sleeper("b/2")}, Options{Only: "b", Times: 3})
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	if r := rows[0]; r.Name != "b/2" || r.Median < 10 || r.Least > r.Median || r.GFLOPS <= 0 || r.GFLOPS > .1 || r.Ratio != 0 {
		t.Errorf("measured %+v of 10 ms and a million operations", r)
	}
}

func TestTwinAlternates(t *testing.T) {
	t.Setenv("BELLWETHER_TEST_TWIN", "yes")
	ctx := context.Background()
	twin, err := StartTwin(ctx, os.Args[0], "script", "", false)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := Measure(ctx, []Case{sleeper("a")}, Options{Times: 1, Twin: twin})
	if err != nil {
		t.Fatal(err)
	}
	if r := rows[0]; twin.Version != "0.0" || r.Twin != 30 || r.Ratio > 3 || r.Ratio != 30/r.Median {
		t.Errorf("measured %+v against 30 ms", r)
	}
	if _, err := Measure(ctx, []Case{sleeper("unknown")}, Options{Times: 1, Twin: twin}); err == nil || !strings.Contains(err.Error(), "KeyError") {
		t.Errorf("the twin's error became %v", err)
	}
	if err := twin.Close(); err != nil {
		t.Error(err)
	}
}

func TestStartTwinSaysWhatIsMissing(t *testing.T) {
	_, err := StartTwin(context.Background(), "/bin/false", "script", "", false)
	if err == nil || !strings.Contains(err.Error(), "needs torch") {
		t.Errorf("a python without torch: %v", err)
	}
}

func TestTrainingIsTimedByItsReports(t *testing.T) {
	ended := errors.New("ended")
	c := training("x", 1, func(ctx context.Context, report func(bellwether.Progress)) error {
		for i := range 10 {
			if i%2 == 1 {
				time.Sleep(20 * time.Millisecond)
				report(bellwether.Progress{Note: "validated"})
			}
			time.Sleep(time.Millisecond)
			report(bellwether.Progress{})
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
		return ended
	})
	run, err := c.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	times, err := run.Sample(4)
	if err != nil || len(times) != 4 {
		t.Fatal(times, err)
	}
	if m := median(times); m < time.Millisecond || m > 19*time.Millisecond {
		t.Errorf("a step takes %v, not 1 ms: validation is counted", m)
	}
	if _, err := run.Sample(100); !errors.Is(err, ended) {
		t.Errorf("a run that ended gave %v", err)
	}
}

// TestCasesRun runs the small cases of every suite once.
func TestCasesRun(t *testing.T) {
	for suite, cases := range Suites("") {
		names := map[string]bool{}
		for _, c := range cases {
			if names[c.Name] {
				t.Errorf("two cases are called %s", c.Name)
			}
			names[c.Name] = true
		}
		only := map[string]string{"engine": "32x128x32", "train": "DNN", "sparse": "156000", "infer": "50/"}[suite]
		rows, err := Measure(context.Background(), cases, Options{Only: only, Times: 1})
		if err != nil || len(rows) == 0 {
			t.Errorf("%s: %v %v", suite, rows, err)
		}
	}
}

func TestPeakGiB(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says how much memory a process has held")
	}
	held := make([]byte, 256<<20)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	if peak := PeakGiB(); peak < .25 || peak > 16 {
		t.Errorf("%g GiB, with a quarter of one written to", peak)
	}
	runtime.KeepAlive(held)
}

// BenchmarkEngine runs every kernel: GFLOP/s, and its share of what the processors reach in cache.
func BenchmarkEngine(b *testing.B) { benchmark(b, kernels()) }

// BenchmarkTrain runs training steps; those on files need BELLWETHER_SHARED.
func BenchmarkTrain(b *testing.B) { benchmark(b, trainings(os.Getenv("BELLWETHER_SHARED"))) }

func benchmark(b *testing.B, cases []Case) {
	peak := peakRate()
	for _, c := range cases {
		b.Run(c.Name, func(b *testing.B) {
			run, err := c.Open(context.Background())
			if err != nil {
				b.Fatal(err)
			}
			defer run.Close()
			if _, err := run.Sample(2); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := run.Sample(b.N); err != nil {
				b.Fatal(err)
			}
			if c.Operations > 0 {
				rate := c.Operations * float64(b.N) / b.Elapsed().Seconds() / 1e9
				b.ReportMetric(rate, "GFLOP/s")
				b.ReportMetric(100*rate/peak, "%peak")
			}
		})
	}
}
