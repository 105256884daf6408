// Package dataset assembles what models learn from, in one pass over people.
//
//	NewSequences   people's item events, cut into a part to fit, validation targets and test targets
//	NewCustomers   a table with one row for each person who was known at a moment, and what they did next
//	ReadTable      a table from a file
//	Features       the row of one person now: what a request reads, from the code that made the table
//
// [Sequences] and [Customers] are reducers of a pass ([history.Reducer]). What they make does not depend on how
// people are cut into parts, nor on the number of processors: vocabularies, people and rows have an order of their own,
// and where a budget would be exceeded people are left out by a hash of their ids, the same ones whatever came first.
package dataset
