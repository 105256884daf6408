package s3

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

var (
	// ErrNotFound is the answer about an object, or a bucket, that is not there.
	ErrNotFound = errors.New("not found")
	// ErrChanged is the answer to a conditional Put whose condition doesn't hold.
	ErrChanged = errors.New("the object is another")
)

// attempts is how often a request is sent that gets no answer or one that says "later"; pauses double from firstPause.
const (
	attempts   = 6
	firstPause = 200 * time.Millisecond
	answerTime = 2 * time.Minute // for one request of a few MiB
)

// Bucket is a bucket and who asks for it. Name, Key and Secret are required.
type Bucket struct {
	Name     string
	Endpoint string           // such as https://minio.example.com:9000; "": Amazon's of the region
	Region   string           // "": us-east-1
	Key      string           // the access key's id
	Secret   string           // the access key's secret
	Token    string           // of temporary keys; "": none
	Client   *http.Client     // nil: http.DefaultClient
	Clock    func() time.Time // nil: time.Now
}

// Object is one entry of a listing.
type Object struct {
	Name    string    `xml:"Key"`
	Size    int64     `xml:"Size"`
	Tag     string    `xml:"ETag"`
	Changed time.Time `xml:"LastModified"`
}

// Answer is what a service said that didn't do what it was asked for.
type Answer struct {
	Status  int
	Code    string
	Message string
}

func (a *Answer) Error() string {
	if a.Code == "" {
		return fmt.Sprintf("the object store answered %d", a.Status)
	}
	return fmt.Sprintf("the object store answered %d %s: %s", a.Status, a.Code, a.Message)
}

// Is tells the answers that callers act on.
func (a *Answer) Is(target error) bool {
	switch target {
	case ErrNotFound:
		return a.Status == http.StatusNotFound
	case ErrChanged:
		return a.Status == http.StatusPreconditionFailed || a.Status == http.StatusConflict && a.Code == "ConditionalRequestConflict"
	}
	return false
}

// Get returns an object's content.
func (b *Bucket) Get(ctx context.Context, name string) ([]byte, error) {
	content, _, err := b.do(ctx, http.MethodGet, name, "", nil, nil)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", name, err)
	}
	return content, nil
}

// Put stores an object: readers see the old one or the new one. It returns the new one's tag.
func (b *Bucket) Put(ctx context.Context, name string, content []byte) (tag string, err error) {
	return b.put(ctx, name, content, nil)
}

// PutNew is Put of an object that isn't there yet, and else ErrChanged.
func (b *Bucket) PutNew(ctx context.Context, name string, content []byte) (tag string, err error) {
	return b.put(ctx, name, content, http.Header{"If-None-Match": {"*"}})
}

// PutOver is Put over the object of that tag, and else ErrChanged.
func (b *Bucket) PutOver(ctx context.Context, name string, content []byte, over string) (tag string, err error) {
	return b.put(ctx, name, content, http.Header{"If-Match": {over}})
}

func (b *Bucket) put(ctx context.Context, name string, content []byte, condition http.Header) (tag string, err error) {
	_, head, err := b.do(ctx, http.MethodPut, name, "", content, condition)
	if err != nil {
		return "", fmt.Errorf("storing %s: %w", name, err)
	}
	return head.Get("ETag"), nil
}

// Delete removes an object; an absent one is no error.
func (b *Bucket) Delete(ctx context.Context, name string) error {
	if _, _, err := b.do(ctx, http.MethodDelete, name, "", nil, nil); err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("deleting %s: %w", name, err)
	}
	return nil
}

// listing is a page of what is in a bucket.
type listing struct {
	Contents  []Object
	Truncated bool   `xml:"IsTruncated"`
	Next      string `xml:"NextContinuationToken"`
}

