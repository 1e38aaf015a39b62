package wechat

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds every answer. The longest real one (a page of bills) is far
// below; an endless body must not eat the process.
const maxAnswer = 1 << 20

// errHost means that a call was about to leave the configured hosts.
var errHost = errors.New("wechat: host not configured, call refused")

// errAnswerTooLarge means that an answer went over its limit, maxAnswer for most.
var errAnswerTooLarge = errors.New("wechat: answer over the limit")

// guard knows which addresses may be called. A library or a redirect that goes
// elsewhere is an error, never a real call: with a simulator configured, no byte
// may reach Tencent, and with Tencent configured none may reach anybody else.
type guard struct {
	bases []*url.URL
	qyAPI *url.URL
}

func newGuard(h Hosts) (guard, error) {
	if err := h.check(); err != nil {
		return guard{}, err
	}
	var g guard
	for _, base := range []string{h.API, h.MP, h.Open, h.Pay, h.QyAPI, h.Res} {
		u, err := url.Parse(base)
		if err != nil {
			return guard{}, errHost
		}
		g.bases = append(g.bases, u)
		if base == h.QyAPI {
			g.qyAPI = u
		}
	}
	return g, nil
}

func (g guard) allows(u *url.URL) bool {
	for _, b := range g.bases {
		if u.Scheme == b.Scheme && u.Host == b.Host && u.User == nil && strings.HasPrefix(u.Path, b.Path+"/") {
			return true
		}
	}
	return g.pictures(u)
}

// client wraps next so that it can only do what the package promises.
func (g guard) client(next http.RoundTripper, timeout time.Duration) *http.Client {
	return g.bounded(next, timeout, maxAnswer)
}

// bounded is client with another limit of the answer.
func (g guard) bounded(next http.RoundTripper, timeout time.Duration, most int64) *http.Client {
	return &http.Client{
		Transport: guarded{guard: g, next: next, most: most},
		Timeout:   timeout,
		// WeChat never redirects an API call; whoever does is not WeChat.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type guarded struct {
	guard
	next http.RoundTripper
	most int64 // bytes of an answer
}

// RoundTrip refuses foreign hosts and bounds the answer.
func (t guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !t.allows(r.URL) {
		return nil, errHost
	}
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: t.most}
	return resp, nil
}

// boundedBody fails instead of cutting: half an answer must not parse.
type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return 0, errAnswerTooLarge
	}
	return n, err
}

// newTransport makes a transport with its own pool. No proxy is taken from the
// environment: only the configuration reads that.
func newTransport(cert *tls.Certificate) *http.Transport {
	t := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   5 * time.Second,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   128, // as many as workers pay at once: a handshake costs more than a payment
		IdleConnTimeout:       60 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if cert != nil {
		t.TLSClientConfig.Certificates = []tls.Certificate{*cert}
	}
	return t
}

// cause strips the address from a transport error: the URL carries the access
// token or the secret (platform facts, B15).
func cause(call string, err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		if ue.Timeout() {
			return fmt.Errorf("wechat: %s: timeout: %w", call, ue.Err)
		}
		err = ue.Err
	}
	return fmt.Errorf("wechat: %s: %w", call, err)
}
