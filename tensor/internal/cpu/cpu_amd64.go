//go:build amd64 && !purego

package cpu

import "golang.org/x/sys/cpu"

// Levels are those that this machine and its operating system support, the best one last.
func Levels() []Level {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA:
		return []Level{Portable}
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL:
		return []Level{Portable, AVX2}
	}
	return []Level{Portable, AVX2, AVX512}
}
