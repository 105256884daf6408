package collect

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"
)

// send brings one body the way that a request does: unpacked where it is packed, a batch at /v1/batch and else one message.
func send(c *Collector, path string, body []byte) (Result, error) {
	if Packed(body) {
		var plain bytes.Buffer
		if err := Unpack(&plain, body); err != nil {
			return Result{}, err
		}
		body = plain.Bytes()
	}
	if kind := strings.TrimPrefix(path, "/v1/"); kind != "batch" {
		return c.AcceptMessage(context.Background(), kind, body)
	}
	return c.AcceptBatch(context.Background(), body)
}

// sends is send of a body that can be read.
func sends(t testing.TB, c *Collector, path, body string) Result {
	t.Helper()
	r, err := send(c, path, []byte(body))
	if err != nil {
		t.Fatalf("%s %s: %v", path, body, err)
	}
	return r
}

func packed(body string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(body))
	z.Close()
	return b.Bytes()
}

const view1 = `{"type":"track","event":"Product Viewed","userId":"ann","messageId":"m1","timestamp":"2026-03-01T11:00:00Z","properties":{"product_id":"shoe","price":19.99}}`

func TestOrderBecomesAnEventAnItem(t *testing.T) {
	c, p := inStore(t)
	sends(t, c, "/v1/track", `{"event":"Order Completed","userId":"ann","messageId":"o1","properties":{"order_id":"77","currency":"EUR",
		"products":[{"product_id":"a","price":1.5,"quantity":2},{"product_id":"b","price":"3","quantity":1}]}}`)
	events := logged(t, p)
	if len(events) != 2 {
		t.Fatalf("%d events", len(events))
	}
	for k, want := range []bellwether.Money{{Amount: 150, Currency: "EUR"}, {Amount: 300, Currency: "EUR"}} {
		e := events[k]
		if e.Type != bellwether.Purchase || e.Price != want || e.Order != "77" || !strings.HasPrefix(string(e.ID), "o1") || (e.Raw != nil) != (k == 0) {
			t.Errorf("item %d is %+v", k, e)
		}
	}
}

// TestSkew: the sender's clock is two hours fast, as its sentAt shows.
func TestSkew(t *testing.T) {
	c, p := inStore(t)
	sends(t, c, "/v1/batch", `{"sentAt":"2026-03-01T14:00:00Z","batch":[{"type":"page","userId":"ann","messageId":"p1","timestamp":"2026-03-01T13:30:00Z"}]}`)
	events := logged(t, p)
	if len(events) != 1 || !events[0].Occurred.Equal(noon.Add(-30*time.Minute)) || !events[0].Received.Equal(noon) {
		t.Errorf("events are %+v, want one half an hour before noon", events)
	}
}

func TestDuplicatesCountOnce(t *testing.T) {
	c, p := inStore(t)
	var sending sync.WaitGroup
	for range 16 {
		sending.Go(func() {
			if _, err := send(c, "/v1/track", []byte(view1)); err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	if events := logged(t, p); len(events) != 1 {
		t.Errorf("16 copies at once became %d events", len(events))
	}
	if totals := c.Totals(); totals.Accepted != 1 || totals.Duplicates != 15 {
		t.Errorf("totals are %+v", totals)
	}
}

// TestReplay: a message that was refused is repaired and read again, once.
func TestReplay(t *testing.T) {
	c, p := inStore(t)
	sends(t, c, "/v1/track", `{"event":"Product Viewed","messageId":"m1","properties":{"product_id":"shoe"}}`)
	all := letters(t, c)
	if len(all) != 1 || !strings.Contains(all[0].Reason, "person") {
		t.Fatalf("dead letters are %+v", all)
	}
	again, err := c.Replay(t.Context(), []string{all[0].ID}, nil)
	if err != nil || again.Rejected != 1 {
		t.Errorf("unrepaired: %+v, %v", again, err)
	}
	repair := func(r Rejected) ([]byte, error) {
		return bytes.Replace(r.Raw, []byte(`{`), []byte(`{"userId":"ann",`), 1), nil
	}
	c.o.Clock = func() time.Time { return noon.Add(time.Hour) }
	for _, want := range []Result{{Accepted: 1, Events: 1}, {Duplicates: 1}} {
		got, err := c.Replay(t.Context(), []string{all[0].ID}, repair)
		got.Sequence = 0
		if err != nil || got != want {
			t.Errorf("repaired: %+v, %v; want %+v", got, err, want)
		}
	}
	if events := logged(t, p); len(events) != 1 || events[0].Subject != "ann" || !events[0].Received.Equal(noon.Add(time.Hour)) {
		t.Errorf("the log has %+v, want an event of ann that was received when it was replayed", events)
	}
	if all := letters(t, c); len(all) != 1 || !all[0].Replayed {
		t.Errorf("dead letters are %+v", all)
	}
	if _, err := c.Replay(t.Context(), []string{"none"}, nil); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("an unknown id gave %v", err)
	}
}

// failing is a log that is unavailable.
type failing struct{ appender }

func (failing) Append(context.Context, ...store.Record) (uint64, error) {
	return 0, fmt.Errorf("append: %w", store.ErrUnavailable)
}

func BenchmarkBatch100(b *testing.B) {
	c, _ := inStore(b)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		var body bytes.Buffer
		body.WriteString(`{"batch":[`)
		for k := range 100 {
			if k > 0 {
				body.WriteByte(',')
			}
			body.WriteString(strings.Replace(view1, "m1", fmt.Sprintf("m-%d-%d", n, k), 1))
		}
		body.WriteString(`]}`)
		if r, err := c.AcceptBatch(b.Context(), body.Bytes()); err != nil || r.Accepted != 100 {
			b.Fatal(r, err)
		}
	}
	b.ReportMetric(100*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
