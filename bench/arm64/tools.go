package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// tools are LLVM's programs of one version.
type tools struct {
	mca, objdump, version string
	listings              map[string][]line
}

var versionOf = regexp.MustCompile(`LLVM version (\d+)\S*`)

// findTools takes the newest of the versions that Debian names, or the one without a number.
func findTools() (*tools, error) {
	var suffixes []string
	for v := 24; v >= 16; v-- {
		suffixes = append(suffixes, fmt.Sprintf("-%d", v))
	}
	for _, suffix := range append(suffixes, "") {
		mca, err := exec.LookPath("llvm-mca" + suffix)
		if err != nil {
			continue
		}
		out, err := exec.Command(mca, "--version").Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", mca, err)
		}
		found := versionOf.FindSubmatch(out)
		if found == nil {
			continue
		}
		if n, _ := strconv.Atoi(string(found[1])); n < 16 {
			continue
		}
		return &tools{mca: mca, objdump: "llvm-objdump" + suffix, version: string(found[0]), listings: map[string][]line{}}, nil
	}
	return nil, fmt.Errorf("no llvm-mca from version 16 up is here: apt-get install llvm-19")
}

// build compiles the engine's tests, which hold all kernels.
func build(folder string) (string, error) {
	program := filepath.Join(folder, "tensor.test")
	return program, crossBuild("test", "-c", "-o", program, "bellwether/tensor")
}

// crossBuild runs the go command for linux/arm64.
func crossBuild(arguments ...string) error {
	c := exec.Command("go", arguments...)
	c.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building for arm64: %w\n%s", err, out)
	}
	return nil
}

// line is an instruction, at an address.
type line struct {
	at   uint64
	text string
}

var (
	listed  = regexp.MustCompile(`^\s*([0-9a-f]+):\s+(\S.*)$`)
	comment = regexp.MustCompile(`\s*(<.*>|//.*|;.*)$`)
	target  = regexp.MustCompile(`\b0x[0-9a-f]+$`)
)

// listing disassembles a function.
func (t *tools) listing(program, function string) ([]line, error) {
	if lines, ok := t.listings[function]; ok {
		return lines, nil
	}
	symbol := "bellwether/tensor/internal/asm." + function + ".abi0"
	out, err := exec.Command(t.objdump, "-d", "--no-show-raw-insn", "--disassemble-symbols="+symbol, program).Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.objdump, err)
	}
	var lines []line
	for text := range strings.SplitSeq(string(out), "\n") {
		if m := listed.FindStringSubmatch(text); m != nil {
			at, _ := strconv.ParseUint(m[1], 16, 64)
			instruction := comment.ReplaceAllString(strings.Join(strings.Fields(m[2]), " "), "")
			lines = append(lines, line{at, instruction})
		}
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s is not in the program", symbol)
	}
	t.listings[function] = lines
	return lines, nil
}

// inner returns the inner loops of a listing: from where a jump goes back to, to the jump, with none such between.
func inner(lines []line) (loops [][]string) {
	index := map[uint64]int{}
	for i, l := range lines {
		index[l.at] = i
	}
	begun := -1 // the last jump back that was seen
	for i, l := range lines {
		m := target.FindString(l.text)
		if m == "" || !jumps(l.text) {
			continue
		}
		to, _ := strconv.ParseUint(m[2:], 16, 64)
		from, ok := index[to]
		if !ok || from > i {
			continue
		}
		if from > begun {
			var body []string
			for _, in := range lines[from : i+1] {
				if jumps(in.text) { // llvm-mca wants a distance, and does not jump
					in.text = target.ReplaceAllString(in.text, "#64")
				}
				body = append(body, in.text)
			}
			loops = append(loops, body)
		}
		begun = i
	}
	return loops
}

// jumps reports whether an instruction is a branch.
func jumps(in string) bool {
	name, _, _ := strings.Cut(in, " ")
	return name == "b" || strings.HasPrefix(name, "b.") || strings.HasPrefix(name, "cb") || strings.HasPrefix(name, "tb")
}

func count(body []string, name string) (n int) {
	for _, in := range body {
		if strings.HasPrefix(in, name+" ") {
			n++
		}
	}
	return n
}

// loop is the body of l: the longest of the function's inner loops, or of the
// tile's those for six rows of sixteen columns, which come in the order strides, rows
// (four steps a turn, then one), columns.
func (t *tools) loop(program string, l loop) ([]string, error) {
	lines, err := t.listing(program, l.function)
	if err != nil {
		return nil, err
	}
	all := inner(lines)
	var longest []string
	for i, body := range all {
		if l.form != "" && count(body, "fmla") == 96 {
			return map[string][]string{"strides": all[i-1], "rows": body, "columns": all[i+2]}[l.form], nil
		}
		if len(body) > len(longest) {
			longest = body
		}
	}
	if longest == nil || l.form != "" {
		return nil, fmt.Errorf("%s has no such loop", l.function)
	}
	return longest, nil
}

var (
	totalCycles = regexp.MustCompile(`Total Cycles:\s+(\d+)`)
	throughput  = regexp.MustCompile(`Block RThroughput:\s+([0-9.]+)`)
)

// cycles is how long a turn of a loop takes once it runs.
func (t *tools) cycles(processor string, body []string) (float64, error) {
	const warm, turns = 100, 400
	before, err := t.analyse(processor, body, warm, totalCycles)
	if err != nil {
		return 0, err
	}
	after, err := t.analyse(processor, body, warm+turns, totalCycles)
	return (after - before) / turns, err
}

// bound is how long a turn takes at least: what the processor's units allow where nothing waits for a result.
func (t *tools) bound(processor string, body []string) (float64, error) {
	return t.analyse(processor, body, 1, throughput)
}

// analyse runs llvm-mca on so many turns of a loop and returns a figure of its summary.
func (t *tools) analyse(processor string, body []string, turns int, figure *regexp.Regexp) (float64, error) {
	c := exec.Command(t.mca, "-march=aarch64", "-mcpu="+processor, "-mattr=+dotprod", "-iterations="+strconv.Itoa(turns))
	c.Stdin = strings.NewReader(strings.Join(body, "\n") + "\n")
	var problem bytes.Buffer
	c.Stderr = &problem
	out, err := c.Output()
	m := figure.FindSubmatch(out)
	if err != nil || m == nil {
		return 0, fmt.Errorf("%s: %v\n%s", t.mca, err, problem.String())
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// row is a line of the table, and whether the loop keeps its promise on every processor.
func (t *tools) row(l loop, body []string) (string, bool, error) {
	name := "`" + l.function + "`"
	if l.form != "" {
		name += ", a by " + l.form
	}
	cells, all := []string{name, l.unit}, true
	for _, p := range processors {
		cycles, err := t.cycles(p, body)
		if err != nil {
			return "", false, err
		}
		cell := fmt.Sprintf("%.3g", cycles/l.units)
		if l.check != nil {
			figure, ok, err := l.check(t, p, l, body, cycles)
			if err != nil {
				return "", false, err
			}
			if figure != "" {
				cell += " (" + figure + ")"
			}
			if !ok {
				cell, all = cell+" **missed**", false
			}
		}
		cells = append(cells, cell)
	}
	cells = append(cells, fmt.Sprintf("%.3g", float64(len(body))/l.units), l.bar)
	return "| " + strings.Join(cells, " | ") + " |", all, nil
}

func join(words []string, between string, each func(string) string) string {
	var out []string
	for _, w := range words {
		out = append(out, each(w))
	}
	return strings.Join(out, between)
}
