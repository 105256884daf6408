package shop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bellwether"
	"bellwether/internal/market"
)

// wire is a message as a reader that knows nothing of the writer sees it.
type wire struct {
	Type, Event, MessageID, UserID, AnonymousID, Timestamp, SentAt string
	Properties                                                     struct {
		ProductID  string `json:"product_id"`
		Price      json.RawMessage
		Currency   string
		Quantity   json.RawMessage
		Position   int
		DecisionID string `json:"decision_id"`
		OrderID    string `json:"order_id"`
		SessionID  string `json:"session_id"`
		Score      *float64
		Products   []struct {
			ProductID       string `json:"product_id"`
			Price, Quantity json.RawMessage
		}
	}
	Context struct {
		UserAgent string
		Campaign  struct{ Name, Source string }
	}
}

func decode(t *testing.T, raw []byte) wire {
	t.Helper()
	var m wire
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return m
}

// name is the canonical name of the event.
func (m *wire) name() bellwether.EventType {
	for canonical, spellings := range names {
		if slices.Contains(spellings[:], m.Event) {
			return canonical
		}
	}
	return ""
}

// occurred is the time with the sender's clock corrected; the shop sends a day's messages at evening.
func (m *wire) occurred(received time.Time) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, m.Timestamp)
	if err != nil || m.SentAt == "" {
		return at, err
	}
	sent, err := time.Parse(time.RFC3339, m.SentAt)
	return at.Add(received.Sub(sent)), err
}

// refusal is a plain reading of what a message may not have.
func (m *wire) refusal() string {
	at, err := time.Parse(time.RFC3339, m.Timestamp)
	q, price := string(m.Properties.Quantity), string(m.Properties.Price)
	_, badQuantity := strconv.ParseInt("0"+strings.TrimPrefix(q, "-"), 10, 64)
	switch {
	case m.UserID == "" && m.AnonymousID == "":
		return "no person"
	case m.Type == "":
		return "no type"
	case m.Type == "track" && m.Event == "":
		return "no event name"
	case err != nil:
		return "unreadable time"
	case at.Year() > 2199:
		return "time out of range"
	case badQuantity != nil:
		return "quantity is text"
	case strings.HasPrefix(q, "-"):
		return "negative quantity"
	case strings.Contains(price, "NaN"):
		return "price is NaN"
	case strings.HasPrefix(price, "-"):
		return "negative price"
	}
	return ""
}

// The tally is what a plain count of the messages that arrived gives.
func TestTallyIsWhatArrives(t *testing.T) {
	w := world(t)
	s := newPlain(w)
	c := run(t, s, Options{MeasureFrom: w.Days})
	got := c.Tally()
	want := market.NewTally()
	seen := map[string]bool{}
	for k, raw := range s.messages {
		m := decode(t, raw)
		want.Messages++
		if reason := m.refusal(); reason != "" {
			want.Refused[reason]++
			continue
		}
		if seen[m.MessageID] {
			want.Duplicates++
			continue
		}
		seen[m.MessageID] = true
		events := int64(max(1, len(m.Properties.Products)))
		want.Events += events
		if at, err := m.occurred(s.arrived[k]); err != nil || s.arrived[k].Sub(at) > 24*time.Hour {
			want.Rule("late", market.Count{Seen: events})
		}
		rule, count := s.rule(t, &m)
		if rule != "" {
			want.Rule(rule, count)
		}
	}
	// A double is recognised by its twin, which this reader does not look for.
	doubles := got.Rules["duplicate"]
	delete(got.Rules, "duplicate")
	if n := doublesOf(t, s.messages); n != doubles.Dropped {
		t.Errorf("tally has %d doubles, %d arrived", doubles.Dropped, n)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tally (-arrived +told):\n%s", diff)
	}
	if s.items != len(w.Items) || s.longest > most || c.Totals().Messages != int64(len(s.messages)) {
		t.Errorf("%d items, longest batch %d, %d of %d messages", s.items, s.longest, len(s.messages), c.Totals().Messages)
	}
	if len(got.Refused) < 5 || len(got.Rules) < 10 || doubles.Dropped == 0 {
		t.Errorf("the world has few kinds of dirt: %v %v", got.Refused, got.Rules)
	}
}

