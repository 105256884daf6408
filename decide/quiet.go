package decide

import "time"

// QuietHours is the span of the day in which nothing is sent; the zero value has none.
type QuietHours struct {
	From time.Duration  // since midnight, such as 21 h
	To   time.Duration  // since midnight; before From it is the next morning
	Zone *time.Location // of people whose own is not known; nil: UTC
}

// At reports whether t is quiet for a person in zone (nil: q.Zone), and until when.
func (q QuietHours) At(t time.Time, zone *time.Location) (bool, time.Time) {
	if q.From == q.To {
		return false, time.Time{}
	}
	if zone == nil {
		zone = q.Zone
	}
	if zone == nil {
		zone = time.UTC
	}
	t = t.In(zone)
	now := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	overnight := q.To < q.From
	quiet := now >= q.From && now < q.To
	if overnight {
		quiet = now >= q.From || now < q.To
	}
	if !quiet {
		return false, time.Time{}
	}
	day := t.Day()
	if overnight && now >= q.From {
		day++
	}
	// The clock's reading, not a span: a day of 23 or 25 hours ends its quiet at the same reading.
	hour, rest := q.To/time.Hour, q.To%time.Hour
	return true, time.Date(t.Year(), t.Month(), day, int(hour), int(rest/time.Minute), int(rest%time.Minute/time.Second), 0, zone)
}
