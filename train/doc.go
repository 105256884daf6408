// Package train says which models are fitted for an application and with what settings.
//
// [Recommend] fits a ladder of recommenders, plain ones first, and their combination; [Behaviour] a ladder
// of classifiers. Both return every rung, so that evaluate can put them into one table and choose.
// [Load] restores a model of any family.
//
// A rung is one line of a list: recommendLadder and behaviourLadder.
package train
