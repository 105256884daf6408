package sequence

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"bellwether/internal/onnx"
	"bellwether/tensor/nn"
)

// WriteONNX writes m as an ONNX file for one person's history. Its inputs are
// int64 vectors of one length, at least 1: "items", indices in Items or −1 for
// none, and one for each of the settings' fields, rows of its table as
// docs/formats/weights.md says. Its outputs are "states" [length, dim], the
// Transformer's after each event, and for what follows the last event "logits" [items],
// which are Score's, and "next_type" and "next_wait", logits of the tasks. Events before
// the latest Settings.Length are left out, as Score does. Hashed items have
// their vectors in the file, hashed people none. Metadata hold the card and the
// vocabulary.
func WriteONNX(w io.Writer, m *Model) error {
	g, err := m.graph()
	if err != nil {
		return fmt.Errorf("sequence: writing ONNX: %w", err)
	}
	metadata := map[string]string{}
	for key, value := range map[string]any{"card": m.card(), "vocabulary": m.items} {
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("sequence: writing ONNX: %w", err)
		}
		metadata[key] = string(text)
	}
	if err := g.Write(w, metadata); err != nil {
		return fmt.Errorf("sequence: writing ONNX: %w", err)
	}
	return nil
}

// graph returns m as operators; an error names a parameter that they leave out or lack.
func (m *Model) graph() (*onnx.Graph, error) {
	g := &exporter{Graph: onnx.NewGraph(Family), m: m, unused: map[string]*nn.Param{}, used: map[string]bool{}}
	for _, p := range m.params {
		g.unused[p.Name] = p
	}
	table := m.itemTable()
	if table == nil || table.Shape[0] != len(m.items) {
		return nil, fmt.Errorf("the table of %d items has other rows", len(m.items))
	}
	g.unused["items.weight"] = table
	delete(g.unused, "hash.weight") // both are in the items' vectors
	delete(g.unused, "hash.projection.weight")
	g.build()
	for name := range g.unused {
		return nil, fmt.Errorf("there is no operator for %s", name)
	}
	return g.Graph, g.err
}

// exporter builds the graph of a model.
type exporter struct {
	*onnx.Graph
	m      *Model
	unused map[string]*nn.Param // by name
	used   map[string]bool
	mask   onnx.Value // added to the scores of attention
	err    error
}

func (g *exporter) build() {
	s := &g.m.settings
	x := g.embedding(s)
	g.mask = g.causal(x)
	for i := range s.Blocks {
		name := fmt.Sprintf("blocks.%d.", i)
		x = g.residual(name+"attention", x, g.attention)
		x = g.residual(name+"feedforward", x, g.feedForward)
	}
	states := g.norm("norm", x)
	g.Output("states", onnx.Float, states, "steps", s.Dim)
	last := g.Node("Gather", nil, states, g.Integers(-1)) // [1, dim]
	logits := g.Node("Gemm", onnx.Attributes{"transB": 1}, last, g.weight("items.weight"))
	g.Output("logits", onnx.Float, g.Node("Squeeze", nil, logits, g.Integers(0)), len(g.m.items))
	for _, t := range g.m.tasks {
		g.Output("next_"+t.name, onnx.Float, g.Node("Squeeze", nil, g.dense("tasks."+t.name, last), g.Integers(0)), t.size)
	}
}

// weight returns the parameter of that name, a part of the file from its first use on.
func (g *exporter) weight(name string) onnx.Value {
	p := g.unused[name]
	if p == nil && !g.used[name] {
		g.err = fmt.Errorf("the model has no %s", name)
	}
	if p != nil {
		g.Weight(name, p.Shape, p.Value)
		g.used[name] = true
		delete(g.unused, name)
	}
	return onnx.Value(name)
}

// latest is an input without what comes before the latest events.
func (g *exporter) latest(name string) onnx.Value {
	in := g.Input(name, onnx.Int64, "length")
	return g.Node("Slice", nil, in, g.Integers(-int64(g.m.settings.Length)), g.Integers(math.MaxInt64), g.Integers(0))
}

