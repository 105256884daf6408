package main

import (
	"syscall"
	"time"
	"unsafe"
)

// threadTime is the processor time that the calling thread has used. (The
// times of getrusage come in ticks of milliseconds.)
func threadTime() time.Duration {
	const ofThread = 3 // CLOCK_THREAD_CPUTIME_ID
	var used syscall.Timespec
	if _, _, failed := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, ofThread, uintptr(unsafe.Pointer(&used)), 0); failed != 0 {
		return wall()
	}
	return time.Duration(used.Nano())
}