// rule is the cleaning rule that a message of its own trips, by the definitions of package prepare.
func (s *plain) rule(t *testing.T, m *wire) (string, market.Count) {
	t.Helper()
	changed, dropped := market.Count{Seen: 1, Changed: 1}, market.Count{Seen: 1, Dropped: 1}
	p := &m.Properties
	it := s.item(p.ProductID)
	switch {
	case strings.Contains(m.Context.UserAgent, "Bot"):
		return "robot_agent", dropped
	case strings.HasPrefix(m.AnonymousID, "r-"):
		return "robot_rate", dropped
	case m.Type == "identify" && m.UserID != "" && m.AnonymousID != "":
		return "identity", changed
	case m.AnonymousID != "":
		return "attribution", changed
	case m.Type == "page":
		return "future", changed
	case p.Score != nil && (*p.Score < 0 || *p.Score > 10):
		return "outlying_value", dropped
	case p.ProductID != strings.ToLower(p.ProductID), strings.TrimSpace(m.Context.Campaign.Source) != m.Context.Campaign.Source:
		return "names", changed
	case m.name() != bellwether.AddToCart:
		return "", market.Count{}
	case p.Price == nil:
		return "missing_price", changed
	case p.Currency == "XTS":
		return "unknown_currency", market.Count{Seen: 1}
	case p.Currency != "EUR":
		if minor(p.Price)*4 != it.Price.Amount*5 {
			t.Errorf("%s is no exact counterpart of %v", p.Price, it.Price)
		}
		return "currency", changed
	case minor(p.Price) > 10*it.Price.Amount:
		return "outlying_price", changed
	case minor(p.Quantity) > 100:
		return "outlying_quantity", changed
	}
	return "", market.Count{}
}

func (s *plain) item(id string) *market.Item {
	for j := range s.w.Items {
		if strings.EqualFold(string(s.w.Items[j].ID), id) {
			return &s.w.Items[j]
		}
	}
	return nil
}

// doublesOf counts messages that are equal to an earlier one in all but their id.
func doublesOf(t *testing.T, messages []json.RawMessage) int64 {
	t.Helper()
	n, byBody, ids := int64(0), map[string]bool{}, map[string]bool{}
	for _, raw := range messages {
		m := decode(t, raw)
		if ids[m.MessageID] || m.refusal() != "" {
			continue
		}
		ids[m.MessageID] = true
		body := string(bytes.Replace(raw, []byte(m.MessageID), nil, 1))
		if byBody[body] {
			n++
		}
		byBody[body] = true
	}
	return n
}

// Clean messages of one customer never fall into the same second with the same content, and robots aside
// nobody is faster than a person.
func TestCleanMessagesTripNoRule(t *testing.T) {
	w := world(t)
	days, err := w.Play(market.Fixed{Items: w.Bestsellers(10), Contacts: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, events := range days {
		at, orders := map[string]bool{}, map[string]bool{}
		for _, e := range events {
			key := fmt.Sprint(e.Type, e.Item, e.Day, e.Second)
			if at[key] {
				t.Errorf("customer %d: %s twice", i, key)
			}
			at[key] = true
			if e.Order != "" {
				line := fmt.Sprint(e.Order, e.Item)
				if orders[line] {
					t.Errorf("customer %d: order line %s twice", i, line)
				}
				orders[line] = true
			}
			if e.Second < 5*3600 || e.Second >= 24*3600-1 {
				t.Errorf("customer %d acts at second %d, outside the day between decisions and sending", i, e.Second)
			}
		}
	}
}

func parseKey(key string) (who string, day int, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 {
		return "", 0, false
	}
	day, err := strconv.Atoi(parts[1])
	return parts[0], day, err == nil
}

// stored is the history that a server would read for a customer on the morning of a day: item events of messages
// that were sent on an earlier day, under the customer's id or one that a sign-in joined to it.
func (s *plain) stored(t *testing.T, who string, day int) []past {
	t.Helper()
	joined := map[string]bool{}
	for _, raw := range s.messages {
		if m := decode(t, raw); m.Type == "identify" && m.UserID == who {
			joined[m.AnonymousID] = true
		}
	}
	out, ids := []past{}, map[string]bool{}
	for _, raw := range s.messages { // they arrive day by day
		m := decode(t, raw)
		if m.refusal() != "" || ids[m.MessageID] || m.UserID != who && (m.UserID != "" || !joined[m.AnonymousID]) {
			continue
		}
		ids[m.MessageID] = true
		on, _ := strconv.Atoi(strings.Split(m.MessageID, "-")[2])
		at, err := m.occurred(evening(on))
		if err != nil {
			t.Fatal(err)
		}
		if mishap := s.w.Mishap(s.index[who], on); on+mishap.Late >= day {
			continue
		}
		p := &m.Properties
		if p.ProductID != "" {
			out = append(out, past{Item: p.ProductID, Decision: p.DecisionID, Type: m.name(), Time: at, Quantity: minor(p.Quantity), Price: minor(p.Price)})
		}
		for _, x := range p.Products {
			out = append(out, past{Item: x.ProductID, Decision: p.DecisionID, Type: m.name(), Time: at, Quantity: minor(x.Quantity), Price: minor(x.Price)})
		}
	}
	slices.SortStableFunc(out, func(a, b past) int { return a.Time.Compare(b.Time) })
	return out
}
