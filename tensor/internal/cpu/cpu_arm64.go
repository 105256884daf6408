//go:build arm64 && !purego

package cpu

import "golang.org/x/sys/cpu"

// Levels are those that this machine and its operating system support, the best one last.
func Levels() []Level {
	if cpu.ARM64.HasASIMDDP {
		return []Level{Portable, NEON, NEONDot}
	}
	return []Level{Portable, NEON}
}
