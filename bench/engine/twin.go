package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Twin is a running bench/peers/engine_torch.py: it answers a request a line and
// rests between two, so that it and we never share the processors.
type Twin struct {
	Version string // of PyTorch

	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

// HasTwin reports whether the case can be measured in PyTorch; of the largest
// table that would take 16 GiB.
func (c *Case) HasTwin() bool {
	kind, shape, _ := strings.Cut(c.Name, "/")
	return !strings.Contains(shape, "of15625000") && slices.Contains([]string{"MatMul", "SASRec", "Beauty", "DNN", "RowWiseAdam", "Infer"}, kind)
}

// StartTwin starts the script by that python. Where processor is set, it measures
// the processor time of one thread.
func StartTwin(ctx context.Context, python, script, shared string, processor bool) (*Twin, error) {
	args := []string{script, "--shared", shared}
	if processor {
		args = append(args, "--processor")
	}
	t := &Twin{command: exec.CommandContext(ctx, python, args...)}
	t.command.Stderr = os.Stderr
	out, err := t.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if t.in, err = t.command.StdinPipe(); err != nil {
		return nil, err
	}
	if err := t.command.Start(); err != nil {
		return nil, fmt.Errorf("starting PyTorch's twin: %w", err)
	}
	t.out = bufio.NewScanner(out)
	hello, err := t.answer()
	t.Version = hello.Torch
	if err != nil {
		_ = t.command.Wait()
		return nil, fmt.Errorf("starting PyTorch's twin (%s %s needs torch): %w", python, strings.Join(args, " "), err)
	}
	return t, nil
}

// answer is a line that the twin prints.
type answer struct {
	Torch  string
	Median float64 `json:"median_ms"`
	Error  string
}

// measure returns the median of n runs of the case of that name, in milliseconds.
func (t *Twin) measure(ctx context.Context, name string, n int) (float64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if _, err := fmt.Fprintf(t.in, "%s %d\n", name, n); err != nil {
		return 0, fmt.Errorf("asking PyTorch's twin: %w", err)
	}
	a, err := t.answer()
	return a.Median, err
}

func (t *Twin) answer() (a answer, err error) {
	if !t.out.Scan() {
		return a, fmt.Errorf("PyTorch's twin ended: %w", io.ErrUnexpectedEOF)
	}
	if err := json.Unmarshal(t.out.Bytes(), &a); err != nil {
		return a, fmt.Errorf("PyTorch's twin: %w", err)
	}
	if a.Error != "" {
		return a, fmt.Errorf("PyTorch's twin: %s", a.Error)
	}
	return a, nil
}

// Close ends the twin.
func (t *Twin) Close() error {
	_ = t.in.Close()
	return t.command.Wait()
}
