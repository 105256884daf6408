// Package modeltest holds the tests that every model family passes: gradients
// agree with finite differences, one batch can be learned by heart, saving and
// loading gives equal outputs, one seed gives one model, a value that is not
// finite is an error, and an interrupted run resumes to the same bits.
package modeltest
