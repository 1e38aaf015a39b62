package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Validate returns every mistake of the whole, joined, or nil.
func (c Config) Validate() error {
	v := &mistakes{}
	v.want(c.Env == "" || c.Env == Demo || c.Env == Production, "SIYU_ENV: want demo, production or nothing")
	v.want(listens(c.Addr), "SIYU_ADDR: want host:port")
	v.want(c.SimAddr == "" || listens(c.SimAddr), "SIYU_SIM_ADDR: want host:port")
	v.want(isBase(c.PublicURL), "SIYU_PUBLIC_URL: want http(s)://host without a path")
	v.want(c.Log.Format == "text" || c.Log.Format == "json", "SIYU_LOG_FORMAT: want text or json")
	for _, h := range c.hosts() {
		u, err := url.Parse(h.base)
		v.want(err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && u.RawQuery == "",
			h.name+": want an http(s) address")
	}
	v.want(c.Pay.RedpackMinFen <= c.Pay.RedpackMaxFen, "SIYU_PAY_REDPACK_MIN_FEN: larger than the largest packet")
	c.First.check(v)
	if c.Env == Production {
		c.checkProduction(v)
	}
	return errors.Join(v.errs...)
}

type mistakes struct{ errs []error }

func (v *mistakes) want(ok bool, text string) {
	if !ok {
		v.errs = append(v.errs, errors.New(text))
	}
}

type namedBase struct{ name, base string }

func (c Config) hosts() []namedBase {
	h := c.WeChat.Hosts
	return []namedBase{
		{"SIYU_WECHAT_API_URL", h.API}, {"SIYU_WECHAT_MP_URL", h.MP}, {"SIYU_WECHAT_OPEN_URL", h.Open},
		{"SIYU_WECHAT_PAY_URL", h.Pay}, {"SIYU_WECHAT_QYAPI_URL", h.QyAPI}, {"SIYU_WECHAT_RES_URL", h.Res},
	}
}

var (
	slugs  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	appIDs = regexp.MustCompile(`^wx[0-9a-f]{16}$`)
	mchIDs = regexp.MustCompile(`^[0-9]{8,10}$`)
)

func (f First) check(v *mistakes) {
	b := f.Brand
	if b.Slug != "" || b.Name != "" || b.CodeHost != "" {
		v.want(slugs.MatchString(b.Slug), "SIYU_BRAND_SLUG: want lower-case letters, digits and hyphens, at most 32")
		v.want(b.Name != "" && len([]rune(b.Name)) <= 64, "SIYU_BRAND_NAME: want 1 to 64 characters")
		v.want(b.CodeHost != "" && isBase("https://"+b.CodeHost), "SIYU_CODE_HOST: want a host, e.g. q.brand.cn")
	}
	accounts := f.Official.AppID != "" || f.Mini.AppID != "" || f.Merchant.MchID != ""
	v.want(!accounts || b.Slug != "", "SIYU_BRAND_SLUG: an account needs a brand")
	f.Official.check(v, "SIYU_OA_")
	f.Mini.check(v, "SIYU_MINI_")
	if m := f.Merchant; m.MchID != "" {
		v.want(m.Rail == "redpack" || m.Rail == "transfer", "SIYU_MCH_RAIL: want redpack or transfer")
		v.want(m.SignType == "MD5" || m.SignType == "HMAC-SHA256", "SIYU_MCH_SIGN_TYPE: want MD5 or HMAC-SHA256")
		v.want(m.AppID != "", "SIYU_MCH_APPID: packets need an appid")
		v.want((m.ClientCertPEM == "") == (m.ClientKeyPEM == ""), "SIYU_MCH_CERT and SIYU_MCH_CERT_KEY go together")
		v.want(m.APIv3Key == "" || len(m.APIv3Key) == 32, "SIYU_MCH_KEY_V3: want 32 bytes")
	}
	if o := f.Operator; o.Login != "" || o.Password != "" {
		v.want(o.Login != "" && o.Password != "", "SIYU_ADMIN_LOGIN and SIYU_ADMIN_PASSWORD go together")
		v.want(o.Password == "" || len([]rune(string(o.Password))) >= 10, "SIYU_ADMIN_PASSWORD: want at least 10 characters")
	}
}

func (a Account) check(v *mistakes, prefix string) {
	if a.AppID == "" {
		return
	}
	v.want(a.Secret != "", prefix+"SECRET: is missing")
	if a.AESKey != "" {
		_, err := base64.StdEncoding.DecodeString(string(a.AESKey) + "=")
		v.want(err == nil && len(a.AESKey) == 43, prefix+"AESKEY: want 43 characters")
	}
	v.want(!a.Secure || a.AESKey != "", prefix+"SECURE: needs an AESKEY")
}