// embedding is [steps, dim]: the sum of the tables' rows. No item adds nothing.
func (g *exporter) embedding(s *Settings) onnx.Value {
	ids, none := g.latest("items"), g.Integers(0)
	known := g.Node("Cast", onnx.Attributes{"to": int(onnx.Float)}, g.Node("GreaterOrEqual", nil, ids, none))
	rows := g.Node("Gather", nil, g.weight("items.weight"), g.Node("Max", nil, ids, none))
	x := g.Node("Mul", nil, rows, g.Node("Unsqueeze", nil, known, g.Integers(1)))
	positions := g.Node("Slice", nil, g.weight("positions.weight"), g.Integers(0), g.Node("Shape", nil, ids), g.Integers(0))
	x = g.Node("Add", nil, x, positions)
	for _, f := range s.Fields {
		x = g.Node("Add", nil, x, g.Node("Gather", nil, g.weight("fields."+f+".weight"), g.latest(f)))
	}
	if s.Content {
		g.Weight("content", g.m.contentShape(), g.m.content)
		like := g.Node("Gather", nil, "content", g.Node("Max", nil, ids, none))
		like = g.Node("Gemm", onnx.Attributes{"transB": 1}, like, g.weight("content.weight"))
		x = g.Node("Add", nil, x, g.Node("Mul", nil, like, g.Node("Unsqueeze", nil, known, g.Integers(1))))
	}
	return x
}

// residual is x + branch(norm(x)), gated or not.
func (g *exporter) residual(name string, x onnx.Value, branch func(name string, x onnx.Value) onnx.Value) onnx.Value {
	n := g.norm(name+".norm", x)
	z := branch(name, n)
	if g.m.settings.Gated {
		z = g.Node("Mul", nil, z, g.Node("Sigmoid", nil, g.dense(name+".gate", n)))
	}
	return g.Node("Add", nil, z, x)
}

const epsilon = 1e-5 // of both norms

func (g *exporter) norm(name string, x onnx.Value) onnx.Value {
	gain := g.weight(name + ".weight")
	if !g.m.settings.RMSNorm {
		return g.Node("LayerNormalization", onnx.Attributes{"epsilon": float32(epsilon)}, x, gain, g.weight(name+".bias"))
	}
	square := g.Node("ReduceMean", onnx.Attributes{"axes": []int{-1}}, g.Node("Mul", nil, x, x))
	root := g.Node("Sqrt", nil, g.Node("Add", nil, square, g.Number(epsilon)))
	return g.Node("Mul", nil, g.Node("Div", nil, x, root), gain)
}

func (g *exporter) dense(name string, x onnx.Value) onnx.Value {
	return g.Node("Gemm", onnx.Attributes{"transB": 1}, x, g.weight(name+".weight"), g.weight(name+".bias"))
}

// attention is causal, with all heads in one product.
func (g *exporter) attention(name string, x onnx.Value) onnx.Value {
	s := &g.m.settings
	width := s.Dim / s.Heads
	qkv := g.Node("Reshape", nil, g.dense(name+".qkv", x), g.Integers(0, 3, int64(s.Heads), int64(width)))
	part := func(i int64, axes ...int) onnx.Value { // of [steps, 3, heads, width]
		one := g.Node("Squeeze", nil, g.Node("Gather", onnx.Attributes{"axis": 1}, qkv, g.Integers(i)), g.Integers(1))
		return g.Node("Transpose", onnx.Attributes{"perm": axes}, one)
	}
	q, k, v := part(0, 1, 0, 2), part(1, 1, 2, 0), part(2, 1, 0, 2)
	scores := g.Node("Mul", nil, g.Node("MatMul", nil, q, k), g.Number(float32(1/math.Sqrt(float64(width)))))
	shares := g.Node("Softmax", onnx.Attributes{"axis": -1}, g.Node("Add", nil, scores, g.mask))
	sum := g.Node("Transpose", onnx.Attributes{"perm": []int{1, 0, 2}}, g.Node("MatMul", nil, shares, v))
	return g.dense(name+".out", g.Node("Reshape", nil, sum, g.Integers(0, int64(s.Dim))))
}

