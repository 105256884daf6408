package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestGuard types the commands that look after the data folder, over a folder that is damaged on purpose.
func TestGuard(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/guard",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"damage": func(ts *testscript.TestScript, _ bool, args []string) { // flips a bit in the middle of a file
				path := ts.MkAbs(args[0])
				b, err := os.ReadFile(path)
				ts.Check(err)
				b[len(b)/2] ^= 1
				ts.Check(os.WriteFile(path, b, 0o600))
			},
		},
	})
}
