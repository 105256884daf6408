// Package dnn holds three classifiers of tables that share everything but
// their depth: the reference network of docs/science.md §3 (Dense 128 ReLU – Dropout .2 –
// Dense 64 ReLU – Dropout .2 – Dense 1 sigmoid; Adam 1e-3, binary
// cross-entropy, batches of 32, 10 epochs), logistic regression (no hidden
// layer) and the majority's share (no input either). The last two are the
// baselines that the first is compared with.
package dnn
