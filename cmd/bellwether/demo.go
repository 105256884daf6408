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
	"sync"
	"sync/atomic"
	"time"

	"bellwether"
	"bellwether/api"
	"bellwether/collect"
	"bellwether/decide"
	"bellwether/internal/market"
	"bellwether/internal/market/shop"
	"bellwether/measure"
	"bellwether/pipeline"
	"bellwether/store"

	"github.com/spf13/cobra"
)

// demo is the simulated market against the real program: its customers act over HTTP in fast
// time, the program takes turns, and what it earned is compared with the truth.
type demo struct {
	app       *app
	seed      uint64
	customers int
	items     int
	days      int
	listen    string
	once      bool

	clock   atomic.Int64 // market time, Unix nanoseconds
	opened  *opened
	mu      sync.RWMutex // guards opened.engine, which is opened anew when the holdout is sized
	world   *market.World
	client  *shop.Client
	plan    *measure.Plan
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

func (a *app) demo() *cobra.Command {
	d := &demo{app: a}
	cmd := &cobra.Command{
		Use: "demo", Short: "The simulated market against the real program, then the pages", Args: cobra.NoArgs,
		Long: "Start the program in a temporary folder and let the customers of a simulated market act through its HTTP\n" +
			"interface in fast time. The market knows the truth: what each customer would have brought without the program.\n" +
			"With --once the demo ends when its days are over; otherwise the pages stay up until it is interrupted.",
		RunE: func(c *cobra.Command, _ []string) error { return d.run(c.Context(), c.OutOrStdout()) },
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
	d.start, d.report = time.Now(), d.app.progress()
	if d.customers < 100 || d.days < 20 || d.items < 20 {
		return exit{2, errors.New("the demo needs at least 100 customers, 20 items and 20 days")}
	}
	if d.world, err = market.New(market.Sized(d.customers, d.items, d.days), d.seed); err != nil {
		return err
	}
	d.clock.Store(market.Start.UnixNano())
	folder, err := os.MkdirTemp("", "bellwether-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	key, admin, err := d.open(ctx, folder)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.opened.Close()) }()
	l, err := d.listener()
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- serveOn(serving, l, d.handler()) }()
	defer func() {
		stop()
		err = errors.Join(err, <-served)
	}()
	if !d.once {
		fmt.Fprintf(os.Stderr, "pages: http://%s/login?key=%s\n", l.Addr(), admin)
	}
	if err := d.live(ctx, "http://"+l.Addr().String(), key); err != nil {
		return err
	}
	if err := d.print(ctx, out); err != nil || d.once {
		return err
	}
	fmt.Fprintf(os.Stderr, "\nthe market's days are over; the pages stay at http://%s until you press Ctrl-C\n", l.Addr())
	<-ctx.Done()
	return nil
}

// open opens a store in folder with the keys of a project, and its engine without a holdout.
func (d *demo) open(ctx context.Context, folder string) (write, admin string, err error) {
	st, err := store.Open(ctx, folder, store.Options{})
	if err != nil {
		return "", "", err
	}
	d.opened = &opened{store: st}
	p, err := st.Project(ctx, "demo")
	if err != nil {
		return "", "", errors.Join(err, st.Close())
	}
	if d.opened.keys, err = api.LoadKeys(ctx, st); err == nil {
		write, err = d.opened.keys.Create(ctx, p, api.Write)
	}
	if err == nil {
		admin, err = d.opened.keys.Create(ctx, p, api.Admin)
	}
	if err == nil {
		d.opened.engine, err = pipeline.Open(ctx, p, d.options(-1))
	}
	if err != nil {
		return "", "", errors.Join(err, st.Close())
	}
	return write, admin, nil
}

func (d *demo) options(holdout float64) pipeline.Options {
	return pipeline.Options{
		Clock: d.now, Currency: market.Currency, Rates: market.Rates(), HoldoutShare: holdout,
		Policies: map[bellwether.Surface]decide.Policy{"email": decide.Uniform{}},
		Training: pipeline.Training{Epochs: 12, Seed: 42},
		Logger:   slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Measured: func() time.Time { return market.Time(d.firstTurn()+1, 0) },
		Plan:     func() *measure.Plan { return d.plan },
	}
}

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

func (d *demo) handler() http.Handler {
	return d.opened.handler(func(id bellwether.ProjectID) *pipeline.Engine {
		d.mu.RLock()
		defer d.mu.RUnlock()
		return d.opened.find(id)
	})
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
	if err := d.opened.engine.Flush(ctx); err != nil {
		return err
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
	r, err := d.opened.engine.Turn(ctx, d.report)
	d.turns = append(d.turns, r)
	return err
}

// sizeHoldout opens the engine anew with the holdout that the spread of margins so far asks for.
func (d *demo) sizeHoldout(ctx context.Context) error {
	begin := market.Time(d.firstTurn()+1, 0)
	plan, err := d.opened.engine.Plan(ctx, plannedEffect, market.Time((d.firstTurn()+1)/2, 0), market.Time(d.days, 0).Sub(begin))
	share := plan.Share
	if err != nil {
		d.planned, share = err, 0.5
	}
	d.plan = &plan
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counted = d.opened.engine.Collector.Totals()
	if err := d.opened.engine.Close(); err != nil {
		return err
	}
	p, err := d.opened.store.Project(ctx, "demo")
	if err != nil {
		return err
	}
	d.opened.engine, err = pipeline.Open(ctx, p, d.options(share))
	return err
}
