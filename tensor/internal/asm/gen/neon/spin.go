package main

// spin writes the hint of a waiting loop. YIELD does nothing on the processors
// that there are; ISB waits for what is under way, some 10 to 20 ns.
func spin(f *file) {
	k := f.begin("Pause", "func()", "tells the processor that the caller waits in a loop.")
	k.emit(nil, nil, "ISB $15")
	k.ret()
}
