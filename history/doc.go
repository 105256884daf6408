// Package history is the one fold of the log that both rhythms read.
//
// Events and decisions lie under their person in one ordered view. What a person's raw events mean is said by
// one pure function of these events, the links between identities and a small versioned table of [Limits]
// (reference prices, spellings, usual quantities). A request calls it for one person ([History.Person]), a turn
// for everybody ([History.Pass]): training and service can't disagree.
//
// A turn is one pass over people. Each step of it is a [Reducer], added person by person and merged in a fixed
// order, so that a pass needs memory for what its reducers keep and not for all that ever happened.
//
// testdata holds scenarios: events in, and what a request and a turn then see. Read them as the rules' manual.
package history
