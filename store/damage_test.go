package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bellwether/store"
)

// The folder that is damaged: 500 batches in three blocks, keys in two, three objects and a view.
const (
	filledBatches = 500
	filledRecords = 10
	filledKeys    = 40
	filledObjects = 3
	filledBytes   = 4 << 10 // of a record
)

func noise(seed uint64, n int) []byte {
	b, rng := make([]byte, n+8), rand.New(rand.NewPCG(seed, 1))
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rng.Uint64())
	}
	return b[:n]
}

func filledBatch(i int) []store.Record {
	records := make([]store.Record, filledRecords)
	for j := range records {
		records[j] = store.Record{Kind: store.KindEvent, ID: fmt.Sprint(i, "-", j), Data: noise(uint64(i*filledRecords+j), filledBytes)}
	}
	return records
}

func filledKey(i int) (string, []byte) { return fmt.Sprint("key/", i), noise(uint64(1<<20+i), 20<<10) }

func filledObject(i int) (string, []byte) {
	return fmt.Sprint("object-", i), noise(uint64(1<<21+i), 700<<10)
}

// fill fills a project; with end it then waits to be killed.
func fill500(dir string, wait bool) error {
	s, err := store.Open(ctx, dir, store.Options{MinFree: -1})
	if err != nil {
		return err
	}
	p, err := s.Project(ctx, "default")
	if err != nil {
		return err
	}
	v, err := p.View(ctx, "count", 1, countOnce)
	if err != nil {
		return err
	}
	for round := range 3 { // older values of keys, too
		for i := range filledKeys {
			key, value := filledKey(i)
			if _, err := p.KV.Put(ctx, key, append(value, byte(round))); err != nil {
				return err
			}
		}
	}
	for i := range filledObjects {
		name, content := filledObject(i)
		if err := p.Objects.Put(ctx, name, bytes.NewReader(content)); err != nil {
			return err
		}
	}
	var last uint64
	for i := range filledBatches {
		if last, err = p.Log.Append(ctx, filledBatch(i)...); err != nil {
			return err
		}
	}
	if err := v.Wait(ctx, last); err != nil {
		return err
	}
	if wait {
		time.Sleep(1200 * time.Millisecond) // keys are copied every second
		fmt.Println("filled")
		select {}
	}
	return s.Close()
}

// filled returns a folder that was left in order, and one whose program was killed.
func filledFolders(t *testing.T) map[string]string {
	t.Helper()
	folders := map[string]string{"in order": t.TempDir(), "killed": t.TempDir()}
	if err := fill500(folders["in order"], false); err != nil {
		t.Fatal(err)
	}
	c := command("fill", folders["killed"])
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 7)
	_, err = io.ReadFull(out, line)
	_ = c.Process.Kill()
	_ = c.Wait()
	if err != nil || string(line) != "filled\n" {
		t.Fatalf("the program said %q, %v", line, err)
	}
	return folders
}

func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	times := func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		return os.Chtimes(filepath.Join(to, rel), info.ModTime(), info.ModTime())
	}
	if err := filepath.WalkDir(from, times); err != nil {
		t.Fatal(err)
	}
	return to
}

// kinds are the stored files by what they are.
func kinds(t *testing.T, dir string) map[string][]string {
	t.Helper()
	of := map[string][]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		parts := strings.Split(rel, string(filepath.Separator))
		kind := parts[0]
		if len(parts) > 4 {
			kind = parts[4] + " " + filepath.Ext(rel)
		} else if len(parts) > 1 {
			kind = parts[0] + " " + strings.TrimLeft(filepath.Base(rel), "0123456789")
		}
		if info, err := d.Info(); err == nil && info.Size() > 0 {
			of[kind] = append(of[kind], rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return of
}

// harm does one damage to a file of the folder and says which.
func harm(t *testing.T, rng *rand.Rand, dir, rel string) string {
	t.Helper()
	path := filepath.Join(dir, rel)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	switch at := rng.IntN(len(b)); rng.IntN(4) {
	case 0:
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return "deleted " + rel
	case 1:
		if err := os.Truncate(path, int64(at)); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("cut %s at %d of %d", rel, at, len(b))
	default:
		bit := byte(1) << rng.IntN(8)
		b[at] ^= bit
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil { // as a disk does it
			t.Fatal(err)
		}
		return fmt.Sprintf("flipped bit %d of byte %d of %d of %s", bit, at, len(b), rel)
	}
}

// damageFolders damages copies of the folders, each kind of file in turn, n times in all.
func damageFolders(t *testing.T, n int) {
	folders := filledFolders(t)
	rng := rand.New(rand.NewPCG(3, 4))
	of := map[string]map[string][]string{}
	var turns [][2]string
	for stop, dir := range folders {
		of[stop] = kinds(t, dir)
		for kind := range of[stop] {
			turns = append(turns, [2]string{stop, kind})
		}
	}
	slices.SortFunc(turns, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	said := map[string]int{}
	for i := range n {
		stop, kind := turns[i%len(turns)][0], turns[i%len(turns)][1]
		files := of[stop][kind]
		t.Run(fmt.Sprint(i, " ", stop, " ", kind), func(t *testing.T) {
			dir := copyFolder(t, folders[stop])
			what := harm(t, rng, dir, files[rng.IntN(len(files))])
			outcome := checkDamaged(t, dir, what)
			said[outcome]++
			t.Logf("%s: %s", what, outcome)
		})
	}
	t.Logf("%d damages over %d kinds of files: %v", n, len(turns), said)
}

// checkDamaged opens a damaged folder and reads all of it: each thing is as it was stored, or
// its absence is said.
func checkDamaged(t *testing.T, dir, what string) (outcome string) {
	t.Helper()
	begin := time.Now()
	s, err := store.Open(ctx, dir, store.Options{MinFree: -1, Timeout: 5 * time.Second})
	if err != nil {
		if !errors.Is(err, store.ErrDamaged) && !strings.Contains(err.Error(), "damaged") {
			t.Fatalf("%s: opening: %v", what, err)
		}
		return "refused"
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("%s: closing: %v", what, err)
		}
	}()
	p, err := s.Project(ctx, "default")
	if err != nil {
		if !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("%s: project: %v", what, err)
		}
		return "refused"
	}
	seen := readDamaged(t, p, what)
	lost := map[uint64]bool{}
	for _, l := range p.Losses() {
		for q := l.First; q <= l.Last; q++ {
			lost[q] = true
		}
	}
	for i := range filledBatches {
		if q := uint64(i + 1); seen[q] == lost[q] {
			t.Fatalf("%s: batch %d is in the log: %v; it is said to be lost: %v", what, q, seen[q], lost[q])
		}
	}
	outcome = "harmless"
	if len(lost) > 0 {
		outcome = "said"
		if !strings.Contains(what, "log") || strings.HasPrefix(what, "flipped") && len(lost) > 1 {
			t.Errorf("%s: %d batches are lost", what, len(lost))
		}
	}
	checkKeys(t, p, what)
	if checkObjects(t, p, what) > 0 {
		outcome = "said"
	}
	checkView(t, p, what, filledBatches-len(lost))
	if p.ReadOnly() == nil && len(lost) > 0 { // what is found while the program runs stops it at the next start
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, store.Options{MinFree: -1})
		p = project(t, s)
	}
	_, err = p.Log.Append(ctx, store.Record{ID: "new"})
	if refused := errors.Is(err, store.ErrDamaged); refused != (len(lost) > 0) || !refused && err != nil {
		t.Errorf("%s: with %d batches lost, appending: %v", what, len(lost), err)
	}
	if err := p.AcceptLoss(ctx); err != nil {
		t.Errorf("%s: accepting: %v", what, err)
	}
	if q, err := p.Log.Append(ctx, store.Record{ID: "new"}); err != nil || q <= filledBatches {
		t.Errorf("%s: appending afterwards: %d, %v", what, q, err)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("%s: took %v", what, took)
	}
	return outcome
}

