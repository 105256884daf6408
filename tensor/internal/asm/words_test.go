package asm

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	wordLine = regexp.MustCompile(`(?m)^\tWORD \$0x([0-9a-f]{8}) // (.*)$`)
	encoding = regexp.MustCompile(`(?m)^\t(.*?)\s*// encoding: \[0x(..),0x(..),0x(..),0x(..)\]`)
)

// TestWords has LLVM assemble the mnemonics beside the words of the arm64 kernels and compares.
func TestWords(t *testing.T) {
	var assembler string
	for _, name := range []string{"llvm-mc", "llvm-mc-22", "llvm-mc-19", "llvm-mc-16"} {
		if p, err := exec.LookPath(name); err == nil {
			assembler = p
			break
		}
	}
	if assembler == "" {
		t.Skip("there is no llvm-mc here (apt-get install llvm)")
	}
	words := map[string]string{} // by mnemonic
	names, err := filepath.Glob("*_arm64.s")
	if err != nil || len(names) == 0 {
		t.Fatalf("no kernels: %v", err)
	}
	var source strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range wordLine.FindAllStringSubmatch(string(text), -1) {
			if other, ok := words[m[2]]; ok && other != m[1] {
				t.Errorf("%s: %s is 0x%s and 0x%s", name, m[2], m[1], other)
			}
			if _, ok := words[m[2]]; !ok {
				source.WriteString(m[2] + "\n")
			}
			words[m[2]] = m[1]
		}
	}
	c := exec.Command(assembler, "-triple=aarch64", "-mattr=+dotprod", "-show-encoding")
	c.Stdin = strings.NewReader(source.String())
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", assembler, err, out)
	}
	encoded := encoding.FindAllStringSubmatch(string(out), -1)
	if len(encoded) != len(words) {
		t.Fatalf("%d encodings of %d mnemonics", len(encoded), len(words))
	}
	for i, mnemonic := range strings.Split(strings.TrimSpace(source.String()), "\n") {
		e := encoded[i]
		if want := e[5] + e[4] + e[3] + e[2]; words[mnemonic] != want {
			t.Errorf("%s is 0x%s, LLVM has 0x%s (%s)", mnemonic, words[mnemonic], want, e[1])
		}
	}
}
