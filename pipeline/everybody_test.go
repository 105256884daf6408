package pipeline

import (
	"errors"
	"testing"

	"bellwether"

	"github.com/google/go-cmp/cmp"
)

// Everybody gets what each would get alone, in the order of their names; what one of them cannot have costs nobody else anything.
func TestEverybody(t *testing.T) {
	s := newShop(t)
	s.walk(60, 40, 30)
	if _, err := s.engine.Turn(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	r := RecommendRequest{Surface: "home", K: 3, Exclude: "none", Preview: true}
	last, n := bellwether.Subject(""), 0
	err := s.engine.Everybody(t.Context(), r, func(who bellwether.Subject, a Answer, err error) error {
		if err != nil || who <= last {
			t.Errorf("%s after %s: %v", who, last, err)
		}
		r.Subject, last = who, who
		n++
		if diff := cmp.Diff(s.recommend(r).Decision.Candidates, a.Decision.Candidates); diff != "" {
			t.Errorf("%s alone and with everybody:\n%s", who, diff)
		}
		return nil
	})
	if err != nil || n != 60 {
		t.Errorf("%d people, %v", n, err)
	}

	// Decisions with a key are made once, however often they are asked for.
	r.Preview, r.Key, r.Subject = false, "monday", ""
	ids := map[bellwether.Subject]bellwether.DecisionID{}
	for range 2 {
		err := s.engine.Everybody(t.Context(), r, func(who bellwether.Subject, a Answer, err error) error {
			if id := ids[who]; err != nil || a.Decision.ID == "" || id != "" && id != a.Decision.ID {
				t.Errorf("%s: decision %q after %q, %v", who, a.Decision.ID, id, err)
			}
			ids[who] = a.Decision.ID
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	r = RecommendRequest{Surface: "home", K: 3, Category: "nothing", Preview: true}
	failed := 0
	err = s.engine.Everybody(t.Context(), r, func(_ bellwether.Subject, _ Answer, err error) error {
		if errors.Is(err, ErrNothingToRecommend) {
			failed++
		}
		return nil
	})
	if err != nil || failed != 60 {
		t.Errorf("%d people without an item, %v", failed, err)
	}
	enough := errors.New("enough")
	if err := s.engine.Everybody(t.Context(), r, func(bellwether.Subject, Answer, error) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v, want the error of each", err)
	}
}
