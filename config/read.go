package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Variable describes one environment variable, for `siyu help` and the README.
type Variable struct{ Name, Default, Text string }

// reader asks for variables and remembers what it asked for and what was wrong.
type reader struct {
	getenv func(string) string
	vars   []Variable
	errs   []error
}

func (r *reader) fail(name, format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
}

func (r *reader) text(name, def, text string) string {
	r.vars = append(r.vars, Variable{name, def, text})
	if v := strings.TrimSpace(r.getenv(name)); v != "" {
		return v
	}
	return def
}

// secret also takes "file:/path", the way containers hand secrets over, and turns
// the two characters \n into a line end, the way PEM texts survive in .env files.
func (r *reader) secret(name, text string) Secret {
	v := r.text(name, "", text)
	if path, ok := strings.CutPrefix(v, "file:"); ok {
		b, err := os.ReadFile(path)
		if err != nil {
			r.fail(name, "cannot read the file it names") // the cause repeats the path, which may be a mistyped secret
			return ""
		}
		return Secret(strings.TrimSpace(string(b)))
	}
	return Secret(strings.ReplaceAll(v, `\n`, "\n"))
}

func (r *reader) number(name string, def, from, until int64, text string) int64 {
	v := r.text(name, strconv.FormatInt(def, 10), text)
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < from || n > until {
		r.fail(name, "want a whole number from %d to %d", from, until)
		return def
	}
	return n
}

func (r *reader) flag(name string, def bool, text string) bool {
	v := r.text(name, strconv.FormatBool(def), text)
	b, err := strconv.ParseBool(v)
	if err != nil {
		r.fail(name, "want true or false")
		return def
	}
	return b
}

func (r *reader) duration(name string, def time.Duration, text string) time.Duration {
	d, err := time.ParseDuration(r.text(name, def.String(), text))
	if err != nil || d <= 0 || d > time.Hour {
		r.fail(name, "want a duration up to 1h, e.g. 5s")
		return def
	}
	return d
}

// read lists every variable there is.
func read(r *reader) Config {
	var c Config
	c.Env = r.text("SIYU_ENV", "", "demo, production, or empty for development")
	prod := c.Env == Production
	c.Addr = r.text("SIYU_ADDR", "127.0.0.1:8080", "address to listen on")
	c.Data = r.text("SIYU_DATA", "./data", "data folder")
	c.PublicURL = strings.TrimSuffix(r.text("SIYU_PUBLIC_URL", "http://"+dialable(c.Addr), "how browsers and WeChat reach this program"), "/")
	readWeChat(r, &c, prod)
	c.DB = readDB(r, c.Data)
	c.Redis = readRedis(r)
	c.MasterKeys = r.secret("SIYU_MASTER_KEYS", "master keys, 1:BASE64 of 32 bytes, comma separated; the highest version seals; +2:BASE64 only opens (siyu rotate -h)")
	c.Pay = readPay(r)
	c.Export = Export{
		Days:      int(r.number("SIYU_EXPORT_DAYS", 7, 1, 90, "days a print file is kept")),
		Downloads: int(r.number("SIYU_EXPORT_DOWNLOADS", 3, 1, 100, "how often a print file may be fetched")),
	}
	c.Codes = Codes{
		DirectMost:    r.number("SIYU_CODES_DIRECT", 1000, 1, 100_000_000, "codes of a batch that needs no approval by a second person"),
		PackHours:     int(r.number("SIYU_PACK_ALARM_HOURS", 24, 1, 8760, "hours until a pack of codes that nobody fetched raises an alarm")),
		ActivateHours: int(r.number("SIYU_ACTIVATE_ALARM_HOURS", 72, 1, 8760, "hours until a batch that nobody activated raises an alarm")),
	}
	c.TrustedProxies = readPrefixes(r)
	c.Places = r.text("SIYU_PLACES", "", "CSV of CIDR,province,city,lat,lon")
	c.Font = r.text("SIYU_FONT", "", "font file (.ttf, .otf, .ttc) with Chinese for posters as PNG, its bold one after a comma; default: the system's, e.g. of fonts-noto-cjk")
	c.FewPeople = int(r.number("SIYU_FEW_PEOPLE", 5, 3, 100, "fewer people than this are not counted for operators who may not see members; their other numbers are rounded to multiples of it"))
	c.Company = r.text("SIYU_COMPANY", "", "the company that answers for personal data, named on the privacy page; default: the brand")
	c.MetricsToken = r.secret("SIYU_METRICS_TOKEN", "bearer token for /metrics from another machine; default: this machine only")
	format := "text"
	if prod {
		format = "json"
	}
	c.Log.Format = r.text("SIYU_LOG_FORMAT", format, "text or json")
	if err := c.Log.Level.UnmarshalText([]byte(r.text("SIYU_LOG_LEVEL", "info", "debug, info, warn or error"))); err != nil {
		r.fail("SIYU_LOG_LEVEL", "want debug, info, warn or error")
		c.Log.Level = slog.LevelInfo
	}
	c.First = readFirst(r)
	return c
}

