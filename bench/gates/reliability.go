package main

import (
	"fmt"
	"math"
)

// What was acknowledged stays, and nobody stops it who shouldn't. Each check is one promise; --share runs a part of the full counts.

// The full counts.
const (
	killsOfServe   = 1000
	killsOfCommand = 50
	soakMinutes    = 120
)

var reliabilityChecks = []check{
	{"kills", killsCheck},
	{"commands", commandsCheck},
	{"sends", sendsCheck},
	{"damage", fullOrShort("a byte flipped, a file cut, a file deleted", "./store", "Damage300", "Damage")},
	{"calls", fullOrShort("failing fsync, fdatasync, pwrite, ENOSPC, EIO, EMFILE", "./store", "FailingCalls200", "FailingCalls|EverySyncFails")},
	{"clients", testsCheck("published clients: every event once", "./web/routes", "-tags=slow", "-run", "Clients")},
	{"floods", floodsCheck},
	{"aliases", aliasesCheck},
	{"ingest", ingestCheck},
	{"slates", slatesCheck},
	{"rights", rightsCheck},
	{"soak", soakCheck},
}

// count is the part of a full count that this run does, at least one.
func (r *runner) count(full int) int { return max(1, int(math.Round(r.share*float64(full)))) }

// fullOrShort runs the test of the full count, or where only a part is asked for, the short one that every change passes.
func fullOrShort(name, folder, full, short string) func(*runner) error {
	return func(r *runner) error {
		run, tags := "^Test("+short+")$", ""
		if r.share >= 1 {
			run, tags = "^Test"+full+"$", "slow"
		}
		return testsCheck(fmt.Sprintf("%s (%s)", name, run), folder, "-tags="+tags, "-run", run, "-timeout", "60m")(r)
	}
}
