package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
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

	store *Store
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
	p := &Project{ID: id, store: s, views: map[string]*View{}}
	p.KV = &KV{store: s, bucket: bucket}
	p.Objects = &Objects{store: s, bucket: objects, stream: parts, name: string(id) + objectsSuffix}
	p.Log, err = openLog(ctx, s, id, stream)
	return p, err
}

// logStream opens or creates the stream of the project's log. The server sends
// each message that it has stored once more, on logNotice, which is how views
// in every process learn of it without asking.
func (s *Store) logStream(ctx context.Context, id bellwether.ProjectID) (jetstream.Stream, error) {
	stream, err := s.js.Stream(ctx, string(id)+logSuffix)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
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
		return s.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: name, History: kvHistory, Storage: jetstream.FileStorage, Replicas: s.options.Replicas,
		})
	}
	return bucket, err
}

func (s *Store) objectBucket(ctx context.Context, name string) (jetstream.ObjectStore, error) {
	bucket, err := s.js.ObjectStore(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return s.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: name, Storage: jetstream.FileStorage, Replicas: s.options.Replicas,
		})
	}
	return bucket, err
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