func readWeChat(r *reader, c *Config, prod bool) {
	sim := r.text("SIYU_SIM_ADDR", "", "where the simulator listens; default: ten ports above SIYU_ADDR on 127.0.0.1")
	base := sim
	if base == "" {
		base = simulatorAddr(c.Addr)
	}
	hosts := SimulatorHosts("http://" + dialable(base))
	if prod {
		hosts = RealHosts()
	}
	named := false
	for _, h := range []struct {
		name, text string
		to         *string
	}{
		{"SIYU_WECHAT_API_URL", "api.weixin.qq.com", &hosts.API},
		{"SIYU_WECHAT_MP_URL", "mp.weixin.qq.com", &hosts.MP},
		{"SIYU_WECHAT_OPEN_URL", "open.weixin.qq.com", &hosts.Open},
		{"SIYU_WECHAT_PAY_URL", "api.mch.weixin.qq.com", &hosts.Pay},
		{"SIYU_WECHAT_QYAPI_URL", "qyapi.weixin.qq.com", &hosts.QyAPI},
		{"SIYU_WECHAT_RES_URL", "res.wx.qq.com", &hosts.Res},
	} {
		v := r.text(h.name, "", "base URL of "+h.text+"; default: Tencent's in production, else the simulator")
		if v != "" {
			*h.to, named = strings.TrimSuffix(v, "/"), true
		}
	}
	c.WeChat = WeChat{
		Hosts:      hosts,
		Timeout:    r.duration("SIYU_WECHAT_TIMEOUT", 5*time.Second, "of a JSON call to WeChat"),
		PayTimeout: r.duration("SIYU_WECHAT_PAY_TIMEOUT", 15*time.Second, "of a payment call to WeChat"),

		WeComPerSecond:      int(r.number("SIYU_WECOM_PER_SECOND", 20, 1, 10000, "calls to WeCom per second and corp")),
		FollowerCallsPerDay: int(r.number("SIYU_WECHAT_FOLLOWER_CALLS", 5000, 0, 500000, "batches of 100 followers per day and official account whose unionids are asked for; 0 asks for none")),
	}
	// A process that was told where WeChat is needs no simulator of its own, unless
	// it was told where to run one as well.
	switch {
	case sim != "":
		c.SimAddr, c.Simulator = sim, true
	case !prod && !named:
		c.SimAddr, c.Simulator = base, true
	}
}

