package learn

import (
	"context"
	"errors"
	"testing"
	"time"
)

// TestTurnstile: a turn is not waited for, a refreshment is, as long as the caller wants to.
func TestTurnstile(t *testing.T) {
	p := new(Turnstile)
	end, err := p.enter(t.Context(), turning)
	if err != nil {
		t.Fatal(err)
	}
	for _, as := range []int32{turning, refreshing} {
		if _, err := p.enter(t.Context(), as); !errors.Is(err, ErrTurnRunning) {
			t.Errorf("while a turn runs: %v", err)
		}
	}
	end()
	if end, err = p.enter(t.Context(), refreshing); err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := p.enter(impatient, turning); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who does not wait for the refreshment: %v", err)
	}
	ended := time.AfterFunc(50*time.Millisecond, end)
	defer ended.Stop()
	again, err := p.enter(t.Context(), turning)
	if err != nil {
		t.Fatalf("who waits: %v", err)
	}
	again()
}
