package sequence

import (
	"sync"
	"unsafe"

	"bellwether"
)

// Cache remembers people between the requests to Rankers: what was asked about
// least recently is forgotten first. What belongs to one Ranker is never used by
// another, so that models can be swapped while requests are under way; what the
// one before left behind makes room as it is needed. It is safe for concurrent
// use. The memory of a person is about 8·Blocks·Dim bytes an event.
type Cache struct {
	limit int64

	mu             sync.Mutex
	people         map[cacheKey]*Session // guarded by mu, as is all below; those in use are not here
	newest, oldest *Session
	stats          CacheStats
	forgets        int64 // calls of Forget
}

// CacheStats tell how a Cache is doing.
type CacheStats struct {
	People       int   // remembered
	Bytes        int64 // that they take
	Hits, Misses int64 // people who were remembered when asked about, or not
}

type cacheKey struct {
	version uint64
	person  bellwether.Subject
}

// NewCache returns an empty Cache that holds at most so many bytes beside the people who are being asked about.
func NewCache(bytes int64) *Cache {
	return &Cache{limit: bytes, people: map[cacheKey]*Session{}}
}

// Stats returns the present figures.
func (c *Cache) Stats() CacheStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

// Forget removes all that is kept of a person, for every Ranker, also of
// requests that are under way.
func (c *Cache) Forget(person bellwether.Subject) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgets++
	for s := c.oldest; s != nil; {
		next := s.newer
		if s.person == person {
			c.remove(s)
		}
		s = next
	}
}

// take returns the person's Session for the caller alone. Two who ask about one
// person at the same time get one each; put keeps one of them.
func (c *Cache) take(r *Ranker, person bellwether.Subject) *Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.people[cacheKey{r.version, person}]
	if s != nil {
		c.stats.Hits++
		c.remove(s)
		s.ranker, s.forgets = r, c.forgets
		return s
	}
	c.stats.Misses++
	if c.full() {
		s = c.oldest
		c.remove(s)
	} else {
		s = &Session{keep: true, cached: true}
	}
	s.init(r, person)
	s.forgets = c.forgets
	return s
}

// full reports whether the memory of the oldest goes to the next who comes: a
// person of average size would have no room beside the others.
func (c *Cache) full() bool {
	n := int64(c.stats.People)
	return n > 0 && c.stats.Bytes+c.stats.Bytes/n > c.limit
}

// put remembers a person, unless that was forbidden meanwhile.
func (c *Cache) put(s *Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s.bytes = s.size()
	if s.forgets != c.forgets || s.bytes > c.limit {
		return
	}
	s.ranker = nil // the model of one who never comes back must not stay for that
	key := cacheKey{s.version, s.person}
	if other := c.people[key]; other != nil {
		c.remove(other)
	}
	c.people[key] = s
	s.older = c.newest
	if c.newest != nil {
		c.newest.newer = s
	} else {
		c.oldest = s
	}
	c.newest = s
	c.stats.People++
	c.stats.Bytes += s.bytes
	for c.stats.Bytes > c.limit {
		c.remove(c.oldest)
	}
}

func (c *Cache) remove(s *Session) {
	delete(c.people, cacheKey{s.version, s.person})
	if s.newer != nil {
		s.newer.older = s.older
	} else {
		c.newest = s.older
	}
	if s.older != nil {
		s.older.newer = s.newer
	} else {
		c.oldest = s.newer
	}
	s.newer, s.older = nil, nil
	c.stats.People--
	c.stats.Bytes -= s.bytes
}

// size is the memory that s takes.
func (s *Session) size() int64 {
	const entry = 128 // of the map, about
	return int64(unsafe.Sizeof(*s)) + entry + int64(len(s.person)) + 4*int64(s.past.Values()+cap(s.state)) +
		int64(cap(s.steps))*int64(unsafe.Sizeof(bellwether.Step{}))
}
