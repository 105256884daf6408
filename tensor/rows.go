package tensor

import (
	"fmt"

	"bellwether/tensor/internal/kernel"
	"bellwether/tensor/internal/pool"
)

// GatherRows sets row i of dst, [len(ids), width], to row ids[i] of table, or
// to zero where ids[i] is negative.
func GatherRows(dst, table []float32, ids []int32, width int) {
	checkRows("GatherRows", "dst", dst, table, ids, width)
	g := gathers.take()
	*g = gather{dst: dst, table: table, ids: ids, width: width, parts: rowParts(len(ids), 4*width)} // rows are far from each other in memory
	pool.Run(g.parts, g)
	*g = gather{}
	gathers.put(g)
}

// gather is one call of GatherRows: its parts are runs of ids.
type gather struct {
	dst, table   []float32
	ids          []int32
	width, parts int
}

var gathers free[gather]

// Do copies the rows of one part.
func (g *gather) Do(part int) {
	n, w := len(g.ids), g.width
	ids := g.ids[:n*(part+1)/g.parts]
	for i := n * part / g.parts; i < len(ids); i++ {
		prefetchRow(g.table, ids, i, w)
		row := g.dst[i*w : (i+1)*w]
		if ids[i] < 0 {
			clear(row)
			continue
		}
		copy(row, g.table[int(ids[i])*w:])
	}
}

// ScatterAddRows adds row i of x, [len(ids), width], to row ids[i] of table,
// in the order of i; rows whose id is negative are left out. Ids may repeat.
func ScatterAddRows(table, x []float32, ids []int32, width int) {
	checkRows("ScatterAddRows", "x", x, table, ids, width)
	for i, id := range ids {
		prefetchRow(table, ids, i, width)
		if id >= 0 {
			row := table[int(id)*width : (int(id)+1)*width]
			kernel.Add(row, row, x[i*width:(i+1)*width])
		}
	}
}

// prefetchRow asks for the row of the table that comes a little after number i.
func prefetchRow(table []float32, ids []int32, i, width int) {
	const ahead = 8
	if i+ahead < len(ids) {
		if id := int(ids[i+ahead]); id >= 0 {
			kernel.Prefetch(table[id*width : (id+1)*width])
		}
	}
}

func checkRows(kernel, name string, x, table []float32, ids []int32, width int) {
	need(kernel, name, x, len(ids)*width)
	rows := len(table) / max(width, 1)
	for i, id := range ids {
		if int(id) >= rows {
			panic(fmt.Sprintf("tensor: %s: id %d of row %d is not below %d", kernel, id, i, rows))
		}
	}
}

// Parallel calls body for each part 0 … parts−1, on as many goroutines as
// GOMAXPROCS, and returns when all are done. Parts must not depend on each
// other. A call costs some microseconds; within a part, kernels do not fork again.
func Parallel(parts int, body func(part int)) { pool.Run(parts, parallel(body)) }

type parallel func(part int)

// Do runs one part.
func (f parallel) Do(part int) { f(part) }
