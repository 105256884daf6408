package behaviour

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/dataset"
	"bellwether/history"
	"bellwether/learn"
)

// Predict returns the probabilities that the model in service gives, and which model it is: one for a subject, or one for each of rows, which hold numbers and
// strings by column name. It returns app.ErrUnknownPerson for a subject of whom nothing is known.
func Predict(ctx context.Context, p *app.Project, subject bellwether.Subject, rows []map[string]any) ([]float64, bellwether.ModelVersion, error) {
	if (subject == "") == (len(rows) == 0) {
		return nil, "", fmt.Errorf("%w: give either a subject or rows", app.ErrBadRequest)
	}
	if subject == "" {
		t, err := tableOf(rows)
		if err != nil {
			return nil, "", err
		}
		return predict(ctx, p, t)
	}
	who, err := p.Person(ctx, subject, "")
	if err != nil {
		return nil, "", err
	}
	return predictPerson(ctx, p, who)
}

// predictPerson predicts from the same features that the model learned from.
func predictPerson(ctx context.Context, p *app.Project, who *history.Person) ([]float64, bellwether.ModelVersion, error) {
	if !who.Known || len(who.Events) == 0 {
		return nil, "", fmt.Errorf("%w: nothing is known of %s", app.ErrUnknownPerson, who.Subject)
	}
	items, err := p.History.Items()
	if err != nil {
		return nil, "", fmt.Errorf("reading the catalogue: %w", err)
	}
	t, err := dataset.Features(who, p.Clock(), dataset.TableOptions{Currency: p.Currency, Items: items})
	if err != nil {
		return nil, "", fmt.Errorf("computing the features of %s: %w", who.Subject, err)
	}
	return predict(ctx, p, t)
}

func predict(ctx context.Context, p *app.Project, t *bellwether.Table) ([]float64, bellwether.ModelVersion, error) {
	v, err := p.Registry.Serving(Name)
	if err != nil {
		return nil, "", err
	}
	if v.Classifier == nil {
		return nil, v.Version, fmt.Errorf("%w: %s gives no probabilities", learn.ErrNoModel, v.Version)
	}
	out, err := v.Classifier.Predict(ctx, t)
	if err != nil {
		return nil, v.Version, fmt.Errorf("predicting with %s: %w", v.Version, err)
	}
	return out, v.Version, nil
}
