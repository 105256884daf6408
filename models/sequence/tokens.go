package sequence

import "bellwether"

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

// append adds one sequence for m. Its first step is the token at position 0; before is what came before it.
func (t *tokens) append(m *Model, steps []bellwether.Step, before *bellwether.Step) {
	for i := range steps {
		s := &steps[i]
		t.ids[0] = append(t.ids[0], s.Item)
		t.ids[1] = append(t.ids[1], int32(i))
		for f, name := range m.settings.Fields {
			t.ids[2+f] = append(t.ids[2+f], m.row(name, s, before))
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
