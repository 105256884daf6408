package history

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"bellwether"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what the scenarios give into their files")

// TestScenarios replays the files of testdata: events in; what a turn and a request then see. A line of events reads
//
//	[DAY] CLOCK WHO TYPE [ITEM] [FIELD=VALUE …]
//
// where DAY is d1 (the default), d2, …; WHO is ann, ~phone for a device on which nobody signed in, ann~phone for both, or - for
// market data; fields are received, id, price (9.00EUR), quantity, value, order, session, campaign, channel, previous,
// decision, agent, import (of a table where it begins with t-), consent (ads+mail, or none when it was withdrawn), and any other as a trait.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("%d scenarios: they are the manual of the rules", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			in, want, _ := bytes.Cut(text, []byte("\n---\n"))
			got := play(t, string(in))
			if *update {
				if err := os.WriteFile(file, []byte(string(in)+"\n---\n"+got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("the file (−) and the history (+) differ; go test ./history -run Scenarios -update writes what it is:\n%s", d)
			}
		})
	}
}

// scenario is a file's events.
type scenario struct {
	items     []bellwether.Item
	events    []bellwether.Event
	decisions []bellwether.Decision
}

func play(t *testing.T, in string) string {
	t.Helper()
	var s scenario
	section := ""
	for n, line := range strings.Split(in, "\n") {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || strings.HasPrefix(trimmed, "#"):
		case trimmed == "items" || trimmed == "events" || trimmed == "decisions":
			section = trimmed
		case section == "items":
			s.item(t, strings.Fields(trimmed))
		case section == "decisions": // [DAY] CLOCK WHO: one about the person under that id
			at, who := clock(t, strings.Fields(trimmed))
			s.decisions = append(s.decisions, bellwether.Decision{ID: bellwether.DecisionID(fmt.Sprint("d", n)), Time: at, Subject: bellwether.Subject(who[0])})
		default:
			s.event(t, n, strings.Fields(trimmed))
		}
	}
	o := Options{Currency: "EUR", Rates: map[bellwether.Currency]float64{"USD": .9}, Clock: func() time.Time { return start.AddDate(0, 2, 0) }}
	h, err := FromEvents(s.events, s.decisions, s.items, o, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return tellScenario(t, h)
}

func (s *scenario) item(t *testing.T, words []string) {
	t.Helper()
	it := bellwether.Item{ID: bellwether.ItemID(words[0])}
	if len(words) > 1 {
		it.Price = moneyOf(t, words[1])
	}
	s.items = append(s.items, it)
}

func moneyOf(t *testing.T, s string) bellwether.Money {
	t.Helper()
	amount, err := strconv.ParseFloat(s[:len(s)-3], 64)
	if err != nil {
		t.Fatal(err)
	}
	return bellwether.Money{Amount: int64(amount*100 + .5), Currency: bellwether.Currency(s[len(s)-3:])}
}

// clock reads [DAY] CLOCK and returns what follows.
func clock(t *testing.T, words []string) (time.Time, []string) {
	t.Helper()
	day := 1
	if n, err := strconv.Atoi(strings.TrimPrefix(words[0], "d")); err == nil && words[0][0] == 'd' {
		day, words = n, words[1:]
	}
	layout := "15:04"
	if strings.Count(words[0], ":") == 2 {
		layout = "15:04:05"
	}
	c, err := time.Parse(layout, words[0])
	if err != nil {
		t.Fatal(err)
	}
	return time.Date(2026, 3, day, c.Hour(), c.Minute(), c.Second(), 0, time.UTC), words[1:]
}

func (s *scenario) event(t *testing.T, n int, words []string) {
	t.Helper()
	e := bellwether.Event{ID: bellwether.EventID(fmt.Sprintf("line-%d", n+1))}
	e.Occurred, words = clock(t, words)
	e.Received = e.Occurred
	subject, device, _ := strings.Cut(words[0], "~")
	if subject != "-" {
		e.Subject, e.Anonymous = bellwether.Subject(strings.ReplaceAll(subject, "_", " ")), bellwether.AnonymousID(device)
	}
	e.Type = bellwether.EventType(words[1])
	times := 1
	for _, w := range words[2:] {
		name, value, field := strings.Cut(w, "=")
		if !field {
			e.Item = bellwether.ItemID(w)
			continue
		}
		if name == "times" { // so many of them, a quarter of a second apart
			times, _ = strconv.Atoi(value)
			continue
		}
		s.field(t, &e, name, value)
	}
	for k := range times {
		x := e
		if times > 1 {
			x.ID = bellwether.EventID(fmt.Sprintf("%s-%d", e.ID, k))
			x.Occurred, x.Received = e.Occurred.Add(time.Duration(k)*time.Second/4), e.Received.Add(time.Duration(k)*time.Second/4)
		}
		s.events = append(s.events, x)
	}
}

