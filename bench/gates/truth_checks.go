package main

// What the figures that choose promise beside how people's choices are ranked: time, probability, promotion, value.

var figureChecks = []check{
	{"leavers", testsCheck("P(next within 30 d) by days since last seen, one in five leaves after each event: within .03 of the truth", "./models/sequence", "-run", "^TestLeavers$")},
	{"market-time", testsCheck("P(next within 30 d) of the market's customers: calibration error ≤ .03, each row of last seen within .03", "./models/sequence", "-tags=slow", "-run", "^TestMarketTime$", "-timeout", "60m")},
	{"null", testsCheck("labels by coin: more than a plain row serves in at most 2 of 40 seeds, at once and in retrainings", "./learn", "-run", "^TestNullWorld$")},
	{"null-behaviour", testsCheck("the same of the customer table's own candidates", "./apps/behaviour", "-tags=slow", "-run", "^TestNullWorld$", "-timeout", "60m")},
	{"anytime", testsCheck("A/A over 400 looks: false alarms ≤ .05 + 3 standard errors, and a reset reference fails", "./measure", "-run", "^(TestAnytimeHoldsHoweverLarge|TestAResetReferenceIsNotAnytime)$")},
	{"mutants", mutantsCheck},
}

// mutantsCheck flips the conditions that choose: a test dies of each.
func mutantsCheck(r *runner) error {
	out, err := r.command(".", nil, "go", "run", "./bench/mutants")
	value := "all killed"
	if err != nil {
		value = string(out)
	}
	r.add("conditions that choose, flipped one at a time", value, "each is killed by a test", err == nil)
	return nil
}
