package nn

import "bellwether/tensor"

// Embedding sums one row from each of several tables for every token: width
// does not grow with the number of fields. It is a network's first layer, so
// it takes indices instead of values.
type Embedding struct {
	Width  int
	Tables []*Param // each [rows, width]

	ids [][]int32
}

// Forward returns [rows, width]; ids[f][i] is the row of table f for token i,
// negative for none.
func (e *Embedding) Forward(p *Pass, ids [][]int32) []float32 {
	w := e.Width
	y := p.Buffer(p.Rows * w)
	for f, table := range e.Tables {
		if f == 0 {
			table.Gather(y, ids[f][:p.Rows])
			continue
		}
		for i, id := range ids[f][:p.Rows] {
			if id >= 0 {
				row := y[i*w : (i+1)*w]
				tensor.Add(row, row, table.Row(id))
			}
		}
	}
	if p.Train {
		e.ids = ids
	}
	return y
}

// Backward adds to the gradients of the rows that Forward used.
func (e *Embedding) Backward(p *Pass, dy []float32) {
	for f, table := range e.Tables {
		table.AddGrad(dy, e.ids[f][:p.Rows])
	}
}
