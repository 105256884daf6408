package tensor

import (
	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
	"bellwether/tensor/internal/reference"
)

// AdamStep holds the constants of one step of Adam or AdamW:
//
//	mean ← β₁·mean + (1−β₁)·grad
//	square ← β₂·square + (1−β₂)·grad²
//	value ← Decay·value − Rate·mean / (Root·√square + Epsilon)
//
// For step t of learning rate r and weight decay w, Decay is 1−r·w, Rate is
// r/(1−β₁ᵗ) and Root is 1/√(1−β₂ᵗ).
type AdamStep struct{ Beta1, Beta2, Epsilon, Decay, Rate, Root float32 }

// Move moves value by grad and updates mean and square, all of the length of
// grad. mean may be nil: then the gradient itself takes its place.
func (s AdamStep) Move(value, grad, mean, square []float32) {
	n := len(grad)
	checkMove("AdamStep.Move", n, value, square)
	if mean != nil {
		need("AdamStep.Move", "mean", mean, n)
	}
	u := updates.take()
	*u = update{adam: reference.AdamStep(s), value: value, grad: grad, mean: mean, square: square, rule: adam}
	u.run(nil, 1)
}

// MoveRows is Move for some rows of a table: grad is [len(rows), width] and its
// row i belongs to row rows[i] of value, mean and square. rows are distinct.
func (s AdamStep) MoveRows(value, grad, mean, square []float32, rows []int32, width int) {
	checkMoveRows("AdamStep.MoveRows", rows, width, grad, width, value, mean, square)
	u := updates.take()
	*u = update{adam: reference.AdamStep(s), value: value, grad: grad, mean: mean, square: square, rule: adam}
	u.run(rows, width)
}

// MoveRowWise is MoveRows with one square a row, of the mean of the row's grad².
func (s AdamStep) MoveRowWise(value, grad, mean, square []float32, rows []int32, width int) {
	checkMoveRows("AdamStep.MoveRowWise", rows, width, grad, 1, value, mean, square)
	u := updates.take()
	*u = update{adam: reference.AdamStep(s), value: value, grad: grad, mean: mean, square: square, rule: adamRowWise}
	u.run(rows, width)
}

// AdaGradStep is one step of AdaGrad: sum ← sum + grad², value ← value −
// Rate·grad / (√sum + Epsilon).
type AdaGradStep struct{ Rate, Epsilon float32 }

// Move moves value by grad and updates sums, all of the length of grad.
func (s AdaGradStep) Move(value, grad, sums []float32) {
	checkMove("AdaGradStep.Move", len(grad), value, sums)
	u := updates.take()
	*u = update{adagrad: s, value: value, grad: grad, square: sums, rule: adagrad}
	u.run(nil, 1)
}

// MoveRows is Move for some rows of a table, as AdamStep.MoveRows.
func (s AdaGradStep) MoveRows(value, grad, sums []float32, rows []int32, width int) {
	checkMoveRows("AdaGradStep.MoveRows", rows, width, grad, width, value, nil, sums)
	u := updates.take()
	*u = update{adagrad: s, value: value, grad: grad, square: sums, rule: adagrad}
	u.run(rows, width)
}

// MoveRowWise is MoveRows with one sum a row, of the means of the row's grad².
func (s AdaGradStep) MoveRowWise(value, grad, sums []float32, rows []int32, width int) {
	checkMoveRows("AdaGradStep.MoveRowWise", rows, width, grad, 1, value, nil, sums)
	u := updates.take()
	*u = update{adagrad: s, value: value, grad: grad, square: sums, rule: adagradRowWise}
	u.run(rows, width)
}

func checkMove(kernel string, n int, value, square []float32) {
	need(kernel, "value", value, n)
	need(kernel, "square", square, n)
}

func checkMoveRows(kernel string, rows []int32, width int, grad []float32, squareWidth int, value, mean, square []float32) {
	need(kernel, "grad", grad, len(rows)*width)
	last := -1
	for _, row := range rows {
		if row < 0 {
			panic("tensor: " + kernel + ": a row is negative")
		}
		last = max(last, int(row))
	}
	need(kernel, "value", value, (last+1)*width)
	need(kernel, "square", square, (last+1)*squareWidth)
	if mean != nil {
		need(kernel, "mean", mean, (last+1)*width)
	}
}

type rule int

const (
	adam rule = iota
	adamRowWise
	adagrad
	adagradRowWise
)

// update is one call: its parts are runs of values, or of rows.
type update struct {
	rule                      rule
	adam                      reference.AdamStep
	adagrad                   AdaGradStep
	value, grad, mean, square []float32
	rows                      []int32
	width, parts              int
}

var updates free[update]

func (u *update) run(rows []int32, width int) {
	u.rows, u.width = rows, width
	if rows == nil {
		u.parts = rowParts(ceilDiv(len(u.grad), 16), 16)
	} else {
		u.parts = rowParts(len(rows), 4*width) // rows are far from each other in memory
	}
	pool.Run(u.parts, u)
	*u = update{}
	updates.put(u)
}

// Do works on one part of the values or rows.
func (u *update) Do(part int) {
	if u.rows == nil {
		from, to := share(len(u.grad), 16, part, u.parts)
		u.move(from, from, to-from)
		return
	}
	const ahead = 8 // rows that are asked for before their turn
	n := len(u.rows)
	end := n * (part + 1) / u.parts
	for i := n * part / u.parts; i < end; i++ {
		if i+ahead < end {
			u.prefetch(int(u.rows[i+ahead]))
		}
		row := int(u.rows[i])
		switch u.rule {
		case adamRowWise:
			kernel.AdamRow(&u.adam, u.of(u.value, row), u.of(u.grad, i), u.of(u.mean, row), &u.square[row])
		case adagradRowWise:
			kernel.AdaGradRow(u.adagrad.Rate, u.adagrad.Epsilon, u.of(u.value, row), u.of(u.grad, i), &u.square[row])
		default:
			u.move(row*u.width, i*u.width, u.width)
		}
	}
}

// of is row i of x, which may be nil.
func (u *update) of(x []float32, i int) []float32 {
	if x == nil {
		return nil
	}
	return x[i*u.width : (i+1)*u.width]
}

func (u *update) prefetch(row int) {
	kernel.Prefetch(u.of(u.value, row))
	kernel.Prefetch(u.of(u.mean, row))
	if u.rule == adam || u.rule == adagrad {
		kernel.Prefetch(u.of(u.square, row))
	} else {
		kernel.Prefetch(u.square[row : row+1])
	}
}

// move moves n values at at by their gradients at from.
func (u *update) move(at, from, n int) {
	value, grad, square := u.value[at:at+n], u.grad[from:from+n], u.square[at:at+n]
	if u.rule == adagrad {
		kernel.AdaGrad(u.adagrad.Rate, u.adagrad.Epsilon, value, grad, square)
		return
	}
	var mean []float32
	if u.mean != nil {
		mean = u.mean[at : at+n]
	}
	kernel.Adam(&u.adam, value, grad, mean, square)
}
