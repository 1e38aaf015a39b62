package simulator

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"
)

// App is an official account or a mini program.
type App struct {
	Kind         string            `json:"kind"` // "official" | "mini"
	AppID        string            `json:"app_id"`
	Name         string            `json:"name"` // what the phone shows; AppID when empty
	Secret       string            `json:"secret"`
	Token        string            `json:"token"`
	AESKey       string            `json:"aes_key"` // 43 characters; needed by compatible and aes
	Mode         string            `json:"mode"`    // "plain" | "compatible" | "aes"; empty means plain
	CallbackURL  string            `json:"callback_url"`
	OpenPlatform string            `json:"open_platform"` // apps under one name share unionids; empty: no unionid
	OAuthDomain  string            `json:"oauth_domain"`  // host allowed in redirect_uri; empty allows all
	Templates    map[string]string `json:"templates"`     // template id -> title; empty accepts every id
	Pages        []string          `json:"pages"`         // published pages of a mini program; empty: any page exists
}

// Merchant is a WeChat Pay merchant number. PublicKeyPEM is the merchant's own
// key, with which its v3 requests are checked (PUBLIC KEY or CERTIFICATE block).
type Merchant struct {
	MchID        string   `json:"mch_id"`
	Name         string   `json:"name"`
	APIKeyV2     string   `json:"api_key_v2"`
	APIv3Key     string   `json:"api_v3_key"` // 32 bytes
	SerialNo     string   `json:"serial_no"`
	PublicKeyPEM string   `json:"public_key_pem"`
	AppIDs       []string `json:"app_ids"` // apps bound to the merchant
	BalanceFen   int64    `json:"balance_fen"`
	Limits       Limits   `json:"limits"`
}

// Limits of a merchant. Zero means WeChat's default, negative means none. The
// per-second rate has no default, because a test's clock may stand still.
type Limits struct {
	UserDayCount      int   `json:"user_day_count"`   // red packets per user and Shanghai day, default 10
	UserDayFen        int64 `json:"user_day_fen"`     // default 100000
	MerchantDayFen    int64 `json:"merchant_day_fen"` // default 100000000
	PerSecond         int   `json:"per_second"`       // creations per second, default none
	ShortStaysWaiting bool  `json:"short_stays_waiting"`
	// ShortStaysWaiting: a transfer without enough balance stays PROCESSING
	// instead of being refused with NOT_ENOUGH.
}

// User is a person with WeChat. Name is the key.
type User struct {
	Name     string `json:"name"`
	Avatar   string `json:"avatar"` // an emoji
	City     string `json:"city"`
	IP       string `json:"ip"`
	UnionID  string `json:"union_id"` // empty: derived
	Snapshot bool   `json:"snapshot"` // opens H5 as a snapshot user (no real identity)
	Blocked  bool   `json:"blocked"`  // blocks accounts: template messages report failed:user block
	Eager    bool   `json:"eager"`    // opens a packet or confirms a transfer as soon as WeChat has answered for it
	Crowd    bool   `json:"crowd"`    // one of many: no phone of his is shown
}

// ChatMessage is one bubble on a user's phone.
type ChatMessage struct {
	ID        int64     `json:"id"`
	At        time.Time `json:"at"`
	AppID     string    `json:"app_id"` // empty: WeChat's own service account
	Chat      string    `json:"chat"`   // name of the conversation
	Mine      bool      `json:"mine"`   // written by the user
	Kind      string    `json:"kind"`   // text | template | subscribe | redpack | paid | event
	Title     string    `json:"title"`
	Text      string    `json:"text"`
	URL       string    `json:"url"`
	BillNo    string    `json:"bill_no"`
	AmountFen int64     `json:"amount_fen"`
}

// DemoCode is a code the phone offers to scan without a camera.
type DemoCode struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

type app struct {
	App
	ghID     string
	classic  *apiToken
	stable   *apiToken
	tokens   map[string]*apiToken // every token ever given: 40001 and 42001 differ
	forced   []time.Time          // forced refreshes of the stable token
	ticket   string
	ticketAt time.Time
	follows  map[string]*follow // by user
	windows  map[string][]*window
	grants   map[string]int // user + "\n" + template -> messages the user still allows
	clientID map[string]sentTemplate
	used     map[string]int // day + path -> calls
	quota    map[string]int
	clears   []time.Time
	qrCount  int
	mass     massBook

	miniMinute string // the minute that miniCount counts mini-program codes of
	miniCount  int
}

type merchant struct {
	Merchant
	public *rsa.PublicKey
	recent []time.Time // creations, for the per-second rate
}

type user struct {
	User
	walletFen int64
	chats     []ChatMessage
	consents  map[string]bool // appid -> userinfo allowed
	browser   *browser
}

type follow struct {
	at    time.Time
	scene string
}

type ident struct {
	appID, user string
	virtual     bool // a snapshot identity
}

