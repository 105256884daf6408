// Package neighbours holds the plain recommenders that fit in about a second and are hard to
// beat: popularity, Markov chain, item-kNN with recency, sequential rules, and blend, the sum
// of the last two.
//
// All are one [Model]: a base score for each item (its popularity, by which ties are broken and
// by which an empty history is answered) plus sparse tables of "who has i, next wants j". The
// score of j is
//
//	base[j] + Σ over tables Σ over the last n items i of the history  decay^age(i) · table[i][j]
//
// where the newest item has age 0. [Popularity], [Popularity7Days], [Markov], [ItemKNN], [Rules] and
// [Blend] are trainers that fill the tables; every one is a row of the table of baselines.
package neighbours
