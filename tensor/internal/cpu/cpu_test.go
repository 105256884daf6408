package cpu

import (
	"os"
	"slices"
	"testing"
)

func TestChoose(t *testing.T) {
	amd, old, arm := []Level{Portable, AVX2, AVX512}, []Level{Portable, AVX2}, []Level{Portable, NEON, NEONDot}
	for _, c := range []struct {
		name   string
		levels []Level
		want   Level
	}{
		{"", amd, AVX512},
		{"", []Level{Portable}, Portable},
		{"portable", amd, Portable},
		{"avx2", amd, AVX2},
		{"avx512", old, AVX2}, // the machine has no such level
		{"nonsense", amd, AVX512},
		{"neon", arm, NEON},
		{"neon+dot", arm, NEONDot},
		{"avx2", arm, NEONDot},
		{"neon+dot", []Level{Portable, NEON}, NEON},
	} {
		if got := choose(c.name, c.levels); got != c.want {
			t.Errorf("choose(%q, %v) = %v, want %v", c.name, c.levels, got, c.want)
		}
	}
}

func TestUseIsALevelOfTheMachine(t *testing.T) {
	if name := os.Getenv("BELLWETHER_CPU"); !slices.Contains(Levels(), Use) || Levels()[0] != Portable {
		t.Errorf("with BELLWETHER_CPU=%q kernels run at %v, the machine has %v", name, Use, Levels())
	}
}
