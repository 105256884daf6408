package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"bellwether"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Log is the project's log: batches of records in one order, kept for good.
type Log struct {
	store   *Store
	of      *Project
	project bellwether.ProjectID
	stream  jetstream.Stream
	name    string // of the stream
	writer  *writer
	notice  *nats.Subscription
	end     mark   // the last sequence that this process knows of
	recent  recent // the batches before it
}

func openLog(ctx context.Context, p *Project, stream jetstream.Stream) (*Log, error) {
	s, id := p.store, p.ID
	l := &Log{store: s, of: p, project: id, stream: stream, name: string(id) + logSuffix}
	var err error
	if l.notice, err = s.write.Subscribe(logNotice(id), l.stored); err != nil {
		return nil, err
	}
	if err = s.write.FlushTimeout(s.options.Timeout); err == nil {
		var last uint64
		last, err = l.Last(ctx)
		l.end.advance(last)
	}
	if err != nil {
		return nil, errors.Join(err, l.notice.Unsubscribe())
	}
	l.writer = newWriter(l)
	return l, nil
}

// stored takes the server's notice of a message that it has stored.
func (l *Log) stored(m *nats.Msg) {
	b, err := toBatch(m)
	if err != nil { // the views will meet it when they read the log, and say so
		l.store.log.Warn("notice of an append", "project", l.project, "error", err)
	} else {
		l.recent.add(b, len(m.Data))
	}
	if sequence, _, err := headerSequence(m); err == nil {
		l.end.advance(sequence)
	}
}

// Append stores records in their order and returns the sequence of the batch that
// holds the last of them. When it returns nil they are on disk. Appends of other
// callers that arrive within Options.GroupWindow may share the batch.
//
// After an error some or none of the records may be stored: append them again with
// the same IDs, by which readers tell repetitions. ErrUnavailable means a full disk
// or an absent server; the log recovers by itself. ErrTooLarge means that one record
// is larger than the server takes. ErrDamaged means that the log has lost something and waits for someone
// to accept that, see Project.ReadOnly. Without records Append does nothing and returns 0.
func (l *Log) Append(ctx context.Context, records ...Record) (sequence uint64, err error) {
	if len(records) == 0 {
		return 0, nil
	}
	if err := l.of.readOnly(); err != nil {
		return 0, err
	}
	chunks, err := encodeRecords(records, l.writer.limit)
	if err == nil {
		sequence, err = l.writer.append(ctx, chunks)
	}
	if err != nil {
		return 0, fmt.Errorf("appending to the log of %s: %w", l.project, err)
	}
	return sequence, nil
}

// Last returns the sequence of the last batch, 0 when there is none.
func (l *Log) Last(ctx context.Context) (uint64, error) {
	info, err := l.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("end of the log of %s: %w", l.project, l.store.failed(ctx, err))
	}
	return info.State.LastSeq, nil
}

// Read calls fn with each batch after the sequence after, in order, up to the log's
// end as of the call. It stops at the first error of fn and returns it.
func (l *Log) Read(ctx context.Context, after uint64, fn func(Batch) error) error {
	last, err := l.Last(ctx)
	if err != nil {
		return err
	}
	return l.readTo(ctx, after, last, fn)
}

// readTo is Read up to a sequence that is known to be stored.
func (l *Log) readTo(ctx context.Context, after, upto uint64, fn func(Batch) error) error {
	var failed error // of fn, returned as it is
	s := span{stream: l.name, from: after + 1, upto: upto, lagging: lagging(l.stream), check: l.check}
	next := after + 1
	err := l.store.pages.each(ctx, s, func(sequence uint64, at time.Time, m *nats.Msg) error {
		if failed = l.whole(next, sequence-1); failed != nil {
			return failed
		}
		next = sequence + 1
		var records []Record
		if records, failed = decodeFrame(m.Data); failed == nil {
			failed = fn(Batch{Sequence: sequence, Time: at, Records: records})
		}
		return failed
	})
	switch {
	case failed != nil:
		return failed
	case errors.Is(err, errShort) && !s.lagging:
		return l.whole(next, upto) // what was there was lost, and that is known
	case err != nil:
		return fmt.Errorf("reading the log of %s: %w", l.project, l.store.failed(ctx, err))
	}
	return nil
}

// whole is nil when the sequences from … to, which the server did not send, are known to be
// lost or are none.
func (l *Log) whole(from, to uint64) error {
	if from > to || covers(l.store.guard.gapsOf(l.project), gap{from, to}) {
		return nil
	}
	return fmt.Errorf("%w: batches %d to %d of the log of %s are missing; bellwether doctor says what is known of them", ErrDamaged, from, to, l.project)
}

// check makes sure that the files of the next page are whole before the server reads them.
func (l *Log) check(ctx context.Context, from uint64) error {
	if l.store.server == nil {
		return nil
	}
	whole, err := l.store.guard.check(ctx, l.name, from, from+pageMessages, false)
	if err == nil && !whole {
		l.store.damaged(l.name)
		err = fmt.Errorf("%w: a file of the log of %s, from batch %d; it is mended, read again", ErrDamaged, l.project, from)
	}
	return err
}

func toBatch(m *nats.Msg) (b Batch, err error) {
	if b.Sequence, b.Time, err = headerSequence(m); err == nil {
		b.Records, err = decodeFrame(m.Data)
	}
	return b, err
}

// close stops taking appends, waits for those under way and lets waiting views go.
func (l *Log) close() error {
	l.writer.close()
	l.end.fail(ErrClosed)
	return l.notice.Unsubscribe()
}
