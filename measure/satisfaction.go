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

// SurveyOf sums up the answers of people of whom asked were asked (all who could have answered, when
// asking is not recorded). CSAT has Wilson's interval, NPS the standard error √((p₊+p₋−NPS²)/n).
func SurveyOf(answers []float64, asked int, level float64) Survey {
	n := len(answers)
	if n == 0 {
		none := bellwether.Estimate{Withheld: "nobody answered yet", Method: "survey"}
		return Survey{Mean: none, CSAT: none, NPS: none, Response: share(0, asked, level)}
	}
	var promoters, detractors, happy float64
	for _, a := range answers {
		promoters += indicator(a >= 9)
		detractors += indicator(a <= 6)
		happy += indicator(a >= satisfied)
	}
	size := float64(n)
	p, m := promoters/size, detractors/size
	se := math.Sqrt((p + m - (p-m)*(p-m)) / size)
	s := Survey{
		Mean: meanEstimate(answers, level, "mean of the answers"), CSAT: share(happy, n, level),
		NPS:      around(p-m, normalQuantile(0.5+level/2)*se, level, n, "promoters − detractors"),
		Response: share(size, max(asked, n), level),
	}
	for _, e := range []*bellwether.Estimate{&s.Mean, &s.CSAT, &s.NPS} {
		e.Warnings = append(e.Warnings, nonResponse)
	}
	return s
}

// share is a proportion with Wilson's interval.
func share(successes float64, n int, level float64) bellwether.Estimate {
	if n == 0 {
		return bellwether.Estimate{Method: "Wilson", Withheld: "nobody was asked"}
	}
	low, high := wilson(successes, float64(n), level)
	return bellwether.Estimate{Value: successes / float64(n), Interval: []float64{low, high}, Level: level, N: int64(n), Method: "Wilson"}
}
