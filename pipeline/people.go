package pipeline

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"bellwether"
	"bellwether/serve"
	"bellwether/store"
)

// HistoryLength is how many of a person's newest events a request reads.
const HistoryLength = 200

// people is the view of who is who and what each person did last. Its keys:
//
//	l/ANONYMOUS                → the subject that the anonymous id was joined to at sign-in
//	p/PERSON                   → the person's Profile, without Recent
//	h/PERSON 0 TIME SEQUENCE   → one event of the person, without its raw form
//
// PERSON is a subject, or "~" and an anonymous id before sign-in. The history of a person who
// signed in is the union of the histories of its links: nothing is moved at a sign-in.
type people struct{ view *store.View }

const peopleVersion = 1

func openPeople(ctx context.Context, p *store.Project, salt string) (*people, error) {
	fold := func(w *store.ViewWriter, b store.Batch) error { return foldPeople(w, b, salt) }
	v, err := p.View(ctx, "people", peopleVersion, fold)
	if err != nil {
		return nil, fmt.Errorf("opening the view of people: %w", err)
	}
	return &people{view: v}, nil
}

func foldPeople(w *store.ViewWriter, b store.Batch, salt string) error {
	for i, r := range b.Records {
		if r.Kind != store.KindEvent {
			continue
		}
		var e bellwether.Event
		if err := store.Decode(r.Data, &e); err != nil {
			return fmt.Errorf("reading event %s: %w", r.ID, err)
		}
		if !e.Type.Personal() {
			continue
		}
		if err := foldPerson(w, &e, salt); err != nil {
			return err
		}
		e.Raw = nil
		data, err := store.Encode(&e)
		if err != nil {
			return fmt.Errorf("writing event %s: %w", e.ID, err)
		}
		w.Set(historyKey(person(e.Subject, e.Anonymous), e.Occurred, b.Sequence, i), data)
	}
	return nil
}

func foldPerson(w *store.ViewWriter, e *bellwether.Event, salt string) error {
	who := person(e.Subject, e.Anonymous)
	p := bellwether.Profile{Subject: who, Bucket: bellwether.HoldoutBucket(salt, who), FirstSeen: e.Occurred}
	key := profileKey(who)
	old, err := w.Get(key)
	if err != nil {
		return err
	}
	if old != nil {
		if err := store.Decode(old, &p); err != nil {
			return fmt.Errorf("reading the profile of %s: %w", who, err)
		}
	}
	if !updateProfile(&p, e) && old != nil {
		return nil
	}
	if e.Type == bellwether.Identify && e.Subject != "" && e.Anonymous != "" {
		if err := link(w, &p, e); err != nil {
			return err
		}
	}
	if e.Type == bellwether.Alias && e.Previous != "" && e.Previous != string(e.Subject) {
		p.Links = addLink(p.Links, bellwether.Link{ID: e.Previous, Since: e.Received, Event: e.ID})
	}
	data, err := store.Encode(&p)
	if err != nil {
		return fmt.Errorf("writing the profile of %s: %w", who, err)
	}
	w.Set(key, data)
	return nil
}

// updateProfile folds e into p and reports whether anything but a few minutes of LastSeen changed.
func updateProfile(p *bellwether.Profile, e *bellwether.Event) bool {
	changed := e.Type == bellwether.Identify || e.Type == bellwether.Alias || e.Consent != nil
	if e.Consent != nil {
		p.Consent = e.Consent
	}
	if e.Type == bellwether.Identify && len(e.Traits) > 0 {
		if p.Traits == nil {
			p.Traits = make(map[string]any, len(e.Traits))
		}
		for k, v := range e.Traits {
			p.Traits[k] = v
		}
	}
	if e.Occurred.Before(p.FirstSeen) {
		p.FirstSeen, changed = e.Occurred, true
	}
	if e.Occurred.Sub(p.LastSeen) > 5*time.Minute {
		p.LastSeen, changed = e.Occurred, true
	}
	return changed
}

