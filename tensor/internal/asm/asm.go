// Package asm holds the engine's kernels in assembly, written by the generators
// in the folder gen and never by hand: for amd64 by one on github.com/mmcloughlin/avo,
// for arm64 by gen/neon. Each has a plain form in package reference; package
// kernel chooses between them.
package asm

//go:generate go run -C gen . -out ../columns_amd64.s -stubs ../columns_amd64.go -pkg asm columns
//go:generate go run -C gen . -out ../dots_amd64.s -stubs ../dots_amd64.go -pkg asm dots
//go:generate go run -C gen . -out ../dots8_amd64.s -stubs ../dots8_amd64.go -pkg asm dots8
//go:generate go run -C gen . -out ../gemm_amd64.s -stubs ../gemm_amd64.go -pkg asm gemm
//go:generate go run -C gen . -out ../maps_amd64.s -stubs ../maps_amd64.go -pkg asm maps
//go:generate go run -C gen . -out ../norm_amd64.s -stubs ../norm_amd64.go -pkg asm norm
//go:generate go run -C gen . -out ../optimise_amd64.s -stubs ../optimise_amd64.go -pkg asm optimise
//go:generate go run -C gen . -out ../pack_amd64.s -stubs ../pack_amd64.go -pkg asm pack
//go:generate go run -C gen . -out ../philox_amd64.s -stubs ../philox_amd64.go -pkg asm philox
//go:generate go run -C gen . -out ../reduce_amd64.s -stubs ../reduce_amd64.go -pkg asm reduce
//go:generate go run -C gen . -out ../spin_amd64.s -stubs ../spin_amd64.go -pkg asm spin
//go:generate go run -C gen ./neon
//go:generate go run -C gen . elsewhere
