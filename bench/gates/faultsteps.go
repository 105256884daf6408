package main

// faultStep is what must come of a folder beyond what its files become.
type faultStep struct {
	folder string
	try    func(*trial) error
}

// faultSteps are tried after the files of their folders.
var faultSteps = []faultStep{}
