package behaviour

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/decide"
)

// Act is the request of one action. An action scores what the request says that it is worth; where it does not say, all score 0 and the
// answer says so: the probability that somebody buys is no reason to write to them, as it is neither an effect nor a value. It stays with the
// decision as the feature "probability" where the model in service gives it, so that effects can be learned from decisions.
func Act(ctx context.Context, p *app.Project, r app.ActionRequest) (app.Answer, error) {
	if len(r.Actions) == 0 {
		return app.Answer{}, fmt.Errorf("%w: actions is empty; name at least one", app.ErrBadRequest)
	}
	if len(r.Values) > 0 && len(r.Values) != len(r.Actions) {
		return app.Answer{}, fmt.Errorf("%w: %d values for %d actions; give one for each, or none", app.ErrBadRequest, len(r.Values), len(r.Actions))
	}
	who, err := p.Person(ctx, r.Subject, r.Anonymous)
	if err != nil {
		return app.Answer{}, err
	}
	if r.Preview && r.History != nil {
		if who, err = p.WithHistory(who, r.History); err != nil {
			return app.Answer{}, err
		}
	}
	answer, version, features := app.Answer{}, bellwether.ModelVersion("none"), maps.Clone(r.Context)
	if probability, v, err := predictPerson(ctx, p, who); err != nil {
		answer.Reason = err.Error()
	} else {
		if version = v; features == nil {
			features = map[string]float64{}
		}
		features["probability"] = probability[0]
	}
	candidates := make([]bellwether.Candidate, len(r.Actions))
	for i, a := range r.Actions {
		candidates[i].Action = a
		if len(r.Values) > 0 {
			candidates[i].Score = r.Values[i]
		}
	}
	if len(r.Values) == 0 {
		answer.Reason = strings.TrimPrefix(answer.Reason+"; "+unvalued, "; ")
	}
	answer.Decision, err = p.Decide(ctx, decide.Request{
		Key: r.Key, Subject: who.Subject, Bucket: who.Bucket, Surface: r.Surface, Candidates: candidates, Baseline: candidates[len(candidates)-1:],
		Model: version, Context: features, Consent: who.Consent,
	}, r.Preview, r.Holdout)
	return answer, err
}

// unvalued says how an action was chosen of which nothing is known.
const unvalued = "no effect or value of an action is known, so that none is preferred"
