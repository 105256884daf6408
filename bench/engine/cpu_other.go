//go:build !linux

package engine

import "time"

// processorTime is the time on the wall: the process's own is read on Linux alone.
func processorTime() time.Duration { return wall() }
