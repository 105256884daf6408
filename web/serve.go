package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Listen says where a server is asked.
type Listen struct {
	TCP         net.Listener  // nil: none
	Folder      string        // of the data, in which the socket of the shell lies; "": none
	Certificate string        // PEM file for TLS on TCP; "": none. It is read again when it changes
	Key         string        // PEM file of its key
	Grace       time.Duration // that requests under way have when the server stops; 0: 10 s
}

// Serve answers on what l names until ctx ends, then lets requests under way finish. It closes l.TCP.
func (s *Server) Serve(ctx context.Context, l Listen) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var owned sync.WaitGroup
	defer owned.Wait()
	failed := make(chan error, 2)
	var servers []*http.Server
	start := func(h *http.Server, on net.Listener) {
		servers = append(servers, h)
		owned.Go(func() { failed <- h.Serve(on) })
	}
	if l.Folder != "" {
		socket, err := listenSocket(l.Folder)
		switch {
		case err == nil:
			defer socket.remove()
			start(s.httpServer(true), socket)
		case l.TCP == nil:
			return err
		default: // a file system without sockets
			s.o.Logger.Warn("commands can't reach this server through the data folder", "error", err)
		}
	}
	if l.TCP != nil {
		on, err := s.guarded(l)
		if err != nil {
			for _, h := range servers {
				_ = h.Close()
			}
			return errors.Join(err, l.TCP.Close())
		}
		start(s.httpServer(false), on)
	}
	owned.Go(func() { s.saveUses(ctx) })
	var err error
	select {
	case err = <-failed:
		err = fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	stop()
	return errors.Join(err, shutdown(servers, l.Grace))
}

// shutdown stops servers; requests that outlast grace are cut off.
func shutdown(servers []*http.Server, grace time.Duration) error {
	if grace == 0 {
		grace = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var errs []error
	for _, h := range servers {
		if err := h.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping: %w", errors.Join(err, h.Close())))
		}
	}
	return errors.Join(errs...)
}

func (s *Server) httpServer(local bool) *http.Server {
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog: slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelDebug), // floods of broken connections are no news
	}
	if local {
		h.ConnContext = func(ctx context.Context, _ net.Conn) context.Context { return asLocal(ctx) }
	}
	return h
}

// guarded is l.TCP with its connections counted, and with TLS where l has a certificate.
func (s *Server) guarded(l Listen) (net.Listener, error) {
	on := net.Listener(&crowd{Listener: l.TCP, most: s.o.Limits.Connections, each: s.o.Limits.PerAddress, open: make(map[string]int)})
	if l.Certificate == "" {
		return on, nil
	}
	c := &certificate{file: l.Certificate, key: l.Key, clock: s.o.Clock, log: s.o.Logger}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return tls.NewListener(on, &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}), nil
}

// saveUses stores when keys were used, every few minutes and at the end.
func (s *Server) saveUses(ctx context.Context) {
	tick := time.NewTicker(5 * time.Minute)
	defer tick.Stop()
	for done := false; !done; {
		select {
		case <-ctx.Done():
			done = true
		case <-tick.C:
		}
		save, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		if err := s.o.Keys.Save(save); err != nil {
			s.o.Logger.Warn("the use of keys was not noted", "error", err)
		}
		cancel()
	}
}
