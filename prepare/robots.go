package prepare

import (
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
	agent = strings.ReplaceAll(strings.ToLower(agent), "cubot", "")
	return slices.ContainsFunc(robotWords, func(w string) bool { return strings.Contains(agent, w) })
}

func (c *cleaner) dropRobotAgents() {
	robots, known := c.report.rule("robot_agent"), map[string]bool{"": false}
	c.keep(func(_ int, e *bellwether.Event) bool {
		robot, ok := known[e.UserAgent]
		if !ok {
			robot = robotAgent(e.UserAgent)
			known[e.UserAgent] = robot
		}
		robot = robot && e.Type.Personal()
		if robot {
			robots.drop(e.ID, func() string { return e.UserAgent })
		}
		return !robot
	})
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

// sender is who sent an event, as it was sent.
func sender(e *bellwether.Event) string {
	if e.Anonymous != "" {
		return string(e.Anonymous)
	}
	return string(e.Subject)
}

// visit is a sender with a session, or all that a sender sent without one.
type visit struct{ sender, session string }

// dropRobotSessions looks at the few visits that browsed enough to be suspected.
func (c *cleaner) dropRobotSessions() {
	robots := c.report.rule("robot_rate")
	counts := map[visit]int{}
	for i := range c.events {
		if e := &c.events[i]; browsing(e.Type) {
			counts[visit{sender(e), e.Session}]++
		}
	}
	suspects := map[visit][]int{}
	for i := range c.events {
		e := &c.events[i]
		if v := (visit{sender(e), e.Session}); counts[v] > maxBrowsing && e.Type.Personal() {
			suspects[v] = append(suspects[v], i)
		}
	}
	guilty := map[int]bool{}
	for v, events := range suspects {
		slices.SortStableFunc(events, func(a, b int) int { return c.events[a].Occurred.Compare(c.events[b].Occurred) })
		for _, session := range c.sessions(v, events) {
			if c.superhuman(session) {
				for _, i := range session {
					guilty[i] = true
				}
			}
		}
	}
	c.keep(func(i int, e *bellwether.Event) bool {
		if guilty[i] {
			robots.drop(e.ID, func() string { return fmt.Sprintf("session %q of %s", e.Session, sender(e)) })
		}
		return !guilty[i]
	})
}

// sessions cuts the events of a visit, sorted by time, at long pauses unless it has a session's name.
func (c *cleaner) sessions(v visit, events []int) [][]int {
	if v.session != "" {
		return [][]int{events}
	}
	var out [][]int
	start := 0
	for i := 1; i <= len(events); i++ {
		if i == len(events) || c.events[events[i]].Occurred.Sub(c.events[events[i-1]].Occurred) > sessionGap {
			out = append(out, events[start:i])
			start = i
		}
	}
	return out
}

// superhuman reports whether a session's events, sorted by time, browse faster than a person can.
func (c *cleaner) superhuman(session []int) bool {
	var times []time.Time
	var seconds []int // by event: how many different seconds there are up to it
	for _, i := range session {
		e := &c.events[i]
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
