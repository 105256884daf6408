// Package blocks reads and mends the files in which an embedded JetStream keeps a stream.
//
// A stream's folder holds
//
//	meta.inf meta.sum   its configuration, and the checksum of that
//	msgs/N.blk          its messages, N rising from 1: only the highest is appended to
//	msgs/index.db       what the server knew of the blocks when it last stopped; made anew when it is gone
//
// The server that finds a damaged record in a block cuts the block there, and what followed is
// gone. This package finds the damage first, tells what lies beyond it from what is lost, and
// writes the block again so that only what is lost is missing. The layout is that of NATS
// server 2.10 to 2.15 without encryption and compression, of which a stream of ours has neither.
package blocks
