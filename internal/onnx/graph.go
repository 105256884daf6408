// Package onnx writes graphs of operators with their weights as ONNX files
// (github.com/onnx/onnx, docs/IR.md): the few message types that are needed,
// encoded as protobuf by hand, and no schema, generator or module for them.
//
//	g := onnx.NewGraph("line")
//	x := g.Input("x", onnx.Float, "length", 2)
//	w := g.Weight("w", []int{3, 2}, weights)
//	y := g.Node("Gemm", onnx.Attributes{"transB": 1}, x, w)
//	g.Output("y", onnx.Float, y, "length", 3)
//	err := g.Write(out, nil)
package onnx

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
)

// Opset is the version of the operators that a graph may use.
const Opset = 17

const irVersion = 8 // of the file, that of the release with Opset

// ErrTooLarge means that the file would have 2 GiB or more, which readers of
// protobuf refuse.
var ErrTooLarge = errors.New("onnx: the model is too large for one ONNX file (2 GiB): use its safetensors file")

// Type is the type of a tensor's elements.
type Type int64

// The types that are used.
const (
	Float Type = 1
	Int64 Type = 7
)

// Value names a tensor of a graph.
type Value string

// Graph is a graph under construction. Nodes run in the order in which they are added.
type Graph struct {
	nodes, weights, inputs, outputs message
	name                            string
	count                           int // of nodes
	constants                       map[string]Value
}

// NewGraph returns an empty graph.
func NewGraph(name string) *Graph { return &Graph{name: name, constants: map[string]Value{}} }

// Fields of the messages, by onnx.proto.
const (
	modelIR, modelProducer, modelGraph, modelOpset, modelMetadata  = 1, 2, 7, 8, 14
	graphNode, graphName, graphWeight, graphInput, graphOutput     = 1, 2, 5, 11, 12
	nodeInput, nodeOutput, nodeName, nodeOperator, nodeAttribute   = 1, 2, 3, 4, 5
	tensorDims, tensorType, tensorName, tensorRaw                  = 1, 2, 8, 9
	attributeName, attributeFloat, attributeInt, attributeIntegers = 1, 2, 3, 8
	attributeText, attributeType                                   = 4, 20
	infoName, infoType, typeTensor, tensorElement, tensorShape     = 1, 2, 1, 1, 2
	shapeDim, dimValue, dimName                                    = 1, 1, 2
	opsetVersion, entryKey, entryValue                             = 2, 1, 2
)

// Input adds an input. A dimension is a number, or the name of one that is known when it runs.
func (g *Graph) Input(name string, t Type, dims ...any) Value {
	g.inputs.message(graphInput, info(name, t, dims))
	return Value(name)
}

// Output makes v an output.
func (g *Graph) Output(name string, t Type, v Value, dims ...any) {
	g.add("Identity", nil, []Value{v}, name)
	g.outputs.message(graphOutput, info(name, t, dims))
}

func info(name string, t Type, dims []any) *message {
	var shape, tensor, of, out message
	for _, d := range dims {
		var dim message
		switch d := d.(type) {
		case int:
			dim.integer(dimValue, int64(d))
		case string:
			dim.text(dimName, d)
		}
		shape.message(shapeDim, &dim)
	}
	tensor.integer(tensorElement, int64(t))
	tensor.message(tensorShape, &shape)
	of.message(typeTensor, &tensor)
	out.text(infoName, name)
	out.message(infoType, &of)
	return &out
}

// Weight adds a tensor that is part of the file. v is not copied: it must not
// change before Write.
func (g *Graph) Weight(name string, shape []int, v []float32) Value {
	t := tensor(name, Float, shape)
	t.floats(tensorRaw, v)
	g.weights.message(graphWeight, t)
	return Value(name)
}

