package history

import (
	"fmt"
	"slices"
	"strings"
)

// rowsImport begins the id of an import whose events are rows of a table; package collect gives it.
const rowsImport = "t-"

// unitOf names what an event came with: the file whose row it is, or the message whose line it is.
func unitOf(e *entry) string {
	if strings.HasPrefix(e.Import, rowsImport) {
		return e.Import
	}
	stem, _, _ := strings.Cut(string(e.ID), "#")
	return stem
}

// dropDuplicates drops what repeats, under another id, the content of an event that was received before it with another message or
// file. Equal lines of one message, and equal rows of one file, happened as often as they stand there; a repeat of them is a repeat
// of each.
func (c *cleaner) dropDuplicates() {
	clear(c.first)
	var equal []int32 // entries whose content some other entry has too
	for i := range c.entries {
		k := c.entries[i].digest
		at, known := c.first[k]
		if !known {
			c.first[k] = int32(i)
			continue
		}
		if at >= 0 {
			equal = append(equal, at)
			c.first[k] = -1
		}
		equal = append(equal, int32(i))
	}
	if equal == nil {
		return
	}
	slices.SortFunc(equal, func(a, b int32) int {
		if earlier(&c.entries[a], &c.entries[b]) {
			return -1
		}
		return 1
	})
	type line struct {
		digest uint64
		unit   string
	}
	lines, kept, drop := map[line]int{}, map[uint64]int{}, map[int32]bool{}
	for _, i := range equal {
		e := &c.entries[i]
		l := line{e.digest, unitOf(e)}
		if lines[l]++; lines[l] > kept[e.digest] {
			kept[e.digest]++
		} else {
			drop[i] = true
		}
	}
	if len(drop) == 0 {
		return
	}
	c.keep(func(i int, e *entry) bool {
		if drop[int32(i)] {
			c.tally.of(ruleDuplicate).drop(e.ID, func() string { return fmt.Sprintf("%s of %s %s %s", e.Type, visitOf(e).sender, e.Item, e.Order) })
		}
		return !drop[int32(i)]
	})
}