// link joins the anonymous id of a login to its subject; the first login owns the id.
func link(w *store.ViewWriter, p *bellwether.Profile, e *bellwether.Event) error {
	key := linkKey(e.Anonymous)
	owner, err := w.Get(key)
	if err != nil || owner != nil && string(owner) != string(e.Subject) {
		return err
	}
	w.Set(key, []byte(e.Subject))
	p.Links = addLink(p.Links, bellwether.Link{ID: "~" + string(e.Anonymous), Since: e.Received, Event: e.ID})
	return nil
}

func addLink(links []bellwether.Link, l bellwether.Link) []bellwether.Link {
	if slices.ContainsFunc(links, func(have bellwether.Link) bool { return have.ID == l.ID }) {
		return links
	}
	return append(links, l)
}

// Resolve returns the person behind a subject or, without one, an anonymous id.
func (p *people) resolve(s bellwether.Subject, a bellwether.AnonymousID) (bellwether.Subject, error) {
	if s != "" {
		return s, nil
	}
	owner, err := p.view.Get(linkKey(a))
	if err != nil {
		return "", err
	}
	if owner != nil {
		return bellwether.Subject(owner), nil
	}
	return person("", a), nil
}

// Profile returns what is known of a person; a person never seen gets an empty profile.
func (p *people) profile(who bellwether.Subject) (bellwether.Profile, error) {
	out := bellwether.Profile{Subject: who}
	data, err := p.view.Get(profileKey(who))
	if err != nil || data == nil {
		return out, err
	}
	return out, store.Decode(data, &out)
}

// events returns the newest events of a person over all its links, oldest first.
func (p *people) events(profile *bellwether.Profile) ([]bellwether.Event, error) {
	events, err := p.newest(profile.Subject)
	if err != nil {
		return nil, err
	}
	for _, l := range profile.Links {
		more, err := p.newest(bellwether.Subject(l.ID))
		if err != nil {
			return nil, err
		}
		events = append(events, more...)
	}
	slices.SortStableFunc(events, func(a, b bellwether.Event) int { return a.Occurred.Compare(b.Occurred) })
	return events[max(0, len(events)-HistoryLength):], nil
}

// newest returns the newest events under one id, oldest first.
func (p *people) newest(who bellwether.Subject) ([]bellwether.Event, error) {
	var out []bellwether.Event
	var failed error
	err := p.view.ScanReverse(historyPrefix(who), func(k, v []byte) bool {
		var e bellwether.Event
		if failed = store.Decode(v, &e); failed != nil {
			return false
		}
		out = append(out, e)
		return len(out) < HistoryLength
	})
	slices.Reverse(out)
	if failed != nil {
		err = fmt.Errorf("reading the history of %s: %w", who, failed)
	}
	return out, err
}

// visitsOf are the events about items, as serve reads them.
func visitsOf(events []bellwether.Event, currency bellwether.Currency) []serve.Visit {
	out := make([]serve.Visit, 0, len(events))
	for i := range events {
		if e := &events[i]; e.Item != "" {
			out = append(out, visitOf(e, currency))
		}
	}
	return out
}

// visitOf is an event as serve reads it; a price in another currency is not known to models.
func visitOf(e *bellwether.Event, currency bellwether.Currency) serve.Visit {
	v := serve.Visit{
		Item: e.Item, Type: e.Type, Channel: e.Channel, Campaign: e.Campaign,
		Quantity: int32(min(e.Quantity, math.MaxInt32)), Time: e.Occurred, Prompted: e.Prompted(),
	}
	if e.Price.Currency == currency {
		v.Price = e.Price.Amount
	}
	return v
}

func person(s bellwether.Subject, a bellwether.AnonymousID) bellwether.Subject {
	if s != "" {
		return s
	}
	return bellwether.Subject("~" + string(a))
}

func profileKey(who bellwether.Subject) []byte { return append([]byte("p/"), who...) }

func linkKey(a bellwether.AnonymousID) []byte { return append([]byte("l/"), a...) }

func historyPrefix(who bellwether.Subject) []byte {
	return append(append([]byte("h/"), who...), 0)
}

func historyKey(who bellwether.Subject, at time.Time, sequence uint64, index int) []byte {
	k := historyPrefix(who)
	k = binary.BigEndian.AppendUint64(k, uint64(at.UnixNano())) // times are after 1970: the order holds
	k = binary.BigEndian.AppendUint64(k, sequence)
	return binary.BigEndian.AppendUint32(k, uint32(index))
}
