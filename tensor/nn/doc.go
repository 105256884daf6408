// Package nn holds layers with hand-written backward passes, losses,
// optimisers, the training loop and the file format of weights.
//
// A network is ordinary Go: a Builder makes its layers and lists their Params
// in one place, so that optimisers, checkpoints and files are loops over that
// list. A training step is
//
//	params.ZeroGrad(); params.Pack(); pass.Begin(rows, offsets)
//	y := network.Forward(pass, x)
//	loss := nn.BinaryCrossEntropy(dy, y, target, scale)
//	network.Backward(pass, dy)
//	optimizer.Step(step, rate)
//
// and Fit runs such steps over epochs with validation, early stopping,
// checkpoints that resume to the same bits, and a stop at the first value that
// is not finite. Activations live in the Pass, which keeps its memory between
// steps: a step allocates nothing after the first. A Pass that is not training
// leaves the layers untouched, so that any number of goroutines, each with its
// own Pass, may use one network.
//
// Matrices are row-major. Weights have PyTorch's shapes ([out, in] for Dense).
package nn
