//go:build !linux

package main

import "time"

// threadTime is the time on the wall: the thread's own is read on Linux alone.
func threadTime() time.Duration { return wall() }
