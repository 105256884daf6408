// Package cpu says which instructions the engine may use.
package cpu

import "os"

// Level is a set of instructions that kernels are written for.
type Level int

// The levels, each of which includes the ones before it.
const (
	Portable Level = iota // Go alone
	AVX2                  // 256 bits with FMA (x86-64-v3)
	AVX512                // 512 bits: F, BW, DQ and VL (x86-64-v4)
)

func (l Level) String() string { return [...]string{"portable", "avx2", "avx512"}[l] }

// Use is the level that kernels run at: the best that the machine has, or what
// BELLWETHER_CPU (portable, avx2 or avx512) names if the machine has that.
// Tests set it to compare the levels; nothing else may write it.
var Use = choose(os.Getenv("BELLWETHER_CPU"), Best())

func choose(name string, best Level) Level {
	for l := Portable; l <= best; l++ {
		if l.String() == name {
			return l
		}
	}
	return best
}
