package measure

import (
	"math"

	"bellwether"
)

// Survey sums up answers 0–10, one a person.
type Survey struct {
	Mean     bellwether.Estimate `json:"mean"`
	CSAT     bellwether.Estimate `json:"csat"`     // share of answers of at least 8
	NPS      bellwether.Estimate `json:"nps"`      // share of 9–10 less share of 0–6, in [−1, 1]
	Response bellwether.Estimate `json:"response"` // share of the people asked who answered
}

// satisfied is the least answer that counts as satisfied in CSAT.
const satisfied = 8

const nonResponse = "non-response may depend on satisfaction"

// answers counts the answers, one a person.
type answers struct{ n, promoters, detractors, happy, sum, squares float64 }

func (a *answers) add(v float64) {
	a.n++
	a.promoters += indicator(v >= 9)
	a.detractors += indicator(v <= 6)
	a.happy += indicator(v >= satisfied)
	a.sum += v
	a.squares += v * v
}

func (a *answers) merge(o answers) {
	a.n, a.promoters, a.detractors = a.n+o.n, a.promoters+o.promoters, a.detractors+o.detractors
	a.happy, a.sum, a.squares = a.happy+o.happy, a.sum+o.sum, a.squares+o.squares
}

// SurveyOf sums up the answers of people of whom asked were asked (all who could have answered, when
// asking is not recorded). CSAT has Wilson's interval, NPS the standard error √((p₊+p₋−NPS²)/n).
func SurveyOf(values []float64, asked int, level float64) Survey {
	var a answers
	for _, v := range values {
		a.add(v)
	}
	return a.survey(asked, level)
}

func (a *answers) survey(asked int, level float64) Survey {
	if a.n == 0 {
		none := bellwether.Estimate{Withheld: "nobody answered yet", Method: "survey"}
		return Survey{Mean: none, CSAT: none, NPS: none, Response: proportion(0, asked, level)}
	}
	p, m := a.promoters/a.n, a.detractors/a.n
	se := math.Sqrt((p + m - (p-m)*(p-m)) / a.n)
	mean := sample{n: a.n, mean: a.sum / a.n, variance: max(a.squares-a.sum*a.sum/a.n, 0) / max(a.n-1, 1)}
	s := Survey{
		Mean: mean.estimate(level, "mean of the answers"), CSAT: proportion(a.happy, int(a.n), level),
		NPS:      around(p-m, normalQuantile(0.5+level/2)*se, level, int(a.n), "promoters − detractors"),
		Response: proportion(a.n, max(asked, int(a.n)), level),
	}
	for _, e := range []*bellwether.Estimate{&s.Mean, &s.CSAT, &s.NPS} {
		e.Warnings = append(e.Warnings, nonResponse)
	}
	return s
}

// proportion is a proportion with Wilson's interval.
func proportion(successes float64, n int, level float64) bellwether.Estimate {
	if n == 0 {
		return bellwether.Estimate{Method: "Wilson", Withheld: "nobody was asked"}
	}
	low, high := wilson(successes, float64(n), level)
	return bellwether.Estimate{Value: successes / float64(n), Interval: []float64{low, high}, Level: level, N: int64(n), Method: "Wilson"}
}
