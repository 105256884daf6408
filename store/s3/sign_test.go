package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSign: the examples of Amazon's description of the signature,
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func TestSign(t *testing.T) {
	b := &Bucket{Name: "examplebucket", Key: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	at := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		method, path, query, content string
		header                       http.Header
		want                         string
	}{
		"get object": {
			"GET", "test.txt", "", "",
			http.Header{"Range": {"bytes=0-9"}},
			"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
		},
		"put object": {
			"PUT", "test$file.text", "", "Welcome to Amazon S3.",
			http.Header{"Date": {"Fri, 24 May 2013 00:00:00 GMT"}, "X-Amz-Storage-Class": {"REDUCED_REDUNDANCY"}},
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		},
		"bucket lifecycle": {"GET", "", "lifecycle=", "", nil, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
		"list objects":     {"GET", "", "max-keys=2&prefix=J", "", nil, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, "https://examplebucket.s3.amazonaws.com/"+escape(c.path, false), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.URL.RawQuery = c.query
			for k, v := range c.header {
				r.Header[k] = v
			}
			sum := sha256.Sum256([]byte(c.content))
			b.sign(r, hex.EncodeToString(sum[:]), at)
			if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+c.want) {
				t.Errorf("%s, want the signature %s", got, c.want)
			}
		})
	}
}

func TestURL(t *testing.T) {
	for want, b := range map[string]Bucket{
		"https://copies.s3.eu-central-1.amazonaws.com/a/b%20%C3%A9%2B": {Name: "copies", Region: "eu-central-1"},
		"https://s3.us-east-1.amazonaws.com/my.copies/a/b%20%C3%A9%2B": {Name: "my.copies"},
		"http://127.0.0.1:9000/copies/a/b%20%C3%A9%2B":                 {Name: "copies", Endpoint: "http://127.0.0.1:9000"},
		"https://store.example.com/s3/v%201/copies/a/b%20%C3%A9%2B":    {Name: "copies", Endpoint: "https://store.example.com/s3/v%201/"},
	} {
		if got, err := b.url("a/b é+"); err != nil || got.String() != want {
			t.Errorf("%v, %v, want %s", got, err, want)
		}
	}
	for _, endpoint := range []string{"store.example.com:9000", "ftp://x", "http://"} {
		if u, err := (&Bucket{Name: "c", Endpoint: endpoint}).url("a"); err == nil {
			t.Errorf("%q is taken as %v", endpoint, u)
		}
	}
}
