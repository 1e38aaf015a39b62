// Package config owns everything that is decided outside the program. It is one
// struct with its defaults in code, so that an empty environment runs on the
// simulator, SQLite and an in-process Redis.
//
// Promises: nothing else reads the environment; all mistakes are reported at once;
// production refuses simulator addresses, plain http and default secrets; a Config
// can be printed or logged without giving a secret away.
package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"
)

// Values of Config.Env. Empty is a developer's machine: like Demo, without the
// sample data.
const (
	Demo       = "demo"
	Production = "production"
)

// Config is the whole of it. Amounts are fen, rates are calls per second.
type Config struct {
	Env            string
	Addr           string // where the program listens, host:port
	Data           string // folder of the embedded database, exports and the generated master key
	PublicURL      string // how browsers and WeChat reach Addr, without a trailing slash
	SimAddr        string // where the simulator listens; empty when WeChat is real
	Simulator      bool   // WeChat is the simulator of this process
	DB             DB
	Redis          Redis
	MasterKeys     Secret // model/seal's text; empty (never in production): the program keeps one in Data
	WeChat         WeChat
	Pay            Pay
	Export         Export
	Codes          Codes
	TrustedProxies []netip.Prefix // only these may say whom they speak for
	Places         string         // CSV of CIDR,province,city,lat,lon; empty: no places
	Font           string         // "regular" or "regular,bold", files of a font with Chinese; empty: the system's
	FewPeople      int            // fewer people than this are not counted for operators who may not see members
	Company        string         // who answers for personal data, as the privacy page names it
	MetricsToken   Secret         // lets another machine read /metrics; empty: this machine only
	Log            Log
	First          First
}

// DB names the engine ("sqlite" or "mysql") and its address as the driver wants it.
type DB struct {
	Driver   string
	DSN      Secret // may hold a password
	MaxConns int    // 0: the store's own choice
}

// Redis is the queue's server. Embedded means that the program runs one inside
// itself, which keeps nothing and serves one process.
type Redis struct {
	Addr     string
	Username string
	Password Secret
	DB       int
	TLS      bool
	Cluster  []string
}

// Embedded tells that no server was named.
func (r Redis) Embedded() bool { return r.Addr == "" && len(r.Cluster) == 0 }

// Hosts are WeChat's base URLs. The fields are those of wechat.Hosts, in order, so
// that one converts into the other.
type Hosts struct {
	API   string
	MP    string
	Open  string
	Pay   string
	QyAPI string
	Res   string
}

// WeChat says where WeChat is and how long to wait for it.
type WeChat struct {
	Hosts      Hosts
	Timeout    time.Duration // of a JSON call
	PayTimeout time.Duration // of a payment call
	// WeComPerSecond is how many calls a second one corp may get. WeCom documents 10,000 a
	// minute for a corp and an interface (developer.work.weixin.qq.com/document/path/90312).
	WeComPerSecond int
	// FollowerCallsPerDay is how many batches of 100 followers may be asked for in a day
	// and account; WeChat allows 500,000 (developers.weixin.qq.com API_Call_Limits).
	FollowerCallsPerDay int
}

// Pay holds WeChat's limits as it documents them. WeChat changes them without
// notice and per merchant, therefore they are numbers here and not constants.
// Source of the defaults: pay.weixin.qq.com/doc/v2/merchant/4011974053 and
// pay.weixin.qq.com/doc/v3/merchant/4012716434.
type Pay struct {
	RedpackPerSecond  int
	TransferPerSecond int
	UserPacketsPerDay int   // packets to one openid, redpack rail
	UserFenPerDay     int64 // to one openid, redpack rail
	MerchantFenPerDay int64
	RedpackMinFen     int64 // below and above these two a scene id is needed
	RedpackMaxFen     int64
	TransferMinFen    int64
	ConfirmHours      int // an unconfirmed transfer is closed after this
	// Night is when nothing is sent on the redpack rail, in Shanghai. Off by default:
	// only old documents know it, and TIME_LIMITED delays a packet anyway.
	Night Window
}

// Window is [From, Until) as minutes after midnight in Shanghai; it may pass
// midnight. From == Until means never.
type Window struct{ From, Until int }

// Has tells whether a minute of the day lies inside.
func (w Window) Has(minute int) bool {
	if w.From <= w.Until {
		return minute >= w.From && minute < w.Until
	}
	return minute >= w.From || minute < w.Until
}

// Export limits the print files (码包).
type Export struct {
	Days      int // a finished file is deleted after this
	Downloads int // how often one may be fetched
}

// Codes says what batches of codes need.
type Codes struct {
	DirectMost    int64 // codes of a batch that needs no second person
	PackHours     int   // a pack that nobody fetched for so long raises an alarm
	ActivateHours int   // so does a batch of which nothing was activated
}

// Log is how the program reports.
type Log struct {
	Level  slog.Level
	Format string // text or json
}

// First is what the program creates when it is not there yet, so that a new
// installation needs no panel to begin. Later changes are made in the panel.
type First struct {
	Brand    Brand
	Official Account // 公众号
	Mini     Account // 小程序
	Merchant Merchant
	Operator Operator
}

// Brand is the first brand; empty Slug means none.
type Brand struct {
	Slug, Name, CodeHost, SupportPhone string
	UpperURL                           bool
}

// Account is an official account or mini program; empty AppID means none.
type Account struct {
	AppID, Name           string
	Secret, Token, AESKey Secret
	Secure                bool // safe mode: plaintext callbacks are refused
}

// Merchant is a merchant number; empty MchID means none. AppID is the account that
// packets are sent under.
type Merchant struct {
	MchID, AppID, Rail, SignType, SendName string
	SceneIDV2, TransferSceneID             string
	SerialNo, PublicKeyID                  string
	APIKeyV2, ClientCertPEM, ClientKeyPEM  Secret
	APIv3Key, PrivateKeyPEM, PublicKeyPEM  Secret
}

// Operator is the first administrator; empty Login means none.
type Operator struct {
	Login    string
	Password Secret
}

// Load reads every variable through getenv (os.Getenv, or a map in tests) and
// validates. The error lists all mistakes, one a line; the Config is whole only
// when the error is nil.
func Load(getenv func(string) string) (Config, error) {
	r := &reader{getenv: getenv}
	c := read(r)
	if err := errors.Join(r.errs...); err != nil {
		// A value that did not parse has its default now; checking the rest is
		// still worth it, so that one run shows everything.
		return c, errors.Join(err, c.Validate())
	}
	return c, c.Validate()
}
