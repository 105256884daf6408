package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"bellwether"
	"bellwether/collect"
	"bellwether/decide"
	"bellwether/history/lake"
	"bellwether/host"
	"bellwether/internal/market"
	"bellwether/internal/market/shop"
	"bellwether/learn"
	"bellwether/measure"
	"bellwether/pipeline"
	"bellwether/store"
	"bellwether/web"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

// demo is the simulated market against the real program: its customers act over HTTP in fast
// time, the program takes turns, and what it earned is compared with the truth.
type demo struct {
	shell     *shell
	seed      uint64
	customers int
	items     int
	days      int
	listen    string
	once      bool
	keep      bool   // the folder is the one of --data, and stays
	folder    string // of the data

	clock   atomic.Int64 // market time, Unix nanoseconds
	opened  *opened
	mu      sync.RWMutex // guards opened.engine, which is opened anew when the holdout is sized
	world   *market.World
	client  *shop.Client
	plan    *measure.Plan
	share   float64        // of the holdout, once it is sized
	counted collect.Result // by collectors that were closed
	planned error          // why no plan holds the wanted effect
	turns   []pipeline.TurnReport
	report  func(bellwether.Progress)
	start   time.Time
}

// The demo's calendar, in parts of its days, and the effect that its holdout is sized for.
const (
	warmUp        = 0.3 // popularity serves, nobody is held out; the first turn ends it
	secondTurn    = 0.5
	thirdTurn     = 0.7
	plannedEffect = 0.2 // of the margin of a person
)

