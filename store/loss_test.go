package store_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bellwether/store"
)

// TestAcceptLoss: a project that lost a batch is read only, says which, and once the loss is accepted goes on, with a
// note in the log, views without what is gone, and room to store it again.
func TestAcceptLoss(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, store.Options{})
	p := project(t, s)
	if _, err := p.View(ctx, "count", 1, countOnce); err != nil {
		t.Fatal(err)
	}
	before := time.Now()
	for i := range 5 {
		if _, err := p.Log.Append(ctx, numbered(0, i*crashBatch)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "nats", "jetstream", "$G", "streams", "default_log", "msgs", "1.blk")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1 // of the third batch
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it stays so over a restart
		s = open(t, dir, store.Options{})
		p = project(t, s)
		l := p.Losses()
		if len(l) != 1 || l[0].First != 3 || l[0].Last != 3 || l[0].Records != crashBatch || len(l[0].Kept) != 1 || l[0].After.Before(before.Add(-time.Second)) || l[0].Before.IsZero() {
			t.Fatalf("losses %+v", l)
		}
		if kept, err := os.ReadFile(l[0].Kept[0]); err != nil || string(kept) != string(b) {
			t.Errorf("the damaged file is not kept: %v", err)
		}
		_, appended := p.Log.Append(ctx, numbered(1, 0)...)
		_, put := p.KV.Put(ctx, "k", nil)
		for what, err := range map[string]error{
			"Append": appended, "Put": put, "Objects.Put": p.Objects.Put(ctx, "o", strings.NewReader("o")),
			"Objects.Delete": p.Objects.Delete(ctx, "o"), "ReadOnly": p.ReadOnly(),
		} {
			if !errors.Is(err, store.ErrDamaged) || !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "batches 3 to 3") {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir, store.Options{AcceptLoss: true})
	p = project(t, s)
	var kinds []store.Kind
	note := ""
	err = p.Log.Read(ctx, 0, func(b store.Batch) error {
		kinds = append(kinds, b.Records[0].Kind)
		note = b.Records[0].ID + string(b.Records[0].Data)
		return nil
	})
	if err != nil || len(kinds) != 5 || kinds[4] != store.KindNote || !strings.HasPrefix(note, "store/loss/3-3-") || !strings.Contains(note, `"first":3`) {
		t.Errorf("the log has %v, last %s; %v", kinds, note, err)
	}
	v, err := p.View(ctx, "count", 1, countOnce)
	if err != nil {
		t.Fatal(err)
	}
	sequence, err := p.Log.Append(ctx, numbered(0, 2*crashBatch)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Wait(ctx, sequence); err != nil {
		t.Fatal(err)
	}
	total, err := v.Get(nil)
	if n, _ := binary.Uvarint(total); err != nil || n != 5*crashBatch+1 { // the note counts, too
		t.Errorf("the view counts %d, %v", n, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if p = project(t, open(t, dir, store.Options{})); p.ReadOnly() != nil || p.Losses()[0].Accepted.IsZero() {
		t.Errorf("afterwards: %v, %+v", p.ReadOnly(), p.Losses())
	}
}
