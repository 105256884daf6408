package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The house: what the project promises of its own make.

const (
	pipelineLines = 600 // without tests
	scenarios     = 20  // files at least, by which a newcomer reads the rules
	buildSeconds  = 120 // of processor time a core, on two cores, from an empty cache
)

// namesCheck looks for applications' names where nothing may know them.
func namesCheck(r *runner) error {
	found, err := applicationsNamed(".")
	if err != nil {
		return err
	}
	value := "none"
	if len(found) > 0 {
		value = fmt.Sprintf("%d: %s", len(found), strings.Join(found, "; "))
	}
	r.add("applications named outside their folders", value, "none", len(found) == 0)
	return nil
}

func linesCheck(r *runner) error {
	lines, err := linesOf("pipeline")
	if err != nil {
		return err
	}
	r.add("lines of pipeline without tests", fmt.Sprint(lines), fmt.Sprintf("< %d", pipelineLines), lines < pipelineLines)
	return nil
}

// linesOf counts the lines of a package without its tests.
func linesOf(folder string) (lines int, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			return 0, err
		}
		lines += bytes.Count(text, []byte("\n"))
	}
	return lines, nil
}

func scenariosCheck(r *runner) error {
	files, err := filepath.Glob(filepath.Join("history", "testdata", "*.txt"))
	if err != nil {
		return err
	}
	r.add("scenarios of the rules", fmt.Sprintf("%d files", len(files)), fmt.Sprintf("≥ %d", scenarios), len(files) >= scenarios)
	return nil
}

// testsCheck runs tests, which must be there: a test that was renamed is no promise kept.
func testsCheck(name string, args ...string) func(*runner) error {
	return func(r *runner) error {
		out, err := r.command(".", nil, "go", append([]string{"test", "-count=1", "-v"}, args...)...)
		passed := bytes.Count(out, []byte("--- PASS: "))
		value := fmt.Sprintf("%d tests passed", passed)
		if err != nil {
			value = err.Error()
		}
		r.add(name, value, "all pass", err == nil && passed > 0)
		return nil
	}
}

// buildCheck builds the program from an empty cache, as who tries the demo first does.
func buildCheck(r *runner) error {
	for _, c := range []struct{ name, env string }{{"without a C compiler", "CGO_ENABLED=0"}, {"as it comes", ""}} {
		took, err := r.emptyBuild(c.env)
		if err != nil {
			return err
		}
		r.add("build from an empty cache, "+c.name, fmt.Sprintf("%.0f s of processor time, %.0f s a core of two", took.Seconds(), took.Seconds()/2),
			fmt.Sprintf("≤ %d s a core", buildSeconds), took.Seconds() <= 2*buildSeconds)
	}
	return nil
}

// emptyBuild returns the processor time of a build.
func (r *runner) emptyBuild(env string) (time.Duration, error) {
	cache, err := os.MkdirTemp(r.folder, "cache-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(cache)
	ctx, cancel := context.WithTimeout(r.ctx, 30*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(cache, "bellwether"), "./cmd/bellwether")
	c.Env = append(os.Environ(), "GOCACHE="+cache)
	if env != "" {
		c.Env = append(c.Env, env)
	}
	if out, err := c.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("building from an empty cache: %w: %s", err, out)
	}
	return c.ProcessState.UserTime() + c.ProcessState.SystemTime(), nil
}
