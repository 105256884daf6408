//go:build slow

package neighbours

import "testing"

func TestGames(t *testing.T) {
	reproduce(t, readSequences(t, "sequences/amazon-games.txt.gz"), []published{{.0190, .0099}, {.0738, .0445}, {.0893, .0487}, {.0819, .0475}, {.1027, .0584}})
}
