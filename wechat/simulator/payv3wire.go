package simulator

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The v3 envelope: Authorization is checked with the merchant's public key,
// answers and notices are signed with the platform's.
// https://pay.weixin.qq.com/docs/merchant/development/interface-rules/build-verify-sign-src.html

var authField = regexp.MustCompile(`(\w+)="([^"]*)"`)

// enterV3 finds the merchant behind a request whose signature is good. The path
// that is signed has no host prefix: a redirecting transport adds it later.
func (s *Simulator) enterV3(c *call) (*merchant, answer, bool) {
	target := c.path
	if c.r.URL.RawQuery != "" {
		target += "?" + c.r.URL.RawQuery
	}
	scheme, rest, _ := strings.Cut(c.r.Header.Get("Authorization"), " ")
	f := map[string]string{}
	for _, kv := range authField.FindAllStringSubmatch(rest, -1) {
		f[kv[1]] = kv[2]
	}
	message := c.r.Method + "\n" + target + "\n" + f["timestamp"] + "\n" + f["nonce_str"] + "\n" + string(c.body) + "\n"
	refuse := func(issue string) (*merchant, answer, bool) {
		return nil, s.v3Error(http.StatusUnauthorized, "SIGN_ERROR", "签名错误，请检查后再试", object{
			"detail": object{"issue": issue}, "field": "signature", "location": "authorization",
			"sign_information": object{"method": c.r.Method, "url": target, "sign_message_length": len(message), "truncated_sign_message": clipSign(message)},
		}), false
	}
	if scheme != "WECHATPAY2-SHA256-RSA2048" {
		return refuse("authorization scheme")
	}
	s.mu.Lock()
	m := s.merchants[f["mchid"]]
	var public *rsa.PublicKey
	if m != nil && m.SerialNo == f["serial_no"] {
		public = m.public
	}
	s.mu.Unlock()
	if public == nil {
		return refuse("merchant or serial_no unknown")
	}
	at, err := strconv.ParseInt(f["timestamp"], 10, 64)
	if off := s.now().Sub(time.Unix(at, 0)); err != nil || off > 5*time.Minute || off < -5*time.Minute {
		return refuse("timestamp")
	}
	sign, err := base64.StdEncoding.DecodeString(f["signature"])
	sum := sha256.Sum256([]byte(message))
	if err != nil || rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], sign) != nil {
		return refuse("sign not match")
	}
	if c.r.Header.Get("Accept") == "" || c.r.Header.Get("User-Agent") == "" {
		return nil, s.v3Error(http.StatusBadRequest, "PARAM_ERROR", "HTTP头缺少Accept或User-Agent", nil), false
	}
	return m, answer{}, true
}

// clipSign shows the method, the path and the start of the rest, never the body.
func clipSign(message string) string {
	lines := strings.SplitN(message, "\n", 4)
	if len(lines) < 3 {
		return ""
	}
	return strings.Join(lines[:3], "\n") + "\n..."
}

func (s *Simulator) v3Error(status int, code, text string, detail object) answer {
	body := object{"code": code, "message": text}
	if detail != nil {
		body["detail"] = detail
	}
	a := jsonAnswer(status, body)
	a.code = code
	return a
}

// platformSign signs as WeChat Pay: timestamp, nonce and body, each with a line end.
func (s *Simulator) platformSign(key *rsa.PrivateKey, stamp, nonce string, body []byte) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s\n%s\n%s\n", stamp, nonce, body)))
	sign, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic("simulator: sign: " + err.Error()) // the key was validated when it was made
	}
	return base64.StdEncoding.EncodeToString(sign)
}

// stampHeaders are the Wechatpay-* headers of an answer or a notice.
func (s *Simulator) stampHeaders(at time.Time, body []byte) http.Header {
	stamp, nonce := strconv.FormatInt(at.Unix(), 10), s.mint("nonce")[:32]
	h := http.Header{}
	h.Set("Wechatpay-Timestamp", stamp)
	h.Set("Wechatpay-Nonce", nonce)
	h.Set("Wechatpay-Serial", s.keyID)
	h.Set("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048")
	h.Set("Wechatpay-Signature", s.platformSign(s.key(), stamp, nonce, body))
	h.Set("Request-Id", s.mint("request")[:32])
	return h
}

// signAnswer signs what will be sent, or spoils exactly the signature.
func (s *Simulator) signAnswer(a *answer, c *call) {
	if a.header == nil {
		a.header = http.Header{}
	}
	for k, v := range s.stampHeaders(s.now(), a.body) {
		a.header[k] = v
	}
	switch {
	case c.bad("bad_answer_signature"):
		a.header.Set("Wechatpay-Signature", s.platformSign(s.key(), "0", "another", a.body))
	case c.bad("probe_answer_signature"):
		a.header.Set("Wechatpay-Signature", probeSignature+a.header.Get("Wechatpay-Signature"))
	}
}

// probeSignature begins the signatures WeChat sends to see whether anybody checks.
const probeSignature = "WECHATPAY/SIGNTEST/"
