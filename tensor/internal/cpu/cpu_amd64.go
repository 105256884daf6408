//go:build amd64 && !purego

package cpu

import "golang.org/x/sys/cpu"

// Best is the highest level that this machine and its operating system support.
func Best() Level {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA:
		return Portable
	case !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512DQ || !x.HasAVX512VL:
		return AVX2
	}
	return AVX512
}
