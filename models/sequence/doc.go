// Package sequence is the customer model of docs/science.md §2: a causal Transformer over
// a person's events that is trained on which item comes next at each position.
//
// One event is one token: the sum of an item's, a position's and optional
// fields' embeddings (type, time gap, hour of the week, price, quantity). Blocks
// are pre-norm, gated as in LiGR if the settings say so (eSASRec, arXiv
// 2508.06450); scores are products with the same item embeddings. Sequences are
// packed: nothing is padded, in training or in scoring.
//
// A [Trainer] makes a [Model]; a [Ranker] lays it out for requests, where one new
// event of a person who is remembered costs one token.
package sequence
