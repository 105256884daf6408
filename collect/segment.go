package collect

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"bellwether"
)

// segmentReader turns messages in Segment's format into events.
type segmentReader struct {
	currency bellwether.Currency  // of amounts that name none
	nobody   func(id string) bool // names no person or device
	received time.Time            // when the messages came in; zero: history, each one came in when it happened
	skew     time.Duration        // what to add to a message's time, from the batch's sentAt
	kind     string               // type of messages that name none: the last part of the path
}

// segmentMessage is the top level of one message; values are parts of its text.
type segmentMessage struct {
	kind, id, user, anonymous, previous, group, event, name, category string
	timestamp, original, sent, received                               time.Time
	properties, traits, context                                       []byte
}

// read returns the events of one message, whose JSON was checked. Its error is the reason to
// refuse it.
func (s *segmentReader) read(raw []byte) ([]bellwether.Event, error) {
	if raw[0] != '{' {
		return nil, fmt.Errorf("message is not a JSON object")
	}
	m := segmentMessage{kind: s.kind}
	if err := m.parse(raw); err != nil {
		return nil, err
	}
	e, err := s.event(&m)
	if err != nil {
		return nil, err
	}
	if m.id == "" {
		e.ID = contentID([]byte(m.kind), raw)
	}
	p := properties{event: &e, currency: s.currency}
	if err := p.context(m.context); err != nil {
		return nil, err
	}
	if err := p.read(m.facts()); err != nil {
		return nil, err
	}
	events, err := p.events()
	if err != nil {
		return nil, err
	}
	events[0].Raw = raw
	return events, nil
}

// parse fills m from a message's text.
func (m *segmentMessage) parse(raw []byte) error {
	r := jsonReader{b: raw}
	return r.object(func(key []byte) error {
		value, err := r.value()
		if err != nil || value[0] == 'n' {
			return err
		}
		switch string(key) {
		case "type":
			return setText(&m.kind, "type", value)
		case "messageId":
			return setText(&m.id, "messageId", value)
		case "userId":
			return setText(&m.user, "userId", value)
		case "anonymousId":
			return setText(&m.anonymous, "anonymousId", value)
		case "previousId":
			return setText(&m.previous, "previousId", value)
		case "groupId":
			return setText(&m.group, "groupId", value)
		case "event":
			return setText(&m.event, "event", value)
		case "name":
			return setText(&m.name, "name", value)
		case "category":
			return setText(&m.category, "category", value)
		case "timestamp":
			return setTime(&m.timestamp, "timestamp", value)
		case "originalTimestamp":
			return setTime(&m.original, "originalTimestamp", value)
		case "sentAt":
			return setTime(&m.sent, "sentAt", value)
		case "receivedAt":
			return setTime(&m.received, "receivedAt", value)
		case "properties":
			return setObject(&m.properties, "properties", value)
		case "traits":
			return setObject(&m.traits, "traits", value)
		case "context":
			return setObject(&m.context, "context", value)
		}
		return nil
	})
}

func setText(to *string, key string, value []byte) error {
	text, ok := scalarText(value)
	if !ok {
		return fmt.Errorf("%s is not text", key)
	}
	*to = text
	return nil
}

func setTime(to *time.Time, key string, value []byte) error {
	text, ok := scalarText(value)
	if !ok {
		return fmt.Errorf("%s is not a time", key)
	}
	if text == "" {
		return nil
	}
	parse := parseTime
	if value[0] != '"' {
		parse = parseUnix
	}
	t, err := parse(text)
	if err != nil {
		return fmt.Errorf("%s %w", key, err)
	}
	*to = t
	return nil
}

func setObject(to *[]byte, key string, value []byte) error {
	if value[0] != '{' {
		return fmt.Errorf("%s is not an object", key)
	}
	*to = value
	return nil
}

// event is what the top level of m says.
func (s *segmentReader) event(m *segmentMessage) (bellwether.Event, error) {
	for _, id := range []*string{&m.user, &m.anonymous, &m.previous} {
		if s.nobody(strings.TrimSpace(*id)) {
			*id = ""
		}
	}
	e := bellwether.Event{
		ID: bellwether.EventID(m.id), Subject: bellwether.Subject(m.user),
		Anonymous: bellwether.AnonymousID(m.anonymous), Previous: m.previous,
	}
	var err error
	if e.Type, err = m.eventType(); err != nil {
		return e, err
	}
	e.Occurred, e.Received = s.times(m)
	switch {
	case e.Occurred.IsZero():
		return e, fmt.Errorf("timestamp is missing")
	case e.Type == bellwether.Alias && (e.Previous == "" || e.Subject == ""):
		return e, fmt.Errorf("alias needs userId and previousId")
	case e.Type == bellwether.Group && m.group == "":
		return e, fmt.Errorf("groupId is missing")
	}
	for _, trait := range [...][2]string{{"group", m.group}, {"name", m.name}, {"category", m.category}} {
		if trait[1] != "" {
			setTrait(&e, trait[0], trait[1])
		}
	}
	return e, nil
}

// eventType is the canonical type of m.
func (m *segmentMessage) eventType() (bellwether.EventType, error) {
	switch m.kind {
	case "track":
		t := canonicalName(m.event)
		if m.event == "" || t == "" {
			return "", fmt.Errorf("event name is missing")
		}
		if reserved(t) {
			return "", fmt.Errorf("event name %s is kept for the program's own records", t)
		}
		return t, nil
	case "page":
		return bellwether.PageView, nil
	case "screen":
		return bellwether.ScreenView, nil
	case "identify", "alias", "group":
		return bellwether.EventType(m.kind), nil
	case "":
		return "", fmt.Errorf("type is missing")
	}
	return "", fmt.Errorf("type %q is none of track, identify, page, screen, group, alias", clip(m.kind))
}

// times returns when m happened and was received. The sender's clock is corrected as Segment
// does: occurred = received − (sentAt − timestamp).
func (s *segmentReader) times(m *segmentMessage) (occurred, received time.Time) {
	if s.received.IsZero() { // history: its timestamp was corrected by who received it
		occurred = firstTime(m.timestamp, m.original, m.received)
		return occurred, firstTime(m.received, occurred)
	}
	occurred = firstTime(m.original, m.timestamp)
	if occurred.IsZero() {
		return s.received, s.received
	}
	skew := s.skew
	if !m.sent.IsZero() {
		skew = s.received.Sub(m.sent)
	}
	return occurred.Add(skew), s.received
}

func firstTime(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// facts is the part of m that describes what happened.
func (m *segmentMessage) facts() []byte {
	if m.kind == "identify" || m.kind == "group" {
		return m.traits
	}
	return m.properties
}

// readMessages reads each element of a JSON array as one message, calling add with its text.
func readMessages(r *jsonReader, add func(raw []byte) error) error {
	return r.array(func() error {
		raw, err := r.value()
		if err != nil {
			return err
		}
		return add(bytes.TrimSpace(raw))
	})
}
