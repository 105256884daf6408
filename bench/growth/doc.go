// Package growth shows what more events cost: a generator of synthetic event files of any size, and a harness that runs
// the built program on them as a person would (import, turn, a second turn, serve) and reads each process's
// processor time and peak of resident memory.
//
// The same seed gives the same bytes. Files are written as they are generated: twenty million rows need no memory.
package growth
