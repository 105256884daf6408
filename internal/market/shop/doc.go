// Package shop lets the customers of a simulated market act against a running Bellwether over HTTP, as a
// shop's website and its mailer would, and keeps the truth beside it.
//
// Each simulated day has two phases. First, with the clock at 05:00, every customer lives through their day: who
// visits asks GET /v1/recommend for the slate of the home page, whom the campaign may contact asks POST
// /v1/decide. Then, with the clock a second before midnight, what they did is sent to POST /v1/batch. A
// callback ends the day: there the caller waits for its views and may run a turn.
//
// # Truth
//
// From [Options].MeasureFrom on every customer has two trajectories that share all random draws: the factual
// one, which asks the logged decisions, and the counterfactual one of the other arm of the holdout, which asks
// previews with its own history, the holdout flag turned and the same key. Their difference in margin, its sign
// turned where the factual arm is the holdout, is the customer's effect; the mean over customers is the truth
// that a report's lift must find.
//
// # Determinism
//
// A customer's day depends on its own answers alone; batches are cut by customer in their order. As long as the
// server's answers do not depend on the order of concurrent requests, neither does the result.
package shop
