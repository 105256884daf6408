// Package formula holds the coefficients of the functions that both generators
// write, each list by rising powers.
package formula

import "math"

// Constants of the functions' first steps.
const (
	Log2E   = math.Log2E
	Ln2High = 0.693145751953125 // and Ln2Low is what it lacks of ln 2
	Ln2Low  = 1.428606765330187e-06
	Magic   = 3 << 22 // adding it rounds to a whole number, in the low bits
)

var (
	// Tanh: x + x³·P(x²) for |x| < 0.625.
	Tanh = []float64{-0.33333277702331543, 0.13331328332424164, -0.05372922867536545, 0.020601999014616013, -0.00566078070551157}

	// Normal: Φ(−|x|) = e^−x²/2·t·Q(t) for t = 1/(1+.35|x|), to a relative error of 3e-8.
	Normal = []float64{0.13962140679359436, 0.13986189663410187, 0.11983270198106766, 0.10550866276025772, -0.023111417889595032,
		0.15917649865150452, -0.25571632385253906, 0.143972709774971, -0.029146138578653336}

	// Log: ln(1+f) = f − f²/2 + f³·P(f) for −¼ ≤ f < ½.
	Log = []float64{0.33333447575569153, -0.2500019371509552, 0.19991089403629303, -0.16643743216991425, 0.14467716217041016,
		-0.13186892867088318, 0.10582699626684189, -0.0461665540933609}
)
