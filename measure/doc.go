// Package measure says what decisions were worth.
//
//	Join              credits clicks, purchases and answers to decisions by an attribution rule
//	People, Effects   compare people with the global holdout: every effect with its interval
//	Values            estimates what other policies would have earned, from the log alone
//	CheckPropensities proves that the logged propensities are true
//	Power             sizes a holdout before the start
//	Build             puts it all in one Report, written as HTML, JSON or CSV
//
// Every number is a [bellwether.Estimate]. A failed [Check] hides it, withholds its verdict or warns.
package measure
