package engine

import (
	"context"
	"errors"
	"time"

	"bellwether"
)

// training is a case whose runs are the steps of a training run, as its reports
// tell them. The run rests between two samples.
func training(name string, items float64, train func(context.Context, func(bellwether.Progress)) error) Case {
	return Case{Name: name, Items: items, Open: func(ctx context.Context) (Run, error) {
		s := &steps{ask: make(chan int), answer: make(chan []time.Duration), end: make(chan error, 1)}
		s.ctx, s.stop = context.WithCancel(ctx)
		go func() { s.end <- train(s.ctx, s.report) }()
		return s, nil
	}}
}

// steps is a training run in a goroutine of its own, whose end Close awaits.
type steps struct {
	ctx    context.Context
	stop   context.CancelFunc
	ask    chan int
	answer chan []time.Duration
	end    chan error

	left  int // of the sample that was asked for; used by the run alone, as what follows
	times []time.Duration
	last  time.Duration
}

// report is called by the run after each step.
func (s *steps) report(p bellwether.Progress) {
	if p.Note == "" && s.left > 0 { // not a validation
		s.times, s.left = append(s.times, clock()-s.last), s.left-1
		if s.left == 0 {
			s.answer <- s.times
		}
	}
	if s.left == 0 {
		select {
		case s.left = <-s.ask:
			s.times = make([]time.Duration, 0, s.left)
		case <-s.ctx.Done():
		}
	}
	s.last = clock()
}

// Sample implements Run.
func (s *steps) Sample(n int) ([]time.Duration, error) {
	select {
	case s.ask <- n:
		select {
		case times := <-s.answer:
			return times, nil
		case err := <-s.end:
			return nil, s.early(err)
		}
	case err := <-s.end:
		return nil, s.early(err)
	}
}

func (s *steps) early(err error) error {
	s.end <- nil
	if err == nil {
		err = errors.New("training ended early")
	}
	return err
}

// Close implements Run.
func (s *steps) Close() {
	s.stop()
	<-s.end
}
