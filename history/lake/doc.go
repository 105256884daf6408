// Package lake keeps clean events, decisions and outcomes as Parquet files that grow with the log: what analysts, warehouses and
// a distributed engine read, and what "bellwether export" streams.
//
// A table is cut by day (UTC) and by [Buckets] buckets of people, a file each:
//
//	events/day=2026-11-27/bucket-07.parquet
//
// A turn's pass hands every person to a [Writer], which is one of its reducers. Of a person of whom nothing changed since the last turn
// it keeps eight bytes; the others' rows go to a scratch file a bucket. At the end each pair of day and bucket in which a row came,
// changed or went is written again, whole, and no other. So a correction that was found later (a robot, a sign-in that
// joins two histories) reaches the rows of old days, a reader of the files never sees a row twice, and a lake that grew over many turns
// has the same bytes as one that is written at once. docs/formats/lake.md describes the columns.
package lake
