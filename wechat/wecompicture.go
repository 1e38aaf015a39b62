package wechat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
)

// pictureHosts is where WeCom keeps the pictures whose addresses it answers, such as
// wework.qpic.cn. Another installation of the API, a simulator, keeps them beside it.
const (
	pictureHosts = ".qpic.cn"
	pictureHost  = "wework.qpic.cn"
)

// ErrNoPicture: what stands at the address is no PNG or JPEG of at most 1 MiB, or the
// address is none of WeCom's. Asking again changes nothing.
var ErrNoPicture = errors.New("wechat: no picture at that address")

// pictures says whether an address is where this client's WeCom keeps pictures.
func (g guard) pictures(u *url.URL) bool {
	if u.User != nil || u.Path != path.Clean(u.Path) {
		return false
	}
	if g.tencent() {
		return u.Scheme == "https" && u.Port() == "" && strings.HasSuffix(u.Host, pictureHosts)
	}
	return u.Scheme == g.qyAPI.Scheme && u.Host == g.qyAPI.Host && strings.HasPrefix(u.Path, path.Join(path.Dir(g.qyAPI.Path), pictureHost)+"/")
}

// tencent says whether WeCom is Tencent's own.
func (g guard) tencent() bool { return g.qyAPI.Host == "qyapi.weixin.qq.com" }

// WayPicture fetches the picture of a JoinWay or ContactWay, at most 1 MiB. No token goes
// there. Error: ErrNoPicture.
func (c *Client) WayPicture(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, ErrNoPicture
	}
	if c.guard.tencent() && u.Scheme == "http" {
		u.Scheme = "https" // WeCom's examples say http; its hosts answer both
	}
	if !c.guard.pictures(u) {
		return nil, fmt.Errorf("%w: foreign host", ErrNoPicture)
	}
	raw, err := c.exchange(ctx, u.Scheme+"://"+u.Host, "GET", u.EscapedPath(), u.Query(), nil)
	switch {
	case errors.Is(err, errAnswerTooLarge):
		return nil, fmt.Errorf("%w: over 1 MiB", ErrNoPicture)
	case err != nil:
		return nil, err
	case !bytes.HasPrefix(raw, []byte("\xff\xd8\xff")) && !bytes.HasPrefix(raw, []byte("\x89PNG\r\n\x1a\n")):
		return nil, ErrNoPicture
	}
	return raw, nil
}
