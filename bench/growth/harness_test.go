package growth

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The gates of a size that costs what was promised pass, and each fails for a program that does worse in that one thing.
func TestGates(t *testing.T) {
	good := func() *Result {
		r := &Result{
			Size: Size{Events: 2_000_000, People: 200_000, Items: 100}, Import: Usage{CPU: 60 * time.Second, Wall: time.Minute}, Steps: 1e6, Disk: 1,
			Turn: Usage{Wall: 30 * time.Second, Peak: 1 << 30}, Second: Usage{Wall: 12 * time.Second},
		}
		r.Serve = Served{First: 3 * time.Second, P99: 10 * time.Millisecond, PageP95: 20 * time.Millisecond}
		return r
	}
	base := good()
	failed := func(r *Result) (names []string) {
		for _, g := range r.Gates(base) {
			if !g.Pass {
				names = append(names, g.Name)
			}
		}
		return names
	}
	if names := failed(base); names != nil {
		t.Errorf("%v fail", names)
	}
	for want, worse := range map[string]func(*Result){
		"import":             func(r *Result) { r.Import.CPU = 70 * time.Second },
		"turn without":       func(r *Result) { r.Turn.Wall = 31 * time.Second },
		"resident memory":    func(r *Result) { r.Turn.Peak = 1.5*(1<<30) + 80*1e6 + 1 },
		"second turn":        func(r *Result) { r.Second.Wall = 13 * time.Second },
		"GET /v1/recommend":  func(r *Result) { r.Serve.P99 = 14 * time.Millisecond },
		"first page":         func(r *Result) { r.Serve.PageP95 = 27 * time.Millisecond },
		"restart":            func(r *Result) { r.Serve.First = 4 * time.Second },
		"turn without train": func(r *Result) { r.Missing = []string{"turn --no-train"} },
	} {
		r := good()
		worse(r)
		if names := failed(r); len(names) != 1 || !strings.Contains(names[0], want) {
			t.Errorf("%s: %v fail", want, names)
		}
	}
}

func TestHighWater(t *testing.T) {
	if n := highWater("VmPeak:\t 9 kB\nVmHWM:\t  2048 kB\nVmRSS: 1 kB\n"); n != 2<<20 {
		t.Errorf("%d bytes", n)
	}
	if n := highWater("Name: x\n"); n != 0 {
		t.Errorf("%d bytes of a process that does not say", n)
	}
}

func TestQuantile(t *testing.T) {
	d := []time.Duration{5, 1, 4, 2, 3}
	if quantile(d, .5) != 3 || quantile(d, .99) != 5 || quantile(d, 0) != 1 || quantile(nil, .5) != 0 {
		t.Errorf("%v %v", quantile(d, .5), quantile(d, .99))
	}
}

// A process's memory and time are those of the process.
func TestUsage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says how much memory a process held")
	}
	program := filepath.Join(t.TempDir(), "eater")
	source := filepath.Join(t.TempDir(), "main.go")
	const text = `package main
import ("fmt"; "io"; "os"; "time")
func main() {
	n, _ := io.Copy(io.Discard, os.Stdin)
	b := make([]byte, 300<<20)
	for i := range b { b[i] = byte(i) }
	time.Sleep(100 * time.Millisecond)
	fmt.Print(n, b[7])
}`
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", program, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b := &Bench{Program: program, Folder: t.TempDir()}
	out, u, err := b.run(context.Background(), func(w io.Writer) error { _, err := io.Copy(w, bytes.NewReader(make([]byte, 1<<20))); return err })
	if err != nil || string(out) != fmt.Sprint(1<<20, " ", 7) && string(out) != fmt.Sprint(1<<20, 7) {
		t.Errorf("%q %v", out, err)
	}
	if u.Peak < 300<<20 || u.Peak > 400<<20 || u.CPU <= 0 || u.Wall < 100*time.Millisecond {
		t.Errorf("%+v", u)
	}
}
