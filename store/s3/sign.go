package s3

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	algorithm   = "AWS4-HMAC-SHA256"
	stampFormat = "20060102T150405Z"
)

// sign adds the headers of Signature Version 4 to r, whose body has the digest sum in hex: all headers that r has by then are signed.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func (b *Bucket) sign(r *http.Request, sum string, at time.Time) {
	stamp := at.UTC().Format(stampFormat)
	r.Header.Set("X-Amz-Date", stamp)
	r.Header.Set("X-Amz-Content-Sha256", sum)
	if b.Token != "" {
		r.Header.Set("X-Amz-Security-Token", b.Token)
	}
	headers, names := canonicalHeaders(r)
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, headers, names, sum}, "\n")
	scope := strings.Join([]string{stamp[:8], b.region(), "s3", "aws4_request"}, "/")
	digest := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{algorithm, stamp, scope, hex.EncodeToString(digest[:])}, "\n")
	key := []byte("AWS4" + b.Secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", algorithm+" Credential="+b.Key+"/"+scope+",SignedHeaders="+names+",Signature="+hex.EncodeToString(mac(key, text)))
}

// canonicalHeaders are the headers in the form that is signed, and their names.
func canonicalHeaders(r *http.Request) (headers, names string) {
	values := map[string]string{"host": r.URL.Host}
	all := []string{"host"}
	for name, v := range r.Header {
		name = strings.ToLower(name)
		values[name] = strings.TrimSpace(strings.Join(v, ","))
		all = append(all, name)
	}
	slices.Sort(all)
	for _, name := range all {
		headers += name + ":" + values[name] + "\n"
	}
	return headers, strings.Join(all, ";")
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// escape encodes a name as S3 does: all but letters, digits and -._~, and slashes unless they are to be encoded, too.
func escape(name string, slashes bool) string {
	const hexadecimal = "0123456789ABCDEF"
	var out strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~', c == '/' && !slashes:
			out.WriteByte(c)
		default:
			out.Write([]byte{'%', hexadecimal[c>>4], hexadecimal[c&15]})
		}
	}
	return out.String()
}
