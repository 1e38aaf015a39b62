package wechat

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/silenceper/wechat/v2/credential"
)

// TokenStore keeps access tokens and JS tickets for all processes. Values are
// secrets: a durable store encrypts them.
type TokenStore interface {
	// Get returns the token, or the zero Token when there is none.
	Get(ctx context.Context, key string) (Token, error)
	Put(ctx context.Context, key string, t Token) error
	// DropIf deletes the token only while it still has this value: a process that
	// learns late that an old token died must not delete its successor.
	DropIf(ctx context.Context, key, value string) error
	// Lock takes a lease across processes. ok=false: somebody else is fetching.
	Lock(ctx context.Context, key string, ttl time.Duration) (unlock func(), ok bool, err error)
}

// Token is a value with an end.
type Token struct {
	Value     string
	ExpiresAt time.Time
}

// tokenMargin is how long before its end a token is no longer handed out: the
// time a call may take. It is small because stable tokens may come with only
// 300 s left (developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken).
const tokenMargin = 30 * time.Second

// maxTokenLife caps what an answer may claim; WeChat documents 7200 s.
const maxTokenLife = 2 * time.Hour

// lockPoll is how often a process looks whether another one has fetched.
const lockPoll = 100 * time.Millisecond

func (c *Client) usable(t Token) bool {
	return t.Value != "" && c.now().Add(tokenMargin).Before(t.ExpiresAt)
}

func tokenKey(app App) string  { return "access:" + app.AppID }
func ticketKey(app App) string { return "jsapi:" + app.AppID }

// accessToken returns a token for app. It uses stable_token, whose pool is apart
// from the classic one and which answers the same token until near its end: two
// processes that fetch at once do not kill each other's token, so the lease is
// thrift, not safety, and a lost lease is harmless.
func (c *Client) accessToken(ctx context.Context, app App) (string, error) {
	if app.Kind == KindWeCom {
		return c.corpToken(ctx, app)
	}
	return c.cached(ctx, tokenKey(app), func(ctx context.Context) (Token, error) {
		var out credential.ResAccessToken
		err := c.post(asApp(ctx, app), "/cgi-bin/stable_token", nil, map[string]any{
			"grant_type": "client_credential", "appid": app.AppID, "secret": app.Secret, "force_refresh": false,
		}, &out, app.Secret)
		if err != nil {
			return Token{}, err
		}
		return c.tokenOf("stable_token", out.AccessToken, out.ExpiresIn)
	})
}

// ticket returns the jsapi ticket of app.
func (c *Client) ticket(ctx context.Context, app App) (string, error) {
	return c.cached(ctx, ticketKey(app), func(ctx context.Context) (Token, error) {
		var out credential.ResTicket
		err := c.withToken(ctx, app, func(ctx context.Context, token string) error {
			return c.get(ctx, "/cgi-bin/ticket/getticket", query("access_token", token, "type", "jsapi"), &out, token)
		})
		if err != nil {
			return Token{}, err
		}
		return c.tokenOf("getticket", out.Ticket, out.ExpiresIn)
	})
}

func (c *Client) tokenOf(call, value string, expiresIn int64) (Token, error) {
	if value == "" || expiresIn <= 0 {
		return Token{}, fmt.Errorf("wechat: %s: answer without token", call)
	}
	life := min(time.Duration(min(expiresIn, 1<<20))*time.Second, maxTokenLife)
	return Token{Value: value, ExpiresAt: c.now().Add(life)}, nil
}

// withToken runs call with a token and, when WeChat says that the token is dead
// (40001, 40014, 42001), once more with a fresh one. These codes mean that
// nothing was done, so the second run cannot send twice.
func (c *Client) withToken(ctx context.Context, app App, call func(ctx context.Context, token string) error) error {
	ctx = asApp(ctx, app)
	token, err := c.accessToken(ctx, app)
	if err != nil {
		return err
	}
	if err = call(ctx, token); !badToken(err) {
		return err
	}
	c.log.WarnContext(ctx, "wechat token refused, fetching another", "app_id", app.AppID, "errcode", ErrCode(err))
	if dropErr := c.drop(ctx, tokenKey(app), token); dropErr != nil {
		return fmt.Errorf("wechat: drop token: %w", dropErr)
	}
	if token, err = c.accessToken(ctx, app); err != nil {
		return err
	}
	return call(ctx, token)
}

