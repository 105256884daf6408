package collect

import (
	"fmt"
	"net/http"
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
	h := door(c)
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
		w := post(h, "/v1/track", "key", []byte(fmt.Sprintf(`{"event":%q,"userId":"ann"}`, n.sent)))
		if refused := strings.Contains(w.Body.String(), `"rejected":1`); w.Code != http.StatusOK || refused != (n.want == "") {
			t.Errorf("%s: %d %s", n.sent, w.Code, w.Body)
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

// TestNothingWritten: what is answered with an error leaves no record, no dead letter either.
func TestNothingWritten(t *testing.T) {
	c, p := inStore(t)
	before, err := p.Log.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h := door(c)
	for key, body := range map[string]string{"guess": view1, "": `{"writeKey":"guess"}`, "key": view1[:40]} {
		if w := post(h, "/v1/track", key, []byte(body)); w.Code < 400 || w.Code >= 500 {
			t.Errorf("key %q: %d %s", key, w.Code, w.Body)
		}
	}
	if after, err := p.Log.Last(t.Context()); err != nil || after != before {
		t.Errorf("the log went from %d to %d, %v", before, after, err)
	}
}

// TestKeyInTheBody: browsers send the key so.
func TestKeyInTheBody(t *testing.T) {
	c, p := inStore(t)
	w := post(door(c), "/v1/t", "", []byte(`{"writeKey":"key",`+view1[1:]))
	if w.Code != http.StatusOK || len(logged(t, p)) != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestByteThatBroke: the offset is that of the unpacked body.
func TestByteThatBroke(t *testing.T) {
	h := door(inMemory())
	for body, offset := range map[string]int{`{"a":tru}`: 8, `{"a" 1}`: 5, `{}x`: 2, `{"a":"b`: 7, "[1,\x01]": 3} {
		for _, sent := range [][]byte{[]byte(body), packed(body)} {
			w := post(h, "/v1/track", "key", sent)
			if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), fmt.Sprintf(`"offset":%d}`, offset)) {
				t.Errorf("%s: %d %s, want offset %d", body, w.Code, w.Body, offset)
			}
		}
	}
}

// TestSkewOfAMessage: a message's own sentAt counts before the batch's.
func TestSkewOfAMessage(t *testing.T) {
	c, p := inStore(t)
	post(door(c), "/v1/batch", "key", []byte(`{"sentAt":"2026-03-01T14:00:00Z","batch":[
		{"type":"page","userId":"ann","timestamp":"2026-03-01T10:30:00Z","sentAt":"2026-03-01T11:00:00Z"},
		{"type":"page","userId":"bob","originalTimestamp":"2026-03-01T13:00:00Z","timestamp":"2026-03-01T01:00:00Z"},
		{"type":"page","userId":"eve"}]}`))
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
		post(door(c), "/v1/track", "key", []byte(view1))
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
	h, healthy := door(c), c.log
	c.log = failing{healthy}
	if w := post(h, "/v1/track", "key", []byte(view1)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("while it fails: %d %s", w.Code, w.Body)
	}
	c.log = healthy
	for _, want := range []string{`"accepted":1`, `"duplicates":1`} {
		if w := post(h, "/v1/track", "key", []byte(view1)); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("afterwards: %d %s, want %s", w.Code, w.Body, want)
		}
	}
	if n := len(logged(t, p)); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestReplayKeepsTheClock: a message that is read again later still happened when it happened.
func TestReplayKeepsTheClock(t *testing.T) {
	c, p := inStore(t)
	post(door(c), "/v1/batch", "key", []byte(`{"sentAt":"2026-03-01T14:00:00Z","batch":[{"type":"track","userId":"ann","timestamp":"2026-03-01T13:30:00Z"}]}`))
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

func TestItemsOverHTTP(t *testing.T) {
	c, p := inStore(t)
	w := post(door(c), "/v1/items", "key", []byte(`{"items":[{"id":"shoe","title":"Red shoe"},{"title":"nameless"},{"id":7}]}`))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"accepted":1,"duplicates":0,"rejected":2`) {
		t.Errorf("%d %s", w.Code, w.Body)
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