// List returns the objects whose names begin with prefix, in the order of names, and the service's time.
func (b *Bucket) List(ctx context.Context, prefix string) (all []Object, now time.Time, err error) {
	for next := ""; ; {
		query := "list-type=2&prefix=" + escape(prefix, true)
		if next != "" {
			query = "continuation-token=" + escape(next, true) + "&" + query
		}
		content, head, err := b.do(ctx, http.MethodGet, "", query, nil, nil)
		var page listing
		if err == nil {
			err = xml.Unmarshal(content, &page)
		}
		if err != nil {
			return nil, now, fmt.Errorf("listing %s: %w", prefix, err)
		}
		if all = append(all, page.Contents...); !page.Truncated || page.Next == "" {
			now, _ = http.ParseTime(head.Get("Date")) // zero where none is said
			slices.SortFunc(all, func(x, y Object) int { return cmp.Compare(x.Name, y.Name) })
			return all, now, nil
		}
		next = page.Next
	}
}

// do sends a request until it is answered, and returns the answer to one that was done.
func (b *Bucket) do(ctx context.Context, method, name, query string, content []byte, header http.Header) (body []byte, head http.Header, err error) {
	pause := firstPause
	for try := 1; ; try++ {
		body, head, err = b.once(ctx, method, name, query, content, header)
		if err == nil || !later(err) || try == attempts || ctx.Err() != nil {
			return body, head, err
		}
		wait := time.NewTimer(pause/2 + rand.N(pause)) //nolint:gosec // no secret
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil, nil, err
		}
		pause *= 2
	}
}

// later reports whether a request may succeed when it is sent again.
func later(err error) bool {
	var a *Answer
	return !errors.As(err, &a) || a.Status >= 500 && a.Status != http.StatusNotImplemented || a.Status == http.StatusTooManyRequests || a.Status == http.StatusRequestTimeout
}

func (b *Bucket) once(ctx context.Context, method, name, query string, content []byte, header http.Header) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	r, err := b.request(ctx, method, name, query, content, header)
	if err != nil {
		return nil, nil, err
	}
	client := b.Client
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return nil, nil, err
	}
	if answer.StatusCode/100 == 2 {
		return body, answer.Header, nil
	}
	a := &Answer{Status: answer.StatusCode}
	if xml.Unmarshal(body, a) != nil { // what stands before a service answers as it likes
		a.Code = ""
	}
	return nil, nil, a
}

// request makes a signed request about an object, or about the bucket where name is empty.
func (b *Bucket) request(ctx context.Context, method, name, query string, content []byte, header http.Header) (*http.Request, error) {
	at, err := b.url(name)
	if err != nil {
		return nil, err
	}
	at.RawQuery = query
	r, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	for name, v := range header {
		r.Header[name] = v
	}
	clock := b.Clock
	if clock == nil {
		clock = time.Now
	}
	sum := sha256.Sum256(content)
	b.sign(r, hex.EncodeToString(sum[:]), clock())
	return r, nil
}

// url is an object's address: below Amazon the bucket is in the host's name, elsewhere in the path.
func (b *Bucket) url(name string) (*url.URL, error) {
	endpoint, path := b.Endpoint, "/"+name
	switch {
	case endpoint != "":
		path = "/" + b.Name + path
	case strings.Contains(b.Name, "."): // which a certificate of Amazon's hosts doesn't cover
		endpoint, path = "https://s3."+b.region()+".amazonaws.com", "/"+b.Name+path
	default:
		endpoint = "https://" + b.Name + ".s3." + b.region() + ".amazonaws.com"
	}
	u, err := url.Parse(strings.TrimSuffix(endpoint, "/"))
	if err != nil {
		return nil, fmt.Errorf("the object store's address %q: %w", endpoint, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the object store's address %q is none: write it with https://", endpoint)
	}
	u.Path, u.RawPath = u.Path+path, u.EscapedPath()+escape(path, false)
	return u, nil
}

func (b *Bucket) region() string { return cmp.Or(b.Region, "us-east-1") }
