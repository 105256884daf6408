package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"bellwether/store/s3"
)

// A backup into a bucket holds the object lockName while it runs and writes it again every lockRenewed. One that was not written for
// lockStale, by the service's clock, is left over from a program that ended, and another may take it.
const (
	lockName    = "LOCK"
	lockRenewed = time.Minute
	lockStale   = 10 * time.Minute
)

// BackupBucket returns a [Depot] in a bucket; its names begin with prefix and a slash, unless prefix is empty.
func BackupBucket(b *s3.Bucket, prefix string) Depot {
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return &bucketDepot{bucket: b, prefix: prefix, renewed: lockRenewed, stale: lockStale}
}

type bucketDepot struct {
	bucket         *s3.Bucket
	prefix         string
	renewed, stale time.Duration
}

func (d *bucketDepot) String() string {
	return "s3://" + d.bucket.Name + "/" + strings.TrimSuffix(d.prefix, "/")
}

// lock implements [Depot] with conditional writes. Where a service doesn't know those, two backups at once are not told apart.
func (d *bucketDepot) lock(ctx context.Context) (context.Context, func(), error) {
	me := []byte(rand.Text())
	tag, err := d.bucket.PutNew(ctx, d.prefix+lockName, me)
	if errors.Is(err, s3.ErrChanged) {
		tag, err = d.inherit(ctx, me)
	}
	if err != nil {
		return nil, nil, notFound(err)
	}
	locked, lose := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sleep(locked, d.renewed) {
			next, err := d.bucket.PutOver(locked, d.prefix+lockName, me, tag)
			if errors.Is(err, s3.ErrChanged) { // by another, or by a request of ours whose answer was lost
				next, err = d.mine(locked, me)
			}
			switch {
			case err == nil:
				tag = next
			case errors.Is(err, s3.ErrNotFound), errors.Is(err, ErrLocked):
				lose(fmt.Errorf("%w: another backup took the lock %s", ErrConflict, lockName))
			}
		}
	}()
	return locked, func() {
		lose(nil)
		<-done
		if errors.Is(context.Cause(locked), ErrConflict) {
			return // it is another's
		}
		left, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_ = d.bucket.Delete(left, d.prefix+lockName) // else it is stale in a while
	}, nil
}

// held looks at the lock.
func (d *bucketDepot) held(ctx context.Context) (o s3.Object, holder []byte, now time.Time, err error) {
	objects, now, err := d.bucket.List(ctx, d.prefix+lockName)
	if err != nil {
		return o, nil, now, err
	}
	at := slices.IndexFunc(objects, func(o s3.Object) bool { return o.Name == d.prefix+lockName })
	if at < 0 {
		return o, nil, now, s3.ErrNotFound
	}
	holder, err = d.bucket.Get(ctx, d.prefix+lockName)
	return objects[at], holder, now, err
}

// mine returns the lock's tag if it is of me.
func (d *bucketDepot) mine(ctx context.Context, me []byte) (tag string, err error) {
	o, holder, _, err := d.held(ctx)
	if err == nil && string(holder) != string(me) {
		err = ErrLocked
	}
	return o.Tag, err
}

// inherit takes a lock that its holder left, or says since when another holds it.
func (d *bucketDepot) inherit(ctx context.Context, me []byte) (tag string, err error) {
	o, holder, now, err := d.held(ctx)
	switch {
	case errors.Is(err, s3.ErrNotFound): // it ended meanwhile
		return d.bucket.PutNew(ctx, d.prefix+lockName, me)
	case err != nil:
		return "", err
	case string(holder) == string(me): // the answer to the first request was lost
		return o.Tag, nil
	case now.Sub(o.Changed) < d.stale:
		return "", fmt.Errorf("%w: another backup to %s is under way: its lock was renewed at %s", ErrLocked, d, o.Changed.Format(time.RFC3339))
	}
	return d.bucket.PutOver(ctx, d.prefix+lockName, me, o.Tag)
}

func (d *bucketDepot) get(ctx context.Context, name string) ([]byte, error) {
	content, err := d.bucket.Get(ctx, d.prefix+name)
	return content, notFound(err)
}

// notFound says in this package's terms that an object or the bucket is not there.
func notFound(err error) error {
	if errors.Is(err, s3.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

func (d *bucketDepot) put(ctx context.Context, name string, content []byte) error {
	_, err := d.bucket.Put(ctx, d.prefix+name, content)
	return err
}

// holds implements [Depot] by the size: contents are named by their digests, which the service checked when it took them.
func (d *bucketDepot) holds(_ string, size int64, content []byte) bool {
	return size == int64(len(content))
}

func (d *bucketDepot) list(ctx context.Context, folder string) (map[string]int64, error) {
	objects, _, err := d.bucket.List(ctx, d.prefix+folder+"/")
	if err != nil {
		return nil, err
	}
	sizes := make(map[string]int64, len(objects))
	for _, o := range objects {
		sizes[strings.TrimPrefix(o.Name, d.prefix)] = o.Size
	}
	return sizes, nil
}

func (d *bucketDepot) remove(ctx context.Context, name string) error {
	return d.bucket.Delete(ctx, d.prefix+name)
}