// causal is [steps, steps]: what is added to a score, nothing or, where the
// column comes after the row, a large negative number. x is [steps, dim].
func (g *exporter) causal(x onnx.Value) onnx.Value {
	scalar := func(v onnx.Value) onnx.Value { return g.Node("Squeeze", nil, v) }
	steps := g.Node("Shape", onnx.Attributes{"end": 1}, x)
	at := g.Node("Range", nil, scalar(g.Integers(0)), scalar(steps), scalar(g.Integers(1)))
	future := g.Node("Less", nil, g.Node("Unsqueeze", nil, at, g.Integers(1)), g.Node("Unsqueeze", nil, at, g.Integers(0)))
	return g.Node("Mul", nil, g.Node("Cast", onnx.Attributes{"to": int(onnx.Float)}, future), g.Number(-1e30))
}

func (g *exporter) zeros(like onnx.Value) onnx.Value {
	return g.Node("ConstantOfShape", nil, g.Node("Shape", nil, like))
}

func (g *exporter) feedForward(name string, x onnx.Value) onnx.Value {
	if router := name + ".router.weight"; g.unused[router] != nil {
		return g.experts(name, x, g.weight(router))
	}
	return g.expert(name, x)
}

func (g *exporter) expert(name string, x onnx.Value) onnx.Value {
	z := g.dense(name+".in", x)
	if g.m.settings.SwiGLU {
		z = g.Node("Mul", nil, g.Node("Mul", nil, z, g.Node("Sigmoid", nil, z)), g.dense(name+".up", x))
	} else { // x·Φ(x) = x·(½ + ½·erf(x/√2))
		erf := g.Node("Erf", nil, g.Node("Mul", nil, z, g.Number(math.Sqrt2/2)))
		z = g.Node("Mul", nil, z, g.Node("Add", nil, g.Node("Mul", nil, erf, g.Number(.5)), g.Number(.5)))
	}
	return g.dense(name+".out", z)
}

// experts gathers each expert's tokens, so that the others cost nothing.
func (g *exporter) experts(name string, x, router onnx.Value) onnx.Value {
	s := &g.m.settings
	logits := g.Node("Gemm", onnx.Attributes{"transB": 1}, x, router)
	weights := g.route(g.Node("Softmax", onnx.Attributes{"axis": -1}, logits), int64(max(s.Top, 1)))
	y := g.zeros(x)
	for e := range s.Experts {
		column := g.Node("Gather", onnx.Attributes{"axis": 1}, weights, g.Integers(int64(e))) // [steps, 1]
		chosen := g.Node("Greater", nil, g.Node("Squeeze", nil, column, g.Integers(1)), g.Number(0))
		tokens := g.Node("NonZero", nil, chosen) // [1, tokens]
		list := g.Node("Squeeze", nil, tokens, g.Integers(0))
		out := g.expert(fmt.Sprintf("%s.experts.%d", name, e), g.Node("Gather", nil, x, list))
		out = g.Node("Mul", nil, out, g.Node("Gather", nil, column, list))
		y = g.Node("ScatterND", onnx.Attributes{"reduction": "add"}, y, g.Node("Transpose", nil, tokens), out)
	}
	return y
}

// route is [steps, experts]: the weight of each expert's answer, 0 for those not chosen.
func (g *exporter) route(shares onnx.Value, top int64) onnx.Value {
	best, at := g.Pair("TopK", nil, shares, g.Integers(top))
	if top > 1 {
		best = g.Node("Div", nil, best, g.Node("ReduceSum", nil, best, g.Integers(1)))
	}
	return g.Node("ScatterElements", onnx.Attributes{"axis": 1}, g.zeros(shares), at, best)
}