func (a Account) checkProduction(v *mistakes, prefix string) {
	if a.AppID == "" {
		return
	}
	v.want(appIDs.MatchString(a.AppID), prefix+"APPID: want wx and 16 hexadecimal digits")
	v.want(!isDefault(a.Secret), prefix+"SECRET: is a sample value")
	v.want(!isDefault(a.Token), prefix+"TOKEN: is missing or a sample value")
	v.want(a.Secure, prefix+"SECURE: production takes encrypted callbacks only; set an AESKEY")
}

// checkProduction refuses what is right on a developer's machine and a disaster
// with real money.
func (c Config) checkProduction(v *mistakes) {
	v.want(!c.Simulator && c.SimAddr == "", "SIYU_SIM_ADDR: production has no simulator")
	v.want(isPublic(c.PublicURL), "SIYU_PUBLIC_URL: production needs https and a public host")
	for _, h := range c.hosts() {
		v.want(isPublic(h.base) && !strings.Contains(pathOf(h.base), "qq.com"),
			h.name+": production needs WeChat's own https address, not a simulator's")
	}
	v.want(c.MasterKeys != "", "SIYU_MASTER_KEYS: is missing; openssl rand -base64 32")
	for part := range strings.SplitSeq(string(c.MasterKeys), ",") {
		_, key, found := strings.Cut(strings.TrimSpace(part), ":")
		if !found {
			key = strings.TrimSpace(part)
		}
		raw, err := base64.StdEncoding.DecodeString(key)
		v.want(c.MasterKeys == "" || (err == nil && len(raw) == 32 && !flat(raw)), "SIYU_MASTER_KEYS: want 32 random bytes in base64 per version")
	}
	v.want(c.DB.Driver != "mysql" || !c.Redis.Embedded(), "SIYU_REDIS: is missing; with MySQL several processes share one queue")
	c.First.Official.checkProduction(v, "SIYU_OA_")
	c.First.Mini.checkProduction(v, "SIYU_MINI_")
	if m := c.First.Merchant; m.MchID != "" {
		v.want(mchIDs.MatchString(m.MchID), "SIYU_MCH_ID: want 8 to 10 digits")
		if m.Rail == "redpack" {
			v.want(len(m.APIKeyV2) == 32 && !isDefault(m.APIKeyV2), "SIYU_MCH_KEY_V2: want the merchant's 32 characters")
			v.want(m.ClientCertPEM != "", "SIYU_MCH_CERT: red packets need the client certificate")
		} else {
			v.want(m.APIv3Key != "" && !isDefault(m.APIv3Key), "SIYU_MCH_KEY_V3: is missing")
			v.want(m.PrivateKeyPEM != "" && m.SerialNo != "", "SIYU_MCH_PRIVATE_KEY and SIYU_MCH_SERIAL_NO: are missing")
			v.want(m.PublicKeyPEM != "" && m.PublicKeyID != "", "SIYU_MCH_PUBLIC_KEY and SIYU_MCH_PUBLIC_KEY_ID: are missing")
		}
	}
	v.want(c.First.Operator.Password == "" || !isDefault(c.First.Operator.Password), "SIYU_ADMIN_PASSWORD: is a sample value")
}

func listens(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	_, err = net.LookupPort("tcp", port)
	return err == nil
}

func isBase(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Hostname() != "" && (u.Scheme == "http" || u.Scheme == "https") &&
		u.Path == "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

// isPublic: https on a name or address that is not this machine or a private net.
func isPublic(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" {
		return false
	}
	host := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsGlobalUnicast() && !ip.IsPrivate()
	}
	return strings.Contains(host, ".") && !strings.HasSuffix(host, ".localhost") && !strings.HasSuffix(host, ".local")
}

func pathOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Path
}

// isDefault knows the values people copy from examples.
func isDefault(s Secret) bool {
	t := strings.ToLower(strings.TrimSpace(string(s)))
	if flat([]byte(t)) {
		return true
	}
	return slices.ContainsFunc([]string{"demo", "sample", "example", "changeme", "change-me", "secret", "password", "123456", "simulator"},
		func(word string) bool { return strings.HasPrefix(t, word) })
}

// flat: empty, or one byte repeated.
func flat(b []byte) bool {
	for _, x := range b {
		if x != b[0] {
			return false
		}
	}
	return true
}

// Addresses explains what the program will talk to, for the start-up log.
func (c Config) Addresses() string {
	queue := "in-process Redis"
	if !c.Redis.Embedded() {
		queue = "Redis"
	}
	where := "WeChat"
	if c.Simulator {
		where = "simulator on " + c.SimAddr
	}
	return fmt.Sprintf("%s, %s, %s", c.DB.Driver, queue, where)
}
