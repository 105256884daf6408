package sequence

import (
	"slices"

	"bellwether"
	"bellwether/tensor/nn"
)

// warm takes over what old learned: the rows of items of the same id, of types,
// channels and campaigns of the same name and of the same positions, and every other array of the same
// name and shape. What is new keeps its first values.
func (m *Model) warm(old *Model) {
	if old.settings.Dim != m.settings.Dim {
		return
	}
	items := make(map[bellwether.ItemID]int32, len(old.items))
	for i, id := range old.items {
		items[id] = int32(i)
	}
	for _, p := range m.params {
		at := slices.IndexFunc(old.params, func(o *nn.Param) bool { return o.Name == p.Name })
		if at < 0 {
			continue
		}
		from := old.params[at]
		switch {
		case p.Name == "items.weight":
			copyRows(p, from, len(m.items), func(i int) (int32, bool) { j, ok := items[m.items[i]]; return j, ok })
		case p.Name == "fields.type.weight":
			copyRows(p, from, len(m.types), func(i int) (int32, bool) {
				j := slices.Index(old.types, m.types[i])
				return int32(j), j >= 0
			})
		case p.Name == "fields.channel.weight":
			copyNames(p, from, m.channels, old.channels)
		case p.Name == "fields.campaign.weight":
			copyNames(p, from, m.campaigns, old.campaigns)
		case p.Name == "positions.weight":
			copy(p.Value, from.Value)
		case p.Name == "hash.weight":
			m.warmHashed(old, items)
		case slices.Equal(p.Shape, from.Shape):
			copy(p.Value, from.Value)
		}
	}
}

// copyNames is copyRows where row 0 is for no name, and row 1 + i for name i.
func copyNames[T comparable](dst, src *nn.Param, names, old []T) {
	copyRows(dst, src, len(names)+1, func(i int) (int32, bool) {
		if i == 0 {
			return 0, true
		}
		j := slices.Index(old, names[i-1])
		return int32(j + 1), j >= 0
	})
}

func copyRows(dst, src *nn.Param, rows int, source func(i int) (int32, bool)) {
	for i := range rows {
		if j, ok := source(i); ok {
			copy(dst.Row(int32(i)), src.Row(j))
		}
	}
}

// warmHashed takes over the shared rows, and for each item with a row of its own
// what its vector was.
func (m *Model) warmHashed(old *Model, items map[bellwether.ItemID]int32) {
	h, was := m.embedding.hashed, old.embedding.hashed
	if h.Rows != was.Rows || h.Width != was.Width || h.Own != was.Own {
		return
	}
	copy(h.table.Value, was.table.Value[:h.shared()*h.Width])
	for i, mine := range m.own {
		row := h.table.Row(h.vectors.Rows[0][i])
		if j, known := items[m.items[i]]; mine != 0 && known {
			was.vectors.Gather(row, []int32{j})
		}
	}
}
