package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/web"

	"github.com/spf13/cobra"
)

// shell holds what every command shares. Commands ask routes: of the server that runs on the data folder, or of the folder itself.
type shell struct {
	data    string
	config  string
	project string
	json    bool
	quiet   bool

	client  *web.Client // of the command that runs; nil before it asks
	opened  *opened     // nil: a server answers
	created bool        // the folder was not there before
	first   bool        // the command may be the first use of the project: its keys are made
	keyless bool        // but not by this one, which brought nothing
	unused  bool        // nothing was put into a created folder
	dry     string      // a folder for this command alone
}

var _ app.Shell = (*shell)(nil)

// JSON implements [app.Shell].
func (s *shell) JSON() bool { return s.json }

// Report implements [app.Shell].
func (s *shell) Report() func(bellwether.Progress) {
	if s.quiet {
		return nil
	}
	return s.progress()
}

// Print implements [app.Shell]: v as JSON with --json, and otherwise what text writes.
func (s *shell) Print(w io.Writer, v any, text func(io.Writer) error) error {
	if !s.json {
		return text(w)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// ended wraps every command so that what it opened is closed, whatever happens.
func (s *shell) ended(c *cobra.Command) {
	if run := c.RunE; run != nil {
		c.RunE = func(c *cobra.Command, args []string) (err error) {
			err = run(c, args)
			return s.finish(c.Context(), err)
		}
	}
	for _, sub := range c.Commands() {
		s.ended(sub)
	}
}

// progress returns a function that shows progress on stderr: one line that is rewritten on a terminal, and a line a step elsewhere.
func (s *shell) progress() func(bellwether.Progress) {
	if s.quiet {
		return func(bellwether.Progress) {}
	}
	info, err := os.Stderr.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	last, shown := "", time.Time{}
	return func(p bellwether.Progress) {
		if p.Step == last && time.Since(shown) < time.Second && (p.Total == 0 || p.Done < p.Total) {
			return
		}
		changed := p.Step != last
		last, shown = p.Step, time.Now()
		if !terminal {
			fmt.Fprintln(os.Stderr, progressLine(p))
			return
		}
		if changed {
			fmt.Fprintln(os.Stderr)
		}
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s", progressLine(p))
	}
}

func progressLine(p bellwether.Progress) string {
	s := p.Step
	switch {
	case p.Total > 0:
		s += fmt.Sprintf("  %d/%d", p.Done, p.Total)
	case p.Done > 0:
		s += fmt.Sprintf("  %d", p.Done)
	}
	if p.Elapsed > 0 {
		s += fmt.Sprintf("  %.1f s", p.Elapsed.Seconds())
	}
	if p.Loss != 0 {
		s += fmt.Sprintf("  loss %.4f", p.Loss)
	}
	if p.Valid != 0 {
		s += fmt.Sprintf("  validation %.4f", p.Valid)
	}
	if p.Note != "" {
		s += "  " + p.Note
	}
	return s
}

// writeFile writes a file that a person named: whole, or not at all.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = errors.Join(f.Chmod(0o644), write(f))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
