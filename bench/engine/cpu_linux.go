package engine

import (
	"syscall"
	"time"
	"unsafe"
)

// processorTime is the processor time that the process has used. (The times of
// getrusage come in ticks of milliseconds.)
func processorTime() time.Duration {
	const ofProcess = 2 // CLOCK_PROCESS_CPUTIME_ID
	var used syscall.Timespec
	if _, _, failed := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, ofProcess, uintptr(unsafe.Pointer(&used)), 0); failed != 0 {
		return wall()
	}
	return time.Duration(used.Nano())
}
