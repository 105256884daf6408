package engine

import (
	"bytes"
	"os"
	"strconv"
)

// PeakGiB is the most memory that this process has held, in GiB; 0 where the system does not say.
func PeakGiB() float64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, after, _ := bytes.Cut(text, []byte("VmHWM:"))
	number, _, _ := bytes.Cut(bytes.TrimSpace(after), []byte(" kB"))
	kib, _ := strconv.ParseFloat(string(number), 64)
	return kib / (1 << 20)
}
