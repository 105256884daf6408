package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"bellwether"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Options of a Store. The zero value works.
type Options struct {
	URL         string        // of an external NATS server or cluster, 2.11 or later; "" means embedded
	Replicas    int           // copies of each new stream in an external cluster; 0 means 1
	GroupWindow time.Duration // longest wait of an append for company; 0 means 2 ms
	Timeout     time.Duration // longest wait for the server before ErrUnavailable; 0 means 5 s
	MinFree     int64         // bytes of free disk below which nothing is stored; 0 means 64 MiB, negative no limit
	Logger      *slog.Logger  // nil means none; lines of one kind are limited, and none holds what was stored
	AcceptLoss  bool          // write to projects whose log has lost batches: each loss is noted in the log
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Logger = Limited(o.Logger)
	o.Replicas = cmp.Or(o.Replicas, 1)
	o.GroupWindow = cmp.Or(o.GroupWindow, 2*time.Millisecond)
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.MinFree = cmp.Or(o.MinFree, 64<<20)
	return o
}

// Store is an open folder. Its methods may be called concurrently.
type Store struct {
	dir     string
	options Options
	log     *slog.Logger
	oldest  int  // format of logs that it reads
	lazy    bool // the folder is of use only once it is whole: nothing is synced before

	lock    io.Closer
	guard   *guard
	server  *embedded     // nil with an external server
	failing chan struct{} // tells the supervisor of the embedded server of a failure
	write   *nats.Conn    // appends, keys and objects
	read    *nats.Conn    // pages, so that a long read holds up no append
	js      jetstream.JetStream
	pages   pager
	views   *views

	ctx    context.Context // ends when the store closes
	cancel context.CancelFunc
	owned  sync.WaitGroup // goroutines that end with ctx

	mu       sync.Mutex
	projects map[bellwether.ProjectID]*Project
	closed   bool
}

// Open opens the store in dir, creating it at its first use. It returns ErrLocked
// when dir is open already, ErrNewerFormat when a newer program wrote it,
// ErrUnavailable when the external server does not answer or the machine refuses, and ErrDamaged when the
// folder cannot be opened without what is missing. A project whose log has lost batches opens for reading,
// see Project.ReadOnly.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, options: o.withDefaults(), oldest: format, failing: make(chan struct{}, 1), projects: map[bellwether.ProjectID]*Project{}}
	s.log = s.options.Logger
	s.guard = newGuard(dir, s.log)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := errors.Join(s.openFolder(ctx), ctx.Err()); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the store in %s: %w", dir, err), s.Close())
	}
	return s, nil
}

// openFolder acquires what a Store holds, in order; Close releases what was acquired.
func (s *Store) openFolder(ctx context.Context) (err error) {
	if err := enoughFiles(); err != nil {
		return err
	}
	if err := makeFolder(s.dir); err != nil {
		return err
	}
	if s.lock, err = lockFolder(s.dir); err != nil {
		return err
	}
	old, err := checkFormat(s.dir)
	if err == nil && old {
		err = s.migrate(ctx)
	}
	if err != nil {
		return err
	}
	if err := s.guard.load(); err != nil {
		return err
	}
	if s.views, err = openViews(s); err != nil {
		return err
	}
	if s.options.URL == "" {
		if err := s.startServer(); err != nil {
			return err
		}
	}
	if err := s.connect(); err != nil {
		return err
	}
	if s.server != nil {
		s.owned.Go(func() { s.guard.patrol(s.ctx, s.damaged) })
	}
	return nil
}

func (s *Store) startServer() error {
	if s.views != nil {
		s.guard.witness = s.views.witness
	}
	server := &embedded{dir: filepath.Join(s.dir, natsFolder), log: s.log, guard: s.guard, lazy: s.lazy}
	if err := server.start(); err != nil {
		return err
	}
	s.server = server
	s.owned.Go(func() { server.keep(s.ctx, s.failing, s.room) })
	s.owned.Go(func() { s.guard.tend(s.ctx) })
	return nil
}

func (s *Store) connect() (err error) {
	if s.write, err = nats.Connect(s.options.URL, s.connection("bellwether write")...); err != nil {
		return fmt.Errorf("%w: connecting to NATS at %s: %w", ErrUnavailable, s.options.URL, err)
	}
	if s.read, err = nats.Connect(s.options.URL, s.connection("bellwether read")...); err != nil {
		return fmt.Errorf("%w: connecting to NATS at %s: %w", ErrUnavailable, s.options.URL, err)
	}
	s.pages = pager{conn: s.read, timeout: s.options.Timeout}
	s.js, err = jetstream.New(s.write, jetstream.WithDefaultTimeout(s.options.Timeout),
		jetstream.WithPublishAsyncTimeout(s.options.Timeout))
	return err
}

