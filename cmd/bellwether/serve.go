package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"bellwether"
	"bellwether/api"
	"bellwether/console"
	"bellwether/pipeline"

	"github.com/spf13/cobra"
)

func (a *app) serve() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use: "serve", Short: "Collect, serve and decide over HTTP, with the pages and scheduled turns", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			o, err := a.open(c.Context(), func(p *pipeline.Options) error {
				p.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
				return nil
			})
			if err != nil {
				return err
			}
			defer func() { err = closing(err, o) }()
			if listen == "" {
				listen = o.conf.Listen
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return fmt.Errorf("listening on %s: %w", listen, err)
			}
			fmt.Fprintf(os.Stderr, "serving project %s on http://%s (pages: /login?key=ADMIN-KEY)\n", a.project, l.Addr())
			ctx, stop := context.WithCancel(c.Context())
			defer stop()
			turns := make(chan struct{})
			go func() {
				defer close(turns)
				scheduled(ctx, o)
			}()
			err = serveOn(ctx, l, o.handler(o.find))
			stop()
			<-turns
			return err
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "", "address; by default as configured (BELLWETHER_LISTEN)")
	return cmd
}

// handler is the HTTP interface with the pages.
func (o *opened) handler(find func(bellwether.ProjectID) *pipeline.Engine) http.Handler {
	return api.New(api.Options{
		Keys:   o.keys,
		Engine: func(id bellwether.ProjectID) *pipeline.Engine { return o.find(id) },
		Console: func(e *pipeline.Engine, w http.ResponseWriter, r *http.Request) {
			console.Handler(source{e}).ServeHTTP(w, r)
		},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}

func (o *opened) find(id bellwether.ProjectID) *pipeline.Engine {
	if o.engine.Project() == id {
		return o.engine
	}
	return nil
}

// serveOn serves until ctx ends, then lets requests under way finish for ten seconds.
func serveOn(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(grace); err != nil {
		return fmt.Errorf("stopping: %w", err)
	}
	return nil
}

// scheduled runs a turn at each interval until ctx ends. A turn that fails is logged by the
// engine, which keeps the old model in service.
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
			if _, err := o.engine.Turn(ctx, nil); err != nil && !errors.Is(err, context.Canceled) {
				slog.Error("scheduled turn", "error", err)
			}
		}
	}
}