func (s *shell) demo() *cobra.Command {
	d := &demo{shell: s}
	cmd := &cobra.Command{
		Use: "demo", Short: "The simulated market against the real program, then the pages", Args: cobra.NoArgs,
		Long: "Start the program in a temporary folder and let the customers of a simulated market act through its HTTP\n" +
			"interface in fast time. The market knows the truth: what each customer would have brought without the program.\n" +
			"With --once the demo ends when its days are over; otherwise the pages stay up until it is interrupted. The folder\n" +
			"is a temporary one, or with --data the one that you name, which stays.",
		RunE: func(c *cobra.Command, _ []string) error {
			d.keep = c.Flags().Changed("data")
			return d.run(c.Context(), c.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.BoolVar(&d.once, "once", false, "end after the last day and print what came out")
	f.Uint64Var(&d.seed, "seed", 1001, "of the market: the same one gives the same document, times aside")
	f.IntVar(&d.customers, "customers", 4000, "of the market")
	f.IntVar(&d.items, "items", 400, "of the market")
	f.IntVar(&d.days, "days", 84, "of market time")
	f.StringVar(&d.listen, "listen", "127.0.0.1:8080", "address of the pages; with --once any free port")
	return cmd
}

func (d *demo) run(ctx context.Context, out io.Writer) (err error) {
	d.start, d.report = time.Now(), d.shell.progress()
	if d.customers < 100 || d.days < 20 || d.items < 20 {
		return exit{2, errors.New("the demo needs at least 100 customers, 20 items and 20 days")}
	}
	if d.world, err = market.New(market.Sized(d.customers, d.items, d.days), d.seed); err != nil {
		return err
	}
	d.clock.Store(market.Start.UnixNano())
	remove, err := d.place()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	l, err := d.listener()
	if err != nil {
		return err
	}
	key, err := d.open(ctx)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	defer func() { err = errors.Join(err, d.opened.Close()) }()
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- d.opened.server.Serve(serving, web.Listen{TCP: l, Folder: d.folder}) }()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()
	if !d.once {
		fmt.Fprintln(os.Stderr, "the pages, while the market's days pass: "+d.entrance(ctx, l))
	}
	if err := d.live(ctx, "http://"+l.Addr().String(), key); err != nil {
		return err
	}
	if err := d.print(ctx, out); err != nil {
		return err
	}
	if d.keep {
		if err := d.kept(); err != nil {
			return err
		}
	}
	if d.once {
		return nil
	}
	return d.stay(ctx, l)
}

// place chooses the folder: a temporary one that goes with the demo, or the one that --data names, which must be new and stays.
func (d *demo) place() (remove func() error, err error) {
	if !d.keep {
		d.folder, err = os.MkdirTemp("", "bellwether-demo-")
		return func() error { return os.RemoveAll(d.folder) }, err
	}
	if d.shell.exists() {
		return nil, exit{5, fmt.Errorf("%s holds data already: name a new folder, or leave --data out for a temporary one", d.shell.data)}
	}
	d.folder = d.shell.data
	return func() error { return nil }, nil
}

// kept writes the sample files, and says how to go on with what stays.
func (d *demo) kept() error {
	if err := writeFile(filepath.Join(d.folder, "config.yaml"), d.settings); err != nil {
		return err
	}
	events, items, err := d.samples()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "the data stay in %s (bellwether --data %s --project demo); two sample files for a project of your own:\n"+
		"  bellwether --data my-data import %s\n  bellwether --data my-data import %s --format items\n", d.folder, d.folder, events, items)
	return nil
}

// settings writes what the market's project was opened with, so that the folder shows the same figures when it is opened again.
func (d *demo) settings(w io.Writer) error {
	c := defaults()
	o := d.options(d.share, nil)
	c.Currency, c.Rates, c.HoldoutShare, c.CompareFrom = o.Currency, o.Rates, d.share, o.CompareFrom
	return yaml.NewEncoder(w).Encode(c)
}

// stay keeps the pages up until ctx ends.
func (d *demo) stay(ctx context.Context, l net.Listener) error {
	fmt.Fprintf(os.Stderr, "\nthe market's days are over. Look around: %s\n", d.entrance(ctx, l))
	fmt.Fprintln(os.Stderr, "the pages stay until you press Ctrl-C")
	<-ctx.Done()
	return nil
}

// entrance is an address that signs the browser in that opens it first.
func (d *demo) entrance(ctx context.Context, l net.Listener) string {
	var ticket struct {
		Path string `json:"path"`
	}
	client := web.InProcess(d.opened.server, d.opened.project.ID, clientOptions())
	if err := client.Do(ctx, http.MethodPost, "/v1/tickets", nil, &ticket, nil); err != nil {
		return "http://" + l.Addr().String() + "/login (" + err.Error() + ")"
	}
	return "http://" + l.Addr().String() + ticket.Path
}

// open opens a store with the keys of a project, and the project without a holdout. It returns a key for the market.
func (d *demo) open(ctx context.Context) (key string, err error) {
	st, err := store.Open(ctx, d.folder, store.Options{Logger: d.logger()})
	if err != nil {
		return "", err
	}
	d.opened = &opened{store: st}
	fail := func(err error) (string, error) { return "", errors.Join(err, d.opened.Close()) }
	p, err := st.Project(ctx, "demo")
	if err != nil {
		return fail(err)
	}
	if d.opened.keys, err = web.LoadKeys(ctx, st, nil); err != nil {
		return fail(err)
	}
	if key, err = d.opened.keys.Create(ctx, p, web.Write, "the market", time.Time{}); err != nil {
		return fail(err)
	}
	if d.opened.project, err = pipeline.Open(ctx, p, d.options(-1, nil)); err != nil {
		return fail(err)
	}
	d.opened.server, err = host.New(host.Options{Keys: d.opened.keys, Logger: d.logger(), Limits: demoLimits, Project: func(id bellwether.ProjectID) *pipeline.Project {
		d.mu.RLock()
		defer d.mu.RUnlock()
		if d.opened.project.ID == id {
			return d.opened.project
		}
		return nil
	}})
	if err != nil {
		return fail(err)
	}
	return key, nil
}

func (d *demo) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

func (d *demo) options(holdout float64, plan *measure.Plan) pipeline.Options {
	return pipeline.Options{
		Clock: d.now, Currency: market.Currency, Rates: market.Rates(), HoldoutShare: holdout,
		Policies: map[bellwether.Surface]decide.Policy{"email": decide.Uniform{}},
		Training: learn.Training{Epochs: 12, Seed: 42}, Logger: d.logger(),
		CompareFrom: market.Time(d.firstTurn()+1, 0), Plan: plan, Lake: d.lake(),
	}
}

// lake is where bellwether looks for the project's files when it opens the folder again.
func (d *demo) lake() lake.Folder { return lake.Folder(filepath.Join(d.folder, "lake", "demo")) }

func (d *demo) now() time.Time { return time.Unix(0, d.clock.Load()).UTC() }

func (d *demo) firstTurn() int { return int(warmUp*float64(d.days)) - 1 }

func (d *demo) listener() (net.Listener, error) {
	address := d.listen
	if d.once {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w; name another address with --listen", address, err)
	}
	return l, nil
}

// live lets the market's days pass.
func (d *demo) live(ctx context.Context, url, key string) (err error) {
	d.client, err = shop.New(shop.Options{
		URL: url, Key: key, World: d.world, MeasureFrom: d.firstTurn() + 1,
		Exclude:  "none", // people of this market buy again what they like
		SetClock: func(t time.Time) { d.clock.Store(t.UnixNano()) },
		EndOfDay: func(day int) error { return d.endOfDay(ctx, day) },
	})
	if err != nil {
		return err
	}
	return d.client.Run(ctx)
}

func (d *demo) endOfDay(ctx context.Context, day int) error {
	if err := d.opened.project.Flush(ctx); err != nil {
		return err
	}
	if day > 0 && day%refreshDays == 0 {
		if err := d.opened.project.History.Refresh(ctx, d.now()); err != nil {
			return err
		}
	}
	d.report(bellwether.Progress{
		Step: "market", Done: int64(day + 1), Total: int64(d.days), Elapsed: time.Since(d.start),
		Note: fmt.Sprintf("%d messages, %d decisions", d.client.Totals().Messages, d.client.Totals().Decisions),
	})
	switch day {
	case d.firstTurn():
		if err := d.turn(ctx); err != nil {
			return err
		}
		return d.sizeHoldout(ctx)
	case int(secondTurn * float64(d.days)), int(thirdTurn * float64(d.days)):
		return d.turn(ctx)
	}
	return nil
}

func (d *demo) turn(ctx context.Context) error {
	r, err := d.opened.project.Turn(ctx, pipeline.TurnOptions{}, d.report)
	d.turns = append(d.turns, r)
	return err
}

// sizeHoldout opens the project anew with the holdout that the spread of margins so far asks for.
func (d *demo) sizeHoldout(ctx context.Context) error {
	begin := market.Time(d.firstTurn()+1, 0)
	plan, err := d.opened.project.Plan(ctx, plannedEffect, market.Time((d.firstTurn()+1)/2, 0), market.Time(d.days, 0).Sub(begin))
	share := plan.Share
	if err != nil {
		d.planned, share = err, 0.5
	}
	d.plan = &plan
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counted = d.opened.project.Collector.Totals()
	if err := d.opened.project.Close(); err != nil {
		return err
	}
	p, err := d.opened.store.Project(ctx, "demo")
	if err != nil {
		return err
	}
	d.opened.project, err = pipeline.Open(ctx, p, d.options(share, d.plan))
	d.share = max(share, 0)
	return err
}

// refreshDays is how often, in market days, what is popular is renewed between turns.
const refreshDays = 3

// demoLimits let the market's customers, who all come from one address, send as fast as they can.
var demoLimits = web.Limits{PerAddress: 1000}
