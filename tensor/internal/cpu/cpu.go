// Package cpu says which instructions the engine may use.
package cpu

import "os"

// Level is a set of instructions that kernels are written for.
type Level int

// The levels. A machine has the portable one and those of its kind of processor
// up to the best one.
const (
	Portable Level = iota // Go alone
	AVX2                  // amd64: 256 bits with FMA (x86-64-v3)
	AVX512                // amd64: 512 bits: F, BW, DQ and VL (x86-64-v4)
	NEON                  // arm64: Advanced SIMD, which every one has
	NEONDot               // arm64: NEON with products of bytes (SDOT, ARMv8.2)
)

func (l Level) String() string {
	return [...]string{"portable", "avx2", "avx512", "neon", "neon+dot"}[l]
}

// Use is the level that kernels run at: the best that the machine has, or what
// BELLWETHER_CPU (portable, avx2, avx512, neon or neon+dot) names if the machine
// has that. Tests set it to compare the levels; nothing else may write it.
var Use = choose(os.Getenv("BELLWETHER_CPU"), Levels())

func choose(name string, levels []Level) Level {
	for _, l := range levels {
		if l.String() == name {
			return l
		}
	}
	return levels[len(levels)-1]
}
