package simulator

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Access tokens, classic and stable, with the rules that matter to a client:
// a new classic token kills the old one (40001), a stable one stays until near
// its end, a dead one is 42001, and the two pools do not touch each other.
// https://developers.weixin.qq.com/doc/service/api/base/api_getstableaccesstoken

const (
	tokenLife    = 7200 * time.Second
	stableMargin = 5 * time.Minute // a stable token is renewed this early; the old one lives on
	forceGap     = 30 * time.Second
	forcePerDay  = 20
)

type apiToken struct {
	value      string
	appID      string
	until      time.Time
	superseded bool
}

// rid is the request id WeChat ends every errmsg with.
func (s *Simulator) rid() string {
	id := s.mint("rid")
	return " rid: " + id[:8] + "-" + id[8:16] + "-" + id[16:24]
}

func (s *Simulator) apiError(code int, text string) answer {
	a := jsonAnswer(http.StatusOK, object{"errcode": code, "errmsg": text + s.rid()})
	a.code = strconv.Itoa(code)
	return a
}

func ok() answer { return jsonAnswer(http.StatusOK, object{"errcode": 0, "errmsg": "ok"}) }

func toInt(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}

// credential checks appid and secret; the caller holds the lock.
func (s *Simulator) credential(grant, want, appID, secret string) (*app, answer, bool) {
	if grant != want {
		return nil, s.apiError(40002, "invalid grant_type"), false
	}
	if appID == "" {
		return nil, s.apiError(41002, "appid missing"), false
	}
	a := s.apps[appID]
	if a == nil {
		return nil, s.apiError(40013, "invalid appid"), false
	}
	if secret == "" {
		return nil, s.apiError(41004, "appsecret missing"), false
	}
	if a.Secret != secret {
		return nil, s.apiError(40125, "invalid appsecret"), false
	}
	return a, answer{}, true
}

// issue makes a token; the caller holds the lock.
func (s *Simulator) issue(a *app, pool string) *apiToken {
	// 512 characters is what WeChat asks clients to store; 136 is what it sends.
	t := &apiToken{value: "97_" + s.mint("token/"+pool+"/"+a.AppID) + s.mint("token")[:64], appID: a.AppID, until: s.now().Add(tokenLife)}
	a.tokens[t.value] = t
	return t
}

func (s *Simulator) classicToken(c *call) answer {
	q := c.query
	s.mu.Lock()
	defer s.mu.Unlock()
	a, fail, good := s.credential(q.Get("grant_type"), "client_credential", q.Get("appid"), q.Get("secret"))
	if !good {
		return fail
	}
	if over, fail := s.spend(a, c.path); over {
		return fail
	}
	if a.classic != nil {
		// The documentation grants a few minutes of overlap [M]; without it a
		// client that shares no cache fails at once, as it deserves.
		a.classic.superseded = true
	}
	a.classic = s.issue(a, "classic")
	return tokenAnswer(a.classic, s.now())
}

