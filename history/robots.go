package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"bellwether"
)

// robotWords are parts of the user agents of programs.
var robotWords = []string{
	"bot", "crawler", "spider", "slurp", "headless", "phantomjs", "python-requests", "scrapy", "curl/", "wget/",
	"go-http-client", "facebookexternalhit",
}

// robotAgent reports whether a user agent says that it is a program. Cubot is a maker of telephones.
func robotAgent(agent string) bool {
	if agent == "" {
		return false
	}
	agent = strings.ReplaceAll(strings.ToLower(agent), "cubot", "")
	return slices.ContainsFunc(robotWords, func(w string) bool { return strings.Contains(agent, w) })
}

// A robotic session has more than maxBrowsing browsing events within browsingWindow, spread over
// browsingSeconds different seconds or more: times that are only known to the day do not accuse.
const (
	maxBrowsing     = 120
	browsingWindow  = time.Minute
	browsingSeconds = 10
	sessionGap      = 30 * time.Minute
)

func browsing(t bellwether.EventType) bool {
	switch t {
	case bellwether.ViewItem, bellwether.ViewItemList, bellwether.SelectItem, bellwether.PageView, bellwether.ScreenView, bellwether.Search:
		return true
	}
	return false
}

// visit is who sent an event, as it was sent, with the session's name, if it has one.
type visit struct{ sender, session string }

func visitOf(e *entry) visit {
	if e.Anonymous != "" {
		return visit{string(e.Anonymous), e.Session}
	}
	return visit{string(e.Subject), e.Session}
}

// dropRobotSessions drops whole sessions in which somebody browsed faster than a person can.
func (c *cleaner) dropRobotSessions() {
	browsed := 0
	for i := range c.entries {
		if browsing(c.entries[i].Type) {
			browsed++
		}
	}
	if browsed <= maxBrowsing {
		return // most people: nothing to suspect
	}
	visits := map[visit][]int32{}
	for i := range c.entries {
		if e := &c.entries[i]; e.Type.Personal() {
			v := visitOf(e)
			visits[v] = append(visits[v], int32(i))
		}
	}
	guilty := make([]bool, len(c.entries))
	for v, events := range visits {
		if len(events) <= maxBrowsing {
			continue
		}
		slices.SortStableFunc(events, func(a, b int32) int { return c.entries[a].Occurred.Compare(c.entries[b].Occurred) })
		for _, session := range c.sessions(v, events) {
			if c.superhuman(session) {
				for _, i := range session {
					guilty[i] = true
				}
			}
		}
	}
	c.keep(func(i int, e *entry) bool {
		if guilty[i] {
			c.tally.of(ruleRobotRate).drop(e.ID, func() string { return fmt.Sprintf("session %q of %s", e.Session, visitOf(e).sender) })
		}
		return !guilty[i]
	})
}

// sessions cuts the events of a visit, sorted by time, at long pauses unless it has a session's name.
func (c *cleaner) sessions(v visit, events []int32) [][]int32 {
	if v.session != "" {
		return [][]int32{events}
	}
	var out [][]int32
	start := 0
	for i := 1; i <= len(events); i++ {
		if i == len(events) || c.entries[events[i]].Occurred.Sub(c.entries[events[i-1]].Occurred) > sessionGap {
			out = append(out, events[start:i])
			start = i
		}
	}
	return out
}

// superhuman reports whether a session's events, sorted by time, browse faster than a person can.
func (c *cleaner) superhuman(session []int32) bool {
	var times []time.Time
	var seconds []int // by event: how many different seconds there are up to it
	for _, i := range session {
		e := &c.entries[i]
		if !browsing(e.Type) {
			continue
		}
		n := 1
		if k := len(times); k > 0 {
			n = seconds[k-1]
			if times[k-1].Unix() != e.Occurred.Unix() {
				n++
			}
		}
		times, seconds = append(times, e.Occurred), append(seconds, n)
	}
	first := 0
	for last := range times {
		for times[last].Sub(times[first]) >= browsingWindow {
			first++
		}
		if last-first+1 > maxBrowsing && seconds[last]-seconds[first]+1 >= browsingSeconds {
			return true
		}
	}
	return false
}

// dropRepeats drops what repeats an id, and what repeats, under another id, the content of an event that was received
// before it. The order of receipt counts: else a late repetition would take the place of what was known in time.
func (c *cleaner) dropRepeats(rule rule, key func(e *entry) uint64, say func(e *entry) string) {
	if len(c.entries) < 2 {
		return
	}
	clear(c.first)
	repeated := false
	for i := range c.entries {
		e := &c.entries[i]
		k := key(e)
		if at, ok := c.first[k]; ok {
			repeated = true
			if earlier(e, &c.entries[at]) {
				c.first[k] = int32(i)
			}
			continue
		}
		c.first[k] = int32(i)
	}
	if !repeated {
		return
	}
	c.keep(func(i int, e *entry) bool {
		first := c.first[key(e)] == int32(i)
		if !first {
			c.tally.of(rule).drop(e.ID, func() string { return say(e) })
		}
		return first
	})
}

// earlier reports whether a was received before b; ties: earlier in the log.
func earlier(a, b *entry) bool {
	return cmp.Or(a.Received.Compare(b.Received), a.place.compare(b.place)) < 0
}
