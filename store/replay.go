package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"bellwether"
	v1 "bellwether/store/internal/v1"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	replayMessages = 256      // sent and not yet acknowledged
	replayBytes    = 16 << 20 // of them
	progressEvery  = 2 * time.Second
)

// replay copies every project of s.dir, which has format 1, into the folder fresh, the records in
// today's form. It returns their number.
func (s *Store) replay(ctx context.Context, fresh string) (records int64, err error) {
	from, err := s.beside(s.dir, 1)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := s.beside(fresh, format)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	ids, err := from.Projects(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		n, err := replayProject(ctx, from, to, id)
		if err != nil {
			return 0, fmt.Errorf("project %s: %w", id, err)
		}
		records += n
	}
	return records, nil
}

// beside opens the data of a folder that nobody else uses, of the given format, without views.
func (s *Store) beside(dir string, oldest int) (*Store, error) {
	b := &Store{
		dir: dir, options: s.options, log: s.log, oldest: oldest, lazy: true,
		failing: make(chan struct{}, 1), projects: map[bellwether.ProjectID]*Project{},
	}
	b.options.URL, b.options.Replicas = "", 1
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.guard = newGuard(dir, s.log)
	err := cmp.Or(os.MkdirAll(filepath.Join(dir, natsFolder), 0o700), b.guard.load())
	if err == nil {
		err = b.startServer()
	}
	if err == nil {
		err = b.connect()
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func replayProject(ctx context.Context, from, to *Store, id bellwether.ProjectID) (int64, error) {
	old, err := from.Project(ctx, id)
	if err != nil {
		return 0, err
	}
	fresh, err := to.Project(ctx, id)
	if err != nil {
		return 0, err
	}
	records, err := replayLog(ctx, old.Log, fresh.Log)
	if err != nil {
		return 0, err
	}
	if err := copyKeys(ctx, old.KV, fresh.KV); err != nil {
		return 0, err
	}
	return records, copyObjects(ctx, old.Objects, fresh.Objects)
}

// replayLog writes each batch of old as one of fresh, so that their sequences stay the same.
func replayLog(ctx context.Context, old, fresh *Log) (records int64, err error) {
	last, err := old.Last(ctx)
	if err != nil {
		return 0, err
	}
	out, said := sender{log: fresh}, time.Now()
	err = old.Read(ctx, 0, func(b Batch) error {
		for i := range b.Records {
			if err := b.Records[i].renew(); err != nil {
				return fmt.Errorf("batch %d: %w", b.Sequence, err)
			}
		}
		records += int64(len(b.Records))
		if now := time.Now(); now.Sub(said) > progressEvery {
			said = now
			old.store.log.Info("migrating", "project", old.project, "batch", b.Sequence, "of", last, "records", records)
		}
		return out.send(ctx, b.Records)
	})
	if err == nil {
		err = out.wait(ctx)
	}
	if err != nil {
		return 0, err
	}
	info, err := fresh.stream.Info(ctx)
	if err == nil && info.State.Msgs != out.sent {
		err = fmt.Errorf("the new log has %d batches after %d were written", info.State.Msgs, out.sent)
	}
	return records, err
}

// sender appends batches, many under way at a time.
type sender struct {
	log     *Log
	sent    uint64
	waiting []jetstream.PubAckFuture
	bytes   int
}

func (s *sender) send(ctx context.Context, records []Record) error {
	chunks, err := encodeRecords(records, s.log.writer.limit)
	if err != nil {
		return err
	}
	for _, c := range chunks {
		if err := s.log.store.room(); err != nil {
			return err
		}
		frame := encodeFrame([]chunk{c})
		future, err := s.log.store.js.PublishMsgAsync(&nats.Msg{Subject: logSubject(s.log.project), Data: frame})
		if err != nil {
			return err
		}
		s.sent++
		s.waiting, s.bytes = append(s.waiting, future), s.bytes+len(frame)
	}
	if len(s.waiting) < replayMessages && s.bytes < replayBytes {
		return nil
	}
	return s.wait(ctx)
}

// wait waits for all that is under way.
func (s *sender) wait(ctx context.Context) error {
	for _, future := range s.waiting {
		if err := acknowledged(ctx, future); err != nil {
			return err
		}
	}
	s.waiting, s.bytes = s.waiting[:0], 0
	return nil
}

// acknowledged waits for one message to be stored.
func acknowledged(ctx context.Context, f jetstream.PubAckFuture) error {
	select {
	case <-f.Ok():
		return nil
	case err := <-f.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// renew brings a record of format 1 into today's form. Kinds without one stay as they are.
func (r *Record) renew() error {
	var v any
	var err error
	switch r.Kind {
	case KindEvent:
		e := new(bellwether.Event)
		v, err = e, v1.Event(r.Data, e)
	case KindDecision:
		d := new(bellwether.Decision)
		v, err = d, v1.Decision(r.Data, d)
	case KindItem:
		i := new(bellwether.Item)
		v, err = i, v1.Item(r.Data, i)
	case KindReject:
		letter := new(v1.Rejected)
		v, err = letter, v1.Reject(r.Data, letter)
	default:
		return nil
	}
	if err == nil {
		r.Data, err = Encode(v)
	}
	if err != nil {
		return fmt.Errorf("record %q: %w", r.ID, err)
	}
	return nil
}

// copyKeys copies the values of each key, the older ones that are kept too.
func copyKeys(ctx context.Context, old, fresh *KV) error {
	keys, err := old.Keys(ctx, "")
	if err != nil {
		return err
	}
	for _, key := range keys {
		history, err := old.History(ctx, key)
		if err != nil {
			return err
		}
		for _, entry := range history {
			if _, err := fresh.Put(ctx, key, entry.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyObjects(ctx context.Context, old, fresh *Objects) error {
	list, err := old.List(ctx, "")
	if err != nil {
		return err
	}
	for _, o := range list {
		r, err := old.Get(ctx, o.Name)
		if err != nil {
			return err
		}
		if err := errors.Join(fresh.Put(ctx, o.Name, r), r.Close()); err != nil {
			return err
		}
	}
	return nil
}
