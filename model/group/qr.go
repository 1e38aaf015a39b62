package group

import (
	"bytes"
	"context"
	"image/jpeg"
	"image/png"
	"net/url"
	"strings"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/code/picture"
	"siyu/model/fault"
	"siyu/model/id"
)

// MaxPicture is the largest picture of a join code, in bytes.
const MaxPicture = 2 << 20

// maxPixels bounds a picture once unpacked: a photo of a telephone has twelve million, and
// a few kilobytes of PNG can claim any number.
const maxPixels = 13_000_000

// maxJoin is the longest text of a join code, in bytes; WeChat's have about 70.
const maxJoin = 200

// Join is an uploaded join code.
type Join struct {
	Text      string
	ExpiresAt clock.Instant // none: the policy's life from now on
}

// ReadPicture finds the join code in a picture (PNG or JPEG, at most MaxPicture bytes) and
// returns its text. Faults: Invalid qr_picture, qr_foreign.
func (s *Store) ReadPicture(ctx context.Context, kind string, body []byte) (string, error) {
	if err := checkPicture(body); err != nil {
		return "", err
	}
	select { // a crowd of uploads must not unpack at once
	case s.decode <- struct{}{}:
		defer func() { <-s.decode }()
	case <-ctx.Done():
		return "", fault.New(fault.Unavailable, "timeout", "系统繁忙，请稍后再试").Because(ctx.Err())
	}
	found, err := picture.Decode(body)
	if err != nil {
		return "", fault.NewInvalid("qr_picture", "图片中没有识别到二维码，请上传清晰、完整的群二维码图片").Because(err)
	}
	return found, checkJoin(kind, found)
}

// checkPicture reads only the head of a picture: what it would take to unpack it.
func checkPicture(body []byte) error {
	if len(body) > MaxPicture {
		return fault.Invalidf("qr_picture", "图片太大，最多 %d MB", MaxPicture>>20)
	}
	config := png.DecodeConfig
	switch {
	case bytes.HasPrefix(body, []byte{0xff, 0xd8, 0xff}):
		config = jpeg.DecodeConfig
	case !bytes.HasPrefix(body, []byte("\x89PNG\r\n\x1a\n")):
		return fault.NewInvalid("qr_picture", "请上传 PNG 或 JPEG 图片")
	}
	c, err := config(bytes.NewReader(body))
	if err != nil {
		return fault.NewInvalid("qr_picture", "图片已损坏，无法打开").Because(err)
	}
	if c.Width <= 0 || c.Height <= 0 || c.Width > maxPixels/c.Height {
		return fault.Invalidf("qr_picture", "图片尺寸太大（%d×%d），请裁剪到只剩二维码后再上传", c.Width, c.Height)
	}
	return nil
}

// checkJoin says why a text is no join code of a group.
func checkJoin(kind, s string) error {
	u, err := url.Parse(s)
	foreign := func(why string) error { return fault.NewInvalid("qr_foreign", why) }
	switch {
	case err != nil || len(s) > maxJoin || !printable(s) || u.Scheme != "https" || u.User != nil || u.Port() != "":
		return foreign("这不是群二维码：识别到的内容不是微信的 https 地址")
	case u.Host == "u.wechat.com" || u.Host == "weixin.qq.com" && strings.HasPrefix(u.Path, "/r/"):
		return foreign("这是个人或公众号的二维码，请上传群二维码")
	case u.Host == "work.weixin.qq.com" && (strings.HasPrefix(u.Path, "/ca/") || strings.HasPrefix(u.Path, "/u/")):
		return foreign("这是企业微信个人的二维码，请上传客户群的二维码")
	case kind == WeChat && u.Host == "work.weixin.qq.com":
		return foreign("这是企业微信客户群的二维码，而这个社群是微信群")
	case kind == WeCom && u.Host == "weixin.qq.com":
		return foreign("这是微信群的二维码，而这个社群是企业微信客户群")
	case kind == WeChat && (u.Host != "weixin.qq.com" || !strings.HasPrefix(u.Path, "/g/") || len(u.Path) <= len("/g/")):
		return foreign("这不是微信群二维码（应为 https://weixin.qq.com/g/ 开头）")
	case kind == WeCom && (u.Host != "work.weixin.qq.com" || len(u.Path) < 2):
		return foreign("这不是企业微信客户群二维码（应为 https://work.weixin.qq.com/ 开头）")
	}
	return nil
}

// service says whether a text may stand as customer service's code: a page of WeChat's.
func service(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxJoin && printable(s) && u.Scheme == "https" && u.User == nil && u.Port() == "" && len(u.Path) > 1 &&
		(strings.HasSuffix(u.Host, ".weixin.qq.com") || u.Host == "weixin.qq.com" || u.Host == "u.wechat.com")
}

