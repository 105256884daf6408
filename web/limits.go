package web

import (
	"cmp"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Limits keep a server up whoever asks it; zero fields have the values that are named.
type Limits struct {
	Connections int           // open at once; 0: 4,096
	PerAddress  int           // of them from one address; 0: half
	Bytes       int64         // of bodies with a known key in memory at once; 0: 128 MiB, half of it for one key
	Keyless     int64         // of bodies whose key is inside or that have none; 0: 32 MiB, a quarter for one address
	Grace       time.Duration // in which a body may be slow; 0: 10 s
	Rate        int64         // bytes a second that a body must bring after that; 0: 16 KiB
	Working     int           // collecting requests that are worked on at once; 0: 256
	WrongKeys   int           // from one address in a minute, before they are answered 429; 0: 30
}

func (l Limits) withDefaults() Limits {
	l.Connections = cmp.Or(l.Connections, 4096)
	l.PerAddress = cmp.Or(l.PerAddress, max(l.Connections/2, 1))
	l.Bytes = cmp.Or(l.Bytes, 128<<20)
	l.Keyless = cmp.Or(l.Keyless, 32<<20)
	l.Grace = cmp.Or(l.Grace, 10*time.Second)
	l.Rate = cmp.Or(l.Rate, 16<<10)
	l.Working = cmp.Or(l.Working, 256)
	l.WrongKeys = cmp.Or(l.WrongKeys, 30)
	return l
}

// budget is memory that is lent and given back: no owner gets more than its share.
type budget struct {
	mu    sync.Mutex
	free  int64
	share int64
	lent  map[string]int64
}

func newBudget(bytes, share int64) *budget {
	return &budget{free: bytes, share: share, lent: make(map[string]int64)}
}

// take lends n bytes to owner and reports whether there were that many.
func (b *budget) take(owner string, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.free || b.lent[owner]+n > b.share {
		return false
	}
	b.free -= n
	b.lent[owner] += n
	return true
}

func (b *budget) give(owner string, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	if b.lent[owner] -= n; b.lent[owner] <= 0 {
		delete(b.lent, owner)
	}
}

// guesses counts wrong keys by address. What it remembers is bounded: when too many addresses guess, the oldest
// minute is forgotten.
type guesses struct {
	clock func() time.Time
	most  int
	mu    sync.Mutex
	since time.Time
	count map[string]int
}

const maxAddresses = 100_000

// wrong counts one and reports whether the address has used up its guesses, and for how many seconds.
func (g *guesses) wrong(address string) (over bool, seconds int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	if age := now.Sub(g.since); age >= time.Minute || age < 0 || len(g.count) >= maxAddresses {
		g.since, g.count = now, make(map[string]int)
	}
	g.count[address]++
	return g.count[address] > g.most, int((time.Minute-now.Sub(g.since))/time.Second) + 1
}

// addressOf names who sent r: the network of an IPv6 address, since one host has 2⁶⁴ of them. Behind a proxy that is
// believed it is the last address that the proxy added.
func addressOf(r *http.Request, proxied bool) string {
	text := hostOf(r.RemoteAddr)
	if proxied {
		if all := r.Header.Values("X-Forwarded-For"); len(all) > 0 {
			last := all[len(all)-1]
			text = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
		}
	}
	return network(text)
}

func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

func network(text string) string {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return text
	}
	if ip = ip.Unmap(); ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
