package measure

import (
	"fmt"
	"time"

	"bellwether"
)

// Metrics of an outcome's rewards.
const (
	Click        = "click"        // 1 when a position was clicked
	Conversion   = "conversion"   // 1 when something was bought
	Revenue      = "revenue"      // in major units
	Margin       = "margin"       // in major units
	Engagement   = "engagement"   // seconds
	Satisfaction = "satisfaction" // the last answer, 0–10
)

// Rule credits an outcome to the last touch: a click on a decision's action, or its view. All windows
// start at the decision. The zero value is the default rule: click 7 days, view 1 day.
type Rule struct {
	Name        string                                 // "": "last-touch"
	Click       time.Duration                          // for what follows a click or names its decision; 0: 7 days
	View        time.Duration                          // for what follows without a click; 0: 1 day
	Windows     map[bellwether.EventType]time.Duration // by type of the outcome, in place of both
	Clicks      []bellwether.EventType                 // nil: select_item, ad_click, message_click
	Conversions []bellwether.EventType                 // nil: purchase
	Exposures   []bellwether.EventType                 // that show a decision was seen; nil: view_item_list, ad_impression, message_sent, message_open
}

func (r Rule) withDefaults() Rule {
	if r.Name == "" {
		r.Name = "last-touch"
	}
	if r.Click == 0 {
		r.Click = 7 * 24 * time.Hour
	}
	if r.View == 0 {
		r.View = 24 * time.Hour
	}
	if r.Clicks == nil {
		r.Clicks = []bellwether.EventType{bellwether.SelectItem, bellwether.AdClick, bellwether.MessageClick}
	}
	if r.Conversions == nil {
		r.Conversions = []bellwether.EventType{bellwether.Purchase}
	}
	if r.Exposures == nil {
		r.Exposures = []bellwether.EventType{bellwether.ViewItemList, bellwether.AdImpression, bellwether.MessageSent, bellwether.MessageOpen}
	}
	return r
}

// String names the rule with its windows.
func (r Rule) String() string {
	r = r.withDefaults()
	return fmt.Sprintf("%s, click %s, view %s", r.Name, days(r.Click), days(r.View))
}

// days writes a duration in days where it is a number of them.
func days(d time.Duration) string {
	if day := 24 * time.Hour; d%day == 0 {
		return fmt.Sprintf("%d d", d/day)
	}
	return d.String()
}

// window is how long after a decision an outcome of type t still counts.
func (r Rule) window(t bellwether.EventType, clicked bool) time.Duration {
	if w, ok := r.Windows[t]; ok {
		return w
	}
	if clicked {
		return r.Click
	}
	return r.View
}

// longest is the age from which a decision's outcome is mature.
func (r Rule) longest() time.Duration {
	w := max(r.Click, r.View)
	for _, v := range r.Windows {
		w = max(w, v)
	}
	return w
}

// part is what an event does to a decision.
type part uint8

const (
	nothing part = iota
	exposure
	click
	conversion
	refund
	answer
	engagement
)

// parts returns what each type of event does; other types do nothing.
func (r Rule) parts() map[bellwether.EventType]part {
	out := map[bellwether.EventType]part{bellwether.Refund: refund, bellwether.Survey: answer, bellwether.Engagement: engagement}
	for _, list := range []struct {
		types []bellwether.EventType
		part  part
	}{{r.Exposures, exposure}, {r.Conversions, conversion}, {r.Clicks, click}} { // a later one counts
		for _, t := range list.types {
			out[t] = list.part
		}
	}
	return out
}
