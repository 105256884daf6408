package main

import . "github.com/mmcloughlin/avo/build"

// spin writes the hint of a waiting loop.
func spin() {
	TEXT("Pause", NOSPLIT, "func()")
	Doc("Pause tells the processor that the caller waits in a loop.")
	PAUSE()
	RET()
}
