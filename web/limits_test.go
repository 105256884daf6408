package web

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"bellwether"
)

func (f *fixture) listen() string {
	f.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	f.serve(Listen{TCP: l, Grace: time.Second})
	return l.Addr().String()
}

// TestSlowBodies: senders that announce much and bring little hold up nobody, with a key, without and with a wrong one,
// and are cut off.
func TestSlowBodies(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Limits.Grace, o.Limits.Working = 2*time.Second, 8 })
	address := f.listen()
	const slow = 300
	ends := make(chan string, slow)
	for i := range slow {
		header := []string{"", basic("guess"), basic(f.key["alpha"][Collect])}[i%3]
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := fmt.Fprintf(conn, "POST /v1/gather HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n%s\r\n{", header); err != nil {
			t.Fatal(err)
		}
		go func() {
			line, _ := bufio.NewReader(conn).ReadString('\n')
			ends <- line
		}()
	}
	start, good := time.Now(), 0
	for time.Since(start) < time.Second {
		if code := f.post(address, f.key["beta"][Collect], "{}"); code != 200 {
			t.Fatalf("a good sender got %d", code)
		}
		good++
	}
	if good < 50 {
		t.Errorf("a good sender was answered %d times in a second", good)
	}
	count := make(map[string]int)
	for range slow {
		select {
		case line := <-ends:
			count[strings.TrimSpace(line)]++
		case <-time.After(10 * time.Second):
			t.Fatalf("not all were cut off: %v", count)
		}
	}
	if count["HTTP/1.1 408 Request Timeout"] != 200 || count["HTTP/1.1 401 Unauthorized"]+count["HTTP/1.1 429 Too Many Requests"] != 100 {
		t.Errorf("the slow ones got %v", count)
	}
	f.nothingLent()
}

func basic(key string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(key, "")
	return "Authorization: " + r.Header.Get("Authorization") + "\r\n"
}

func (f *fixture) post(address, key, body string) int {
	r, err := http.NewRequest("POST", "http://"+address+"/v1/gather", strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	r.SetBasicAuth(key, "")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer w.Body.Close()
	_, _ = io.Copy(io.Discard, w.Body)
	return w.StatusCode
}

// nothingLent checks that all borrowed memory came back.
func (f *fixture) nothingLent() {
	f.t.Helper()
	for end := time.Now().Add(2 * time.Second); ; time.Sleep(time.Millisecond) {
		left := 0
		for _, b := range []*budget{f.server.keyed, f.server.keyless} {
			b.mu.Lock()
			left += len(b.lent)
			b.mu.Unlock()
		}
		if left == 0 {
			break
		}
		if time.Now().After(end) {
			f.t.Fatalf("%d owners still hold memory", left)
		}
	}
	l := f.server.o.Limits
	if f.server.keyed.free != l.Bytes || f.server.keyless.free != l.Keyless {
		f.t.Errorf("%d and %d bytes are free, of %d and %d", f.server.keyed.free, f.server.keyless.free, l.Bytes, l.Keyless)
	}
}

// TestBytesInFlight: a key gets half of the memory, the rest is for others, and everything comes back.
func TestBytesInFlight(t *testing.T) {
	hold, in := make(chan struct{}), make(chan struct{}, 100)
	f := newFixture(t, func(o *Options) {
		o.Limits.Bytes = 4 << 20
		o.Routes = []Route{Raw("POST", "/v1/gather", Collect, "Gather", func(w http.ResponseWriter, r *http.Request) error {
			in <- struct{}{}
			<-hold
			_, err := w.Write([]byte("{}"))
			return err
		})}
	})
	body := strings.Repeat("x", 300<<10)
	var wait sync.WaitGroup
	codes := make(chan int, 20)
	send := func(project bellwether.ProjectID) (entered bool) {
		wait.Go(func() {
			w := f.ask("POST", "/v1/gather", f.key[project][Collect], body)
			if w.Code == 429 && w.Header().Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			codes <- w.Code
		})
		select {
		case <-in:
			return true
		case code := <-codes:
			if code != 429 {
				t.Errorf("refused with %d", code)
			}
			return false
		}
	}
	entered := 0
	for send("alpha") {
		entered++
	}
	if entered < 2 || entered > 6 { // of 300 KiB in 2 MiB
		t.Errorf("alpha got %d bodies in", entered)
	}
	if !send("beta") {
		t.Error("beta is kept out by alpha")
	}
	close(hold)
	wait.Wait()
	for range entered + 1 {
		if code := <-codes; code != 200 {
			t.Errorf("a body that was in got %d", code)
		}
	}
	f.nothingLent()
}

// TestLongBodies are refused before they are read when they say so, and while they are read when they don't.
func TestLongBodies(t *testing.T) {
	f := newFixture(t, nil)
	key := f.key["alpha"][Collect]
	for _, announced := range []bool{true, false} {
		w := f.ask("POST", "/v1/gather", key, strings.Repeat("x", 4<<20+1), func(r *http.Request) {
			if !announced {
				r.ContentLength = -1
			}
		})
		if w.Code != 413 {
			t.Errorf("announced %v: %d %s", announced, w.Code, w.Body)
		}
	}
	if w := f.ask("POST", "/v1/gather", key, strings.Repeat("x", 4<<20)); w.Code != 200 || !strings.Contains(w.Body.String(), "4194304") {
		t.Errorf("the longest: %d %s", w.Code, w.Body)
	}
	f.nothingLent()
}

// TestTooManyAtWork: beyond the number of requests that are worked on the next waits, and is then told when to return.
func TestTooManyAtWork(t *testing.T) {
	hold, in := make(chan struct{}), make(chan struct{}, 4)
	f := newFixture(t, func(o *Options) {
		o.Limits.Working = 2
		o.Routes = []Route{Raw("POST", "/v1/gather", Collect, "Gather", func(w http.ResponseWriter, _ *http.Request) error {
			in <- struct{}{}
			<-hold
			_, err := w.Write([]byte("{}"))
			return err
		})}
	})
	key := f.key["alpha"][Collect]
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() { f.ask("POST", "/v1/gather", key, "{}") })
		<-in
	}
	if w := f.ask("POST", "/v1/gather", key, "{}"); w.Code != 429 || w.Header().Get("Retry-After") != "1" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	close(hold)
	wait.Wait()
	if w := f.ask("POST", "/v1/gather", key, "{}"); w.Code != 200 {
		t.Errorf("afterwards: %d", w.Code)
	}
}

