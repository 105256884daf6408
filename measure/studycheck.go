package measure

import (
	"fmt"
	"strings"
)

// checks say what of the crediting limits its use.
func (s *Study) checks() []Check { return s.counts.checks(s.old, s.bill.noRate, s.bill.noCost) }

func (c *JoinCounts) checks(old int64, noRate, noCost examples) []Check {
	inTime := c.Credited + c.Late
	return []Check{
		check("decisions named by outcomes are in the log", c.Unknown > 0, Warning, float64(c.Unknown), 0,
			"outcomes that name an unknown decision are kept as organic; see that the log reaches back far enough"),
		check("outcomes arrive in time", share(c.Late, inTime) > maxLate, Warning, share(c.Late, inTime), maxLate,
			"outcomes that arrive later than the allowance are credited to no decision; send them sooner, or allow more lateness"),
		check("refunds come while the sale can change", share(c.LateRefunds, c.Sales) > maxLateRefunds, Warning, share(c.LateRefunds, c.Sales), maxLateRefunds,
			"refunds after a decision's windows stay in its revenue and margin, and come off people's totals alone; give the rule a window for refunds"),
		check("outcomes are settled by one rule", old > 0, Warning, float64(old), 0,
			"outcomes that were settled under another rule or other windows stay as they are; begin the comparison where the rule changed"),
		check("every sale has an exchange rate", c.NoRate > 0, Withheld, float64(c.NoRate), 0,
			withNames("sales in a currency without a rate are left out; add the rate", noRate)),
		check("every item sold has a cost", c.NoCost > 0, Warning, float64(c.NoCost), 0,
			withNames("sales of items without a cost add nothing to the margin; import the cost", noCost)),
	}
}

const (
	maxLate        = 0.01 // share of outcomes
	maxLateRefunds = 0.01 // share of sales and refunds
	maxCrossover   = 0.01 // share of people
	maxAstray      = 0.01 // share of people of one identity
)

func share(part, of int64) float64 { return over(float64(part), float64(of)) }

func withNames(message string, n examples) string {
	if len(n) == 0 {
		return message
	}
	return message + ": " + strings.Join(n, ", ")
}

// assignment checks that people are in the arms that their buckets say.
func (s *Study) assignment() []Check {
	people := s.people.arms[0].n + s.people.arms[1].n
	crossed, astray := share(s.crossed, people), share(s.astray, s.alone)
	return []Check{
		check("people stay in one arm", crossed > maxCrossover, Warning, crossed, maxCrossover, fmt.Sprintf(
			"%d people have decisions of both arms and stay in the first, which makes the effect look smaller; merge identities before assignment, or use one salt", s.crossed,
		)),
		check("decisions follow the buckets", astray > maxAstray, Failed, astray, maxAstray,
			"people of one identity got decisions of the arm that their bucket is not in: the holdout's share or salt has changed; begin the comparison where it changed"),
	}
}
