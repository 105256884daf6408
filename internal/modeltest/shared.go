package modeltest

import (
	"os"
	"path/filepath"
	"testing"
)

// Shared returns the path of a file of shared/data, which lies beside the
// repository or in the folder that BELLWETHER_SHARED names. Where it is absent the
// test is skipped.
func Shared(t testing.TB, name string) string {
	t.Helper()
	folders := []string{os.Getenv("BELLWETHER_SHARED")}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; here != filepath.Dir(here); here = filepath.Dir(here) {
		folders = append(folders, filepath.Join(here, "shared"))
	}
	for _, f := range folders {
		path := filepath.Join(f, "data", name)
		if _, err := os.Stat(path); err == nil && f != "" {
			return path
		}
	}
	t.Skipf("the data set %s is absent", name)
	return ""
}
