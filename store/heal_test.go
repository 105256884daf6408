package store_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bellwether/store"
)

// TestViewsHeal: a view that meets damage in its files while the program runs says that it is folded again, never
// answers wrongly, and is whole again by itself; appends go on meanwhile.
func TestViewsHeal(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, store.Options{})
	p := project(t, s)
	_, err := p.View(ctx, "count", 1, countOnce)
	if err != nil {
		t.Fatal(err)
	}
	const batches = 200
	for i := range batches { // more keys than are read and kept in memory when the view opens
		records := make([]store.Record, 0, 10*crashBatch)
		for j := range 10 {
			records = append(records, numbered(0, (10*i+j)*crashBatch)...)
		}
		if _, err := p.Log.Append(ctx, records...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil { // which writes the view's files
		t.Fatal(err)
	}
	tables, err := filepath.Glob(filepath.Join(dir, "views", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	for _, table := range tables {
		b, err := os.ReadFile(table)
		if err != nil {
			t.Fatal(err)
		}
		for i := len(b) / 4; i < len(b)/2; i++ { // where neither the cursor nor the table's index is
			b[i] ^= 0x55
		}
		if err := os.WriteFile(table, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, dir, store.Options{})
	p = project(t, s)
	v, err := p.View(ctx, "count", 1, countOnce)
	if err != nil {
		t.Fatal(err)
	}
	said := false
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		total, err := v.Get(nil)
		if n, _ := binary.Uvarint(total); err == nil && n != batches*10*crashBatch {
			t.Fatalf("a wrong answer: %d", n)
		}
		// Who asks after the damage was found, and all was folded again, never hears of it: then the view's files are others.
		others, _ := filepath.Glob(filepath.Join(dir, "views-*"))
		if said = said || errors.Is(err, store.ErrUnavailable) || len(others) > 0; said && err == nil {
			break
		}
		if err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Fatal(err)
		}
		if time.Now().After(end) {
			t.Fatalf("not healed: said %v, %v", said, err)
		}
		seen := 0
		err = v.Scan(nil, func(_, _ []byte) bool { seen++; return true })
		if err == nil && seen != batches*10*crashBatch+1 || err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("a scan of %d keys: %v", seen, err)
		}
		said = said || err != nil
	}
	sequence, err := p.Log.Append(ctx, numbered(1, 0)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Wait(ctx, sequence); err != nil {
		t.Fatal(err)
	}
	total, err := v.Get(nil)
	if n, _ := binary.Uvarint(total); err != nil || n != (batches*10+1)*crashBatch {
		t.Errorf("after it healed: %d, %v", n, err)
	}
}
