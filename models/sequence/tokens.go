package sequence

import (
	"fmt"
	"math/bits"

	"bellwether"
)

// fieldBuckets lists the optional fields of a token with the rows of their
// tables: the type of the event, the time since the one before in powers of two
// seconds (SCIENCE §2), the hour of the week in UTC, the price and the quantity
// in powers of two.
var fieldBuckets = map[string]int{"type": 256, "gap": 32, "hour": 168, "price": 40, "quantity": 16}

// bucket returns the row of a field for a step; before is the step before it, nil for none.
func bucket(field string, s, before *bellwether.Step) int32 {
	switch field {
	case "type":
		return int32(s.Type)
	case "gap":
		if before == nil {
			return 0
		}
		return power(s.Time-before.Time, 32)
	case "hour":
		return int32(((s.Time/3600)%168 + 168) % 168)
	case "price":
		return power(s.Price, 40)
	default: // quantity
		return power(int64(s.Quantity), 16)
	}
}

// power is 0 for what is not positive, else 1 + ⌊log₂ x⌋, below limit.
func power(x int64, limit int) int32 {
	return int32(min(bits.Len64(uint64(max(x, 0))), limit-1))
}

// tokens are packed sequences: the input of the network.
type tokens struct {
	ids     [][]int32 // by table: items, positions, then the fields
	people  [][]int32 // hashed rows of each token's person, −1 for nobody; empty where people play no part
	targets []int32   // by token: the item that comes next, −1 for none
	offsets []int32
}

func (t *tokens) reset(fields int) {
	for len(t.ids) < 2+fields {
		t.ids = append(t.ids, nil)
	}
	for i := range t.ids {
		t.ids[i] = t.ids[i][:0]
	}
	if t.people == nil {
		t.people = make([][]int32, 2)
	}
	t.people[0], t.people[1] = t.people[0][:0], t.people[1][:0]
	t.targets = t.targets[:0]
	t.offsets = append(t.offsets[:0], 0)
}

// append adds one sequence. Its first step is the token at position 0; before is what came before it.
func (t *tokens) append(steps []bellwether.Step, before *bellwether.Step, fields []string) {
	for i := range steps {
		s := &steps[i]
		t.ids[0] = append(t.ids[0], s.Item)
		t.ids[1] = append(t.ids[1], int32(i))
		for f, name := range fields {
			t.ids[2+f] = append(t.ids[2+f], bucket(name, s, before))
		}
		before = s
	}
	t.offsets = append(t.offsets, int32(len(t.ids[0])))
}

// name says whose the last tokens are that were added: those since the ones before that were named.
func (t *tokens) name(a, b int32) {
	for range len(t.ids[0]) - len(t.people[0]) {
		t.people[0], t.people[1] = append(t.people[0], a), append(t.people[1], b)
	}
}

// latest returns the last n steps and the one before them.
func latest(steps []bellwether.Step, n int) ([]bellwether.Step, *bellwether.Step) {
	first := len(steps) - n
	if first <= 0 {
		return steps, nil
	}
	return steps[first:], &steps[first-1]
}

// checkSteps reports an item or a type that the vocabulary lacks.
func checkSteps(steps []bellwether.Step, items, types int) error {
	for i := range steps {
		s := &steps[i]
		if s.Item < -1 || int(s.Item) >= items {
			return fmt.Errorf("step %d has item %d, the vocabulary %d items: prepare the sequences with the model's vocabulary", i, s.Item, items)
		}
		if types >= 0 && int(s.Type) >= max(types, 1) {
			return fmt.Errorf("step %d has type %d, the vocabulary %d types", i, s.Type, types)
		}
	}
	return nil
}
