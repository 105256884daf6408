package behaviour

import (
	"context"
	"fmt"

	"bellwether"
	"bellwether/apps/app"
	"bellwether/decide"
)

// Act is the request of one action. Each action but the last scores the probability that the model in service gives for the person;
// where none can, all score 0 and the answer says why.
func Act(ctx context.Context, p *app.Project, r app.ActionRequest) (app.Answer, error) {
	if len(r.Actions) == 0 {
		return app.Answer{}, fmt.Errorf("%w: actions is empty; name at least one", app.ErrBadRequest)
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
	answer, score, version := app.Answer{}, 0.0, bellwether.ModelVersion("none")
	if probability, v, err := predictPerson(ctx, p, who); err != nil {
		answer.Reason = err.Error()
	} else {
		score, version = probability[0], v
	}
	candidates := make([]bellwether.Candidate, len(r.Actions))
	for i, a := range r.Actions {
		candidates[i].Action = a
		if i < len(r.Actions)-1 {
			candidates[i].Score = score
		}
	}
	answer.Decision, err = p.Decide(ctx, decide.Request{
		Key: r.Key, Subject: who.Subject, Bucket: who.Bucket, Surface: r.Surface, Candidates: candidates, Baseline: candidates[len(candidates)-1:],
		Model: version, Context: r.Context, Consent: who.Consent,
	}, r.Preview, r.Holdout)
	return answer, err
}
