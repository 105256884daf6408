// Package collect is the door of the log: events come in over HTTP or from files, are named
// canonically, checked and written durably; what is refused is kept aside with its reason.
//
// Every way in ends in one function. A [Collector] takes messages, drops those whose id was seen
// within the window, and appends events and refusals together, in one durable append:
//
//	AcceptBatch, AcceptMessage  messages of a request     ─┐
//	AcceptItems                 items of a request        ─┤
//	Import                      files: Segment lines, …   ─┤→ message → valid? → seen? → log ─→ view of ids seen
//	ImportRows                  rows of a database query  ─┤                            └─→ view of dead letters
//	Accept                      events of the program     ─┘
//
// A table of any kind (CSV, Parquet, SQL) becomes events by one [Mapping]; where none is given
// [Guess] proposes one. The formats are described in docs/formats/collect.md and mapping.md.
//
// One project has one Collector in one process: it holds the ids that are on their way to the
// log, so that two concurrent copies of a message count once.
package collect
