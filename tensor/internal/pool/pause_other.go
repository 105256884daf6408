//go:build (!amd64 && !arm64) || purego

package pool

import "runtime"

func pause() { runtime.Gosched() }
