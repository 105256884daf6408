// Gen writes the assembly of package asm, one file a run: go run . -out F.s
// -stubs F.go -pkg asm NAME, where NAME is a key of files.
package main

import (
	"flag"
	"log"

	"github.com/mmcloughlin/avo/build"
)

// files maps a file of package asm to the function that writes its kernels.
var files = map[string]func(){
	"gemm_avx512": gemmAVX512,
	"spin":        spin,
}

func main() {
	flag.Parse()
	write, ok := files[flag.Arg(0)]
	if !ok {
		log.Fatalf("gen: no kernels are called %q", flag.Arg(0))
	}
	build.ConstraintExpr("amd64,!purego")
	write()
	build.Generate()
}
