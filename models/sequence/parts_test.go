package sequence

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"bellwether"
)

// TestPartsAreTheWhole: a batch in parts has the loss and the gradients of the
// batch as a whole, tasks included.
func TestPartsAreTheWhole(t *testing.T) {
	const people, items = 40, 30
	rng, q := rand.New(rand.NewPCG(1, 2)), &bellwether.Sequences{Types: []bellwether.EventType{"view", "purchase"}}
	for i := range items {
		q.Items = append(q.Items, bellwether.ItemID(strconv.Itoa(i)))
	}
	for p := range people {
		steps := make([]bellwether.Step, 2+rng.IntN(199))
		for i := range steps {
			steps[i] = bellwether.Step{Item: rng.Int32N(items+1) - 1, Type: uint8(rng.IntN(2)), Time: int64(i * i)}
		}
		q.People, q.Steps, q.TrainEnd = append(q.People, bellwether.Subject(strconv.Itoa(p))), append(q.Steps, steps), append(q.TrainEnd, len(steps))
	}
	for _, s := range []Settings{
		{Dim: 16, Blocks: 1, Heads: 2, Gated: true, Length: 200, Loss: "full", Rate: 1, Batch: people, Tasks: map[string]float32{"type": .5, "wait": .3}},
		{Dim: 16, Blocks: 1, Heads: 1, Length: 200, Fields: []string{"gap"}, Loss: "full", Rate: 1, Batch: people},
	} {
		r, err := Trainer{Settings: &s}.prepare(&bellwether.Dataset{Sequences: q})
		if err != nil {
			t.Fatal(err)
		}
		var persons []Person
		for p := range people {
			persons = append(persons, r.person(int32(p)))
		}
		learned := r.pack(persons, 1)
		if n := len(r.tokens.targets); n <= 2*partTokens {
			t.Fatalf("%d tokens make no parts", n)
		}
		params := r.model.params
		params.ZeroGrad()
		params.Pack()
		got := r.forwardBackward(1, learned)
		var grads [][]float32
		for _, p := range params {
			grads = append(grads, append([]float32(nil), p.Grad...))
		}
		params.ZeroGrad()
		want := r.learn(&r.tokens, 0, learned)
		if math.Abs(got-want) > 1e-5*want {
			t.Errorf("loss %g in parts, %g as a whole", got, want)
		}
		for i, p := range params {
			for j, v := range p.Grad {
				if d := math.Abs(float64(grads[i][j] - v)); d > 1e-6+1e-4*math.Abs(float64(v)) {
					t.Fatalf("gradient %d of %s: %g in parts, %g as a whole", j, p.Name, grads[i][j], v)
				}
			}
		}
	}
}

func TestPartsAreWholeSequencesOfTheirPeople(t *testing.T) {
	var whole, part tokens
	whole.reset(0)
	lengths := []int{5, partTokens - 5, 3 * partTokens, 7}
	for i, n := range lengths {
		whole.append(&Model{}, make([]bellwether.Step, n), nil)
		whole.name(int32(i), int32(10+i))
		whole.targets = append(whole.targets, make([]int32, n)...)
	}
	var ends []int
	for first := 0; first < len(lengths); {
		next := whole.part(&part, first, false)
		n := len(part.targets)
		if len(part.ids[0]) != n || len(part.people[1]) != n || part.offsets[0] != 0 || int(part.offsets[next-first]) != n || part.people[1][0] != int32(10+first) {
			t.Errorf("sequences %d to %d: %d targets, %d people, offsets %v", first, next, n, len(part.people[1]), part.offsets)
		}
		ends, first = append(ends, next), next
	}
	if !slices.Equal(ends, []int{2, 3, 4}) {
		t.Errorf("parts end at %v", ends)
	}
	if next := whole.part(&part, 0, true); next != 4 || len(part.targets) != len(whole.targets) {
		t.Errorf("the whole is %d sequences of %d tokens", next, len(part.targets))
	}
}