// TestCrowd: one address gets its part of the connections, and a closed one makes room.
func TestCrowd(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.Limits.Connections, o.Limits.PerAddress = 10, 3 })
	address := f.listen()
	open := func() net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	alive := func(c net.Conn) bool {
		fmt.Fprintf(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		line, _ := bufio.NewReader(c).ReadString('\n')
		return strings.Contains(line, "200")
	}
	var all []net.Conn
	for i := range 5 {
		c := open()
		defer c.Close()
		all = append(all, c)
		if got := alive(c); got != (i < 3) {
			t.Errorf("connection %d answers: %v", i+1, got)
		}
	}
	all[0].Close()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		c := open()
		ok := alive(c)
		c.Close()
		if ok {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a closed connection makes no room")
		}
	}
}

// TestCertificate: TLS by files, read again when they change; a broken one leaves the old one in service.
func TestCertificate(t *testing.T) {
	f := newFixture(t, nil)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	makeCertificate(t, cert, key, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.serve(Listen{TCP: l, Certificate: cert, Key: key})
	serial := func() int64 {
		c, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Errorf("certificate %d", got)
	}
	later := time.Now().Add(time.Hour)
	makeCertificate(t, cert, key, 2)
	if err := os.Chtimes(cert, later, later); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(2 * time.Minute)
	if got := serial(); got != 2 {
		t.Errorf("after the change: certificate %d", got)
	}
	if err := os.WriteFile(cert, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(2 * time.Minute)
	if got := serial(); got != 2 {
		t.Errorf("after a broken one: certificate %d", got)
	}
	if err := f.server.Serve(context.Background(), Listen{TCP: mustListen(t), Certificate: cert, Key: key}); err == nil {
		t.Error("a server starts with a broken certificate")
	}
}

func mustListen(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func makeCertificate(t *testing.T, cert, key string, serial int64) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		var b bytes.Buffer
		if err := pem.Encode(&b, block); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAddressOf(t *testing.T) {
	for _, test := range []struct {
		remote, forwarded string
		proxied           bool
		want              string
	}{
		{"192.0.2.1:5", "", false, "192.0.2.1"},
		{"192.0.2.1:5", "203.0.113.9", false, "192.0.2.1"},
		{"192.0.2.1:5", "1.1.1.1, 203.0.113.9", true, "203.0.113.9"},
		{"192.0.2.1:5", "", true, "192.0.2.1"},
		{"[2001:db8:1:2:3:4:5:6]:5", "", false, "2001:db8:1:2::/64"},
		{"[::ffff:192.0.2.1]:5", "", false, "192.0.2.1"},
		{"local", "", false, "local"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = test.remote
		if test.forwarded != "" {
			r.Header.Set("X-Forwarded-For", test.forwarded)
		}
		if got := addressOf(r, test.proxied); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}
