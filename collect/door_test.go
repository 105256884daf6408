package collect

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"bellwether"
	"bellwether/store"

	"github.com/google/go-cmp/cmp"
)

// TestNames: Segment's names become GA4's, another name snake_case, the program's own are refused.
func TestNames(t *testing.T) {
	c, p := inStore(t)
	names := []struct {
		sent string
		want bellwether.EventType
	}{
		{"Products Searched", "search"},
		{"Product List Viewed", "view_item_list"},
		{"Product Clicked", "select_item"},
		{"Product Viewed", "view_item"},
		{"Product Added", "add_to_cart"},
		{"Product Removed", "remove_from_cart"},
		{"Cart Viewed", "view_cart"},
		{"Checkout Started", "begin_checkout"},
		{"Payment Info Entered", "add_payment_info"},
		{"Order Completed", "purchase"},
		{"Order Refunded", "refund"},
		{"Product Added to Wishlist", "add_to_wishlist"},
		{"Promotion Clicked", "select_promotion"},
		{"Email Opened", "message_open"},
		{"Viewed Product", "view_item"},
		{"purchase", "purchase"},
		{"add_to_cart", "add_to_cart"},
		{"videoPlayed", "video_played"},
		{"Größe gewählt", "größe_gewählt"},
		{"model_promoted", ""},
		{"!", ""},
	}
	var want, got []bellwether.EventType
	for _, n := range names {
		r := sends(t, c, "/v1/track", fmt.Sprintf(`{"event":%q,"userId":"ann"}`, n.sent))
		if refused := r.Rejected == 1; refused != (n.want == "") || r.Accepted+r.Rejected != 1 {
			t.Errorf("%s: %+v", n.sent, r)
		}
		if n.want != "" {
			want = append(want, n.want)
		}
	}
	for _, e := range logged(t, p) {
		got = append(got, e.Type)
		if !strings.Contains(string(e.Raw), `"event"`) {
			t.Errorf("%s does not keep its raw message", e.Type)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

// TestByteThatBroke: the offset is that of the unpacked body, and what can't be read leaves no record, no dead letter either.
func TestByteThatBroke(t *testing.T) {
	c, p := inStore(t)
	before, err := p.Log.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for body, offset := range map[string]int{`{"a":tru}`: 8, `{"a" 1}`: 5, `{}x`: 2, `{"a":"b`: 7, "[1,\x01]": 3} {
		for _, sent := range [][]byte{[]byte(body), packed(body)} {
			for _, path := range []string{"/v1/track", "/v1/batch"} {
				_, err := send(c, path, sent)
				if at, broken := Broken(err); !broken || at != offset {
					t.Errorf("%s of %s: %v, want offset %d", path, body, err, offset)
				}
			}
		}
	}
	if after, err := p.Log.Last(t.Context()); err != nil || after != before || len(letters(t, c)) > 0 {
		t.Errorf("the log went from %d to %d, %v", before, after, err)
	}
}

// TestSkewOfAMessage: a message's own sentAt counts before the batch's.
func TestSkewOfAMessage(t *testing.T) {
	c, p := inStore(t)
	sends(t, c, "/v1/batch", `{"sentAt":"2026-03-01T14:00:00Z","batch":[
		{"type":"page","userId":"ann","timestamp":"2026-03-01T10:30:00Z","sentAt":"2026-03-01T11:00:00Z"},
		{"type":"page","userId":"bob","originalTimestamp":"2026-03-01T13:00:00Z","timestamp":"2026-03-01T01:00:00Z"},
		{"type":"page","userId":"eve"}]}`)
	want := map[bellwether.Subject]time.Time{"ann": noon.Add(-30 * time.Minute), "bob": noon.Add(-time.Hour), "eve": noon}
	for _, e := range logged(t, p) {
		if !e.Occurred.Equal(want[e.Subject]) {
			t.Errorf("%s's page was at %s, want %s", e.Subject, e.Occurred, want[e.Subject])
		}
		delete(want, e.Subject)
	}
	if len(want) > 0 {
		t.Errorf("no page of %v", want)
	}
}

// TestDedupWindow: an id counts once within seven days, over a restart too, and again after them.
func TestDedupWindow(t *testing.T) {
	s, err := store.Open(t.Context(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := s.Project(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	now := noon
	for k, test := range []struct {
		after    time.Duration
		accepted int64
	}{{0, 1}, {7 * 24 * time.Hour, 0}, {7*24*time.Hour + time.Second, 1}} {
		now = noon.Add(test.after)
		c, err := New(t.Context(), p, Options{Clock: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		sends(t, c, "/v1/track", view1)
		if got := c.Totals().Accepted; got != test.accepted {
			t.Errorf("copy %d, %s later: %d accepted, want %d", k+1, test.after, got, test.accepted)
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRecovers: after a failure nothing counts, and the same messages are taken once it is over.
func TestRecovers(t *testing.T) {
	c, p := inStore(t)
	healthy := c.log
	c.log = failing{healthy}
	if r, err := send(c, "/v1/track", []byte(view1)); !errors.Is(err, store.ErrUnavailable) || r != (Result{}) {
		t.Errorf("while it fails: %+v, %v", r, err)
	}
	c.log = healthy
	for _, want := range []Result{{Accepted: 1, Events: 1}, {Duplicates: 1}} {
		got := sends(t, c, "/v1/track", view1)
		if got.Sequence = 0; got != want {
			t.Errorf("afterwards: %+v, want %+v", got, want)
		}
	}
	if n := len(logged(t, p)); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestReplayKeepsTheClock: a message that is read again later still happened when it happened.
func TestReplayKeepsTheClock(t *testing.T) {
	c, p := inStore(t)
	sends(t, c, "/v1/batch", `{"sentAt":"2026-03-01T14:00:00Z","batch":[{"type":"track","userId":"ann","timestamp":"2026-03-01T13:30:00Z"}]}`)
	c.o.Clock = func() time.Time { return noon.Add(time.Hour) }
	r, err := c.Replay(t.Context(), []string{letters(t, c)[0].ID}, func(r Rejected) ([]byte, error) {
		return []byte(strings.Replace(string(r.Raw), `{`, `{"event":"Product Viewed",`, 1)), nil
	})
	if err != nil || r.Accepted != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	if e := logged(t, p)[0]; !e.Occurred.Equal(noon.Add(-30 * time.Minute)) {
		t.Errorf("it occurred at %s", e.Occurred)
	}
}

// TestItems: a bad item is kept aside and refuses no other.
func TestItems(t *testing.T) {
	c, p := inStore(t)
	texts := []json.RawMessage{[]byte(`{"id":"shoe","title":"Red shoe"}`), []byte(`{"title":"nameless"}`), []byte(`{"id":7}`)}
	if r, err := c.AcceptItems(t.Context(), texts); err != nil || r.Accepted != 1 || r.Rejected != 2 || r.Duplicates != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	items := 0
	err := p.Log.Read(t.Context(), 0, func(b store.Batch) error {
		for _, r := range b.Records {
			if r.Kind == store.KindItem {
				items++
			}
		}
		return nil
	})
	if err != nil || items != 1 || len(letters(t, c)) != 2 {
		t.Errorf("%d items, %d dead letters, %v", items, len(letters(t, c)), err)
	}
}

// TestDocumentedMapping: the example in the documentation is a mapping.
func TestDocumentedMapping(t *testing.T) {
	text, err := os.ReadFile("../docs/formats/mapping.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "\n    kind:")
	example, _, _ = strings.Cut("    kind:"+example, "\n\n")
	m, err := ParseMapping([]byte(strings.ReplaceAll("\n"+example, "\n    ", "\n")))
	if err != nil || len(m.Fields) != 5 || m.Delimiter != ";" || m.Fields["event"].Values["B"] != "purchase" {
		t.Errorf("%q is %+v, %v", example, m, err)
	}
}
