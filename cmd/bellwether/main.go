// Command bellwether is the whole product in one binary: it collects events, trains models,
// serves and decides, measures what the decisions were worth, and learns from that.
//
// Data live in --data DIR or BELLWETHER_DATA, by default ./bellwether-data. Every command works while a server runs on the folder: it
// asks that server's routes over the socket in the folder; without one it opens the folder itself. Exit codes:
// 0 done, 1 failed, 2 usage, 3 bad input (some rows kept aside), 4 not found, 5 conflict,
// 130 interrupted. With --json one document goes to stdout; progress and logs go to stderr.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"bellwether/apps"
	"bellwether/host"
	"bellwether/store"
	"bellwether/web"

	"github.com/spf13/cobra"
)

func main() {
	limitMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// partial is the exit code of a command that kept some rows aside.
const partial = 3

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string) int {
	root := new(shell).command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		fmt.Fprintln(os.Stderr, "bellwether: interrupted")
		return 130
	}
	var e exit
	if errors.As(err, &e) && e.err == nil {
		return e.code
	}
	fmt.Fprintln(os.Stderr, "bellwether:", err)
	return codeOf(err)
}

// codeOf is the exit code of an error: one that asks for it, or by what a route answered.
func codeOf(err error) int {
	var e exit
	if errors.As(err, &e) {
		return e.code
	}
	for _, f := range append(host.Failures(), web.Failures...) {
		if errors.Is(err, f.Err) {
			return codeOfStatus(f.Status)
		}
	}
	var p *web.Problem
	switch {
	case errors.As(err, &p):
		return codeOfStatus(p.Status)
	case errors.Is(err, os.ErrNotExist):
		return 4
	case errors.Is(err, store.ErrLocked):
		return 5
	}
	return 1
}

func codeOfStatus(status int) int {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge:
		return 2
	case http.StatusNotFound:
		return 4
	case http.StatusConflict:
		return 5
	}
	return 1
}

// exit is an error that asks for an exit code; a nil err prints nothing more.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

func (s *shell) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "bellwether",
		Short:         "Large AI models for marketing, around one log in which every decision can be proved",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
	}
	root.SetVersionTemplate("bellwether {{.Version}}\n")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return exit{2, fmt.Errorf("%w: see %s --help; write -- before a name that begins with a minus", err, c.CommandPath())}
	})
	f := root.PersistentFlags()
	f.StringVar(&s.data, "data", env("BELLWETHER_DATA", "bellwether-data"), "folder of the data (BELLWETHER_DATA)")
	f.StringVar(&s.config, "config", os.Getenv("BELLWETHER_CONFIG"), "configuration file; by default config.yaml in the data folder (BELLWETHER_CONFIG)")
	f.StringVar(&s.project, "project", env("BELLWETHER_PROJECT", "default"), "project (BELLWETHER_PROJECT)")
	f.BoolVar(&s.json, "json", false, "one JSON document on stdout")
	f.BoolVarP(&s.quiet, "quiet", "q", false, "no progress on stderr")
	root.AddCommand(
		s.demo(), s.serve(), s.imports(), s.importList(), s.train(), s.evaluate(), s.promote(), s.turn(), s.report(), s.export(), s.rejects(), s.keys(), s.configs(), s.bench(),
		s.doctor(), s.backup(), s.restore(),
	)
	for _, a := range apps.All() {
		if a.Commands != nil {
			root.AddCommand(a.Commands(s)...)
		}
	}
	for _, c := range root.Commands() {
		wrapArgs(c)
		s.ended(c)
	}
	return root
}

// version is what the program was built from: the module's version, or else the commit and its time.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	commit, at, changed := "", "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value[:min(len(s.Value), 12)]
		case "vcs.time":
			at = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				changed = ", changed since"
			}
		}
	}
	if commit == "" {
		return "built from source"
	}
	return "built from " + commit + " of " + at + changed
}

// wrapArgs makes a wrong number of arguments a usage error, and so the name of no command in a group of them.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return exit{2, fmt.Errorf("%w: see %s --help", err, c.CommandPath())}
			}
			return nil
		}
	}
	if !c.Runnable() { // a group: without a name it says what is in it
		c.RunE = func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			return exit{2, fmt.Errorf("%s has no command %q: see %s --help", c.CommandPath(), args[0], c.CommandPath())}
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
