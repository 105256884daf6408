package behaviour

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/dataset"
	"bellwether/evaluate"
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
	if v.Withheld != "" {
		return nil, v.Version, fmt.Errorf("%w: %s: %s", app.ErrWithheld, v.Version, v.Withheld)
	}
	out, err := v.Classifier.Predict(ctx, t)
	if err != nil {
		return nil, v.Version, fmt.Errorf("predicting with %s: %w", v.Version, err)
	}
	return out, v.Version, nil
}

// ProfitThreshold is the probability from which a contact pays, by the model in service: everybody above it is worth more than the contact costs.
// It refuses where the model's probabilities are no basis for that.
func ProfitThreshold(p *app.Project, cost, value float64) (float64, error) {
	v, err := p.Registry.Serving(Name)
	if err != nil {
		return 0, err
	}
	ece, ok := v.Judged["ece"]
	if !ok {
		return 0, fmt.Errorf("%w: %s: %s", app.ErrWithheld, v.Version, v.Withheld)
	}
	t, err := evaluate.ProfitThreshold(cost, value, ece)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", app.ErrWithheld, err)
	}
	return t, nil
}