// connection returns the options of a connection that comes back by itself.
func (s *Store) connection(name string) []nats.Option {
	o := []nats.Option{
		nats.Name(name), nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond),
		nats.ReconnectBufSize(-1), // an append that cannot be sent fails at once and is tried again
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				s.log.Warn("connection to NATS lost", "connection", name, "error", err)
			}
		}),
		nats.ReconnectHandler(func(*nats.Conn) { s.refresh() }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.log.Warn("NATS", "connection", name, "error", err)
			s.refresh()
		}),
	}
	if s.server != nil {
		o = append(o, nats.InProcessServer(s.server))
	}
	return o
}

// spawn runs f in a goroutine that Close waits for; f ends soon after s.ctx.
func (s *Store) spawn(f func()) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("store: %w", ErrClosed)
	}
	s.owned.Go(f)
	return nil
}

// refresh asks each log for its end, after notices of appends may have been lost.
func (s *Store) refresh() {
	_ = s.spawn(func() { // a closed store needs no refresh
		s.mu.Lock()
		projects := slices.Collect(maps.Values(s.projects))
		s.mu.Unlock()
		for _, p := range projects {
			if last, err := p.Log.Last(s.ctx); err == nil {
				p.Log.end.advance(last)
			}
		}
	})
}

// room reports a disk that is too full to store more, as ErrUnavailable.
func (s *Store) room() error {
	if s.server == nil || s.options.MinFree < 0 {
		return nil // an external server watches its own disks
	}
	usage, err := vfs.Default.GetDiskUsage(s.dir)
	if err != nil {
		return fmt.Errorf("%w: free space of %s: %w", ErrUnavailable, s.dir, err)
	}
	if usage.AvailBytes < uint64(s.options.MinFree) {
		return fmt.Errorf("%w: the disk of %s is full: %d bytes are free, %d must be; make room and it goes on by itself",
			ErrUnavailable, s.dir, usage.AvailBytes, s.options.MinFree)
	}
	return nil
}

// damaged makes the server start again, which keeps damaged files aside and mends the stream.
func (s *Store) damaged(stream string) {
	s.log.Error("a stored file is damaged", "stream", stream, "what", "it was found while the program runs; the stream is mended now")
	s.server.broken.Store(true)
	s.tellSick()
}

func (s *Store) tellSick() {
	select {
	case s.failing <- struct{}{}:
	default: // it knows already
	}
}

// failed classifies err and, when nothing can be stored, tells the server's supervisor.
func (s *Store) failed(ctx context.Context, err error) error {
	err = classify(ctx, err)
	if errors.Is(err, ErrUnavailable) {
		s.tellSick()
	}
	return err
}

// Project returns the project, creating it at its first use. An id has 1 to 64
// lower-case letters, digits, hyphens and underscores.
func (s *Store) Project(ctx context.Context, id bellwether.ProjectID) (*Project, error) {
	if err := checkName("project", string(id)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("store: %w", ErrClosed)
	}
	if p := s.projects[id]; p != nil {
		return p, nil
	}
	p, err := s.openProject(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("opening project %s: %w", id, s.failed(ctx, err))
	}
	s.projects[id] = p
	return p, nil
}

// Projects lists the projects in order.
func (s *Store) Projects(ctx context.Context) ([]bellwether.ProjectID, error) {
	ids := []bellwether.ProjectID{}
	names := s.js.StreamNames(ctx)
	for name := range names.Name() {
		if id, ok := strings.CutSuffix(name, logSuffix); ok && checkName("project", id) == nil {
			ids = append(ids, bellwether.ProjectID(id))
		}
	}
	if err := names.Err(); err != nil {
		return nil, fmt.Errorf("listing projects: %w", s.failed(ctx, err))
	}
	slices.Sort(ids)
	return ids, nil
}

// Close waits for appends under way, closes every view and stops what the store started.
func (s *Store) Close() error {
	s.mu.Lock()
	projects := s.projects
	s.projects, s.closed = nil, true
	s.mu.Unlock()
	var err error
	for _, p := range projects {
		err = errors.Join(err, p.close())
	}
	s.cancel()
	s.owned.Wait()
	for _, conn := range []*nats.Conn{s.write, s.read} {
		if conn != nil {
			conn.Close()
		}
	}
	if s.server != nil {
		well := s.server.stop()
		s.server = nil
		if e := s.guard.stopped(well); e != nil { // the next start checks everything
			s.log.Warn("the state of the stored files was not written", "error", e)
		}
	}
	if s.views != nil {
		err = errors.Join(err, s.views.close())
		s.views = nil
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
		s.lock = nil
	}
	return err
}

// checkName reports a project or view name that cannot be part of a subject and a path.
func checkName(what, name string) error {
	valid := len(name) >= 1 && len(name) <= 64
	for _, c := range name {
		valid = valid && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}
	if !valid {
		return fmt.Errorf("%s %q: use 1 to 64 lower-case letters, digits, - and _", what, name)
	}
	return nil
}
