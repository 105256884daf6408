package store

import "time"

// Stale sets after which time a bucket's lock counts as left over.
func Stale(d Depot, after time.Duration) { d.(*bucketDepot).stale = after }

// Renewed sets how often a bucket's lock is renewed.
func Renewed(d Depot, every time.Duration) { d.(*bucketDepot).renewed = every }
