package store_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"bellwether/internal/storetest"
	"bellwether/store"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestServerGoesAway: appends answer ErrUnavailable while an external server is down
// and go on, with the views, once it is back.
func TestServerGoesAway(t *testing.T) {
	files := t.TempDir()
	ns, url := storetest.Server(t, files, server.RANDOM_PORT)
	p := project(t, open(t, t.TempDir(), store.Options{URL: url, Timeout: 2 * time.Second}))
	v, err := p.View(ctx, "count", 1, countOnce)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Log.Append(ctx, numbered(0, 0)...); err != nil {
		t.Fatal(err)
	}
	port := ns.Addr().(*net.TCPAddr).Port
	ns.Shutdown()
	ns.WaitForShutdown()
	if _, err := p.Log.Append(ctx, numbered(0, crashBatch)...); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Append without a server: %v", err)
	}
	if _, err := p.KV.Get(ctx, "k"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Get without a server: %v", err)
	}
	storetest.Server(t, files, port)
	sequence := eventually(t, func() (uint64, error) { return p.Log.Append(ctx, numbered(0, crashBatch)...) })
	if err := v.Wait(ctx, sequence); err != nil {
		t.Fatal(err)
	}
	if total, err := v.Get(nil); err != nil || len(total) != 1 || int(total[0]) != 2*crashBatch {
		t.Errorf("the view counts %v, %v", total, err)
	}
}

// eventually repeats f while the store is unavailable.
func eventually(t *testing.T, f func() (uint64, error)) uint64 {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		n, err := f()
		if err == nil {
			return n
		}
		if !errors.Is(err, store.ErrUnavailable) || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestTwoProcesses: a view follows what another store on the same server appends.
func TestTwoProcesses(t *testing.T) {
	_, url := storetest.Server(t, t.TempDir(), server.RANDOM_PORT)
	one := project(t, open(t, t.TempDir(), store.Options{URL: url}))
	two := project(t, open(t, t.TempDir(), store.Options{URL: url}))
	v, err := two.View(ctx, "count", 1, countOnce)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		sequence, err := one.Log.Append(ctx, numbered(0, i*crashBatch)...)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Wait(ctx, sequence); err != nil {
			t.Fatal(err)
		}
	}
	total, err := v.Get(nil)
	if n, _ := binary.Uvarint(total); err != nil || n != 10*crashBatch {
		t.Errorf("the view counts %d, %v", n, err)
	}
}

// TestAnotherLog: a view does not keep what it folded from a log that is gone.
func TestAnotherLog(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second server begins with an empty log
		_, url := storetest.Server(t, t.TempDir(), server.RANDOM_PORT)
		s := open(t, dir, store.Options{URL: url})
		p := project(t, s)
		if _, err := p.Log.Append(ctx, numbered(0, 0)...); err != nil {
			t.Fatal(err)
		}
		folded := 0
		_, err := p.View(ctx, "count", 1, func(w *store.ViewWriter, b store.Batch) error { folded++; return countOnce(w, b) })
		if err != nil || folded != 1 {
			t.Errorf("folded %d batches of 1, %v", folded, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStreamsOfOtherFormatsAreRefused: logs that a newer and an older program wrote into a shared server.
func TestStreamsOfOtherFormatsAreRefused(t *testing.T) {
	_, url := storetest.Server(t, t.TempDir(), server.RANDOM_PORT)
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "default_log", Subjects: []string{"default.log"},
		Metadata: map[string]string{"bellwether-format": "9", "bellwether-needs": "5.0.0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(t, t.TempDir(), store.Options{URL: url}).Project(ctx, "default")
	if !errors.Is(err, store.ErrNewerFormat) || !strings.Contains(err.Error(), "5.0.0") {
		t.Errorf("a newer stream: %v", err)
	}
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "older_log", Subjects: []string{"older.log"},
		Metadata: map[string]string{"bellwether-format": "1", "bellwether-needs": "0.1.0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = open(t, t.TempDir(), store.Options{URL: url}).Project(ctx, "older")
	if err == nil || !strings.Contains(err.Error(), "bellwether export") {
		t.Errorf("an older stream: %v", err)
	}
}

// TestObjectsAreNATS: NATS's own client reads the objects that a store writes, and the other way round.
func TestObjectsAreNATS(t *testing.T) {
	_, url := storetest.Server(t, t.TempDir(), server.RANDOM_PORT)
	p := project(t, open(t, t.TempDir(), store.Options{URL: url}))
	big := strings.Repeat("object ", 100_000)
	if err := p.Objects.Put(ctx, "ours", strings.NewReader(big)); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := js.ObjectStore(ctx, "default_objects")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bucket.GetString(ctx, "ours"); err != nil || got != big {
		t.Errorf("their client read %d bytes of ours, %v", len(got), err)
	}
	if _, err := bucket.PutString(ctx, "theirs", big); err != nil {
		t.Fatal(err)
	}
	r, err := p.Objects.Get(ctx, "theirs")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != big {
		t.Errorf("we read %d bytes of theirs, %v", len(got), err)
	}
}

// TestCloseLeavesNothing: no goroutine of a closed store stays.
func TestCloseLeavesNothing(t *testing.T) {
	use := func() {
		s := open(t, t.TempDir(), store.Options{})
		p := project(t, s)
		if _, err := p.View(ctx, "count", 1, countOnce); err != nil {
			t.Fatal(err)
		}
		if err := p.Objects.Put(ctx, "o", strings.NewReader("object")); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Objects.Get(ctx, "o"); err != nil { // never closed
			t.Fatal(err)
		}
		if _, err := p.Log.Append(ctx, numbered(0, 0)...); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	use() // what packages start once, such as caches' finalizers
	before := runtime.NumGoroutine()
	for range 3 {
		use()
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}
