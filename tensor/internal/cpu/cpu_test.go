package cpu

import "testing"

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name string
		best Level
		want Level
	}{
		{"", AVX512, AVX512},
		{"", Portable, Portable},
		{"portable", AVX512, Portable},
		{"avx2", AVX512, AVX2},
		{"avx512", AVX2, AVX2}, // the machine has no such level
		{"nonsense", AVX512, AVX512},
	} {
		if got := choose(c.name, c.best); got != c.want {
			t.Errorf("choose(%q, %v) = %v, want %v", c.name, c.best, got, c.want)
		}
	}
}
