package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bellwether/store"
	"bellwether/store/s3"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

// newBucket is an empty bucket of a server of S3's protocol that checks signatures; before, if not nil, may answer in its place.
func newBucket(t *testing.T, before func(w http.ResponseWriter, r *http.Request) (answered bool)) *s3.Bucket {
	t.Helper()
	const key, secret = "KEY", "secret/of+the=key"
	memory := s3mem.New()
	if err := memory.CreateBucket(ctx, "backups"); err != nil {
		t.Fatal(err)
	}
	server := gofakes3.New(memory, gofakes3.WithV4Auth(map[string]string{key: secret})).Server()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before == nil || !before(w, r) {
			server.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(h.Close)
	return &s3.Bucket{Name: "backups", Endpoint: h.URL, Key: key, Secret: secret}
}

// small is a folder with one record.
func small(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir, store.Options{})
	if _, err := project(t, s).Log.Append(ctx, numbered(0, 0)...); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBucketFails: a service that fails now and then costs nothing, one that refuses is said, and neither leaves half a copy.
func TestBucketFails(t *testing.T) {
	dir := small(t)
	var n atomic.Int64
	b := newBucket(t, func(w http.ResponseWriter, _ *http.Request) bool {
		switch n.Add(1) % 4 {
		case 1:
			http.Error(w, "later", http.StatusServiceUnavailable)
			return true
		case 3:
			panic(http.ErrAbortHandler) // the connection ends without an answer
		}
		return false
	})
	to := store.BackupBucket(b, "")
	made, err := store.Backup(ctx, dir, to)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := store.Backup(ctx, dir, to); err != nil || again.New != 0 || made.New == 0 {
		t.Errorf("%d bytes are new, then %d, %v", made.New, again.New, err)
	}
	if _, err := store.Restore(ctx, to, filepath.Join(t.TempDir(), "data"), time.Time{}); err != nil {
		t.Error(err)
	}

	wrong := *b
	wrong.Secret += "x"
	var answer *s3.Answer
	if _, err := store.Backup(ctx, dir, store.BackupBucket(&wrong, "")); !errors.As(err, &answer) || answer.Code != "SignatureDoesNotMatch" {
		t.Errorf("a wrong secret: %v", err)
	}
	wrong = *b
	wrong.Name = "nosuch"
	if _, err := store.Backup(ctx, dir, store.BackupBucket(&wrong, "")); !errors.Is(err, s3.ErrNotFound) {
		t.Errorf("no such bucket: %v", err)
	}

	full := store.BackupBucket(newBucket(t, func(w http.ResponseWriter, r *http.Request) bool {
		if refused := r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/"); refused {
			http.Error(w, "<Error><Code>QuotaExceeded</Code><Message>full</Message></Error>", http.StatusForbidden)
			return true
		}
		return false
	}), "")
	if _, err := store.Backup(ctx, dir, full); !errors.As(err, &answer) || answer.Code != "QuotaExceeded" {
		t.Errorf("a full bucket: %v", err)
	}
	if copies, err := store.Copies(ctx, full); err != nil || len(copies) != 0 {
		t.Errorf("a full bucket has %d copies, %v", len(copies), err)
	}
}