// AddApp registers or replaces an app; follows and tokens of a replaced app stay.
func (s *Simulator) AddApp(a App) {
	if a.Mode == "" {
		a.Mode = "plain"
	}
	if a.Name == "" {
		a.Name = a.AppID
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	if old := s.apps[a.AppID]; old != nil {
		old.App = a
		return
	}
	s.apps[a.AppID] = &app{
		App: a, ghID: "gh_" + digest("gh", a.AppID)[:12],
		tokens: map[string]*apiToken{}, follows: map[string]*follow{}, windows: map[string][]*window{},
		grants: map[string]int{}, clientID: map[string]sentTemplate{}, used: map[string]int{}, quota: map[string]int{},
	}
	for _, name := range s.userOrder {
		s.index(s.users[name], a.AppID)
	}
	s.recallApp(s.apps[a.AppID])
}

// AddMerchant registers or replaces a merchant. It panics on a public key that
// cannot be read: a test with such a key would only see refused signatures.
func (s *Simulator) AddMerchant(m Merchant) {
	var public *rsa.PublicKey
	if m.PublicKeyPEM != "" {
		var err error
		if public, err = readPublicKey(m.PublicKeyPEM); err != nil {
			panic("simulator: merchant " + m.MchID + ": " + err.Error())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	if old := s.merchants[m.MchID]; old != nil {
		old.Merchant, old.public = m, public
		return
	}
	s.merchants[m.MchID] = &merchant{Merchant: m, public: public}
	s.recallMerchant(s.merchants[m.MchID])
}

// AddUser registers or replaces a user; what happened to them stays.
func (s *Simulator) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	if u.Avatar == "" {
		u.Avatar = "🙂"
	}
	if old := s.users[u.Name]; old != nil {
		if u.IP == "" && u.City == old.City {
			u.IP = old.IP
		} else if u.IP == "" {
			u.IP = cityIP(u.City, slices.Index(s.userOrder, u.Name))
		}
		old.User = u
		return
	}
	if u.IP == "" {
		u.IP = cityIP(u.City, len(s.userOrder))
	}
	s.users[u.Name] = &user{User: u, consents: map[string]bool{}}
	s.userOrder = append(s.userOrder, u.Name)
	for id := range s.apps {
		s.index(s.users[u.Name], id)
	}
}

func (s *Simulator) index(u *user, appID string) {
	s.openIDs[openID(u.Name, appID, false)] = ident{appID: appID, user: u.Name}
	s.openIDs[openID(u.Name, appID, true)] = ident{appID: appID, user: u.Name, virtual: true}
}

// OpenID is the user's openid in an app; it depends on the two names only.
func (s *Simulator) OpenID(user, appID string) string { return openID(user, appID, false) }

func openID(user, appID string, virtual bool) string {
	if virtual {
		return "oSnap" + short("openid/virtual", appID, user)[:23]
	}
	return "o" + short("openid", appID, user)[:27]
}

// unionID is empty when the app is bound to no open platform account.
func unionID(u *user, a *app) string { return unionOf(u, a.OpenPlatform) }

func unionOf(u *user, openPlatform string) string {
	if openPlatform == "" {
		return ""
	}
	if u.UnionID != "" {
		return u.UnionID
	}
	return "o6_" + short("unionid", openPlatform, u.Name)[:25]
}

// cityIP gives users of a city an address of a Chinese provider block, so that
// a lookup by address has something to find; unknown cities get a test block.
func cityIP(city string, n int) string {
	blocks := map[string]string{
		"上海": "101.80.1", "北京": "123.112.1", "广州": "113.64.1", "深圳": "113.88.1",
		"成都": "171.208.1", "杭州": "115.192.1", "武汉": "171.80.1", "西安": "113.132.1",
	}
	block, ok := blocks[city]
	if !ok {
		block = "203.0.113"
	}
	return fmt.Sprintf("%s.%d", block, 10+n%240)
}

// who resolves an openid of one app; real says it is not a snapshot identity.
func (s *Simulator) who(appID, openID string) (u *user, real bool) {
	id, ok := s.openIDs[openID]
	if !ok || id.appID != appID {
		return nil, false
	}
	return s.users[id.user], !id.virtual
}

var (
	errNoUser = errors.New("没有这个微信用户")
	errNoApp  = errors.New("没有这个公众号或小程序")

	errNotFollowing = errors.New("还没有关注")
	errNoBill       = errors.New("没有这张单")
	errNoMerchant   = errors.New("没有这个商户号")
)

// pair finds a user and an app under the lock.
func (s *Simulator) pair(userName, appID string) (*user, *app, error) {
	u := s.users[userName]
	if u == nil {
		return nil, nil, errNoUser
	}
	a := s.apps[appID]
	if a == nil {
		return nil, nil, errNoApp
	}
	return u, a, nil
}

// chat puts a bubble on a phone; the caller holds the lock.
func (s *Simulator) chat(u *user, m ChatMessage) {
	m.ID, m.At = s.counter.Add(1), s.now()
	if m.Chat == "" {
		m.Chat = "服务通知"
		if a := s.apps[m.AppID]; a != nil {
			m.Chat = a.Name
		}
	}
	u.chats = append(u.chats, m)
	if len(u.chats) > 500 {
		u.chats = u.chats[len(u.chats)-500:]
	}
	s.version++
}

// Chats is what the user's phone shows, oldest first.
func (s *Simulator) Chats(user string) []ChatMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[user]; u != nil {
		return append([]ChatMessage(nil), u.chats...)
	}
	return nil
}

// WalletFen is the money the user has received.
func (s *Simulator) WalletFen(user string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[user]; u != nil {
		return u.walletFen
	}
	return 0
}

// SetCodes gives the phone codes to scan without a picture.
func (s *Simulator) SetCodes(list func() []DemoCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.demoCodes = list
}

func readPublicKey(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("public key is not PEM")
	}
	if block.Type == "CERTIFICATE" {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if key, ok := cert.PublicKey.(*rsa.PublicKey); ok {
			return key, nil
		}
		return nil, errors.New("certificate has no RSA key")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("public key is not RSA")
	}
	return key, nil
}
