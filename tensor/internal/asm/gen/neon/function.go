package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"log"
)

// reg is a virtual register of 64 bits, or of a vector; allocate numbers it.
// Printed it is a Go operand: R7, or F7 for what Go's loads and stores of
// vectors and scalars want.
type reg struct {
	vector     bool
	id, number int
}

func (r *reg) String() string {
	if r.vector {
		return fmt.Sprintf("F%d", r.number)
	}
	return fmt.Sprintf("R%d", r.number)
}

// as is a vector register seen as lanes: as{r, "S4"} is V7.S4.
type as struct {
	*reg
	lanes string
}

func (a as) String() string {
	if a.lanes == "" {
		return fmt.Sprintf("V%d", a.number)
	}
	return fmt.Sprintf("V%d.%s", a.number, a.lanes)
}

// instruction is a line of Go assembly, or a word where Go lacks the instruction.
type instruction struct {
	format     string
	args       []any
	word       func() (code uint32, mnemonic string)
	defs, uses []*reg
	label      string // this line is a label
	jump       string // the label to which it may jump
	leaves     bool   // the next line does not follow
	copies     bool   // it copies uses[0] to defs[0], and goes when both become one register
}

// function is one function that is being written.
type function struct {
	name, doc, signature string
	offsets              map[string]param
	frame                int
	body                 []instruction
	made                 int
	held                 map[uint32]*reg
	table                *reg
	file                 *file
}

type param struct {
	offset int
	kind   string
}

// begin opens a function whose name ends in the level's. constants says that it
// needs the table of those.
func (f *file) begin(name, signature, doc string) *function {
	k := &function{name: name, doc: doc, signature: signature, file: f, held: map[uint32]*reg{}}
	k.layout()
	f.functions = append(f.functions, k)
	return k
}

// layout places the parameters and the result as Go's ABI0 does.
func (k *function) layout() {
	expr, err := parser.ParseExpr(k.signature)
	if err != nil {
		log.Fatalf("%s: %v", k.name, err)
	}
	at, size := 0, 8
	k.offsets = map[string]param{}
	place := func(name string, kind ast.Expr) {
		p := param{kind: "*"}
		size = 8
		if id, ok := kind.(*ast.Ident); ok {
			if p.kind = id.Name; id.Name == "float32" || id.Name == "uint32" || id.Name == "int32" {
				size = 4
			}
		}
		at = (at + size - 1) / size * size
		p.offset = at
		k.offsets[name] = p
		at += size
	}
	t := expr.(*ast.FuncType)
	for _, field := range t.Params.List {
		for _, name := range field.Names {
			place(name.Name, field.Type)
		}
	}
	if t.Results != nil {
		at = (at + 7) / 8 * 8
		place("ret", t.Results.List[0].Type)
	}
	k.frame = at
}

func (k *function) newReg(vector bool) *reg {
	k.made++
	return &reg{vector: vector, id: k.made - 1}
}

func (k *function) vec() *reg { return k.newReg(true) }
func (k *function) gp() *reg  { return k.newReg(false) }

// emit appends a line of Go assembly that sets defs from uses.
func (k *function) emit(defs, uses []*reg, format string, args ...any) {
	k.body = append(k.body, instruction{format: format, args: args, defs: defs, uses: uses})
}

// param loads a parameter.
func (k *function) param(name string) *reg {
	p, ok := k.offsets[name]
	if !ok {
		log.Fatalf("%s has no parameter %s", k.name, name)
	}
	op, r := "MOVD", k.gp()
	switch p.kind {
	case "float32":
		op, r = "FMOVS", k.vec()
	case "uint32":
		op = "MOVWU"
	}
	k.emit([]*reg{r}, nil, "%s %s+%d(FP), %v", op, name, p.offset, r)
	return r
}

// bytes loads a parameter that counts float32 values, as bytes.
func (k *function) bytes(name string) *reg {
	r := k.param(name)
	k.emit([]*reg{r}, []*reg{r}, "LSL $2, %v", r)
	return r
}

// spread loads a float32 parameter into every lane.
func (k *function) spread(name string) *reg { return k.lane0(k.param(name)) }

// lane0 is the first lane of v in every lane.
func (k *function) lane0(v *reg) *reg {
	r := k.vec()
	k.emit([]*reg{r}, []*reg{v}, "VDUP %v, %v", as{v, "S[0]"}, as{r, "S4"})
	return r
}

// result stores what the function returns.
func (k *function) result(r *reg) {
	p := k.offsets["ret"]
	op := map[string]string{"float32": "FMOVS", "float64": "FMOVD", "int": "MOVD", "int32": "MOVW"}[p.kind]
	k.emit(nil, []*reg{r}, "%s %v, ret+%d(FP)", op, r, p.offset)
}

func (k *function) ret() {
	k.emit(nil, nil, "RET")
	k.body[len(k.body)-1].leaves = true
}
