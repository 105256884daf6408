package pipeline

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"bellwether"
)

// together is the number of people whose answers are computed before they are handed on.
const together = 512

// Everybody is Recommend for each person who signed in, on all processors. each gets the answers in the order of subjects,
// one at a time; err is that of this one person, such as ErrNothingToRecommend, and an error of each ends the work. r.Key, if
// there is one, becomes a key of each person's.
func (e *Engine) Everybody(ctx context.Context, r RecommendRequest, each func(who bellwether.Subject, a Answer, err error) error) error {
	people, err := e.people.all()
	if err != nil {
		return fmt.Errorf("listing people: %w", err)
	}
	answers, errs := make([]Answer, together), make([]error, together)
	for first := 0; first < len(people); first += together {
		part := people[first:min(first+together, len(people))]
		e.recommendAll(ctx, r, part, answers, errs)
		for i := range part {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := each(part[i].Subject, answers[i], errs[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// recommendAll answers for people, each in the place of theirs.
func (e *Engine) recommendAll(ctx context.Context, r RecommendRequest, people []bellwether.Profile, answers []Answer, errs []error) {
	places := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range places {
				one := r
				one.Subject, one.Anonymous, one.History = people[i].Subject, "", nil
				if r.Key != "" {
					one.Key = r.Key + "/" + string(one.Subject)
				}
				answers[i], errs[i] = e.Recommend(ctx, one)
			}
		})
	}
	for i := range people {
		places <- i
	}
	close(places)
	workers.Wait()
}
