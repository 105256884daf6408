package sequence

import (
	"fmt"

	"bellwether/tensor"
	"bellwether/tensor/nn"
)

// content brings what is known of items to the width of a token.
type content struct {
	vectors []float32 // [items, width]
	project *nn.Dense // [dim, width]
}

func newContent(b *nn.Builder, dim int, v *vocabulary) *content {
	width := v.contentShape()[1]
	// A vector of length 1 becomes as long as a row of a table is at first.
	weight := b.Param("content.weight", nn.Normal(.02), dim, width)
	return &content{vectors: v.content, project: &nn.Dense{In: width, Out: dim, Weight: weight, First: true}}
}

// forward returns [tokens, dim] for the items of tokens; no item adds nothing.
func (c *content) forward(p *nn.Pass, items []int32) []float32 {
	rows := p.Buffer(p.Rows * c.project.In)
	tensor.GatherRows(rows, c.vectors, items[:p.Rows], c.project.In)
	return c.project.Forward(p, rows)
}

// restoreContent reads the vectors of a model that has some.
func restoreContent(w *nn.Weights, s *Settings, items int) ([]float32, error) {
	if !s.Content {
		return nil, nil
	}
	a := w.Array("content")
	if a == nil || len(a.Shape) != 2 || a.Shape[0] != items || len(a.Floats) == 0 {
		return nil, fmt.Errorf("%w: it does not say what its %d items are like", nn.ErrFormat, items)
	}
	return a.Floats, nil
}
