// Package evaluate says how good a model is: metrics with bootstrap intervals, the table of
// models and baselines, which of them to serve and why, and the card that people read.
//
//   - [Rank] ranks every item for held-out targets (HR, NDCG, MRR, coverage); [Ranks] keeps the
//     figures by target, so that [Compare] can judge two models on the same people.
//   - [Binary] judges probabilities (AUC, log-loss, calibration, …); [CompareBinary] two of them.
//   - [ProfitThreshold], [CheckLeaks] and [SequenceWarnings] are the checks of docs/science.md §2 and §3.
//   - [Choose] names the row to serve by validation; [WriteCard] writes the card as Markdown.
//
// Every interval is a percentile interval of a bootstrap over people (or rows) whose draws depend
// on seed, resample and position only: the same input gives the same digits on any number of cores.
package evaluate
