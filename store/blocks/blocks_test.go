package blocks_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"bellwether/internal/storetest"
	"bellwether/store/blocks"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const messages = 60

// stored returns the folder of a stream that a server has left, with a header and without, and one message deleted.
func stored(t *testing.T) (dir string) {
	t.Helper()
	root := t.TempDir()
	ns, url := storetest.Server(t, root, server.RANDOM_PORT)
	js := client(t, url)
	s, err := js.CreateStream(context.Background(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		m := nats.NewMsg(fmt.Sprint("s.", i%3))
		m.Data = bytes.Repeat([]byte{byte(i)}, 100+i)
		if i%2 == 0 {
			m.Header.Set("Number", fmt.Sprint(i))
		}
		if _, err := js.PublishMsg(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteMsg(context.Background(), 5); err != nil {
		t.Fatal(err)
	}
	ns.Shutdown()
	ns.WaitForShutdown()
	return filepath.Join(root, "jetstream", "$G", "streams", "S")
}

func client(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// TestReadsWhatTheServerWrote holds this package to the server that go.mod names.
func TestReadsWhatTheServerWrote(t *testing.T) {
	dir := stored(t)
	c, err := blocks.ReadMeta(dir)
	if err != nil || c.Name != "S" || c.Created.IsZero() {
		t.Errorf("configuration %+v, %v", c, err)
	}
	files, err := blocks.List(filepath.Join(dir, blocks.Messages))
	if err != nil || len(files) != 1 || files[0].Index != 1 {
		t.Fatalf("files %+v, %v", files, err)
	}
	b, err := blocks.Read("S", filepath.Join(dir, blocks.Messages), 1)
	if err != nil || len(b.Bad) > 0 {
		t.Fatalf("bad %+v, %v", b.Bad, err)
	}
	first, err := blocks.FirstSequence(filepath.Join(dir, blocks.Messages), 1)
	if err != nil || first != 1 {
		t.Errorf("first sequence %d, %v", first, err)
	}
	n := 0
	b.Messages(func(r *blocks.Record) {
		if n++; r.Sequence == 5 {
			return // erased in its place: the server writes over a message that it deletes by name
		}
		header, data := r.Header()
		i := int(r.Sequence - 1)
		if string(r.Subject) != fmt.Sprint("s.", i%3) || !bytes.Equal(data, bytes.Repeat([]byte{byte(i)}, 100+i)) || (header != nil) != (i%2 == 0) {
			t.Errorf("message %d is %q, %q, %q", i, r.Subject, header, data)
		}
	})
	if first, last := b.Range(); first != 1 || last != messages || n < messages-1 || n > messages {
		t.Errorf("%d messages, %d to %d", n, first, last)
	}
}

// subject accepts the subjects that stored uses.
func subject(r *blocks.Record) bool {
	return len(r.Subject) == 3 && bytes.HasPrefix(r.Subject, []byte("s."))
}

// TestMended: whatever byte is flipped, all other records are found, and the server takes the
// mended block and gives no sequence twice.
func TestMended(t *testing.T) {
	dir := stored(t)
	path := filepath.Join(dir, blocks.Messages, blocks.Name(1))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole := len(blocks.Parse("S", 1, good).Records)
	for at := range good {
		bad := bytes.Clone(good)
		bad[at] ^= 0x10
		b := blocks.Parse("S", 1, bad)
		b.Keep(subject)
		if len(b.Bad) != 1 || len(b.Records) != whole-1 {
			t.Fatalf("byte %d: bad %+v, %d records of %d", at, b.Bad, len(b.Records), whole)
		}
		if mended := blocks.Parse("S", 1, b.Mended(messages)); len(mended.Bad) > 0 || len(mended.Records) < whole-1 {
			t.Fatalf("byte %d: mended %+v", at, mended.Bad)
		}
	}
	for cut := range good {
		b := blocks.Parse("S", 1, good[:cut])
		if len(b.Bad) > 1 || len(b.Bad) == 1 && !b.Bad[0].Torn {
			t.Fatalf("cut at %d: %+v", cut, b.Bad)
		}
	}
	b := blocks.Parse("S", 1, good[:len(good)/2])
	if err := os.WriteFile(path, b.Mended(messages+5), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, blocks.Messages, blocks.Index)); err != nil {
		t.Fatal(err)
	}
	_, url := storetest.Server(t, filepath.Join(dir, "../../../.."), server.RANDOM_PORT)
	ack, err := client(t, url).Publish(context.Background(), "s.1", nil)
	if err != nil || ack.Sequence != messages+6 {
		t.Errorf("the next message is %+v, %v", ack, err)
	}
}

// TestUnion: two damaged copies make a whole one.
func TestUnion(t *testing.T) {
	good, err := os.ReadFile(filepath.Join(stored(t), blocks.Messages, blocks.Name(1)))
	if err != nil {
		t.Fatal(err)
	}
	whole := blocks.Parse("S", 1, good)
	one, two := bytes.Clone(good), bytes.Clone(good)
	one[len(good)/3], two[len(good)/2] = ^one[len(good)/3], ^two[len(good)/2]
	content, added := blocks.Union(blocks.Parse("S", 1, one), blocks.Parse("S", 1, two))
	b := blocks.Parse("S", 1, content)
	if added != 1 || len(b.Bad) > 0 || len(b.Records) != len(whole.Records) {
		t.Errorf("%d added, %d records of %d, bad %+v", added, len(b.Records), len(whole.Records), b.Bad)
	}
}

func TestDamagedMeta(t *testing.T) {
	dir := stored(t)
	for _, name := range []string{blocks.Meta, blocks.MetaSum} {
		path := filepath.Join(dir, name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := bytes.Clone(good)
		bad[3] ^= 1
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := blocks.ReadMeta(dir); err == nil {
			t.Errorf("a damaged %s is read", name)
		}
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzParse: bytes of a damaged disk neither panic nor are lost track of.
func FuzzParse(f *testing.F) {
	f.Add([]byte("no record"), uint32(1))
	f.Fuzz(func(t *testing.T, b []byte, index uint32) {
		k := blocks.Parse("S", index, b)
		n := 0
		for _, bad := range k.Bad {
			n += bad.Length
		}
		for i := range k.Records {
			n += len(k.Records[i].Raw)
			k.Records[i].Header()
		}
		if n != len(b) {
			t.Errorf("%d bytes of %d are accounted for", n, len(b))
		}
	})
}
