package growth

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Usage is what one process took.
type Usage struct {
	Wall time.Duration `json:"wall_ns"`
	CPU  time.Duration `json:"cpu_ns"`     // user and system, of the process and its children
	Peak int64         `json:"peak_bytes"` // of resident memory (VmHWM); 0: the system does not say
}

// process is one that runs, and what it held most.
type process struct {
	*exec.Cmd
	start  time.Time
	peak   atomic.Int64
	exited chan struct{}
	done   chan struct{}
}

// begin starts a process and watches its memory.
func begin(c *exec.Cmd) (*process, error) {
	p := &process{Cmd: c, start: time.Now(), exited: make(chan struct{}), done: make(chan struct{})}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("growth: starting %s: %w", filepath.Base(c.Path), err)
	}
	go p.watch()
	return p, nil
}

// watch reads the peak of resident memory until the process ends: the system forgets it then.
func (p *process) watch() {
	defer close(p.done)
	status := filepath.Join("/proc", strconv.Itoa(p.Process.Pid), "status")
	for {
		if text, err := os.ReadFile(status); err == nil {
			p.peak.Store(max(p.peak.Load(), highWater(string(text))))
		}
		select {
		case <-p.exited:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// highWater is VmHWM of a process's status in bytes.
func highWater(status string) int64 {
	_, rest, _ := strings.Cut(status, "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return kib << 10
}

// end waits for the process.
func (p *process) end() (Usage, error) {
	err := p.Wait()
	close(p.exited)
	<-p.done
	u := Usage{Wall: time.Since(p.start), Peak: p.peak.Load()}
	if s := p.ProcessState; s != nil {
		u.CPU = s.UserTime() + s.SystemTime()
	}
	return u, err
}

// run runs the program to its end; stdin is what write writes, if it is not nil.
func (b *Bench) run(ctx context.Context, write func(io.Writer) error, args ...string) ([]byte, Usage, error) {
	c := exec.CommandContext(ctx, b.Program, append(args, "--data", b.Folder, "-q")...)
	var out, failed bytes.Buffer
	c.Stdout, c.Stderr = &out, &failed
	written := make(chan error, 1)
	if write == nil {
		written <- nil
	} else {
		in, err := c.StdinPipe()
		if err != nil {
			return nil, Usage{}, err
		}
		defer in.Close()
		go func() {
			err := write(in)
			in.Close()
			written <- err
		}()
	}
	p, err := begin(c)
	if err != nil {
		return nil, Usage{}, err
	}
	u, err := p.end()
	if err != nil {
		text := failed.String() + out.String()
		return nil, u, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, text[max(0, len(text)-1000):])
	}
	return out.Bytes(), u, <-written
}