// printable: what is drawn again must be plain ASCII.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// PutQR gives a community its join code, from a picture that ReadPicture read; that
// revives it if its old one had ended. The same code again changes nothing: WeChat counts
// its life from when it was made, not from when it was uploaded. Faults: Conflict
// qr_same (it has ended), qr_used (another community has it), community_closed, Invalid
// qr_foreign, qr_expires, NotFound community_not_found.
func (s *Store) PutQR(ctx context.Context, by By, communityID id.ID, j Join) (Community, error) {
	old, err := s.Get(ctx, by, communityID)
	if err != nil {
		return Community{}, err
	}
	if err := checkJoin(old.Kind, j.Text); err != nil {
		return Community{}, err
	}
	p, err := s.Policy(ctx, old.BrandID)
	if err != nil {
		return Community{}, err
	}
	var holder []string
	if err := s.db.Read(ctx).Raw("SELECT name FROM community WHERE brand_id = ? AND qr = ? AND id <> ? AND state <> ?", old.BrandID, j.Text, communityID, Closed).Scan(&holder).Error; err != nil {
		return Community{}, err
	}
	if len(holder) > 0 {
		whose := "另一个社群"
		if by.LeaderID == 0 { // a leader does not learn how others call theirs
			whose = "“" + holder[0] + "”"
		}
		return Community{}, fault.New(fault.Conflict, "qr_used", "这个二维码已经是"+whose+"的，请检查是否传错了图片")
	}
	return s.alter(ctx, communityID, func(c *Community) error {
		now := s.db.Now()
		end, err := j.end(c.Kind, p, now)
		switch {
		case !by.owns(*c):
			return errMissing
		case err != nil:
			return err
		case c.State == Closed:
			return errClosed
		case c.QR == j.Text && c.QRExpiresAt <= now:
			return fault.New(fault.Conflict, "qr_same", "这就是已经失效的那张二维码，请在微信群里重新生成一张")
		case c.QR == j.Text && j.ExpiresAt == 0:
			return nil
		case c.QR == j.Text: // only the end is corrected
			c.QRExpiresAt = end
			return nil
		}
		c.QR, c.QRAt, c.QRExpiresAt = j.Text, now, end
		return nil
	})
}

// end is when the code ends: as it says, but never later than WeChat allows.
func (j Join) end(kind string, p Policy, now clock.Instant) (clock.Instant, error) {
	latest := now.Add(p.qrLife())
	if kind == WeCom {
		latest = Forever
	}
	switch {
	case j.ExpiresAt == 0:
		return latest, nil
	case j.ExpiresAt <= now:
		return 0, fault.NewInvalid("qr_expires", "这张二维码的有效期已过，请重新生成").With("field", "expires_at")
	case j.ExpiresAt > latest:
		return 0, fault.Invalidf("qr_expires", "微信群二维码最长 %d 天有效", p.QRDays).With("field", "expires_at")
	}
	return j.ExpiresAt, nil
}

// Draw draws the text of a code again, clean, as a one-bit PNG.
func Draw(content string, modulePx int) ([]byte, error) {
	m, err := picture.NewEncoder(picture.M).Encode(content)
	if err != nil {
		return nil, err
	}
	return picture.AppendPNG(nil, &m, modulePx)
}

// DrawSVG draws it for print, sideMM millimetres a side.
func DrawSVG(content string, sideMM float64) ([]byte, error) {
	m, err := picture.NewEncoder(picture.M).Encode(content)
	if err != nil {
		return nil, err
	}
	return picture.AppendSVG(nil, &m, sideMM)
}

// PutPicture is PutQR for an uploaded picture. A leader's picture is not even unpacked for
// another's community. Faults: those of ReadPicture and PutQR.
func (s *Store) PutPicture(ctx context.Context, by By, communityID id.ID, body []byte, expiresAt clock.Instant) (Community, error) {
	c, err := s.Get(ctx, by, communityID)
	if err != nil {
		return Community{}, err
	}
	content, err := s.ReadPicture(ctx, c.Kind, body)
	if err != nil {
		return Community{}, err
	}
	return s.PutQR(ctx, by, communityID, Join{Text: content, ExpiresAt: expiresAt})
}

// Address is what the printed picture of a live code says. In capitals it needs fewer
// modules, as for codes on bottles.
func Address(b brand.Brand, token string) string {
	if b.UpperURL {
		return "HTTPS://" + strings.ToUpper(b.CodeHost) + "/G/" + token
	}
	return "https://" + b.CodeHost + "/g/" + token
}

// TokenOf finds the token in the text of a live code: the last part of its address, or the
// token itself. Whether it is genuine, ByToken says.
func TokenOf(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "?")
	for _, mark := range []string{"/g/", "/G/"} {
		if i := strings.LastIndex(s, mark); i >= 0 {
			return strings.TrimSuffix(s[i+len(mark):], "/")
		}
	}
	return s
}
