package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemm writes the tiles of package tensor's matrix products. A tile of 12 rows
// by two vectors of 512 bits keeps its 24 sums in registers; each step of k loads
// two vectors of b once and multiplies them by 12 broadcast values of a, so that
// there are 14 loads for 24 FMAs and none waits for another. With 16 registers
// of 256 bits a tile has 6 rows. Fewer rows have their own loops.
func gemm() {
	for _, l := range levels {
		for vectors := 2; vectors > 0; vectors-- {
			l.tiles(vectors)
		}
	}
}

// tileRows is the most rows of a tile.
func (l level) tileRows() int {
	if l.wide() {
		return 12
	}
	return 6
}

func (l level) tiles(vectors int) {
	l.begin(fmt.Sprintf("Tile%d", vectors*l.lanes()),
		"func(rows, k int, a *float32, rowA, stepA int, b *float32, stepB int, c *float32, rowC int, bias *float32, cols, flags int)",
		fmt.Sprintf("is kernel.Tile for 1 to %d rows and up to %d columns.", l.tileRows(), vectors*l.lanes()))
	rows := Load(Param("rows"), GP64())
	for r := l.tileRows(); r > 1; r-- {
		CMPQ(rows, U8(r))
		JEQ(LabelRef(fmt.Sprintf("rows%d", r)))
	}
	for r := 1; r <= l.tileRows(); r++ {
		t := tile{level: l, rows: r, vectors: vectors}
		Label(t.label("rows"))
		t.write()
		l.end()
	}
}

// tile is the loop for one number of rows.
type tile struct {
	level
	rows, vectors int
	sums          [][]vec
	masks         columnMasks
}

func (t *tile) label(name string) string { return fmt.Sprintf("%s%d", name, t.rows) }

func (t *tile) write() {
	for range t.rows {
		var row []vec
		for range t.vectors {
			row = append(row, t.zero())
		}
		t.sums = append(t.sums, row)
	}
	t.masks = t.columnMasks(t.vectors)
	k := Load(Param("k"), GP64())
	a := newRows("a", "rowA", t.rows)
	stepA := loadBytes("stepA")
	b, stepB := Load(Param("b"), GP64()), loadBytes("stepB")
	TESTQ(k, k)
	JZ(LabelRef(t.label("summed")))
	if !t.wide() { // whole vectors of b need no masks, and those cost a register
		CMPQ(t.masks.cols, U8(t.vectors*t.lanes()))
		JNE(LabelRef(t.label("masked")))
		t.steps("step", k, a, stepA, b, stepB, func(v int) vec { return t.load(Mem{Base: b, Disp: 32 * v}) })
		JMP(LabelRef(t.label("summed")))
		Label(t.label("masked"))
	}
	t.steps("mask", k, a, stepA, b, stepB, func(v int) vec { return t.masks.load(v, b) })
	Label(t.label("summed"))
	t.tail()
}

// steps writes the loop over k.
func (t *tile) steps(label string, k reg.Register, a rowsOf, stepA, b, stepB reg.Register, load func(v int) vec) {
	Label(t.label(label))
	var right []vec
	for v := range t.vectors {
		right = append(right, load(v))
	}
	for r := range t.rows {
		left := t.spreadAt(a.at(r))
		for v := range t.vectors {
			VFMADD231PS(right[v], left, t.sums[r][v])
		}
	}
	a.advance(stepA)
	ADDQ(stepB, b)
	DECQ(k)
	JNZ(LabelRef(t.label(label)))
}

