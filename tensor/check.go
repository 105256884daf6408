package tensor

import "fmt"

// need panics unless x holds at least n values. It is called at the door of
// each kernel, so that the code behind it may drop its bounds checks.
func need(kernel, name string, x []float32, n int) {
	if len(x) < n || n < 0 {
		panic(shapeError(kernel, name, len(x), n))
	}
}

func shapeError(kernel, name string, have, want int) string {
	return fmt.Sprintf("tensor: %s: %s holds %d values, its shape needs %d", kernel, name, have, want)
}
