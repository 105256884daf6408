//go:build !linux

package kernel

import "testing"

// guarded is memory without guards.
func guarded(_ testing.TB, size int) []byte { return make([]byte, size) }