// tail adds bias and c if they are asked for, applies ReLU if asked for, and stores.
func (t *tile) tail() {
	c, rowC := Load(Param("c"), GP64()), loadBytes("rowC")
	bias, flags := Load(Param("bias"), GP64()), Load(Param("flags"), GP64())

	TESTQ(bias, bias)
	JZ(LabelRef(t.label("biased")))
	for v := range t.vectors {
		z := t.masks.load(v, bias)
		for r := range t.sums {
			VADDPS(z, t.sums[r][v], t.sums[r][v])
		}
	}
	Label(t.label("biased"))

	TESTQ(U32(1), flags)
	JZ(LabelRef(t.label("added")))
	old := GP64()
	MOVQ(c, old)
	for r := range t.sums {
		for v := range t.vectors {
			VADDPS(t.masks.load(v, old), t.sums[r][v], t.sums[r][v])
		}
		ADDQ(rowC, old)
	}
	Label(t.label("added"))

	TESTQ(U32(2), flags)
	JZ(LabelRef(t.label("store")))
	zero := t.zero()
	for r := range t.sums {
		for v := range t.vectors {
			VMAXPS(t.sums[r][v], zero, t.sums[r][v])
		}
	}
	Label(t.label("store"))
	if !t.wide() { // VMASKMOVPS to memory is slow
		CMPQ(t.masks.cols, U8(t.vectors*t.lanes()))
		JNE(LabelRef(t.label("part")))
		for r := range t.sums {
			for v := range t.vectors {
				VMOVUPS(t.sums[r][v], Mem{Base: c, Disp: 32 * v})
			}
			ADDQ(rowC, c)
		}
		t.end()
		Label(t.label("part"))
	}
	for r := range t.sums {
		for v := range t.vectors {
			t.masks.store(v, t.sums[r][v], c)
		}
		ADDQ(rowC, c)
	}
}

// columnMasks keeps to the first cols columns: registers of 512-bit vectors'
// own kind, or vectors that are loaded from a table each time.
type columnMasks struct {
	level
	kept  []reg.Register
	cols  reg.Register
	table reg.Register
}

func (l level) columnMasks(vectors int) columnMasks {
	m := columnMasks{level: l, cols: Load(Param("cols"), GP64())}
	if l.wide() {
		ones := GP32()
		MOVL(U32(0xffffffff), ones)
		BZHIL(m.cols.(reg.GPVirtual).As32(), ones, ones)
		for range vectors {
			k := K()
			KMOVW(ones, k)
			SHRL(U8(16), ones)
			m.kept = append(m.kept, k)
		}
		return m
	}
	table := make([]uint32, 32)
	for i := range 16 {
		table[i] = 0xffffffff
	}
	m.table = GP64()
	LEAQ(words("columns", table...).Offset(64), m.table)
	back := GP64()
	MOVQ(m.cols, back)
	SHLQ(U8(2), back)
	SUBQ(back, m.table)
	return m
}

func (m columnMasks) load(v int, base reg.Register) vec {
	z := m.reg()
	if m.wide() {
		VMOVUPS_Z(Mem{Base: base, Disp: 64 * v}, m.kept[v], z)
		return z
	}
	VMOVUPS(Mem{Base: m.table, Disp: 32 * v}, z)
	VMASKMOVPS(Mem{Base: base, Disp: 32 * v}, z, z)
	return z
}

func (m columnMasks) store(v int, z vec, base reg.Register) {
	if m.wide() {
		VMOVUPS(z, m.kept[v], Mem{Base: base, Disp: 64 * v})
		return
	}
	mask := m.level.load(Mem{Base: m.table, Disp: 32 * v})
	VMASKMOVPS(z, mask, Mem{Base: base, Disp: 32 * v})
}

// rowsOf addresses rows of a matrix by a base for every four rows, the stride
// and three times the stride.
type rowsOf struct {
	bases         []reg.Register
	stride, three reg.Register
}

func newRows(base, stride string, rows int) rowsOf {
	m := rowsOf{bases: []reg.Register{Load(Param(base), GP64())}}
	if rows == 1 {
		return m
	}
	m.stride = loadBytes(stride)
	if rows > 3 {
		three := GP64()
		LEAQ(Mem{Base: m.stride, Index: m.stride, Scale: 2}, three)
		m.three = three
	}
	for r := 4; r < rows; r += 4 {
		next := GP64()
		LEAQ(Mem{Base: m.bases[len(m.bases)-1], Index: m.stride, Scale: 4}, next)
		m.bases = append(m.bases, next)
	}
	return m
}

func (m rowsOf) at(r int) Mem {
	base := m.bases[r/4]
	switch r % 4 {
	case 1:
		return Mem{Base: base, Index: m.stride, Scale: 1}
	case 2:
		return Mem{Base: base, Index: m.stride, Scale: 2}
	case 3:
		return Mem{Base: base, Index: m.three, Scale: 1}
	}
	return Mem{Base: base}
}

func (m rowsOf) advance(step reg.Register) {
	for _, base := range m.bases {
		ADDQ(step, base)
	}
}

// loadBytes loads a parameter that counts float32 values, as bytes.
func loadBytes(name string) reg.Register {
	r := Load(Param(name), GP64())
	SHLQ(U8(2), r)
	return r
}
