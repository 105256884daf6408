package tensor

import "testing"

func TestAddBranchIsItsSteps(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, n := range []int{0, 5, 64, 5000, 1<<17 + 3} {
			x, branch, gate, s := random(n, 1), random(n, 2), random(n, 3), Stream{Seed: 4}
			got, want := make([]float32, n), make([]float32, n)
			for _, rate := range []float32{0, .3} {
				Dropout(want, branch, rate, s, 0)
				Add(want, want, x)
				AddBranch(got, x, branch, nil, rate, s)
				near(t, "without a gate", got, want, 0, 0)

				Mul(want, branch, gate)
				Dropout(want, want, rate, s, 0)
				Add(want, want, x)
				AddBranch(got, x, branch, gate, rate, s)
				near(t, "with a gate", got, want, 0, 0)

				dgate, wantGate := make([]float32, n), make([]float32, n)
				Dropout(wantGate, x, rate, s, 0)
				Mul(want, wantGate, gate)
				Mul(wantGate, wantGate, branch)
				AddBranchBackward(got, dgate, x, branch, gate, rate, s)
				near(t, "gradient of the branch", got, want, 0, 0)
				near(t, "gradient of the gate", dgate, wantGate, 0, 0)
			}
		}
	})
}