// TestBucketDamaged: an object that is not what was stored is said before a folder is made of it.
func TestBucketDamaged(t *testing.T) {
	dir, b := small(t), newBucket(t, nil)
	to := store.BackupBucket(b, "p")
	if _, err := store.Backup(ctx, dir, to); err != nil {
		t.Fatal(err)
	}
	blobs, _, err := b.List(ctx, "p/blobs/")
	if err != nil || len(blobs) < 5 {
		t.Fatalf("%d blobs, %v", len(blobs), err)
	}
	for _, o := range blobs {
		good, err := b.Get(ctx, o.Name)
		if err != nil {
			t.Fatal(err)
		}
		if len(good) == 0 {
			continue
		}
		bad := bytes.Clone(good)
		bad[len(bad)/2] ^= 1
		if _, err := b.Put(ctx, o.Name, bad); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Restore(ctx, to, filepath.Join(t.TempDir(), "data"), time.Time{}); !errors.Is(err, store.ErrDamaged) {
			t.Errorf("with %s damaged: %v", o.Name, err)
		}
		if _, err := b.Put(ctx, o.Name, good); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Delete(ctx, blobs[0].Name); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Restore(ctx, to, filepath.Join(t.TempDir(), "data"), time.Time{}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("with an object gone: %v", err)
	}
	if made, err := store.Backup(ctx, dir, to); err != nil || made.New != blobs[0].Size {
		t.Errorf("the next copy stores %d bytes again, %v; %d were gone", made.New, err, blobs[0].Size)
	}
	if _, err := store.Restore(ctx, to, filepath.Join(t.TempDir(), "data"), time.Time{}); err != nil {
		t.Error(err)
	}
}

// TestBucketLock: two backups at once don't meet in a bucket.
func TestBucketLock(t *testing.T) {
	dir, b := small(t), newBucket(t, nil)
	to := store.BackupBucket(b, "")
	if _, err := b.PutNew(ctx, "LOCK", []byte("another")); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Backup(ctx, dir, to); !errors.Is(err, store.ErrLocked) {
		t.Errorf("under another's lock: %v", err)
	}
	if err := store.Prune(ctx, to, 1); !errors.Is(err, store.ErrLocked) {
		t.Errorf("pruning under another's lock: %v", err)
	}
	old := store.BackupBucket(b, "")
	store.Stale(old, -2*time.Second) // times are of whole seconds
	if _, err := store.Backup(ctx, dir, old); err != nil {
		t.Errorf("under a lock that was left: %v", err)
	}
	if _, err := b.Get(ctx, "LOCK"); !errors.Is(err, s3.ErrNotFound) {
		t.Errorf("after a backup the lock: %v", err)
	}

	taken := false
	var hold *s3.Bucket
	hold = newBucket(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/blobs/") && !taken { // another takes it while this one copies
			taken = true
			if _, err := hold.Put(ctx, "LOCK", []byte("another")); err != nil {
				t.Error(err)
			}
			time.Sleep(300 * time.Millisecond)
		}
		return false
	})
	lost := store.BackupBucket(hold, "")
	store.Renewed(lost, 10*time.Millisecond)
	if _, err := store.Backup(ctx, dir, lost); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a lock that was taken: %v", err)
	}
	if holder, err := hold.Get(ctx, "LOCK"); string(holder) != "another" {
		t.Errorf("the other's lock: %q, %v", holder, err)
	}
	if copies, err := store.Copies(ctx, lost); err != nil || len(copies) != 0 {
		t.Errorf("%d copies after that, %v", len(copies), err)
	}
}

// TestBucketLists: listings of several pages are whole, and names with odd characters come back.
func TestBucketLists(t *testing.T) {
	b := newBucket(t, nil)
	want := []string{"a b+c/é", "a b+c/ü&=?", "a b+c/~x"}
	for _, name := range want {
		if _, err := b.Put(ctx, name, []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1500 {
		if _, err := b.Put(ctx, "many/"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+time.Duration(i).String(), nil); err != nil {
			t.Fatal(err)
		}
	}
	some, now, err := b.List(ctx, "a b+c/")
	if err != nil || len(some) != len(want) || now.IsZero() {
		t.Errorf("%v at %v, %v", some, now, err)
	}
	for _, o := range some {
		if content, err := b.Get(ctx, o.Name); err != nil || string(content) != o.Name || o.Size != int64(len(o.Name)) {
			t.Errorf("%+v: %q, %v", o, content, err)
		}
	}
	if all, _, err := b.List(ctx, "many/"); err != nil || len(all) != 1500 {
		t.Errorf("%d objects, %v", len(all), err)
	}
	if _, err := b.Get(ctx, "nosuch"); !errors.Is(err, s3.ErrNotFound) {
		t.Error(err)
	}
	if err := b.Delete(ctx, "nosuch"); err != nil {
		t.Error(err)
	}
	if err := (&s3.Bucket{Name: "b", Endpoint: "http://127.0.0.1:1"}).Delete(ended(), "x"); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("nobody listens: %v", err)
	}
}

func ended() context.Context {
	c, cancel := context.WithCancel(ctx)
	cancel()
	return c
}