// Integers returns a constant vector.
func (g *Graph) Integers(v ...int64) Value {
	return g.constant(fmt.Sprint("int64 ", v), func(name string) {
		t := tensor(name, Int64, []int{len(v)})
		t.length(tensorRaw, 8*len(v))
		for _, x := range v {
			t.raw(func(b []byte) []byte { return binary.LittleEndian.AppendUint64(b, uint64(x)) })
		}
		g.weights.message(graphWeight, t)
	})
}

// Number returns a constant without dimensions.
func (g *Graph) Number(v float32) Value {
	return g.constant(fmt.Sprint("float ", v), func(name string) { g.Weight(name, nil, []float32{v}) })
}

// constant makes what key describes once.
func (g *Graph) constant(key string, add func(name string)) Value {
	v, ok := g.constants[key]
	if !ok {
		v = Value(fmt.Sprint("constant.", len(g.constants)))
		g.constants[key] = v
		add(string(v))
	}
	return v
}

func tensor(name string, t Type, shape []int) *message {
	var m message
	for _, d := range shape {
		m.integer(tensorDims, int64(d))
	}
	m.integer(tensorType, int64(t))
	m.text(tensorName, name)
	return &m
}

// Attributes are a node's settings: int, float32, string or []int.
type Attributes map[string]any

// Node adds an operator and returns its first result.
func (g *Graph) Node(operator string, a Attributes, inputs ...Value) Value {
	name := fmt.Sprint(operator, ".", g.count)
	g.add(operator, a, inputs, name)
	return Value(name)
}

// Pair adds an operator of two results.
func (g *Graph) Pair(operator string, a Attributes, inputs ...Value) (Value, Value) {
	name := fmt.Sprint(operator, ".", g.count)
	g.add(operator, a, inputs, name, name+".second")
	return Value(name), Value(name + ".second")
}

func (g *Graph) add(operator string, a Attributes, inputs []Value, results ...string) {
	g.count++
	var m message
	for _, in := range inputs {
		m.text(nodeInput, string(in))
	}
	for _, result := range results {
		m.text(nodeOutput, result)
	}
	m.text(nodeName, results[0])
	m.text(nodeOperator, operator)
	for _, name := range slices.Sorted(maps.Keys(a)) {
		m.message(nodeAttribute, attribute(name, a[name]))
	}
	g.nodes.message(graphNode, &m)
}

func attribute(name string, v any) *message {
	var m message
	m.text(attributeName, name)
	switch v := v.(type) {
	case float32:
		m.float(attributeFloat, v)
		m.integer(attributeType, 1)
	case int:
		m.integer(attributeInt, int64(v))
		m.integer(attributeType, 2)
	case string:
		m.text(attributeText, v)
		m.integer(attributeType, 3)
	case []int:
		for _, x := range v {
			m.integer(attributeIntegers, int64(x))
		}
		m.integer(attributeType, 7)
	}
	return &m
}

// Write writes the file. Metadata are texts for people and programs that read it.
func (g *Graph) Write(w io.Writer, metadata map[string]string) error {
	m := g.model(metadata)
	if m.size > math.MaxInt32 {
		return ErrTooLarge
	}
	out := bufio.NewWriterSize(w, 1<<16)
	if err := m.writeTo(out); err != nil {
		return fmt.Errorf("onnx: writing: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("onnx: writing: %w", err)
	}
	return nil
}

func (g *Graph) model(metadata map[string]string) *message {
	var graph, opset, m message
	for _, list := range []*message{&g.nodes, &g.weights, &g.inputs, &g.outputs} {
		graph.parts = append(graph.parts, list.parts...)
		graph.size += list.size
	}
	graph.text(graphName, g.name)
	opset.integer(opsetVersion, Opset)
	m.integer(modelIR, irVersion)
	m.text(modelProducer, "bellwether")
	m.message(modelGraph, &graph)
	m.message(modelOpset, &opset)
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		var entry message
		entry.text(entryKey, key)
		entry.text(entryValue, metadata[key])
		m.message(modelMetadata, &entry)
	}
	return &m
}
