package shop

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"bellwether"
	"bellwether/internal/market"
)

// plain is a server with a plain recommender: what is best for a customer on average for the treated,
// bestsellers for the holdout, and an e-mail for all of the treated.
type plain struct {
	w     *market.World
	null  bool // the treated get what the holdout gets
	busy  bool // every fiftieth request is told to come again
	now   func() time.Time
	index map[string]int // customers by id
	best  []int

	mu        sync.Mutex
	calls     int
	messages  []json.RawMessage
	arrived   []time.Time // by message
	items     int
	previews  int
	longest   int               // batch
	histories map[string][]past // of previews, by key
}

func newPlain(w *market.World) *plain {
	s := &plain{w: w, index: map[string]int{}, best: w.Bestsellers(10), histories: map[string][]past{}}
	for i := range w.Customers {
		s.index[string(w.Customers[i].ID)] = i
	}
	return s
}

func (s *plain) day() int { return int(s.now().Sub(market.Start).Hours() / 24) }

// inHoldout is every third customer.
func (s *plain) inHoldout(who string) bool { return s.index[who]%3 == 0 }

func (s *plain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.busy && s.calls%50 == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if key, _, _ := r.BasicAuth(); key != "write-key" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, _ := io.ReadAll(r.Body)
	var in struct {
		Batch   []json.RawMessage
		Items   []bellwether.Item
		SentAt  time.Time
		Subject string
		Key     string
		Preview bool
		Holdout *bool
		History []past
	}
	if r.Method == http.MethodPost {
		if err := json.Unmarshal(body, &in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	} else {
		in.Subject, in.Key = r.URL.Query().Get("subject"), r.URL.Query().Get("key")
	}
	holdout := s.inHoldout(in.Subject)
	if in.Preview {
		holdout = *in.Holdout
		s.previews++
		s.histories[in.Key] = in.History
	}
	treated := !holdout && !s.null
	switch r.URL.Path {
	case "/v1/items":
		s.items += len(in.Items)
	case "/v1/batch":
		s.messages = append(s.messages, in.Batch...)
		for range in.Batch {
			s.arrived = append(s.arrived, s.now())
		}
		s.longest = max(s.longest, len(in.Batch))
	case "/v1/recommend":
		slate := s.best
		if treated {
			slate = liked(s.w, s.index[in.Subject], s.day())
		}
		items := []map[string]any{}
		for _, j := range slate {
			items = append(items, map[string]any{"item": s.w.Items[j].ID})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"decision": "d/" + in.Key, "holdout": holdout, "items": items})
	case "/v1/decide":
		action := "none"
		if treated {
			action = "send"
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"decision": "d/" + in.Key, "holdout": holdout, "action": action})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// liked are the ten items that a customer likes best.
func liked(w *market.World, i, day int) []int {
	u := w.Utilities(i, day)
	order := make([]int, len(u))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case u[a] > u[b]:
			return -1
		case u[a] < u[b]:
			return 1
		}
		return 0
	})
	return order[:10]
}

// personal is the treated arm as a host, for runs without HTTP.
type personal struct{ w *market.World }

func (p personal) Slate(q market.Question) ([]int, error) {
	return liked(p.w, q.Customer, q.Day), nil
}
func (personal) Contact(market.Question) (bool, error) { return true, nil }

func world(t *testing.T) *market.World {
	t.Helper()
	p := market.Tiny()
	p.Customers, p.Days = 240, 40
	w, err := market.New(p, 11)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// run lives through a world against a plain server.
func run(t *testing.T, s *plain, o Options) *Client {
	t.Helper()
	var mu sync.Mutex
	var clock time.Time
	s.now = func() time.Time { mu.Lock(); defer mu.Unlock(); return clock }
	server := httptest.NewServer(s)
	defer server.Close()
	o.URL, o.Key, o.World = server.URL, "write-key", s.w
	o.SetClock = func(at time.Time) { mu.Lock(); defer mu.Unlock(); clock = at }
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// The truth of the client, with two customers in three factually treated, is the difference of two runs in
// which all are treated and none is.
func TestTruthIsTheDifferenceOfTwoRuns(t *testing.T) {
	w := world(t)
	c := run(t, newPlain(w), Options{})
	treated, err := w.Play(personal{w})
	if err != nil {
		t.Fatal(err)
	}
	control, err := w.Play(market.Fixed{Items: w.Bestsellers(10)})
	if err != nil {
		t.Fatal(err)
	}
	truth := c.Truth()
	if len(truth.Customers) < 150 {
		t.Fatalf("%d customers were measured", len(truth.Customers))
	}
	for _, e := range truth.Customers {
		want := Effect{Customer: e.Customer, Holdout: e.Customer%3 == 0, Treated: w.Margin(treated[e.Customer]), Control: w.Margin(control[e.Customer])}
		if e != want {
			t.Errorf("effect is %+v, want %+v", e, want)
		}
	}
	if truth.Lift <= 0 || truth.Contacts <= 0 {
		t.Errorf("lift %.1f and contacts %.2f must be positive", truth.Lift, truth.Contacts)
	}
}

func TestEqualArmsHaveNoEffect(t *testing.T) {
	s := newPlain(world(t))
	s.null = true
	for _, e := range run(t, s, Options{MeasureFrom: 10}).Truth().Customers {
		if e.Treated != e.Control {
			t.Errorf("customer %d: %d ≠ %d though both arms show the same", e.Customer, e.Treated, e.Control)
		}
	}
}

func TestResultDoesNotDependOnConnections(t *testing.T) {
	w := world(t)
	type outcome struct {
		Totals   Totals
		Tally    market.Tally
		Truth    Truth
		Messages []string
	}
	var got []outcome
	for _, o := range []struct {
		connections int
		busy        bool
	}{{1, false}, {40, false}, {7, true}} {
		if o.busy && testing.Short() {
			continue
		}
		s := newPlain(w)
		s.busy = o.busy
		c := run(t, s, Options{Connections: o.connections, MeasureFrom: 30})
		out := outcome{Totals: c.Totals(), Tally: c.Tally(), Truth: c.Truth()}
		for _, m := range s.messages {
			out.Messages = append(out.Messages, string(m))
		}
		slices.Sort(out.Messages) // batches arrive in any order
		got = append(got, out)
	}
	for k := 1; k < len(got); k++ {
		if diff := cmp.Diff(got[0], got[k]); diff != "" {
			t.Errorf("run %d differs from run 0:\n%.3000s", k, diff)
		}
	}
}

// The history that a preview tells is the one that the server had been sent by then.
func TestPreviewsTellTheStoredHistory(t *testing.T) {
	s := newPlain(world(t))
	s.null = true // both trajectories are one, so the stored history is the counterfactual one
	run(t, s, Options{MeasureFrom: 35})
	day := 38
	checked := 0
	for key, history := range s.histories {
		who, on, ok := parseKey(key)
		if !ok || on != day || len(history) == 0 {
			continue
		}
		checked++
		want := s.stored(t, who, day)
		if diff := cmp.Diff(want, history, cmpopts.IgnoreUnexported(past{})); diff != "" {
			t.Errorf("history of %s (-stored +told):\n%s", who, diff)
		}
	}
	if checked < 5 {
		t.Errorf("only %d histories were checked", checked)
	}
}
