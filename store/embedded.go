package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

const (
	embeddedMaxPayload = 8 << 20 // bytes of one message
	startTimeout       = 30 * time.Second
	startLook          = 100 * time.Millisecond // between looks at a server that starts
)

// embedded is a NATS server inside this process. It listens on no port: clients
// reach it through InProcessConn. It can be started again in place, which is how
// JetStream recovers after a write to its files failed.
type embedded struct {
	dir    string
	log    *slog.Logger
	lazy   bool // nothing is synced when it is stored
	guard  *guard
	broken atomic.Bool // a stored file is damaged: start again, which mends it

	mu  sync.Mutex
	now *server.Server // nil while starting again and after close
}

func (e *embedded) options() *server.Options {
	return &server.Options{
		ServerName:             "bellwether",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               e.dir,
		SyncAlways:             !e.lazy,
		MaxPayload:             embeddedMaxPayload,
		JetStreamMaxStore:      math.MaxInt64 / 2, // the disk is the limit, see Options.MinFree
		DisableJetStreamBanner: true,
	}
}

// start starts the server and waits until it takes connections.
func (e *embedded) start() error {
	e.guard.use.Lock()
	defer e.guard.use.Unlock()
	if err := e.guard.before(); err != nil {
		return err
	}
	ns, err := server.NewServer(e.options())
	if err != nil {
		return fmt.Errorf("embedded NATS server: %w", err)
	}
	fatal := new(atomic.Bool)
	ns.SetLoggerV2(serverLog{e.log, fatal}, false, false, false)
	ns.Start()
	for end := time.Now().Add(startTimeout); !ns.ReadyForConnections(startLook) && !fatal.Load() && time.Now().Before(end); {
	}
	if fatal.Load() || !ns.ReadyForConnections(startLook) || !ns.JetStreamEnabled() {
		ns.Shutdown()
		ns.WaitForShutdown()
		return fmt.Errorf("%w: the embedded NATS server did not start on %s: is the folder writable, and are there memory and files (ulimit -n) to spare? The log says more",
			ErrUnavailable, e.dir)
	}
	if err := e.guard.started(ns); err != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = ns
	return nil
}

// stop stops the server and waits for it. It reports whether one was running, and well.
func (e *embedded) stop() bool {
	well := e.healthy()
	e.mu.Lock()
	ns := e.now
	e.now = nil
	e.mu.Unlock()
	if ns != nil {
		ns.Shutdown()
		ns.WaitForShutdown()
	}
	return well
}

// InProcessConn connects a client; nats.go calls it again to reconnect.
func (e *embedded) InProcessConn() (net.Conn, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.now == nil {
		return nil, errors.New("embedded NATS server is not running")
	}
	return e.now.InProcessConn()
}

// healthy reports whether the server can store: once a write to a stream's files
// failed, JetStream refuses all further ones until it is started again.
func (e *embedded) healthy() bool {
	e.mu.Lock()
	ns := e.now
	e.mu.Unlock()
	return ns != nil && ns.JetStreamEnabled() && ns.Healthz(&server.HealthzOptions{}).Error == ""
}

// keep starts the server again, once room says that the disk has room, when failing
// tells of a failure and the server is not healthy or its files are not whole. It returns when ctx ends.
func (e *embedded) keep(ctx context.Context, failing <-chan struct{}, room func() error) {
	for wait(ctx, failing) {
		if !e.broken.Load() && e.healthy() {
			continue
		}
		began := time.Now()
		for !e.restart(room) {
			if !sleep(ctx, 100*time.Millisecond) {
				return
			}
		}
		e.log.Warn("storing goes on", "after", time.Since(began).Round(time.Millisecond))
	}
}

// restart starts the server again, which writes the ends of all logs once more: what was not
// synced is then on disk, or nothing is acknowledged.
func (e *embedded) restart(room func() error) bool {
	if err := room(); err != nil {
		e.log.Error("nothing can be stored", "error", err)
		return false
	}
	broken := e.broken.Swap(false)
	e.log.Warn("the embedded NATS server starts again", "because", map[bool]string{true: "a stored file is damaged", false: "it cannot write"}[broken])
	e.stop()
	if err := e.start(); err != nil {
		e.broken.Store(broken)
		e.log.Error("nothing can be stored: the embedded NATS server did not start again", "error", err)
		return false
	}
	return true
}

// wait waits for a signal; false means that ctx ended.
func wait(ctx context.Context, signal <-chan struct{}) bool {
	select {
	case <-ctx.Done():
		return false
	case <-signal:
		return true
	}
}

// sleep waits for d; false means that ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// serverLog hands the server's log lines to slog.
type serverLog struct {
	log   *slog.Logger
	fatal *atomic.Bool // set when the server gave up: it does not end the process, nor say so otherwise
}

func (l serverLog) Noticef(f string, a ...any) { l.log.Debug("nats", "text", fmt.Sprintf(f, a...)) }
func (l serverLog) Warnf(f string, a ...any)   { l.log.Warn("nats", "text", fmt.Sprintf(f, a...)) }
func (l serverLog) Fatalf(f string, a ...any) {
	l.fatal.Store(true)
	l.log.Error("nats", "text", fmt.Sprintf(f, a...))
}
func (l serverLog) Errorf(f string, a ...any) { l.log.Error("nats", "text", fmt.Sprintf(f, a...)) }
func (l serverLog) Debugf(string, ...any)     {}
func (l serverLog) Tracef(string, ...any)     {}
