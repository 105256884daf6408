// Package measure says what decisions were worth.
//
//	Settle            credits clicks, purchases and answers to the decisions about one person
//	Study             adds people up by arm in one pass; its Report compares them with the holdout
//	Values            estimates what other policies would have earned, from the log alone
//	CheckPropensities proves that the logged propensities are true
//	Planner, Power    size a holdout before the start
//	Report            all of it in one document, as HTML, JSON or CSV
//
// Every number is a [bellwether.Estimate]. A failed [Check] hides it, withholds its verdict or warns.
package measure
