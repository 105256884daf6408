// Command bellwether is the whole product in one binary: it collects events, trains models,
// serves and decides, measures what the decisions were worth, and learns from that.
//
// Data live in --data DIR or BELLWETHER_DATA, by default ./bellwether-data. Exit codes:
// 0 done, 1 failed, 2 usage, 3 bad input (some rows kept aside), 4 not found, 5 conflict,
// 130 interrupted. With --json one document goes to stdout; progress and logs go to stderr.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"bellwether/decide"
	"bellwether/pipeline"
	"bellwether/store"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string) int {
	a := new(app)
	root := a.command()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var status exit
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "bellwether: interrupted")
		return 130
	case errors.As(err, &status) && status.err == nil:
		return status.code
	}
	fmt.Fprintln(os.Stderr, "bellwether:", err)
	switch {
	case status.code != 0:
		return status.code
	case errors.Is(err, pipeline.ErrBadRequest):
		return 2
	case errors.Is(err, store.ErrNotFound), errors.Is(err, pipeline.ErrNoRun), errors.Is(err, pipeline.ErrStranger), errors.Is(err, pipeline.ErrNothingToRecommend), errors.Is(err, decide.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return 4
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrLocked), errors.Is(err, pipeline.ErrTurnRunning):
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

// app holds what every command shares.
type app struct {
	data    string
	config  string
	project string
	json    bool
	quiet   bool
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "bellwether",
		Short:         "Large AI models for marketing, around one log in which every decision can be proved",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exit{2, err} })
	f := root.PersistentFlags()
	f.StringVar(&a.data, "data", env("BELLWETHER_DATA", "bellwether-data"), "folder of the data (BELLWETHER_DATA)")
	f.StringVar(&a.config, "config", os.Getenv("BELLWETHER_CONFIG"), "configuration file; by default config.yaml in the data folder (BELLWETHER_CONFIG)")
	f.StringVar(&a.project, "project", env("BELLWETHER_PROJECT", "default"), "project (BELLWETHER_PROJECT)")
	f.BoolVar(&a.json, "json", false, "one JSON document on stdout")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress on stderr")
	root.AddCommand(
		a.demo(), a.serve(), a.imports(), a.train(), a.evaluate(), a.promote(), a.turn(),
		a.recommend(), a.decide(), a.predict(), a.outlook(), a.report(), a.export(), a.rejects(), a.send(), a.keys(), a.configs(), a.bench(),
		a.doctor(), a.backup(), a.restore(),
	)
	for _, c := range root.Commands() {
		wrapArgs(c)
	}
	return root
}

// wrapArgs makes a wrong number of arguments a usage error.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return exit{2, fmt.Errorf("%w: see bellwether %s --help", err, c.Name())}
			}
			return nil
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
