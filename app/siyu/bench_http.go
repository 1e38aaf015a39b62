package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// benchConn is one keep-alive connection of the load generator. It shares the cores
// with what it measures, so it does no more than HTTP/1.1 demands: one write, one
// read, no goroutines.
type benchConn struct {
	conn net.Conn
	addr string
	in   *bufio.Reader
	out  []byte
	body bytes.Buffer
}

// dialBench names a connection; it is opened by its first request, because the server
// closes one that says nothing for a while.
func dialBench(addr string) *benchConn { return &benchConn{addr: addr} }

// dialMany makes one connection per client; the returned function closes them.
func dialMany(addr string, n int) (list []*benchConn, closeAll func()) {
	for range n {
		list = append(list, dialBench(addr))
	}
	return list, func() {
		for _, c := range list {
			c.close()
		}
	}
}

func (c *benchConn) close() {
	if c.conn != nil {
		_ = c.conn.Close() // only read from; nothing can be lost
	}
}

// benchUA is WeChat's browser on a phone.
const benchUA = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50"

// get makes a request of a page; it is valid until the next one is made.
func (c *benchConn) get(path, ip, cookie string) []byte {
	c.begin("GET", path, ip)
	if cookie != "" {
		c.out = append(append(append(c.out, "Cookie: "...), cookie...), "\r\n"...)
	}
	c.out = append(c.out, "\r\n"...)
	return c.out
}

// postJSON makes a request of the mini program's API.
func (c *benchConn) postJSON(path, ip, bearer string, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("bench: " + err.Error()) // maps of texts
	}
	c.begin("POST", path, ip)
	if bearer != "" {
		c.out = append(append(append(c.out, "Authorization: Bearer "...), bearer...), "\r\n"...)
	}
	c.out = append(c.out, "Content-Type: application/json\r\nContent-Length: "...)
	c.out = append(strconv.AppendInt(c.out, int64(len(b)), 10), "\r\n\r\n"...)
	c.out = append(c.out, b...)
	return c.out
}

func (c *benchConn) begin(method, path, ip string) {
	c.out = fmt.Appendf(c.out[:0], "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nX-Forwarded-For: %s\r\n", method, path, c.addr, benchUA, ip)
}

// benchAnswer is valid until the next request on the connection.
type benchAnswer struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request and reads the whole answer.
func (c *benchConn) ask(request []byte) (benchAnswer, error) {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.addr)
		if err != nil {
			return benchAnswer{}, err
		}
		c.conn, c.in = conn, bufio.NewReaderSize(conn, 32<<10)
	}
	if _, err := c.conn.Write(request); err != nil {
		return benchAnswer{}, err
	}
	r, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return benchAnswer{}, err
	}
	c.body.Reset()
	_, err = io.Copy(&c.body, r.Body)
	return benchAnswer{r.StatusCode, r.Header, c.body.Bytes()}, err
}

// expect is ask, with any other status an error.
func (c *benchConn) expect(request []byte, status int) (benchAnswer, error) {
	a, err := c.ask(request)
	if err == nil && a.status != status {
		err = fmt.Errorf("status %d, want %d: %.300s", a.status, status, a.body)
	}
	return a, err
}

// into is expect 200 with a JSON answer.
func (c *benchConn) into(request []byte, v any) error {
	a, err := c.expect(request, http.StatusOK)
	if err != nil {
		return err
	}
	return json.Unmarshal(a.body, v)
}
