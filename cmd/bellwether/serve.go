package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"bellwether/learn"
	"bellwether/pipeline"
	"bellwether/web"

	"github.com/spf13/cobra"
)

func (s *shell) serve() *cobra.Command {
	var listen string
	var accept bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Collect, serve and decide over HTTP, with the pages and scheduled turns", Args: cobra.NoArgs,
		Long: "Collect events, serve recommendations and decisions, show the pages, and take a turn a day. Every other command works meanwhile: it\n" +
			"asks this server over the socket in the data folder.",
		RunE: func(c *cobra.Command, _ []string) (err error) {
			conf, err := s.configured()
			if err != nil {
				return err
			}
			if listen == "" {
				listen = conf.Listen
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return fmt.Errorf("listening on %s: %w; name another address with --listen, such as --listen 127.0.0.1:0 for any free port", listen, err)
			}
			logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
			o, err := s.open(c.Context(), logger, accept)
			if err != nil {
				return errors.Join(err, l.Close())
			}
			defer func() { err = errors.Join(err, o.Close()) }()
			if err := o.firstKeys(c.Context()); err != nil {
				return errors.Join(err, l.Close())
			}
			fmt.Fprintf(os.Stderr, "serving project %s on %s (pages: /login)\n", s.project, conf.address(l))
			ctx, stop := context.WithCancel(c.Context())
			var work sync.WaitGroup
			work.Go(func() { scheduled(ctx, o) })
			work.Go(func() { refreshed(ctx, o, refreshEvery) })
			err = o.server.Serve(ctx, web.Listen{TCP: l, Folder: s.data, Certificate: conf.Certificate, Key: conf.CertificateKey})
			stop()
			work.Wait()
			return err
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "address; by default as configured (BELLWETHER_LISTEN)")
	cmd.Flags().BoolVar(&accept, "accept-loss", false, "go on without what a damaged log lost: each loss is noted in the log, and its project can be written again. Without it such\na project is served from what is there, and takes nothing in")
	return cmd
}

// address is where a person finds what listens.
func (c *configuration) address(l net.Listener) string {
	if c.Certificate != "" {
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

// scheduled runs a turn at each interval until ctx ends. A turn that fails is logged, and leaves the old model in service.
func scheduled(ctx context.Context, o *opened) {
	if o.conf.TurnEvery <= 0 {
		return
	}
	tick := time.NewTicker(o.conf.TurnEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if _, err := o.project.Turn(ctx, pipeline.TurnOptions{}, nil); err != nil && !errors.Is(err, context.Canceled) {
				slog.Error("scheduled turn", "error", err)
			}
		}
	}
}

// refreshEvery is how often the report and what is popular are renewed at most; it takes at most a twentieth of the time.
const refreshEvery = 5 * time.Minute

// refreshed renews the report and what is popular until ctx ends, when the log has grown.
func refreshed(ctx context.Context, o *opened, every time.Duration) {
	wait, read := time.Second, uint64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = every
		if last := o.project.History.Cursor(); last == read {
			continue
		}
		began := time.Now()
		r, err := o.project.Refresh(ctx)
		switch {
		case err == nil:
			read = r.Cursor
			wait = max(every, 20*time.Since(began))
		case !errors.Is(err, learn.ErrTurnRunning) && ctx.Err() == nil:
			slog.Error("renewing the report", "error", err)
		}
	}
}
