package recommend

import (
	"context"
	"runtime"
	"sync"

	"bellwether"
	"bellwether/apps/app"
)

// together is the number of people whose answers are computed before they are handed on.
const together = 512

// Everybody is Recommend for each person who signed in, on all processors. each gets the answers in the order of subjects,
// one at a time; err is that of this one person, such as ErrNothing, and an error of each ends the work. r.Key, if
// there is one, becomes a key of each person's.
func Everybody(ctx context.Context, p *app.Project, r Request, each func(who bellwether.Subject, a app.Answer, err error) error) error {
	people, err := p.SignedIn(ctx)
	if err != nil {
		return err
	}
	answers, errs := make([]app.Answer, together), make([]error, together)
	for first := 0; first < len(people); first += together {
		part := people[first:min(first+together, len(people))]
		recommendAll(ctx, p, r, part, answers, errs)
		for i, who := range part {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := each(who, answers[i], errs[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// recommendAll answers for people, each in the place of theirs.
func recommendAll(ctx context.Context, p *app.Project, r Request, people []bellwether.Subject, answers []app.Answer, errs []error) {
	places := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range places {
				one := r
				one.Subject, one.Anonymous, one.History = people[i], "", nil
				if r.Key != "" {
					one.Key = r.Key + "/" + string(one.Subject)
				}
				answers[i], errs[i] = Recommend(ctx, p, one)
			}
		})
	}
	for i := range people {
		places <- i
	}
	close(places)
	workers.Wait()
}
