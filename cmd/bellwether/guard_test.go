package main

import (
	"net/http/httptest"
	"os"
	"testing"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestGuard types the commands that look after the data folder, over a folder that is damaged on purpose.
func TestGuard(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/guard",
		Setup: func(e *testscript.Env) error {
			e.Setenv("AWS_ENDPOINT_URL", bucketServer(t))
			e.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"damage": func(ts *testscript.TestScript, _ bool, args []string) { // flips a bit in the middle of a file
				path := ts.MkAbs(args[0])
				b, err := os.ReadFile(path)
				ts.Check(err)
				b[len(b)/2] ^= 1
				ts.Check(os.WriteFile(path, b, 0o600))
			},
		},
	})
}

// bucketServer serves an empty bucket called copies to the key KEY.
func bucketServer(t *testing.T) (url string) {
	memory := s3mem.New()
	if err := memory.CreateBucket(t.Context(), "copies"); err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(gofakes3.New(memory, gofakes3.WithV4Auth(map[string]string{"KEY": "secret"})).Server())
	t.Cleanup(h.Close)
	return h.URL
}
