package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"bellwether"
	"bellwether/prepare"
	"bellwether/serve"
)

// Predict returns the probabilities that the model in service gives: one for subject, or one for
// each of rows, which hold numbers and strings by column name.
func (e *Engine) Predict(ctx context.Context, application string, subject bellwether.Subject, rows []map[string]any) ([]float64, bellwether.ModelVersion, error) {
	if application != "behaviour" {
		return nil, "", fmt.Errorf("%w: application is %q; predictions come from behaviour", ErrBadRequest, application)
	}
	if (subject == "") == (len(rows) == 0) {
		return nil, "", fmt.Errorf("%w: give either a subject or rows", ErrBadRequest)
	}
	if subject == "" {
		t, err := tableOf(rows)
		if err != nil {
			return nil, "", err
		}
		p, v, err := e.Service.Predict(ctx, application, t)
		return p, v, noModel(err)
	}
	profile, err := e.profile(subject, "")
	if err != nil {
		return nil, "", err
	}
	p, err := e.predictProfile(ctx, &profile, nil)
	if err != nil {
		return nil, "", err
	}
	return []float64{*p.Probability}, p.Model, nil
}

func noModel(err error) error {
	if errors.Is(err, serve.ErrNoModel) {
		return fmt.Errorf("%w: %w", ErrNoRun, err)
	}
	return err
}

// predictProfile predicts for one person from the same features that the model learned from. history,
// when it is not nil, replaces the stored one.
func (e *Engine) predictProfile(ctx context.Context, profile *bellwether.Profile, history []serve.Visit) (bellwether.Prediction, error) {
	out := bellwether.Prediction{Subject: profile.Subject, Application: "behaviour", Time: e.o.Clock()}
	events, err := e.people.events(profile)
	if err != nil {
		return out, err
	}
	if history != nil {
		events = e.eventsOf(history)
	}
	t, err := e.features(profile, events)
	if err != nil {
		return out, fmt.Errorf("computing the features of %s: %w", profile.Subject, err)
	}
	p, version, err := e.Service.Predict(ctx, "behaviour", t)
	if err != nil {
		return out, noModel(err)
	}
	out.Probability, out.Model = &p[0], version
	return out, nil
}

// eventsOf are a history that a request brings, as events of the project's currency.
func (e *Engine) eventsOf(history []serve.Visit) []bellwether.Event {
	out := make([]bellwether.Event, len(history))
	for i, v := range history {
		out[i] = bellwether.Event{
			ID: bellwether.EventID(fmt.Sprint(i)), Type: v.Type, Occurred: v.Time, Received: v.Time, Item: v.Item, Channel: v.Channel, Campaign: v.Campaign,
			Quantity: int64(v.Quantity), Price: bellwether.Money{Amount: v.Price, Currency: e.o.Currency},
		}
	}
	return out
}

// features are the columns of the customer table for one person, from the code that made the training set.
func (e *Engine) features(profile *bellwether.Profile, events []bellwether.Event) (*bellwether.Table, error) {
	now := e.o.Clock()
	for i := range events {
		events[i].Subject, events[i].Anonymous = profile.Subject, ""
	}
	if len(profile.Traits) > 0 {
		events = append(events, bellwether.Event{
			ID: "profile", Type: bellwether.Identify, Occurred: now, Received: now,
			Subject: profile.Subject, Traits: profile.Traits,
		})
	}
	catalogue, err := e.catalogue.all()
	if err != nil {
		return nil, err
	}
	var items []bellwether.Item
	for i := range events {
		if it := catalogue[events[i].Item]; it != nil {
			items = append(items, *it)
		}
	}
	return prepare.Features(events, profile.Subject, now, e.o.Currency, items...)
}

// tableOf makes a table of rows given by column name: a column of numbers (and blanks) is
// numeric, any other is a category.
func tableOf(rows []map[string]any) (*bellwether.Table, error) {
	t := &bellwether.Table{Target: make([]float64, len(rows)), Split: make([]bellwether.Split, len(rows)), Subjects: make([]bellwether.Subject, len(rows))}
	var names []string
	for _, r := range rows {
		for name := range r {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	for _, name := range names {
		c, err := columnOf(name, rows)
		if err != nil {
			return nil, err
		}
		t.Columns = append(t.Columns, c)
	}
	return t, nil
}

func columnOf(name string, rows []map[string]any) (bellwether.Column, error) {
	numbers, texts := make([]float64, len(rows)), make([]string, len(rows))
	category := false
	for i, r := range rows {
		numbers[i] = math.NaN()
		switch v := r[name].(type) {
		case nil:
		case float64:
			numbers[i], texts[i] = v, fmt.Sprint(v)
		case bool:
			texts[i], category = fmt.Sprint(v), true
		case string:
			texts[i], category = v, true
		default:
			return bellwether.Column{}, fmt.Errorf("%w: row %d has a %T in %s; numbers, strings and booleans are understood", ErrBadRequest, i+1, v, name)
		}
	}
	if !category {
		return bellwether.Column{Name: name, Numbers: numbers}, nil
	}
	c := bellwether.Column{Name: name, Codes: make([]int32, len(rows))}
	for i, s := range texts {
		c.Codes[i] = -1
		if s == "" {
			continue
		}
		at := slices.Index(c.Levels, s)
		if at < 0 {
			at, c.Levels = len(c.Levels), append(c.Levels, s)
		}
		c.Codes[i] = int32(at)
	}
	return c, nil
}