func readPay(r *reader) Pay {
	return Pay{
		RedpackPerSecond:  int(r.number("SIYU_PAY_REDPACK_PER_SECOND", 30, 1, 10000, "sendredpack calls per second and merchant")),
		TransferPerSecond: int(r.number("SIYU_PAY_TRANSFER_PER_SECOND", 100, 1, 10000, "transfer-bills calls per second and merchant")),
		UserPacketsPerDay: int(r.number("SIYU_PAY_USER_PACKETS_PER_DAY", 10, 1, 10000, "red packets per user and day")),
		UserFenPerDay:     r.number("SIYU_PAY_USER_FEN_PER_DAY", 100_000, 1, 1e12, "fen per user and day"),
		MerchantFenPerDay: r.number("SIYU_PAY_MERCHANT_FEN_PER_DAY", 100_000_000, 1, 1e12, "fen per merchant and day"),
		RedpackMinFen:     r.number("SIYU_PAY_REDPACK_MIN_FEN", 100, 1, 1e9, "smallest red packet without a scene id"),
		RedpackMaxFen:     r.number("SIYU_PAY_REDPACK_MAX_FEN", 20_000, 1, 1e9, "largest red packet without a scene id"),
		TransferMinFen:    r.number("SIYU_PAY_TRANSFER_MIN_FEN", 10, 1, 1e9, "smallest transfer"),
		ConfirmHours:      int(r.number("SIYU_PAY_CONFIRM_HOURS", 24, 1, 720, "hours a user has to confirm a transfer")),
		Night:             readWindow(r, "SIYU_PAY_NIGHT", "hours without red packets in Shanghai, e.g. 00:00-08:00"),
	}
}

func readWindow(r *reader, name, text string) Window {
	v := r.text(name, "", text)
	if v == "" {
		return Window{}
	}
	from, until, ok := strings.Cut(v, "-")
	a, errA := time.Parse("15:04", from)
	b, errB := time.Parse("15:04", until)
	if !ok || errA != nil || errB != nil {
		r.fail(name, "want two times of day, e.g. 00:00-08:00")
		return Window{}
	}
	return Window{From: a.Hour()*60 + a.Minute(), Until: b.Hour()*60 + b.Minute()}
}

func readPrefixes(r *reader) []netip.Prefix {
	const name = "SIYU_TRUSTED_PROXIES"
	var out []netip.Prefix
	for part := range strings.SplitSeq(r.text(name, "", "addresses or CIDRs whose X-Forwarded-For is believed, comma separated; the simulator's proxy is always believed"), ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		p, err := netip.ParsePrefix(part)
		if a, errA := netip.ParseAddr(part); errA == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			r.fail(name, "%q is not an address or CIDR", part)
			continue
		}
		out = append(out, p.Masked())
	}
	return out
}

// dialable turns a listening address into one that can be called.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip, err := netip.ParseAddr(host); host == "" || (err == nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// simulatorAddr is ten ports above the program's, so that two programs on one
// machine do not meet; port 0 stays 0 (any).
func simulatorAddr(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	n, errN := strconv.Atoi(port)
	if err != nil || errN != nil || n > 65525 {
		return "127.0.0.1:8090"
	}
	if n != 0 {
		n += 10
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(n))
}

// RealHosts are Tencent's.
func RealHosts() Hosts {
	return Hosts{
		API: "https://api.weixin.qq.com", MP: "https://mp.weixin.qq.com", Open: "https://open.weixin.qq.com",
		Pay: "https://api.mch.weixin.qq.com", QyAPI: "https://qyapi.weixin.qq.com", Res: "https://res.wx.qq.com",
	}
}

// SimulatorHosts are a simulator's, which tells hosts apart by the first part of
// the path. A program that listens on port 0 calls it once the port is known.
func SimulatorHosts(base string) Hosts {
	return Hosts{
		API: base + "/api.weixin.qq.com", MP: base + "/mp.weixin.qq.com", Open: base + "/open.weixin.qq.com",
		Pay: base + "/api.mch.weixin.qq.com", QyAPI: base + "/qyapi.weixin.qq.com", Res: base + "/res.wx.qq.com",
	}
}

func sqlitePath(data string) string { return filepath.Join(data, "siyu.db") }
