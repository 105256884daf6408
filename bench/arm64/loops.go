package main

import (
	"fmt"
	"strings"
)

// loop is an inner loop of a kernel, and what is promised of it.
type loop struct {
	function string
	form     string // of the tile
	unit     string
	units    float64 // a turn
	check    func(t *tools, processor string, l loop, body []string, cycles float64) (figure string, ok bool, err error)
	bar      string
}

var loops = []loop{
	{function: "TileNEON", form: "rows", unit: "fmla", units: 96, check: peak, bar: "≥ 85 % of peak"},
	{function: "TileNEON", form: "columns", unit: "fmla", units: 24, check: peak, bar: "≥ 85 % of peak"},
	{function: "TileNEON", form: "strides", unit: "fmla", units: 24, check: peak, bar: "≥ 85 % of peak"},
	{function: "ExpNEON", unit: "value", units: 32, check: atMost(1.6), bar: "≤ 1.6 cycles"},
	{function: "ColumnsExpNEON", unit: "value", units: 16},
	{function: "ExpSumNEON", unit: "value", units: 16},
	{function: "SigmoidNEON", unit: "value", units: 16},
	{function: "TanhNEON", unit: "value", units: 16},
	{function: "GELUNEON", unit: "value", units: 16},
	{function: "GELUBackwardNEON", unit: "value", units: 16},
	{function: "LogNEON", unit: "value", units: 16},
	{function: "DotNEON", unit: "value of y", units: 32, check: byLoads, bar: "limited by loads"},
	{function: "RowDotsNEON", unit: "value of b", units: 64, check: byLoads, bar: "limited by loads"},
	{function: "DotInt8Dot", unit: "byte of y", units: 128, check: byLoads, bar: "limited by loads"},
	{function: "RowDotsInt8Dot", unit: "byte of b", units: 256, check: byLoads, bar: "limited by loads"},
	{function: "RowDotsInt8NEON", unit: "byte of b", units: 256},
	{function: "AxpyNEON", unit: "value", units: 16},
	{function: "AdamNEON", unit: "value", units: 16},
	{function: "BitsNEON", unit: "word", units: 32},
}

// peak compares with a loop of nothing but as many multiply-adds.
func peak(t *tools, processor string, l loop, _ []string, cycles float64) (string, bool, error) {
	var alone []string
	for i := range 24 {
		alone = append(alone, fmt.Sprintf("fmla v%d.4s, v30.4s, v31.s[0]", i))
	}
	best, err := t.cycles(processor, alone)
	share := best / 24 / (cycles / l.units)
	return fmt.Sprintf("%.0f %%", 100*share), share >= .85, err
}

func atMost(most float64) func(*tools, string, loop, []string, float64) (string, bool, error) {
	return func(_ *tools, _ string, l loop, _ []string, cycles float64) (string, bool, error) {
		return "", cycles/l.units <= most, nil
	}
}

// byLoads compares with the loads of the loop alone. Where a model loads more vectors
// a cycle than it multiplies or takes up instructions, that is the limit: then the
// loop may not take longer than the model's units allow.
func byLoads(t *tools, processor string, _ loop, body []string, cycles float64) (string, bool, error) {
	var alone []string
	for _, line := range body {
		if strings.HasPrefix(line, "ld") {
			alone = append(alone, line)
		}
	}
	loads, err := t.cycles(processor, alone)
	if err != nil || loads >= .95*cycles {
		return fmt.Sprintf("%.0f %% loads", 100*loads/cycles), true, err
	}
	least, err := t.bound(processor, body)
	return fmt.Sprintf("%.0f %% loads, %.0f %% of all units", 100*loads/cycles, 100*least/cycles), least >= .95*cycles, err
}
