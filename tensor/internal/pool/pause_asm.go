//go:build (amd64 || arm64) && !purego

package pool

import "bellwether/tensor/internal/asm"

func pause() { asm.Pause() }