func (s *scenario) field(t *testing.T, e *bellwether.Event, name, value string) {
	t.Helper()
	number := func() float64 {
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	switch name {
	case "received":
		e.Received, _ = clock(t, strings.Split(value, "/"))
	case "id":
		e.ID = bellwether.EventID(value)
	case "price":
		e.Price = moneyOf(t, value)
	case "quantity":
		e.Quantity = int64(number())
	case "value":
		e.Value = number()
	case "order":
		e.Order = value
	case "session":
		e.Session = value
	case "campaign":
		e.Campaign = bellwether.CampaignID(value)
	case "channel":
		e.Channel = bellwether.Channel(value)
	case "previous":
		e.Previous = value
	case "decision":
		e.Decision = bellwether.DecisionID(value)
	case "import":
		e.Import = value
	case "agent":
		e.UserAgent = value
	case "consent":
		e.Consent = []bellwether.Purpose{}
		if value != "none" {
			for _, p := range strings.Split(value, "+") {
				e.Consent = append(e.Consent, bellwether.Purpose(p))
			}
		}
	default:
		if e.Traits == nil {
			e.Traits = map[string]any{}
		}
		e.Traits[name] = value
	}
}

// tellScenario writes what a turn sees of everybody, whether a request sees the same, what is popular and what the rules did.
func tellScenario(t *testing.T, h *History) string {
	t.Helper()
	all := &copies{map[bellwether.Subject]Person{}}
	tally, err := h.Pass(context.Background(), PassOptions{}, all)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, subject := range slices.Sorted(maps.Keys(all.people)) {
		p := all.people[subject]
		tellPerson(&b, &p)
		for _, id := range p.Identities {
			owner, err := h.Resolve(id.ID, "")
			if err != nil {
				t.Fatal(err)
			}
			got, err := h.Person(context.Background(), id.ID, "")
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case owner != subject:
				fmt.Fprintf(&b, "  (a request for %s is about %s)\n", id.ID, owner)
			case cmp.Diff(withoutDecisions(p), *got) != "":
				t.Errorf("a request for %s sees something else:\n%s", id.ID, cmp.Diff(withoutDecisions(p), *got))
			}
		}
	}
	list, err := h.Popular(start.AddDate(0, 2, 0))
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range list {
		if i == 0 {
			b.WriteString("popular:")
		}
		fmt.Fprintf(&b, " %s %g", s.Item, s.Score)
	}
	if len(list) > 0 {
		b.WriteString("\n")
	}
	for _, r := range tally.Rules {
		if r.Seen > 0 {
			fmt.Fprintf(&b, "rule %s: %d seen, %d changed, %d dropped\n", r.Rule, r.Seen, r.Changed, r.Dropped)
		}
	}
	return b.String()
}

// withoutDecisions is a person as a request reads it.
func withoutDecisions(p Person) Person {
	p.Decisions, p.Crossed, p.Known = nil, false, len(p.Events) > 0
	return p
}

func tellPerson(b *strings.Builder, p *Person) {
	b.WriteString(string(p.Subject))
	for _, id := range p.Identities[1:] {
		fmt.Fprintf(b, " = %s since %s", id.ID, time.Unix(0, id.Since).UTC().Format("2 15:04"))
	}
	for _, k := range slices.Sorted(maps.Keys(p.Traits)) {
		fmt.Fprintf(b, " %s=%v", k, p.Traits[k])
	}
	switch {
	case p.Said && len(p.Consent) == 0:
		b.WriteString(" consent withdrawn")
	case p.Said:
		fmt.Fprintf(b, " consent %v", p.Consent)
	}
	if len(p.Identities) > 1 {
		for _, id := range p.Identities {
			if bellwether.HoldoutBucket("memory", id.ID) == p.Bucket {
				fmt.Fprintf(b, " (arm of %s)", id.ID)
			}
		}
	}
	b.WriteString("\n")
	kinds := map[string]int{}
	for i := range p.Events {
		e := &p.Events[i]
		line := fmt.Sprintf("  %s %s", e.Occurred.Format("2 15:04"), e.Type)
		if e.Item != "" {
			line += " " + string(e.Item)
		}
		if e.Quantity != 0 {
			line += fmt.Sprintf(" × %d", e.Quantity)
		}
		if !e.Price.IsZero() {
			line += " " + e.Price.String()
		}
		if e.Value != 0 {
			line += fmt.Sprintf(" value %g", e.Value)
		}
		for _, s := range []string{string(e.Channel), string(e.Campaign), e.Order} {
			if s != "" {
				line += " " + s
			}
		}
		if e.Received.Sub(e.Occurred) > time.Hour {
			line += " (received " + e.Received.Format("2 15:04") + ")"
		}
		if kinds[line]++; kinds[line] <= 3 {
			b.WriteString(line + "\n")
		} else if kinds[line] == 4 {
			b.WriteString("  …\n")
		}
	}
}
