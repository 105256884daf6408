package main

// mutant is one condition that is flipped, and the tests that must die of it.
type mutant struct {
	area, file string
	from, to   string // from occurs once in the file
	folder     string // of the tests
	tests      string // their names, with bars between
}

var mutants = []mutant{
	{"promotion", "learn/verdict.go", "return least > 0, text", "return true, text", "./learn", "TestAnswer"},
	{"promotion", "learn/verdict.go", "return least > 0, text", "return gain > 0, text", "./learn", "TestAnswer"},
	{"promotion", "learn/verdict.go", "return gain > 0 && least > -delta, text", "return least > -delta, text", "./learn", "TestAnswer"},
	{"promotion", "learn/verdict.go", "return gain > 0 && least > -delta, text", "return gain > 0, text", "./learn", "TestAnswer"},
	{"promotion", "learn/verdict.go", "(1-confidence)/float64(max(q.candidates, 1))", "(1-confidence)", "./learn", "TestAnswer"},
	{"promotion", "learn/verdict.go", "sign = -1", "sign = 1", "./learn", "TestAnswer"},
	{"promotion", "learn/verdict.go", `if d.Withheld != "" {`, `if false {`, "./learn", "TestAnswer"},
	{"promotion", "learn/settle.go", "; !beats {", "; false && !beats {", "./learn", "TestRecipes"},
	{"promotion", "learn/settle.go", "run.Recipe != w.Run.Recipe", "false", "./learn", "TestRecipes"},
	{"promotion", "learn/promote.go", `if own != "" && own != w.Card.Chosen {`, "if false {", "./learn", "TestSignalWorld"},
	{"promotion", "learn/promote.go", "return !veto, reason", "return veto || true, reason", "./learn", "TestTurns"},
	{"value", "apps/recommend/slates.go", "return gain.Interval[1] < 0, text, nil", "return false, text, nil", "./apps/recommend", "TestGuard"},
	{"value", "apps/recommend/slates.go", `|| gain.Withheld != "" {`, "|| false {", "./apps/recommend", "TestGuard"},
	{"value", "measure/valuecheck.go", "unsupported > 0.01", "unsupported > 2", "./measure", "TestChecksFireInBrokenWorlds"},
	{"value", "measure/valuecheck.go", "math.Abs(meanZ) > 4", "math.Abs(meanZ) > 4e9", "./measure", "TestChecksFireInBrokenWorlds"},
	{"value", "measure/valuecheck.go", "ess < 100 || ess < 0.01*total.n", "false", "./measure", "TestChecksFireInBrokenWorlds"},
	{"value", "measure/valuecheck.go", "len(l.surfaces) > 1", "false", "./measure", "TestChecksFireInBrokenWorlds"},
	{"checks", "evaluate/checks.go", "a > leakAUC", "a > 2", "./evaluate", "TestCheckLeaks"},
	{"checks", "evaluate/checks.go", "len(e.Interval) == 2 && !(e.Interval[0] <= worstCalibration)", "false", "./evaluate", "TestUncalibrated"},
	{"checks", "evaluate/checks.go", "len(e.Interval) != 2 && !(e.Value <= worstCalibration)", "false", "./evaluate", "TestUncalibrated"},
	{"checks", "evaluate/checks.go", "!(ece.Value <= worstCalibration):", "false:", "./evaluate", "TestProfitThreshold"},
	{"checks", "learn/checks.go", "d.AsOf.Sub(newest) > stale", "false", "./learn", "TestChecked"},
	{"checks", "learn/checks.go", "apart.Value > strange", "false", "./learn", "TestChecked"},
	{"checks", "learn/checks.go", "leaks != nil", "false", "./learn", "TestChecked"},
	{"checks", "apps/behaviour/predict.go", `v.Withheld != ""`, "false", "./apps/behaviour", "TestWithheld"},
	{"anytime", "measure/sequence.go", "cmp.Or(s.Planned, DefaultReference)\n\tt :=", "n\n\tt :=", "./measure", "TestAnytimeHoldsHoweverLarge"},
	{"censoring", "models/sequence/waits.go", "if w.room > 0 {", "if w.room > 0 && w.closed {", "./models/sequence", "TestLeavers"},
	{"censoring", "models/sequence/waits.go", "|| first+i < from {", "|| first+i < 0 {", "./models/sequence", "TestGapsOnce"},
	{"censoring", "models/sequence/waits.go", "until = w.length", "until = 2 * w.length", "./models/sequence", "TestLikelihood"},
	{"censoring", "models/sequence/calibration.go", "c.N < fewestCases", "false", "./models/sequence", "TestCalibration"},
	{"censoring", "models/sequence/calibration.go", "!(c.Error-c.Chance <= worstCalibration)", "false", "./models/sequence", "TestCalibration"},
}