func (s *Simulator) stableToken(c *call) answer {
	var in struct {
		GrantType    string `json:"grant_type"`
		AppID        string `json:"appid"`
		Secret       string `json:"secret"`
		ForceRefresh bool   `json:"force_refresh"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, fail, good := s.credential(in.GrantType, "client_credential", in.AppID, in.Secret)
	if !good {
		return fail
	}
	now := s.now()
	if in.ForceRefresh && a.stable != nil {
		day := now.Add(-24 * time.Hour)
		recent := a.forced[:0]
		for _, t := range a.forced {
			if t.After(day) {
				recent = append(recent, t)
			}
		}
		a.forced = recent
		if n := len(recent); n >= forcePerDay {
			return s.apiError(45009, "reach max api daily quota limit")
		} else if n > 0 && now.Sub(recent[n-1]) < forceGap {
			return s.apiError(45011, "api minute-quota reach limit, must slower, retry next minute")
		}
		a.forced = append(a.forced, now)
		a.stable.superseded = true
		a.stable = s.issue(a, "stable")
	}
	if a.stable == nil || a.stable.superseded || !now.Before(a.stable.until.Add(-stableMargin)) {
		a.stable = s.issue(a, "stable") // the old one is good until its own end
	}
	return tokenAnswer(a.stable, now)
}

// tokenAnswer carries no errcode: the SDK takes a non-empty errmsg for failure.
func tokenAnswer(t *apiToken, now time.Time) answer {
	return jsonAnswer(http.StatusOK, object{"access_token": t.value, "expires_in": int(t.until.Sub(now) / time.Second)})
}

// authenticate checks access_token and sets c.app.
func (s *Simulator) authenticate(c *call) (answer, bool) {
	value := c.query.Get("access_token")
	s.mu.Lock()
	defer s.mu.Unlock()
	if value == "" {
		return s.apiError(41001, "access_token missing"), false
	}
	if len(value) < 16 || strings.ContainsAny(value, " \t<>\"'&") {
		return s.apiError(40014, "invalid access_token"), false
	}
	for _, a := range s.apps {
		t := a.tokens[value]
		if t == nil {
			continue
		}
		switch {
		case c.bad("expired_token"):
			t.until, t.superseded = s.now(), t.superseded || c.fate.Code == "40001"
			if t == a.stable {
				a.stable = nil // or the same dead token would be handed out again
			}
			if t.superseded {
				return s.notLatest(), false
			}
			return s.apiError(42001, "access_token expired"), false
		case t.superseded:
			return s.notLatest(), false
		case !s.now().Before(t.until):
			return s.apiError(42001, "access_token expired"), false
		}
		c.app = a
		if over, fail := s.spend(a, c.path); over {
			return fail, false
		}
		return answer{}, true
	}
	return s.notLatest(), false
}

func (s *Simulator) notLatest() answer {
	return s.apiError(40001, "invalid credential, access_token is invalid or not latest")
}

// ExpireTokens kills every token of an app: the next call gets 42001.
func (s *Simulator) ExpireTokens(appID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.apps[appID]; a != nil {
		for _, t := range a.tokens {
			if t.until.After(s.now()) {
				t.until = s.now()
			}
		}
		a.stable = nil
	}
}

// Calls a day, where WeChat publishes a number (API_Call_Limits.html).
var dailyCalls = map[string]int{
	"/cgi-bin/token": 2000, "/cgi-bin/message/custom/send": 500_000, "/cgi-bin/qrcode/create": 100_000,
	"/cgi-bin/message/template/send": 100_000, "/cgi-bin/message/mass/send": 100, "/cgi-bin/user/info": 5_000_000,
}

// SetQuota replaces the daily limit of one path of an app, e.g. "/cgi-bin/token".
func (s *Simulator) SetQuota(appID, path string, perDay int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.apps[appID]; a != nil {
		a.quota[path] = perDay
	}
}

// spend counts one call against the day; the caller holds the lock.
func (s *Simulator) spend(a *app, path string) (over bool, fail answer) {
	limit, known := a.quota[path]
	if !known {
		if limit, known = dailyCalls[path]; !known {
			return false, answer{}
		}
	}
	key := day(s.now()) + path
	if a.used[key] >= limit {
		return true, s.apiError(45009, "reach max api daily quota limit")
	}
	a.used[key]++
	return false, answer{}
}

func (s *Simulator) clearQuota(c *call) answer {
	var in struct {
		AppID string `json:"appid"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.AppID != c.app.AppID {
		return s.apiError(40013, "invalid appid")
	}
	month, n := s.now().In(shanghai).Format("2006-01"), 0
	for _, t := range c.app.clears {
		if t.In(shanghai).Format("2006-01") == month {
			n++
		}
	}
	if n >= 10 {
		return s.apiError(48006, "forbid to clear quota because of reaching the limit")
	}
	c.app.clears = append(c.app.clears, s.now())
	clear(c.app.used)
	return ok()
}

func (s *Simulator) ipList(*call) answer {
	return jsonAnswer(http.StatusOK, object{"ip_list": []string{"101.226.62.77", "101.226.62.78"}})
}

func (s *Simulator) getTicket(c *call) answer {
	if kind := c.query.Get("type"); kind != "jsapi" {
		return s.apiError(40097, "invalid args")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := c.app
	if a.ticket == "" || !s.now().Before(a.ticketAt.Add(tokenLife)) {
		a.ticket, a.ticketAt = "HoagFKDcsGMVCIY2vOjf9"+s.mint("ticket")[:64], s.now()
	}
	left := int(a.ticketAt.Add(tokenLife).Sub(s.now()) / time.Second)
	return jsonAnswer(http.StatusOK, object{"errcode": 0, "errmsg": "ok", "ticket": a.ticket, "expires_in": left})
}

// shanghai is where WeChat's days begin; China has had no summer time since 1991.
var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

func day(t time.Time) string { return t.In(shanghai).Format("2006-01-02") }
