package main

// dots8 writes the products of a matrix of bytes and one vector, at both levels.
func dots8(f *file) {
	f.rowDotsInt8("NEON", (*function).bytesLong)
	f.rowDotsInt8("Dot", (*function).bytesDot)
}

// bytesDot adds the products of sixteen bytes, four by four, to the lanes of sum: neon+dot.
func (k *function) bytesDot(sum, x, y *reg) {
	k.word(0x4e809400, "sdot v%d.4s, v%d.16b, v%d.16b", sum, x, y, true)
}

// bytesLong does so by 16-bit products, added in pairs: two of them, −128·−128
// each, would not fit into 16 bits.
func (k *function) bytesLong(sum, x, y *reg) {
	low, high := k.vec(), k.vec()
	k.word(0x0e20c000, "smull v%d.8h, v%d.8b, v%d.8b", low, x, y, false)
	k.word(0x4e20c000, "smull2 v%d.8h, v%d.16b, v%d.16b", high, x, y, false)
	k.word(0x4e606800, "sadalp v%d.4s, v%d.8h", sum, low, nil, true)
	k.word(0x4e606800, "sadalp v%d.4s, v%d.8h", sum, high, nil, true)
}

// rowDotsInt8 takes four rows at a time.
func (f *file) rowDotsInt8(level string, add func(k *function, sum, x, y *reg)) {
	k := f.begin("RowDotsInt8"+level, "func(dst *float32, x, b *int8, scales *float32, scale float32, rows, cols int)",
		"sets dst[r] = scale·scales[r]·Σ x·b[r]; b is [rows, cols], rows a positive multiple of 4 and cols one of 32.")
	dst, x, b, scales, scale := k.param("dst"), k.param("x"), k.param("b"), k.param("scales"), k.spread("scale")
	count, cols := k.param("rows"), k.param("cols")
	k.label("rows")
	rows := []*reg{b}
	for r := 1; r < 4; r++ {
		rows = append(rows, k.plus(rows[r-1], cols, 0))
	}
	sums := make([]*reg, 8)
	for i := range sums {
		sums[i] = k.zero()
	}
	at, left := k.copyOf(x), k.copyOf(cols)
	turn := func(vectors int) func() {
		return func() {
			x := k.loadAll(at, 0, vectors)
			k.add(at, 16*vectors)
			for r, row := range rows {
				for v, y := range k.loadAll(row, 0, vectors) {
					add(k, sums[v%2*4+r], x[v], y)
				}
				k.add(row, 16*vectors)
			}
		}
	}
	k.times("wide", left, 64, turn(4))
	k.times("two", left, 32, turn(2))
	k.set(b, rows[3])
	for r := range 4 {
		sums[r] = k.iadd(sums[r], sums[4+r])
	}
	addp := func(x, y *reg) *reg { return k.goThree("VADDP", "S4", x, y) }
	total := k.scvtf(addp(addp(sums[0], sums[1]), addp(sums[2], sums[3])))
	k.store(k.fmul(k.fmul(total, scale), k.load(scales, 0)), dst, 0)
	k.add(dst, 16)
	k.add(scales, 16)
	k.subs(count, 4)
	k.branch("BGT", "rows")
	k.ret()
}
