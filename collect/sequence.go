package collect

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"bellwether"
)

// sequenceBegin is when the first event of every person of a sequence file is taken to have happened.
var sequenceBegin = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// maxSequence is how long a line of a sequence file may be, in bytes.
const maxSequence = 16 << 20

// sequences imports lines of a person and items, in the order of time. The file says no times:
// a person's k-th event is put k hours after sequenceBegin, so that the order is kept, that no two
// events are one, that no haste looks like a robot's, and that the same file has the same times again.
func (im *importer) sequences(ctx context.Context, s *source) error {
	l := lines{r: s.Reader, most: maxSequence}
	events := make(map[string]int) // of a person so far
	for {
		raw, err := l.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = im.sequence(ctx, raw, l.n, events)
		}
		if err != nil {
			return err
		}
	}
}

// sequence takes one line.
func (im *importer) sequence(ctx context.Context, raw []byte, line int64, events map[string]int) error {
	if blank(raw) {
		return nil
	}
	refuse := func(reason string) error {
		return im.add(ctx, message{raw: raw[:min(len(raw), maxMessage)], line: line, reject: reason})
	}
	if len(raw) > maxSequence {
		return refuse(fmt.Sprintf("line has more than %d bytes", maxSequence))
	}
	fields := bytes.Fields(raw)
	if len(fields) < 2 {
		return refuse("line has a person and no item")
	}
	person := string(fields[0])
	for _, item := range fields[1:] {
		k := events[person]
		events[person] = k + 1
		if err := im.add(ctx, im.sequenceEvent(person, string(item), k, line)); err != nil {
			return err
		}
	}
	return nil
}

// sequenceEvent is a person's k-th event, from 0.
func (im *importer) sequenceEvent(person, item string, k int, line int64) message {
	at := sequenceBegin.Add(time.Duration(k) * time.Hour)
	m := message{line: line, events: []bellwether.Event{{
		ID:   contentID([]byte("sequence"), []byte(person), strconv.AppendInt(nil, int64(k), 10), []byte(item)),
		Type: bellwether.ViewItem, Occurred: at, Received: at, Subject: bellwether.Subject(person), Item: bellwether.ItemID(item),
	}}}
	if at.After(im.c.o.Clock()) {
		m.reject = fmt.Sprintf("is event %d of a person, more than there are hours since the year 2000", k+1)
	}
	return m
}
