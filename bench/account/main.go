// Command account says where the processor time of an event goes, step by step: from the row of a file to the log and
// the views that are folded from it, and from an HTTP body to its acknowledgement.
//
//	go run ./bench/account [--events 200000] [--json] [--profile FOLDER]
//
// It generates full rows (bench/growth), imports them into a new folder, posts others to an HTTP server of the same
// process, and takes a processor profile of each. A sample belongs to the first step, from the innermost
// call outwards, that one of its functions names (steps.go); the sum is what the system counted for the process.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"bellwether/bench/growth"
)

// account is what one way in costs.
type account struct {
	Name   string  `json:"name"`
	Events int64   `json:"events"`
	Micros float64 `json:"us_per_event"` // processor time that the system counted, the client's share taken off
	Wall   float64 `json:"wall_us_per_event"`
	Disk   float64 `json:"bytes_per_event"`
	Steps  []cost  `json:"steps"`
}

// cost is a step's share.
type cost struct {
	Step   string  `json:"step"`
	Micros float64 `json:"us_per_event"`
}

func main() {
	log.SetFlags(0)
	events := flag.Int("events", 200_000, "rows of the file; a tenth of them is posted")
	asJSON := flag.Bool("json", false, "one JSON document on stdout")
	keep := flag.String("profile", "", "keep the profiles in this folder")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	accounts, err := measure(ctx, *events, *keep)
	if err == nil {
		err = show(os.Stdout, accounts, *asJSON)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// measure takes both accounts.
func measure(ctx context.Context, events int, keep string) ([]account, error) {
	folder, err := os.MkdirTemp("", "bellwether-account-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if keep == "" {
		keep = folder
	}
	shop := growth.NewShop(growth.Size{Events: 2 * events, People: events / 10, Items: 20_000}, 1, time.Now().Add(-growth.Span-time.Hour))
	var file, rows bytes.Buffer
	if err := shop.Write(&file, events); err != nil {
		return nil, err
	}
	if err := shop.Write(&rows, events/10); err != nil {
		return nil, err
	}
	var out []account
	for _, way := range []struct {
		name string
		run  func(context.Context, string, io.Reader) (ready func() (int64, error), close func() error, err error)
		from *bytes.Buffer
	}{
		{"a full CSV row, from file to log and views", importing, &file},
		{"HTTP, a message a request", posting(1), bytes.NewBuffer(rows.Bytes())},
		{"HTTP, 50 messages a request", posting(50), &rows},
	} {
		a, err := take(ctx, way.name, filepath.Join(folder, fmt.Sprint(len(out))), filepath.Join(keep, fmt.Sprintf("account-%d.pprof", len(out))), func(data string) (func() (int64, error), func() error, error) {
			return way.run(ctx, data, way.from)
		})
		if err != nil {
			return out, fmt.Errorf("%s: %w", way.name, err)
		}
		out = append(out, a)
	}
	return out, nil
}

// take profiles one way in, after it was made ready.
func take(ctx context.Context, name, data, profile string, open func(data string) (func() (int64, error), func() error, error)) (account, error) {
	a := account{Name: name}
	run, closeAll, err := open(data)
	if err != nil {
		return a, err
	}
	f, err := os.Create(profile)
	if err != nil {
		return a, err
	}
	before, start := processor(), time.Now()
	if err := pprof.StartCPUProfile(f); err != nil {
		return a, err
	}
	a.Events, err = run()
	pprof.StopCPUProfile()
	spent, wall := processor()-before, time.Since(start)
	for _, e := range []error{err, f.Close(), closeAll()} {
		if e != nil {
			return a, e
		}
	}
	text, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-traces", profile).Output()
	if err != nil {
		return a, fmt.Errorf("reading the profile: %w", err)
	}
	shares, err := attribute(string(text))
	if err != nil {
		return a, err
	}
	per := float64(a.Events) * 1e3 // nanoseconds → microseconds an event
	for _, s := range shares {
		us := s.share * float64(spent) / per
		if s.step != client {
			a.Micros += us
		}
		a.Steps = append(a.Steps, cost{s.step, us})
	}
	a.Wall = float64(wall) / per
	size, err := bytesUnder(data)
	a.Disk = float64(size) / float64(a.Events)
	return a, err
}

// processor is the processor time of this process.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func bytesUnder(folder string) (size int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}

func show(w io.Writer, accounts []account, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(accounts)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, a := range accounts {
		fmt.Fprintf(w, "%s: %.1f µs of processor time an event, %.1f µs by the clock, %.0f bytes of disk (%d events)\n", a.Name, a.Micros, a.Wall, a.Disk, a.Events)
		for _, s := range a.Steps {
			fmt.Fprintf(t, "%.2f µs\t  %s\t\n", s.Micros, strings.TrimSpace(s.Step))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}
