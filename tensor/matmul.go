package tensor

// Activation is the non-linearity that a matrix product applies to its result.
type Activation int

// The activations that a Tail can apply.
const (
	Identity   Activation = iota
	ActReLU               // max(x, 0)
	ActGELU               // x·Φ(x), exact
	ActSigmoid            // 1/(1+e⁻ˣ)
	ActTanh               // tanh(x)
	ActSiLU               // x·sigmoid(x)
)

// Tail says what becomes of the sums of a matrix product while they are still
// in cache: c = activation(sums + bias), or c += sums + bias. The zero value
// stores the sums.
type Tail struct {
	Accumulate bool       // add to what c holds; not together with an Activation or Pre
	Bias       []float32  // [n], added to each row; nil for none
	Activation Activation // applied last
	Pre        []float32  // [m, n], receives the values before the activation, for the backward pass; nil for none
}

// MatMul sets c = a·b; c is [m, n], a is [m, k], b is [k, n].
func MatMul(c, a, b []float32, m, n, k int, tail Tail) {
	checkProduct("MatMul", c, a, b, m, n, k, tail)
	p := newProduct(c, a, k, 1, m, n, k, tail)
	p.rightRows(b)
	p.run()
}

// MatMulTB sets c = a·bᵀ; c is [m, n], a is [m, k], b is [n, k].
func MatMulTB(c, a, b []float32, m, n, k int, tail Tail) {
	checkProduct("MatMulTB", c, a, b, m, n, k, tail)
	if m == 1 && !tail.Accumulate {
		oneRow(c, a, b, n, k, tail)
		return
	}
	p := newProduct(c, a, k, 1, m, n, k, tail)
	p.packed = packPanels(p.packed, b, k, n, 1, k)
	p.panels(p.packed)
	p.run()
}

// MatMulTA sets c = aᵀ·b; c is [m, n], a is [k, m], b is [k, n].
func MatMulTA(c, a, b []float32, m, n, k int, tail Tail) {
	checkProduct("MatMulTA", c, a, b, m, n, k, tail)
	p := newProduct(c, a, 1, m, m, n, k, tail)
	p.rightRows(b)
	p.run()
}

func checkProduct(kernel string, c, a, b []float32, m, n, k int, tail Tail) {
	if m < 0 || n < 0 || k < 0 {
		panic("tensor: " + kernel + ": a dimension is negative")
	}
	need(kernel, "c", c, m*n)
	need(kernel, "a", a, m*k)
	need(kernel, "b", b, k*n)
	checkTail(kernel, m, n, tail)
}

func checkTail(kernel string, m, n int, tail Tail) {
	if tail.Bias != nil {
		need(kernel, "Tail.Bias", tail.Bias, n)
	}
	if tail.Pre != nil {
		need(kernel, "Tail.Pre", tail.Pre, m*n)
	}
	if tail.Accumulate && (tail.Pre != nil || tail.Activation != Identity) {
		panic("tensor: " + kernel + ": Tail.Accumulate does not go with Activation or Pre")
	}
}

func activate(dst, x []float32, f Activation) {
	switch f {
	case ActReLU:
		ReLU(dst, x)
	case ActGELU:
		GELU(dst, x)
	case ActSigmoid:
		Sigmoid(dst, x)
	case ActTanh:
		Tanh(dst, x)
	case ActSiLU:
		SiLU(dst, x)
	default:
		copy(dst, x)
	}
}
