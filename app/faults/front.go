package main

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// front is the load balancer before the web processes: connection by connection to the
// next one that takes it. It knows nothing of HTTP, so what is cut stays cut.
type front struct {
	l    net.Listener
	to   []string
	next atomic.Int64

	mu   sync.Mutex
	open map[net.Conn]bool
}

func newFront() (*front, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	return &front{l: l, open: map[net.Conn]bool{}}, err
}

func (f *front) serve(to []string) {
	f.to = to
	go func() {
		for {
			c, err := f.l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				go f.carry(c)
			}
		}
	}()
}

func (f *front) carry(c net.Conn) {
	defer f.drop(c)
	f.hold(c)
	var back net.Conn
	for range f.to {
		at := f.to[int(f.next.Add(1))%len(f.to)]
		var err error
		if back, err = net.DialTimeout("tcp", at, time.Second); err == nil {
			break
		}
	}
	if back == nil {
		return
	}
	defer f.drop(back)
	f.hold(back)
	go func() {
		_, _ = io.Copy(back, c) // either end may go at any time
		_ = back.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(c, back)
}

func (f *front) hold(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open[c] = true
}

func (f *front) drop(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, c)
	_ = c.Close() // closing twice is fine
}

func (f *front) close() {
	_ = f.l.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		_ = c.Close()
	}
}
