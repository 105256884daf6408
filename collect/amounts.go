package collect

import (
	"fmt"
	"math"
	"math/big"

	"bellwether"
)

// pieces is a quantity in millionths of a piece: 0.25 kg are a quarter of one.
type pieces int64

const onePiece = 1_000_000

func parsePieces(text string, mark byte) (pieces, error) {
	n, err := parseDecimal(text, 6, mark)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is not a number that can be read", clip(text))
	case n < 0:
		return 0, fmt.Errorf("is %s, below 0", clip(text))
	case n/onePiece > bellwether.MaxQuantity:
		return 0, fmt.Errorf("is %s, more than %d", clip(text), int64(bellwether.MaxQuantity))
	}
	return pieces(n), nil
}

// times is price × p, rounded half away from zero.
func (p pieces) times(price int64) (int64, error) {
	n := new(big.Int).Mul(big.NewInt(price), big.NewInt(int64(p)))
	half := big.NewInt(onePiece / 2)
	if n.Sign() < 0 {
		half.Neg(half)
	}
	n.Quo(n.Add(n, half), big.NewInt(onePiece))
	if !n.IsInt64() {
		return 0, fmt.Errorf("is too large an amount")
	}
	return n.Int64(), nil
}

// setAmounts sets the quantity of e and the price of one piece, from the price or the total that was said. What can't be said so
// exactly (a total that the pieces do not divide, a part of a piece) is one piece at the whole amount, with their number as a
// trait: revenue stays exact.
func setAmounts(e *bellwether.Event, p pieces, price, total bellwether.Money) error {
	whole := int64(p) / onePiece
	if p%onePiece != 0 {
		setTrait(e, "pieces", float64(p)/onePiece)
		e.Quantity, e.Price = 1, total
		if !price.IsZero() || total.IsZero() {
			amount, err := p.times(price.Amount)
			if err != nil {
				return fmt.Errorf("price %w", err)
			}
			e.Price = bellwether.Money{Amount: amount, Currency: price.Currency}
		}
		return nil
	}
	e.Quantity, e.Price = whole, price
	if !price.IsZero() || total.IsZero() {
		return nil
	}
	e.Price = total
	switch {
	case whole > 1 && total.Amount%whole == 0:
		e.Price.Amount /= whole
	case whole > 1:
		setTrait(e, "pieces", float64(whole))
		e.Quantity = 1
	}
	return nil
}

// share parts a total among lines by their pieces, to the last minor unit: what is left over goes to the first ones.
func share(total int64, lines []pieces) []int64 {
	weight := new(big.Int)
	weights := make([]*big.Int, len(lines))
	for i, p := range lines {
		if p == 0 {
			p = onePiece // not said: one
		}
		weights[i] = big.NewInt(int64(p))
		weight.Add(weight, weights[i])
	}
	out, left := make([]int64, len(lines)), total
	for i := range out {
		n := new(big.Int).Mul(big.NewInt(total), weights[i])
		out[i] = n.Quo(n, weight).Int64()
		left -= out[i]
	}
	step := int64(math.Copysign(1, float64(left)))
	for i := 0; left != 0; i = (i + 1) % len(out) {
		out[i] += step
		left -= step
	}
	return out
}