func readDamaged(t *testing.T, p *store.Project, what string) map[uint64]bool {
	t.Helper()
	for attempt := 0; ; attempt++ { // damage that is met while reading is said first, and mended
		seen := map[uint64]bool{}
		err := p.Log.Read(ctx, 0, func(b store.Batch) error {
			seen[b.Sequence] = true
			want := filledBatch(int(b.Sequence) - 1)
			if len(b.Records) != len(want) {
				return fmt.Errorf("batch %d has %d records", b.Sequence, len(b.Records))
			}
			for j, r := range b.Records {
				if r.ID != want[j].ID || !bytes.Equal(r.Data, want[j].Data) {
					return fmt.Errorf("record %d of batch %d changed", j, b.Sequence)
				}
			}
			return nil
		})
		if err == nil {
			return seen
		}
		if attempt > 300 || !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("%s: reading: %v", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func checkKeys(t *testing.T, p *store.Project, what string) {
	t.Helper()
	keys, err := p.KV.Keys(ctx, "key/")
	if err != nil || len(keys) != filledKeys {
		t.Errorf("%s: %d keys, %v", what, len(keys), err)
	}
	for i := range filledKeys {
		key, value := filledKey(i)
		e, err := p.KV.Get(ctx, key)
		if err != nil || !bytes.Equal(e.Value, append(value, 2)) {
			t.Errorf("%s: key %s: %d bytes, %v", what, key, len(e.Value), err)
		}
	}
}

func checkObjects(t *testing.T, p *store.Project, what string) (said int) {
	t.Helper()
	for i := range filledObjects {
		name, content := filledObject(i)
		r, err := p.Objects.Get(ctx, name)
		var got []byte
		if err == nil {
			got, err = io.ReadAll(r)
			r.Close()
		}
		switch {
		case err == nil && !bytes.Equal(got, content):
			t.Errorf("%s: object %s has other content", what, name)
		case err != nil && (!errors.Is(err, store.ErrDamaged) || !strings.Contains(what, "OBJ_")):
			t.Errorf("%s: object %s: %v", what, name, err)
		case err != nil:
			said++
		}
	}
	return said
}

func checkView(t *testing.T, p *store.Project, what string, batches int) {
	t.Helper()
	v, err := p.View(ctx, "count", 1, countOnce)
	if err != nil {
		t.Fatalf("%s: view: %v", what, err)
	}
	get := func(key string) (value []byte, err error) { // while it is folded again it says so
		for range 100 {
			if value, err = v.Get([]byte(key)); !errors.Is(err, store.ErrUnavailable) {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		return value, err
	}
	total, err := get("")
	n, _ := binary.Uvarint(total)
	if err != nil || int(n) < batches*filledRecords || int(n) > filledBatches*filledRecords {
		t.Errorf("%s: the view counts %d, %v", what, n, err)
	}
	seen := 0
	for i := range filledBatches {
		if one, err := get(fmt.Sprint(i, "-0")); err == nil && one != nil {
			seen++
		}
	}
	if seen < batches {
		t.Errorf("%s: the view has seen %d batches of %d", what, seen, batches)
	}
}

func TestDamage(t *testing.T) { damageFolders(t, 38) }
