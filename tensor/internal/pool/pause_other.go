//go:build !amd64 || purego

package pool

import "runtime"

func pause() { runtime.Gosched() }
