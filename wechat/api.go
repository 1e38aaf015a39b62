package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/silenceper/wechat/v2/util"
)

// query builds url.Values from pairs, escaped by the encoder: the library's
// unescaped formatting lets a login code inject parameters (platform facts, B16).
func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

// get calls a JSON API with GET. secrets are cut out of any error text.
func (c *Client) get(ctx context.Context, path string, q url.Values, out any, secrets ...string) error {
	return c.call(ctx, http.MethodGet, path, q, nil, out, secrets)
}

// post calls a JSON API with POST.
func (c *Client) post(ctx context.Context, path string, q url.Values, in, out any, secrets ...string) error {
	return c.call(ctx, http.MethodPost, path, q, in, out, secrets)
}

// postAs is post with app's access token and its one retry.
func (c *Client) postAs(ctx context.Context, app App, path string, in, out any) error {
	return c.withToken(ctx, app, func(ctx context.Context, token string) error {
		return c.callAt(ctx, c.baseOf(app), http.MethodPost, path, query("access_token", token), in, out, []string{token, app.Secret})
	})
}

// getAs is get with app's access token, its one retry, and more parameters.
func (c *Client) getAs(ctx context.Context, app App, path string, q url.Values, out any) error {
	return c.withToken(ctx, app, func(ctx context.Context, token string) error {
		q.Set("access_token", token)
		return c.callAt(ctx, c.baseOf(app), http.MethodGet, path, q, nil, out, []string{token, app.Secret})
	})
}

// baseOf is where an app's calls go: WeCom has a host of its own.
func (c *Client) baseOf(app App) string {
	if app.Kind == KindWeCom {
		return c.hosts.QyAPI
	}
	return c.hosts.API
}

func (c *Client) call(ctx context.Context, method, path string, q url.Values, in, out any, secrets []string) error {
	return c.callAt(ctx, c.hosts.API, method, path, q, in, out, secrets)
}

// callAt does one exchange of JSON for JSON. WeChat answers HTTP 200 with errcode for
// everything it decides itself.
func (c *Client) callAt(ctx context.Context, base, method, path string, q url.Values, in, out any, secrets []string) (err error) {
	defer func() { c.observe(ctx, strings.TrimPrefix(path, "/"), err) }()
	raw, err := c.exchange(ctx, base, method, path, q, in)
	if err != nil {
		return err
	}
	name := strings.TrimPrefix(path, "/")
	if err := verdictOf(name, raw, secrets); err != nil || out == nil {
		if ErrCode(err) == CodeMassRepeated { // the one refusal that says more: what was taken before
			_ = json.Unmarshal(raw, out)
		}
		return err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("wechat: %s: unexpected answer", name)
	}
	return nil
}

// exchange sends one request and reads the whole answer. Any status but 200 comes from
// something in between.
func (c *Client) exchange(ctx context.Context, base, method, path string, q url.Values, in any) ([]byte, error) {
	name := strings.TrimPrefix(path, "/")
	var body io.Reader
	if in != nil {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false) // WeChat shows \u0026 as it stands
		if err := enc.Encode(in); err != nil {
			return nil, fmt.Errorf("wechat: %s: encode: %w", name, err)
		}
		body = &buf
	}
	address := base + path
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("wechat: %s: bad address", name)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, cause(name, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, cause(name, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("wechat: %s: status %d", name, resp.StatusCode)
	}
	return raw, nil
}

// verdictOf is the errcode of a JSON answer as an error, nil for 0.
func verdictOf(name string, raw []byte, secrets []string) error {
	var v util.CommonError
	if err := json.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("wechat: %s: answer is not JSON", name)
	}
	if v.ErrCode != 0 {
		return &APIError{Code: int(v.ErrCode), Msg: scrub(v.ErrMsg, secrets...), Call: name}
	}
	return nil
}
