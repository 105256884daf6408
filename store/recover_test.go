package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestServerComesBack: when JetStream goes off, as it does after a write to its files
// failed, an append waits until it is on again, and a view follows across it.
func TestServerComesBack(t *testing.T) {
	ctx := context.Background()
	s, p := openInside(t, Options{})
	v, err := p.View(ctx, "n", 1, func(w *ViewWriter, b Batch) error { w.Set([]byte(b.Records[0].ID), nil); return nil })
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		s.server.mu.Lock()
		ns := s.server.now
		s.server.mu.Unlock()
		if err := ns.ShutdownJetStream(); err != nil {
			t.Fatal(err)
		}
		sequence, err := p.Log.Append(ctx, Record{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Wait(ctx, sequence); err != nil {
			t.Fatal(err)
		}
		if got, err := v.Get([]byte(id)); got == nil || err != nil {
			t.Errorf("%s is not in the view: %v", id, err)
		}
	}
}

// TestLittleSpace: below MinFree nothing is stored, the answer comes at once, and reads go on.
func TestLittleSpace(t *testing.T) {
	ctx := context.Background()
	_, p := openInside(t, Options{MinFree: 1 << 60})
	begin := time.Now()
	if _, err := p.Log.Append(ctx, Record{ID: "a"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Append: %v", err)
	}
	if _, err := p.KV.Put(ctx, "k", nil); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Put: %v", err)
	}
	if err := p.Objects.Put(ctx, "o", strings.NewReader("object")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Objects.Put: %v", err)
	}
	if waited := time.Since(begin); waited > p.store.options.Timeout {
		t.Errorf("refusing took %v", waited)
	}
	if last, err := p.Log.Last(ctx); last != 0 || err != nil {
		t.Errorf("Last: %d, %v", last, err)
	}
}

// TestRetryIsStoredOnce: a publish that is repeated under its id is in the log once.
func TestRetryIsStoredOnce(t *testing.T) {
	ctx := context.Background()
	_, p := openInside(t, Options{})
	frame := encodeFrame([]chunk{{records: appendRecord(nil, &Record{ID: "a"}), count: 1}})
	first, err := p.Log.writer.attempt(ctx, "id", frame)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Log.writer.attempt(ctx, "id", frame)
	if err != nil || again.Sequence != first.Sequence {
		t.Errorf("repeated: %+v, %v, want sequence %d", again, err, first.Sequence)
	}
	if last, err := p.Log.Last(ctx); last != 1 || err != nil {
		t.Errorf("Last = %d, %v", last, err)
	}
}

// TestLostNotice: without the server's notices a view follows all the same.
func TestLostNotice(t *testing.T) {
	ctx := context.Background()
	_, p := openInside(t, Options{})
	v, err := p.View(ctx, "n", 1, func(w *ViewWriter, _ Batch) error { w.Set(nil, nil); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Log.notice.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	sequence, err := p.Log.Append(ctx, Record{ID: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Wait(ctx, sequence); err != nil {
		t.Fatal(err)
	}
	if p.Log.notice, err = p.store.write.Subscribe(logNotice(p.ID), p.Log.stored); err != nil {
		t.Fatal(err)
	}
}

func openInside(t *testing.T, o Options) (*Store, *Project) {
	t.Helper()
	s, err := Open(context.Background(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	p, err := s.Project(context.Background(), "default")
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

// TestCloseBehind: a view that has batches left to fold closes at once, and folds them when it is opened again.
func TestCloseBehind(t *testing.T) {
	dir := t.TempDir()
	for range 20 {
		s, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		p, err := s.Project(t.Context(), "p")
		if err != nil {
			t.Fatal(err)
		}
		slow := make(chan struct{}, 1)
		v, err := p.View(t.Context(), "slow", 1, func(w *ViewWriter, b Batch) error {
			select {
			case slow <- struct{}{}:
			default:
			}
			time.Sleep(time.Millisecond)
			w.Set([]byte(b.Records[0].ID), nil)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if _, err := p.Log.Append(t.Context(), Record{Kind: KindNote, ID: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		<-slow
		closed := make(chan error, 1)
		go func() { closed <- errors.Join(v.Close(), s.Close()) }()
		select {
		case err := <-closed:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the store does not close")
		}
	}
}
