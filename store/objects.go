package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Objects holds large things, such as models, by name. It is a NATS object store,
// so that NATS's own tools read it too.
type Objects struct {
	project *Project
	store   *Store
	bucket  jetstream.ObjectStore
	stream  jetstream.Stream // that holds the bucket
	name    string           // of the bucket
	list    *objectList      // nil with an external server
}

// chunks is the subject of an object's parts, by the id of one Put.
func (o *Objects) chunks(id string) string { return "$O." + o.name + ".C." + id }

// ObjectInfo describes one object.
type ObjectInfo struct {
	Name   string
	Size   int64
	Time   time.Time // when it was stored
	Digest string    // "SHA-256=" and the digest's base64url form
}

// Get opens the object, or returns ErrNotFound. Its reader checks the digest: it ends
// with io.EOF only when every byte was right. Close it.
func (o *Objects) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	info, err := o.bucket.GetInfo(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		err = o.list.lost(name)
	}
	if err != nil {
		return nil, fmt.Errorf("opening object %q: %w", name, o.store.failed(ctx, err))
	}
	ctx, cancel := context.WithCancel(ctx)
	r, w := io.Pipe()
	err = o.store.spawn(func() {
		defer cancel()
		defer context.AfterFunc(o.store.ctx, func() { cancel(); w.CloseWithError(ErrClosed) })()
		err := o.whole(ctx)
		if err == nil {
			err = o.copyTo(ctx, w, info)
		}
		if err != nil {
			w.CloseWithError(fmt.Errorf("reading object %q: %w", name, o.store.failed(ctx, err)))
			return
		}
		w.Close() //nolint:errcheck // always nil
	})
	if err != nil {
		cancel()
		return nil, err
	}
	return objectReader{r, cancel}, nil
}

type objectReader struct {
	*io.PipeReader
	cancel context.CancelFunc
}

func (r objectReader) Close() error {
	r.cancel()
	return r.PipeReader.Close()
}

// copyTo writes the object's chunks to w and checks their number and digest.
func (o *Objects) copyTo(ctx context.Context, w io.Writer, info *jetstream.ObjectInfo) error {
	digest, chunks := sha256.New(), uint32(0)
	if info.Chunks > 0 {
		s := span{
			stream: "OBJ_" + o.name, subject: o.chunks(info.NUID),
			from: 1, upto: math.MaxUint64, lagging: lagging(o.stream),
		}
		err := o.store.pages.each(ctx, s, func(_ uint64, _ time.Time, m *nats.Msg) error {
			digest.Write(m.Data)
			if _, err := w.Write(m.Data); err != nil {
				return err
			}
			if chunks++; chunks == info.Chunks {
				return io.EOF
			}
			return nil
		})
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errShort) {
			return err
		}
	}
	return o.check(ctx, info, chunks, digest)
}

// whole makes sure that the files of objects are whole before the server reads them.
func (o *Objects) whole(ctx context.Context) error {
	if o.store.server == nil {
		return nil
	}
	whole, err := o.store.guard.check(ctx, "OBJ_"+o.name, 0, math.MaxUint64, false)
	if err == nil && !whole {
		o.store.damaged("OBJ_" + o.name)
		err = fmt.Errorf("%w: a file of the objects; it is mended, read the object again", ErrDamaged)
	}
	return err
}

const remake = "make it again (a model: train and promote), or restore the folder from a backup"

func (o *Objects) check(ctx context.Context, info *jetstream.ObjectInfo, chunks uint32, digest hash.Hash) error {
	if chunks != info.Chunks {
		now, err := o.bucket.GetInfo(ctx, info.Name)
		if err != nil || now.NUID != info.NUID {
			return fmt.Errorf("%d of its %d parts are there: it was replaced or deleted meanwhile; read it again", chunks, info.Chunks)
		}
		return fmt.Errorf("%w: %d of its %d parts are there; %s", ErrDamaged, chunks, info.Chunks, remake)
	}
	if got := "SHA-256=" + base64.URLEncoding.EncodeToString(digest.Sum(nil)); got != info.Digest {
		return fmt.Errorf("%w: its digest is %s, not %s; %s", ErrDamaged, got, info.Digest, remake)
	}
	return nil
}

// List describes the objects whose name begins with prefix, in order.
func (o *Objects) List(ctx context.Context, prefix string) ([]ObjectInfo, error) {
	all, err := o.bucket.List(ctx)
	if err != nil && !errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil, fmt.Errorf("listing objects %q: %w", prefix, o.store.failed(ctx, err))
	}
	list := []ObjectInfo{}
	for _, info := range all {
		if strings.HasPrefix(info.Name, prefix) {
			list = append(list, ObjectInfo{Name: info.Name, Size: int64(info.Size), Time: info.ModTime, Digest: info.Digest})
		}
	}
	slices.SortFunc(list, func(a, b ObjectInfo) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// Delete removes the object; an absent one is no error.
func (o *Objects) Delete(ctx context.Context, name string) error {
	if err := o.project.readOnly(); err != nil {
		return fmt.Errorf("deleting object %q: %w", name, err)
	}
	err := o.bucket.Delete(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		err = nil
	}
	if err == nil {
		err = o.list.set(name, time.Time{})
	}
	if err != nil {
		return fmt.Errorf("deleting object %q: %w", name, o.store.failed(ctx, err))
	}
	return nil
}
