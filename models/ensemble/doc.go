// Package ensemble is the recommender that is served: a weighted sum of other scorers, each
// normalised first, because a Transformer and plain neighbours are wrong about different people
// (docs/science.md §2: for Beauty the sum is above every published row, and above both parts).
//
// [Fit] chooses the weights on validation targets; the model's file holds its parts.
package ensemble
