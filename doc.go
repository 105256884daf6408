// Package bellwether is the vocabulary of Bellwether: large AI models for marketing
// around one log in which every decision carries its propensity.
//
// A tour, in the order that data take. Each stop is a package; start reading at pipeline.
//
//	collect   events arrive over HTTP or from files, are checked, named canonically and written to the log
//	store     the log, key-value and object stores, and the views that are folded from the log
//	prepare   rules clean the events; identities merge; feature tables and sequences are built, true to time
//	train     models are fitted with progress, early stopping and checkpoints
//	evaluate  every model beside plain baselines, each figure with an interval; a card is written
//	serve     the promoted model answers behind one atomic pointer
//	decide    a policy turns scores into a distribution; the drawn action is logged with its propensity
//	measure   outcomes are joined to decisions; lift against the holdout; other policies valued from the log
//	pipeline  the one list that joins these stages into the turn and the request
//
// The eight core types are [Event], [Profile], [Item], [Dataset], [Model] (with [Trainer]),
// [Prediction], [Decision] and [Outcome]. Every number that a person is shown is an [Estimate].
//
// This package imports the standard library only; everything else depends on it.
package bellwether
