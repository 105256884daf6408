//go:build !amd64 || purego

package cpu

// Best is Portable: there is assembly for amd64 alone.
func Best() Level { return Portable }
