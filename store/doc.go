// Package store keeps everything that Bellwether keeps: it alone opens files.
//
// A [Store] is a folder (and, by URL, a NATS cluster). A [Project] of it has
//
//	Log      the events, decisions, items and rejects, in order; an Append that returned is on disk
//	KV       small values with revisions and compare-and-set
//	Objects  models, cards and other large things by name
//	View     keys and values folded from the log, with the log's cursor in the same atomic write
//
// Log, KV and Objects are NATS JetStream: a server embedded in this process by
// default, an external one when Options.URL names it, through one code path.
// Views are Pebble, local to the folder, and can always be rebuilt from the log.
//
// A guard looks after the embedded server's files: what is damaged or gone is found before it is
// used, kept aside and said ([ErrDamaged], [Loss]), and [Check], [Backup] and [Restore] work on folders.
//
// The log is at least once: a writer that died before it heard the answer
// repeats its records. Views make it exactly once by keeping the ids that
// they have seen.
package store
