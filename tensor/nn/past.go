package nn

// Past holds the keys and values of one sequence's tokens in every attention
// layer, so that the tokens that come after them cost their own work alone. It
// belongs to one Decoder; the zero value holds no token.
type Past struct {
	tokens, room, width int
	data                []float32 // by layer: keys, then values, each [heads, room, head]
}

// pastUnit is the number of tokens that room grows by.
const pastUnit = 32

// Tokens returns how many tokens are held.
func (c *Past) Tokens() int { return c.tokens }

// Truncate forgets the tokens from number n on. They may be replaced by others.
func (c *Past) Truncate(n int) { c.tokens = min(c.tokens, max(n, 0)) }

// Values returns the number of float32 values in memory.
func (c *Past) Values() int { return cap(c.data) }

// reserve makes room for tokens of width in so many layers with so many heads.
func (c *Past) reserve(tokens, layers, width, heads int) {
	if c.tokens == 0 { // nothing to move
		c.room = max(c.room, (tokens+pastUnit-1)/pastUnit*pastUnit)
		c.data = grown(c.data, 2*layers*c.room*width)
		c.width = width
		return
	}
	if tokens <= c.room {
		return
	}
	old, was := c.data, c.room
	c.room = (tokens + pastUnit - 1) / pastUnit * pastUnit
	c.data = make([]float32, 2*layers*c.room*width)
	head := width / heads
	for part := range 2 * layers * heads {
		copy(c.data[part*c.room*head:], old[part*was*head:][:c.tokens*head])
	}
}

func grown(x []float32, n int) []float32 {
	if cap(x) < n {
		return make([]float32, n)
	}
	return x[:n]
}

// of returns the keys and values of a layer.
func (c *Past) of(layer int) (keys, values []float32) {
	size := c.room * c.width
	return c.data[2*layer*size:][:size], c.data[(2*layer+1)*size:][:size]
}

// keep puts rows of keys and values, which are stride apart, behind the first
// tokens of what a layer holds.
func (c *Past) keep(layer int, k, v []float32, rows, stride, head int) {
	keys, values := c.of(layer)
	arrange(keys[c.tokens*head:], k, rows, stride, c.room, c.width, head)
	arrange(values[c.tokens*head:], v, rows, stride, c.room, c.width, head)
}

// arrange copies rows of all heads, stride apart, to [heads, room, head].
func arrange(dst, x []float32, rows, stride, room, width, head int) {
	for at := 0; at < width; at += head {
		for r := range rows {
			copy(dst[at*room+r*head:][:head], x[r*stride+at:])
		}
	}
}
