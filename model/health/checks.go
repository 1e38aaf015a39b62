package health

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strconv"
	"strings"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// States of a check and of an account, from good to bad.
const (
	OK     = "ok"
	Unused = "unused" // nothing is known yet
	Warn   = "warn"   // works, but not for ever
	Bad    = "bad"
)

// Check is one thing that an account needs.
type Check struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	State string `json:"state"`
	// Code names Text for programs and for other languages, which say it with Facts.
	Code  string            `json:"code"`
	Text  string            `json:"text"` // how it is
	Facts map[string]string `json:"facts"`
	// CureCode names Cure in the same way.
	CureCode string        `json:"cure_code"`
	Cure     string        `json:"cure"` // what to do; "" where nothing is to be done
	At       clock.Instant `json:"at"`   // when that was known
}

// facts are pairs of a name and its value.
func facts(pairs ...string) map[string]string {
	m := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// tell says how it is; cures of what it said before are gone.
func (c *Check) tell(state, code, text string, pairs ...string) *Check {
	c.State, c.Code, c.Text, c.Facts, c.CureCode, c.Cure = state, code, text, facts(pairs...), "", ""
	return c
}

// heal says what to do about it.
func (c *Check) heal(r remedy) { c.CureCode, c.Cure = r.code, r.text }

// remedy is what helps, in words and by a stable name.
type remedy struct{ code, text string }

// Report is how an account is.
type Report struct {
	AccountID   id.ID         `json:"account_id"`
	State       string        `json:"state"` // the worst of its checks
	Checks      []Check       `json:"checks"`
	Calls       []Call        `json:"calls"`
	CallbackURL string        `json:"callback_url"` // what WeChat has to be told; filled in by who knows our address
	AsOf        clock.Instant `json:"as_of"`
}

// Of reports on one account.
func (s *Store) Of(ctx context.Context, accountID id.ID) (Report, error) {
	a, err := s.brands.Account(ctx, accountID)
	if err != nil {
		return Report{}, err
	}
	list, err := s.reports(ctx, []brand.Account{a})
	if err != nil {
		return Report{}, err
	}
	return list[0], nil
}

// OfBrand reports on all accounts of a brand.
func (s *Store) OfBrand(ctx context.Context, brandID id.ID) ([]Report, error) {
	list, err := s.brands.Accounts(ctx, brandID, "")
	if err != nil {
		return nil, err
	}
	return s.reports(ctx, list)
}

func (s *Store) reports(ctx context.Context, accounts []brand.Account) ([]Report, error) {
	ids := make([]id.ID, len(accounts))
	for i, a := range accounts {
		ids[i] = a.ID
	}
	out := make([]Report, 0, len(accounts))
	if len(ids) == 0 {
		return out, nil
	}
	calls, err := s.calls(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, a := range accounts {
		r, err := s.report(ctx, a, calls[a.ID])
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (s *Store) report(ctx context.Context, a brand.Account, all []Call) (Report, error) {
	now := s.db.Now()
	var back *Call
	calls := []Call{}
	for i := range all {
		if all[i].Name == Callback {
			back = &all[i]
		} else {
			calls = append(calls, all[i])
		}
	}
	r := Report{AccountID: a.ID, State: Unused, Calls: calls, AsOf: now, Checks: []Check{secretsCheck(a, now)}}
	if a.Kind == brand.Merchant {
		c, err := s.certificateCheck(ctx, a, now)
		if err != nil {
			return r, err
		}
		r.Checks = append(r.Checks, c)
	} else {
		c, err := s.tokenCheck(ctx, a, calls, now)
		if err != nil {
			return r, err
		}
		r.Checks = append(r.Checks, c)
	}
	if a.Kind != brand.Merchant || a.Settings.Rail == brand.RailTransfer {
		r.Checks = append(r.Checks, callbackCheck(a.Kind, back, now))
	}
	if a.Kind != brand.Merchant {
		r.Checks = append(r.Checks, quotaCheck(calls, now))
	}
	r.Checks = append(r.Checks, lastCheck(calls, now))
	if len(all) > 0 { // an account that nobody has used yet is not well, only set up
		r.State = OK
	}
	worst := map[string]int{Warn: 1, Bad: 2}
	for _, c := range r.Checks {
		if worst[c.State] > worst[r.State] {
			r.State = c.State
		}
	}
	return r, nil
}

// needed are the secrets without which an account does nothing, with their names.
func needed(a brand.Account) map[string]string {
	switch {
	case a.Kind == brand.Merchant && a.Settings.Rail == brand.RailTransfer:
		return map[string]string{"api_v3_key": "APIv3 密钥", "private_key_pem": "商户 API 私钥", "public_key_pem": "微信支付公钥"}
	case a.Kind == brand.Merchant:
		return map[string]string{"api_key_v2": "API 密钥"}
	}
	return map[string]string{"app_secret": "AppSecret", "token": "回调 Token"}
}

func secretsCheck(a brand.Account, now clock.Instant) Check {
	c := Check{Name: "secrets", Title: "密钥", At: now}
	c.tell(OK, "secrets_ok", "需要的密钥都已填写")
	var missing []string
	for name, title := range needed(a) {
		if !slices.Contains(a.HasSecrets, name) {
			missing = append(missing, title)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		list := strings.Join(missing, "、")
		c.tell(Bad, "secrets_missing", "还没有填写："+list, "missing", list).heal(remedy{"secrets_edit", "点“编辑”补填；密钥只写入、不会显示"})
	}
	return c
}

func (s *Store) tokenCheck(ctx context.Context, a brand.Account, calls []Call, now clock.Instant) (Check, error) {
	c := Check{Name: "token", Title: "access_token", At: now}
	c.tell(Unused, "calls_none", "还没有调用过微信接口")
	until, err := s.tokens.Until(ctx, "access:"+a.AppID)
	if err != nil {
		return c, err
	}
	for _, call := range calls {
		if call.Name == "cgi-bin/stable_token" || call.Name == "cgi-bin/gettoken" {
			if call.BadAt > call.GoodAt {
				c.tell(Bad, "token_failed", "取不到 access_token："+call.Error, "error", call.Error).heal(cureOf(call.code))
				c.At = call.BadAt
				return c, nil
			}
			c.At = call.GoodAt
		}
	}
	switch {
	case until > now:
		c.tell(OK, "token_until", "有效至 "+until.Local()+"，到期前自动更新", "until", until.Local())
	case until > 0:
		c.tell(OK, "token_past", "上一个已于 "+until.Local()+" 到期，下次调用时自动更新", "until", until.Local())
	}
	return c, nil
}

// certificateAlarm is how early an expiring certificate is told about: changing one takes
// the merchant's administrator and some days.
const certificateAlarm = 30 * 24 * time.Hour

func (s *Store) certificateCheck(ctx context.Context, a brand.Account, now clock.Instant) (Check, error) {
	c := Check{Name: "certificate", Title: "商户证书", At: now}
	c.tell(OK, "certificate_platform", "使用微信支付公钥验签，公钥不会过期；商户 API 证书的有效期请在商户平台查看")
	if a.Settings.Rail == brand.RailTransfer {
		return c, nil
	}
	sec, err := s.brands.Secrets(ctx, a)
	if err != nil {
		return c, err
	}
	if sec.ClientCertPEM == "" {
		c.tell(Warn, "certificate_missing", "没有上传商户 API 证书，正式环境发红包需要它").
			heal(remedy{"certificate_download", "在商户平台 → 账户中心 → API 安全下载证书，点“编辑”填入证书和私钥"})
		return c, nil
	}
	block, _ := pem.Decode([]byte(sec.ClientCertPEM))
	if block == nil {
		c.unreadable()
		return c, nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		c.unreadable()
		return c, nil
	}
	until := clock.From(cert.NotAfter)
	left := until.Sub(now)
	c.tell(OK, "certificate_until", "有效至 "+until.Local(), "until", until.Local())
	switch {
	case left <= 0:
		c.tell(Bad, "certificate_expired", "已于 "+until.Local()+" 过期，不能发红包", "until", until.Local()).
			heal(remedy{"certificate_change", "在商户平台 → 账户中心 → API 安全更换证书，点“编辑”填入"})
	case left < certificateAlarm:
		days := strconv.Itoa(int(left / (24 * time.Hour)))
		c.tell(Warn, "certificate_soon", "有效至 "+until.Local()+"，还剩 "+days+" 天", "until", until.Local(), "days", days).
			heal(remedy{"certificate_change_soon", "请在到期前到商户平台更换证书，点“编辑”填入"})
	}
	return c, nil
}

func (c *Check) unreadable() {
	c.tell(Bad, "certificate_unreadable", "证书内容无法识别").heal(remedy{"certificate_paste", "请粘贴 apiclient_cert.pem 的全部内容，包括 BEGIN 和 END 两行"})
}

// callbackCheck: anybody can send rubbish to a public address, so what could not be
// verified says something only when nothing was verified for long.
//
// A mini program works without one, and a merchant is called back after its first transfer.
func callbackCheck(kind string, back *Call, now clock.Instant) Check {
	c := Check{Name: Callback, Title: "微信回调", At: now}
	const never = "还没有收到过微信的推送"
	if back == nil && kind != brand.Official && kind != brand.WeCom {
		c.tell(Unused, "callback_none", never)
		return c
	}
	c.tell(Warn, "callback_none", never).
		heal(remedy{"callback_set", "把下面的回调地址填到微信后台的服务器配置里，Token 和 EncodingAESKey 与这里一致，再提交验证"})
	if back == nil {
		return c
	}
	switch {
	case back.GoodAt > 0 && now.Sub(back.GoodAt) < 7*24*time.Hour:
		c.tell(OK, "callback_ok", "最近一次收到推送："+back.GoodAt.Local(), "at", back.GoodAt.Local())
		c.At = back.GoodAt
	case back.GoodAt > 0:
		c.tell(Warn, "callback_silent", "七天没有收到微信的推送，上一次是 "+back.GoodAt.Local(), "at", back.GoodAt.Local()).
			heal(remedy{"callback_enabled", "账号有人使用却没有推送时，请检查微信后台的服务器配置是否仍启用"})
		c.At = back.GoodAt
	case back.BadAt > 0:
		c.tell(Bad, "callback_unverified", "收到过推送，但都没有通过验证："+back.Error, "error", back.Error).
			heal(remedy{"callback_match", "请核对 Token、EncodingAESKey 和消息加密方式，与微信后台保持一致"})
		c.At = back.BadAt
	}
	return c
}

func quotaCheck(calls []Call, now clock.Instant) Check {
	c := Check{Name: "quota", Title: "接口次数", At: now}
	c.tell(OK, "quota_ok", "没有接口接近当天上限")
	for _, call := range calls {
		switch {
		case call.code == "45009" && clock.DayOf(call.BadAt) == clock.DayOf(now) && call.BadAt > call.GoodAt:
			c.tell(Bad, "quota_reached", call.Title+"已达到当天上限", "call", call.Name).heal(cureOf("45009"))
			c.At = call.BadAt
			return c
		case call.Quota > 0 && call.Today*10 >= call.Quota*8:
			today, most := strconv.FormatInt(call.Today, 10), strconv.FormatInt(call.Quota, 10)
			c.tell(Warn, "quota_near", call.Title+"今天已用 "+today+" 次，上限 "+most+" 次", "call", call.Name, "today", today, "quota", most).
				heal(remedy{"quota_slow", "放慢今天的群发和同步；可在公众平台申请提高上限"})
		}
	}
	return c
}

func lastCheck(calls []Call, now clock.Instant) Check {
	c := Check{Name: "last", Title: "最近的错误", At: now}
	c.tell(OK, "last_ok", "最近的调用都成功")
	var bad *Call
	good := clock.Instant(0)
	for i := range calls {
		good = max(good, calls[i].GoodAt)
		// One that succeeded since is over.
		if calls[i].BadAt > calls[i].GoodAt && (bad == nil || calls[i].BadAt > bad.BadAt) {
			bad = &calls[i]
		}
	}
	switch {
	case bad != nil:
		c.tell(Bad, "last_failed", bad.Title+"："+bad.Error, "call", bad.Name, "error", bad.Error).heal(cureOf(bad.code))
		c.At = bad.BadAt
		if now.Sub(bad.BadAt) > 24*time.Hour { // nobody has tried since
			c.State = Warn
		}
	case len(calls) == 0:
		c.tell(Unused, "calls_none", "还没有调用过微信接口")
	default:
		c.At = good
	}
	return c
}

func ignoreMissing(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}
