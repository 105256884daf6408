//go:build (!amd64 && !arm64) || purego

package cpu

// Levels is the portable one: there is assembly for amd64 and arm64 alone.
func Levels() []Level { return []Level{Portable} }
