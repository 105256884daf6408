//go:build !linux

package lake

import "os"

// syncFile makes a file durable before it gets its name.
func syncFile(f *os.File) error { return f.Sync() }
