package brand

import (
	"encoding/json"
	"sort"
	"unicode/utf8"

	"siyu/model/fault"
)

// check holds the account's own rules; secrets are checked after merging.
func (a *Account) check() error {
	switch {
	case a.Kind != Official && a.Kind != Mini && a.Kind != Merchant && a.Kind != WeCom:
		return fault.NewInvalid("account_kind", "账号类型应为公众号、小程序、商户号或企业微信")
	case !appIDForm.MatchString(a.AppID):
		return fault.NewInvalid("app_id", "AppID、商户号或企业 ID 格式不对").With("field", "app_id")
	case a.Name == "" || utf8.RuneCountInString(a.Name) > 64:
		return fault.NewInvalid("account_name", "账号名称应为 1 到 64 个字").With("field", "name")
	case !callForm.MatchString(a.CallbackSlug):
		return fault.NewInvalid("callback_slug", "回调标识应为 4 到 40 位字母、数字、下划线或连字符").With("field", "callback_slug")
	}
	if a.Kind != Merchant {
		return nil
	}
	set := &a.Settings
	switch {
	case set.Rail != RailRedpack && set.Rail != RailTransfer:
		return fault.NewInvalid("rail", "打款方式应为现金红包 (redpack) 或商家转账 (transfer)").With("field", "settings.rail")
	case !appIDForm.MatchString(set.PayAppID):
		return fault.NewInvalid("pay_app_id", "请填写商户号绑定的公众号或小程序 AppID").With("field", "settings.pay_app_id")
	case set.Rail == RailRedpack && set.SendName == "" || utf8.RuneCountInString(set.SendName) > 10 || len(set.SendName) > 32:
		return fault.NewInvalid("send_name", "红包发送方名称应为 1 到 10 个字").With("field", "settings.send_name")
	case set.SignType != "" && set.SignType != "MD5" && set.SignType != "HMAC-SHA256":
		return fault.NewInvalid("sign_type", "签名类型应为 MD5 或 HMAC-SHA256").With("field", "settings.sign_type")
	}
	return nil
}

// checkSecrets refuses an account that could not do its work.
func (a *Account) checkSecrets(s Secrets) error {
	missing := func(code, text string) error {
		return fault.NewInvalid(code, text).With("field", "secrets."+code)
	}
	switch a.Kind {
	case Official, Mini:
		if s.AppSecret == "" {
			return missing("app_secret", "请填写 AppSecret")
		}
		if s.AESKey != "" && len(s.AESKey) != 43 {
			return missing("aes_key", "EncodingAESKey 应为 43 位")
		}
		if a.Settings.Secure && (s.AESKey == "" || s.Token == "") {
			return missing("aes_key", "安全模式需要 Token 和 EncodingAESKey")
		}
	case WeCom:
		if s.AppSecret == "" {
			return missing("app_secret", "请填写“客户联系”的 Secret")
		}
		if s.Token == "" || len(s.AESKey) != 43 {
			return missing("aes_key", "请填写接收事件的 Token 和 43 位 EncodingAESKey")
		}
	case Merchant:
		if a.Settings.Rail == RailRedpack && len(s.APIKeyV2) != 32 {
			return missing("api_key_v2", "现金红包需要 32 位的 APIv2 密钥")
		}
		if a.Settings.Rail == RailTransfer {
			if len(s.APIv3Key) != 32 {
				return missing("api_v3_key", "商家转账需要 32 位的 APIv3 密钥")
			}
			if s.PrivateKeyPEM == "" || s.PublicKeyPEM == "" || a.Settings.SerialNo == "" || a.Settings.PublicKeyID == "" {
				return missing("private_key_pem", "商家转账需要商户私钥、证书序列号、微信支付公钥及其 ID")
			}
		}
	}
	return nil
}

func (s Secrets) fields() map[string]string {
	// Through JSON, so that a new secret is never forgotten here.
	b, err := json.Marshal(s)
	m := map[string]string{}
	if err != nil || json.Unmarshal(b, &m) != nil {
		return map[string]string{}
	}
	return m
}

// over returns s with its blanks filled from old.
func (s Secrets) over(old Secrets) Secrets {
	m := old.fields()
	for k, v := range s.fields() {
		m[k] = v
	}
	var out Secrets
	if b, err := json.Marshal(m); err != nil || json.Unmarshal(b, &out) != nil {
		return old
	}
	return out
}

func (s Secrets) names() []string {
	out := []string{}
	for k := range s.fields() {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