func (c *Client) drop(ctx context.Context, key, value string) error {
	c.mu.Lock()
	if c.local[key].Value == value {
		delete(c.local, key)
	}
	c.mu.Unlock()
	return c.tokens.DropIf(ctx, key, value)
}

// flight is one fetch that everybody in this process who needs it waits for.
type flight struct {
	done chan struct{}
	t    Token // valid after done
	err  error
}

// cached returns the value under key: from this process, from the store, or by
// fetching it, once per process and, through the lease, once per installation. A
// failed fetch fails for all who waited: with WeChat down, they must not queue up
// to find out one after the other.
func (c *Client) cached(ctx context.Context, key string, fetch func(context.Context) (Token, error)) (string, error) {
	c.mu.Lock()
	if t := c.local[key]; c.usable(t) {
		c.mu.Unlock()
		return t.Value, nil
	}
	f, flying := c.flights[key]
	if !flying {
		f = &flight{done: make(chan struct{})}
		c.flights[key] = f
		go c.fly(ctx, key, f, fetch)
	}
	c.mu.Unlock()
	select {
	case <-f.done:
		return f.t.Value, f.err
	case <-ctx.Done():
		return "", fmt.Errorf("wechat: waiting for a token: %w", ctx.Err())
	}
}

// fly does the fetch. It outlives the caller who started it, because others wait.
func (c *Client) fly(ctx context.Context, key string, f *flight, fetch func(context.Context) (Token, error)) {
	ctx, cancel := detach(ctx, c.lockTTL)
	defer cancel()
	f.t, f.err = c.fetchOnce(ctx, key, fetch)
	c.mu.Lock()
	if f.err == nil {
		c.local[key] = f.t
	}
	delete(c.flights, key)
	c.mu.Unlock()
	close(f.done)
}

// fetchOnce fetches under the lease. While another process holds it, it waits
// for that process's result; a holder that died without one frees the lease by
// its age, and fetching without it is only a wasted call.
func (c *Client) fetchOnce(ctx context.Context, key string, fetch func(context.Context) (Token, error)) (Token, error) {
	for waited := time.Duration(0); ; waited += lockPoll {
		t, err := c.tokens.Get(ctx, key)
		if err != nil {
			return Token{}, fmt.Errorf("wechat: read token: %w", err)
		}
		if c.usable(t) {
			return t, nil
		}
		unlock, ok, err := c.tokens.Lock(ctx, key, c.lockTTL)
		if err != nil {
			return Token{}, fmt.Errorf("wechat: lock token: %w", err)
		}
		if ok {
			defer unlock()
			// Somebody may have put one between our read and our lease.
			if t, err = c.tokens.Get(ctx, key); err == nil && c.usable(t) {
				return t, nil
			}
			break
		}
		if waited > c.lockTTL/2 {
			break
		}
		select {
		case <-time.After(lockPoll):
		case <-ctx.Done():
			return Token{}, fmt.Errorf("wechat: waiting for a token: %w", ctx.Err())
		}
	}
	t, err := fetch(ctx)
	if err != nil {
		return Token{}, err
	}
	if err := c.tokens.Put(ctx, key, t); err != nil {
		// The token is good; the others fetch their own, which is the same one.
		c.log.WarnContext(ctx, "wechat token not stored", "error", err)
	}
	return t, nil
}

// NewMemoryTokens keeps tokens in this process: for tests and bare tools. Its
// leases do not expire by themselves; their holder lives in the same process.
func NewMemoryTokens() TokenStore {
	return &memoryTokens{tokens: map[string]Token{}, locked: map[string]bool{}}
}

type memoryTokens struct {
	mu     sync.Mutex
	tokens map[string]Token
	locked map[string]bool
}

func (m *memoryTokens) Get(_ context.Context, key string) (Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens[key], nil
}

func (m *memoryTokens) Put(_ context.Context, key string, t Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[key] = t
	return nil
}

func (m *memoryTokens) DropIf(_ context.Context, key, value string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tokens[key].Value == value {
		delete(m.tokens, key)
	}
	return nil
}

func (m *memoryTokens) Lock(_ context.Context, key string, _ time.Duration) (func(), bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked[key] {
		return nil, false, nil
	}
	m.locked[key] = true
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.locked, key)
	}, true, nil
}
