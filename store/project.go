package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"bellwether"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Names of a project's streams and buckets, after its id.
const (
	logSuffix     = "_log"
	kvSuffix      = "_kv"
	objectsSuffix = "_objects"
)

const (
	formatKey   = "bellwether-format" // metadata of the log's stream
	needsKey    = "bellwether-needs"
	retryWindow = time.Minute // in which the server knows a repeated publish; longer than any Timeout
	kvHistory   = 8           // values kept a key
)

// Project is the data of one tenant.
type Project struct {
	ID      bellwether.ProjectID
	Log     *Log
	KV      *KV
	Objects *Objects

	store   *Store
	blocked atomic.Bool // the log lost something, and nobody accepted that

	mu    sync.Mutex
	views map[string]*View // open ones
}

func (s *Store) openProject(ctx context.Context, id bellwether.ProjectID) (*Project, error) {
	stream, err := s.logStream(ctx, id)
	if err != nil {
		return nil, err
	}
	bucket, err := s.bucket(ctx, string(id)+kvSuffix)
	if err != nil {
		return nil, err
	}
	objects, err := s.objectBucket(ctx, string(id)+objectsSuffix)
	if err != nil {
		return nil, err
	}
	parts, err := s.js.Stream(ctx, "OBJ_"+string(id)+objectsSuffix)
	if err != nil {
		return nil, err
	}
	keys, err := s.js.Stream(ctx, "KV_"+string(id)+kvSuffix)
	if err != nil {
		return nil, err
	}
	if s.server != nil {
		for _, stream := range []jetstream.Stream{stream, keys, parts} {
			if err := s.guard.adopt(stream.CachedInfo().Config.Name, stream.CachedInfo().Created); err != nil {
				return nil, err
			}
		}
	}
	p := &Project{ID: id, store: s, views: map[string]*View{}}
	p.KV = &KV{project: p, store: s, bucket: bucket, name: string(id) + kvSuffix}
	p.Objects = &Objects{project: p, store: s, bucket: objects, stream: parts, name: string(id) + objectsSuffix}
	if err := p.Objects.openList(ctx); err != nil {
		return nil, err
	}
	if p.Log, err = openLog(ctx, p, stream); err != nil {
		return nil, err
	}
	if err := p.continuous(ctx); err != nil {
		return nil, errors.Join(err, p.Log.close())
	}
	return p, nil
}

// logStream opens or creates the stream of the project's log. The server sends
// each message that it has stored once more, on logNotice, which is how views
// in every process learn of it without asking.
func (s *Store) logStream(ctx context.Context, id bellwether.ProjectID) (jetstream.Stream, error) {
	stream, err := s.js.Stream(ctx, string(id)+logSuffix)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if err := s.absent(string(id) + logSuffix); err != nil {
			return nil, err
		}
		return s.js.CreateStream(ctx, jetstream.StreamConfig{
			Name:        string(id) + logSuffix,
			Description: "Bellwether: the log of project " + string(id),
			Subjects:    []string{logSubject(id)},
			Storage:     jetstream.FileStorage,
			Replicas:    s.options.Replicas,
			Duplicates:  retryWindow,
			AllowDirect: true,
			RePublish:   &jetstream.RePublish{Source: logSubject(id), Destination: logNotice(id)},
			Metadata:    map[string]string{formatKey: strconv.Itoa(format), needsKey: formatNeeds},
		})
	}
	if err != nil {
		return nil, err
	}
	metadata := stream.CachedInfo().Config.Metadata
	version, _ := strconv.Atoi(metadata[formatKey])
	if version < s.oldest {
		return nil, fmt.Errorf("stream %s%s has format %d, which Bellwether before %s wrote: a folder's own log is migrated when it is opened, one in an "+
			"external NATS is not; write its events out with the program that wrote them (bellwether export) and import them under another project", id, logSuffix, version, formatNeeds)
	}
	return stream, acceptFormat("stream "+string(id)+logSuffix, version, metadata[needsKey])
}

func (s *Store) bucket(ctx context.Context, name string) (jetstream.KeyValue, error) {
	bucket, err := s.js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		if err := s.absent("KV_" + name); err != nil {
			return nil, err
		}
		return s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: name, History: kvHistory, Storage: jetstream.FileStorage, Replicas: s.options.Replicas,
		})
	}
	return bucket, err
}

func (s *Store) objectBucket(ctx context.Context, name string) (jetstream.ObjectStore, error) {
	bucket, err := s.js.ObjectStore(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		if err := s.absent("OBJ_" + name); err != nil {
			return nil, err
		}
		return s.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: name, Storage: jetstream.FileStorage, Replicas: s.options.Replicas,
		})
	}
	return bucket, err
}

// absent is nil when a stream may be made: one whose files are there was not opened by the
// server, and another of its name would take their place.
func (s *Store) absent(stream string) error {
	if s.server == nil || !exists(filepath.Join(s.guard.streams(), stream)) {
		return nil
	}
	return fmt.Errorf("%w: stream %s is on disk and the server did not open it; it is tried again, and the log says why", ErrUnavailable, stream)
}

// continuous compares the log with what it must hold, every sequence from 1 to the last but
// the known losses, and remembers what else is gone.
func (p *Project) continuous(ctx context.Context) error {
	info, err := p.Log.stream.Info(ctx)
	if err != nil {
		return err
	}
	known, must := p.store.guard.gapsOf(p.ID), []gap{}
	if info.State.LastSeq > 0 {
		must = without([]gap{{1, info.State.LastSeq}}, known)
	}
	var count uint64
	for _, g := range must {
		count += g.count()
	}
	if count > info.State.Msgs {
		if info, err = p.Log.stream.Info(ctx, jetstream.WithDeletedDetails(true)); err != nil {
			return err
		}
		if err := p.store.guard.lost(p.gone(info.State, known)...); err != nil {
			return err
		}
	}
	p.judge()
	if p.blocked.Load() && p.store.options.AcceptLoss {
		return p.AcceptLoss(ctx)
	}
	return nil
}

// gone returns the losses that the server's state tells of and that are not known.
func (p *Project) gone(state jetstream.StreamState, known []gap) (losses []Loss) {
	gaps := []gap{{1, state.FirstSeq - 1}}
	if state.FirstSeq <= 1 {
		gaps = nil
	}
	for _, s := range state.Deleted {
		if n := len(gaps); n > 0 && gaps[n-1].Last+1 == s {
			gaps[n-1].Last = s
		} else {
			gaps = append(gaps, gap{s, s})
		}
	}
	for _, g := range without(gaps, known) {
		losses = append(losses, Loss{Project: p.ID, First: g.First, Last: g.Last, Found: time.Now().UTC()})
	}
	return losses
}

func logSubject(id bellwether.ProjectID) string { return string(id) + ".log" }
func logNotice(id bellwether.ProjectID) string  { return string(id) + ".stored" }

// close closes the project's views, then its log.
func (p *Project) close() error {
	p.mu.Lock()
	views := p.views
	p.views = nil
	p.mu.Unlock()
	var err error
	for name, v := range views {
		if e := v.close(); e != nil {
			err = errors.Join(err, fmt.Errorf("closing view %s: %w", name, e))
		}
	}
	return errors.Join(err, p.Log.close())
}

// lagging reports whether a read may meet a replica that is behind.
func lagging(stream jetstream.Stream) bool { return stream.CachedInfo().Config.Replicas > 1 }

// headerSequence returns the sequence and time that the server put into a message's header.
func headerSequence(m *nats.Msg) (uint64, time.Time, error) {
	sequence, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("store: message without a sequence: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("store: message without a time: %w", err)
	}
	return sequence, at, nil
}
