package trees

// pad lets a column's part of a histogram be read as 256 bins, which spares the check of each index.
const pad = 256

// build sums the slopes of rows by bin of one column.
func build(h []sums, bins []uint8, rows []int32, slopes []slope) {
	into := (*[pad]sums)(h)
	slopes = slopes[:len(rows)]
	for i, r := range rows {
		s, p := slopes[i], &into[bins[r]]
		p.g += float64(s.g)
		p.h += float64(s.h)
	}
}

// build2 is build for two columns at once: rows and slopes are read once.
func build2(h, k []sums, a, b []uint8, rows []int32, slopes []slope) {
	into, onto := (*[pad]sums)(h), (*[pad]sums)(k)
	slopes, b = slopes[:len(rows)], b[:len(a)]
	for i, r := range rows {
		g, w := float64(slopes[i].g), float64(slopes[i].h)
		p, q := &into[a[r]], &onto[b[r]]
		p.g += g
		p.h += w
		q.g += g
		q.h += w
	}
}

// subtract leaves in h what is not in o.
func subtract(h, o []sums) {
	o = o[:len(h)]
	for i := range h {
		h[i].g -= o[i].g
		h[i].h -= o[i].h
	}
}
