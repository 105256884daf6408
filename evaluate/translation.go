package evaluate

import (
	"math"
	"slices"

	"bellwether"
)

// translation maps the vocabulary of sequences to that of a model; the zero value is the identity.
type translation struct{ toModel []int32 }

func newTranslation(sequences, model []bellwether.ItemID) translation {
	if slices.Equal(sequences, model) {
		return translation{}
	}
	place := make(map[bellwether.ItemID]int32, len(model))
	for i, id := range model {
		place[id] = int32(i)
	}
	t := translation{toModel: make([]int32, len(sequences))}
	for i, id := range sequences {
		at, known := place[id]
		if !known {
			at = -1
		}
		t.toModel[i] = at
	}
	return t
}

// history returns steps with the model's item numbers, −1 for what it does not know.
func (t translation) history(steps []bellwether.Step) []bellwether.Step {
	if t.toModel == nil {
		return steps
	}
	steps = slices.Clone(steps)
	for i := range steps {
		if steps[i].Item >= 0 {
			steps[i].Item = t.toModel[steps[i].Item]
		}
	}
	return steps
}

// scores returns the model's scores by the items of the sequences, in room if it is needed.
func (t translation) scores(room, model []float32) []float32 {
	if t.toModel == nil {
		return model
	}
	room = slices.Grow(room[:0], len(t.toModel))[:len(t.toModel)]
	for i, at := range t.toModel {
		room[i] = float32(math.Inf(-1))
		if at >= 0 {
			room[i] = model[at]
		}
	}
	return room
}
