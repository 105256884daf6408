package web

import (
	"net"
	"sync"
)

// crowd is a listener that holds a number of connections, and of one address a part of them. What comes beyond is
// closed at once: an answer would cost what it is to save.
type crowd struct {
	net.Listener
	most, each int

	mu    sync.Mutex
	total int
	open  map[string]int // by address
}

// Accept returns the next connection that there is room for.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := network(hostOf(conn.RemoteAddr().String()))
		if c.enter(address) {
			return &member{Conn: conn, leave: func() { c.leave(address) }}, nil
		}
		_ = conn.Close() // nobody waits for its end
	}
}

func (c *crowd) enter(address string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.total >= c.most || c.open[address] >= c.each {
		return false
	}
	c.total++
	c.open[address]++
	return true
}

func (c *crowd) leave(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.total--
	if c.open[address]--; c.open[address] == 0 {
		delete(c.open, address)
	}
}

// member is a connection that makes room when it closes.
type member struct {
	net.Conn
	once  sync.Once
	leave func()
}

// Close closes the connection.
func (m *member) Close() error {
	m.once.Do(m.leave)
	return m.Conn.Close()
}
