package simulator

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Notices of pay v3: encrypted with the merchant's APIv3 key, signed with the
// platform key, repeated until answered with 200 or 204.

// noticeWaits is WeChat's schedule between tries, multiplied by NoticeScale.
var noticeWaits = [...]time.Duration{
	15 * time.Second, 15 * time.Second, 30 * time.Second, 3 * time.Minute, 10 * time.Minute, 20 * time.Minute,
	30 * time.Minute, 30 * time.Minute, 30 * time.Minute, time.Hour, 3 * time.Hour, 3 * time.Hour, 3 * time.Hour, 6 * time.Hour, 6 * time.Hour,
}

// notice is one thing to tell, fixed when the state changed: a retry says the
// same words under the same id.
type notice struct {
	id     string
	url    string
	bill   *bill
	plain  []byte
	apiKey string
	at     time.Time
	fate   *Misfortune
}

// newNotice: the caller holds the lock.
func (s *Simulator) newNotice(b *bill) notice { return s.noticeOf(b, b.State) }

func (s *Simulator) noticeOf(b *bill, state string) notice {
	body := object{
		"mch_id": b.MchID, "out_bill_no": b.BillNo, "transfer_bill_no": b.WechatNo, "state": state, "transfer_amount": b.AmountFen,
		"openid": b.OpenID, "create_time": b.CreatedAt.In(shanghai).Format(time.RFC3339), "update_time": b.UpdatedAt.In(shanghai).Format(time.RFC3339),
	}
	if b.Reason != "" {
		body["fail_reason"] = b.Reason
	}
	plain, err := json.Marshal(body)
	if err != nil {
		panic("simulator: notice: " + err.Error()) // texts and numbers only
	}
	id := s.mint("notice")
	return notice{
		id:  id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:32],
		url: b.NotifyURL, bill: b, plain: plain, apiKey: s.merchants[b.MchID].APIv3Key, at: s.now(),
	}
}

// sendNotice tries until the merchant accepts, with the misfortune ordered.
func (s *Simulator) sendNotice(n notice) {
	if n.url == "" {
		return
	}
	fate := s.takeMisfortune("notice")
	s.withFate(fate, func() { s.repeatNotice(n) }, func() { s.forgeNotice(n, fate.Code) })
}

func (s *Simulator) repeatNotice(n notice) {
	for try := 0; ; try++ {
		body, err := n.body(s.mint("nonce")[:12])
		if err != nil {
			s.enter(Request{Out: true, Call: "notice", URL: n.url, Remark: err.Error()})
			return
		}
		status := s.postNotice(n, s.stampHeaders(s.now(), body), body, fmt.Sprintf("第 %d 次", try+1))
		if status == http.StatusOK || status == http.StatusNoContent {
			s.mu.Lock()
			n.bill.Notices++
			s.mu.Unlock()
			return
		}
		if try == len(noticeWaits) {
			return
		}
		wait := time.Duration(float64(noticeWaits[try]) * s.opts.NoticeScale)
		if !pause(s.ctx, wait) {
			return
		}
	}
}

// body encrypts the notice under a nonce of 12 characters.
func (n notice) body(nonce string) ([]byte, error) {
	block, err := aes.NewCipher([]byte(n.apiKey))
	if err != nil || len(n.apiKey) != 32 {
		return nil, errors.New("APIv3 key must have 32 bytes")
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	const about = "mch_payment"
	sealed := gcm.Seal(nil, []byte(nonce), n.plain, []byte(about))
	return json.Marshal(object{
		"id": n.id, "create_time": n.at.In(shanghai).Format(time.RFC3339), "resource_type": "encrypt-resource",
		"event_type": "MCHTRANSFER.BILL.FINISHED", "summary": "商家转账单据终态通知",
		"resource": object{"original_type": about, "algorithm": "AEAD_AES_256_GCM", "ciphertext": base64.StdEncoding.EncodeToString(sealed), "associated_data": about, "nonce": nonce},
	})
}

func (s *Simulator) postNotice(n notice, h http.Header, body []byte, remark string) (status int) {
	entry := Request{Out: true, Call: "notice", Method: http.MethodPost, URL: n.url, Remark: remark, Body: clip(n.plain)}
	ctx, cancel := context.WithTimeout(s.ctx, s.opts.CallbackDeadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header = h
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Mozilla/4.0")
	status, reply := s.fetch(req, &entry)
	entry.Status, entry.Response = status, clip(reply)
	s.enter(entry)
	return status
}

// forgeNotice sends one false notice and returns what siyu answered.
func (s *Simulator) forgeNotice(n notice, how string) int {
	body, err := n.body(s.mint("nonce")[:12])
	if err != nil {
		return 0
	}
	h := s.stampHeaders(s.now(), body)
	switch how {
	case "probe":
		h.Set("Wechatpay-Signature", probeSignature+h.Get("Wechatpay-Signature"))
	case "stale":
		h = s.stampHeaders(s.now().Add(-time.Hour), body)
	case "serial":
		h.Set("Wechatpay-Serial", "PUB_KEY_ID_0100000000000000000000000000")
	default:
		// Signed by somebody who is not WeChat.
		stranger := seededKey("stranger")
		h.Set("Wechatpay-Signature", s.platformSign(stranger, h.Get("Wechatpay-Timestamp"), h.Get("Wechatpay-Nonce"), body))
	}
	return s.postNotice(n, h, body, "伪造")
}

// Forge sends a false notice about a bill at any moment, claiming state (empty:
// SUCCESS); how is as for forged_notice. It returns the status siyu answered, 0
// for none. The bill does not change.
func (s *Simulator) Forge(billNo, state, how string) (int, error) {
	if state == "" {
		state = "SUCCESS"
	}
	s.mu.Lock()
	b := s.bills.find("", billNo)
	if b == nil || b.NotifyURL == "" {
		s.mu.Unlock()
		return 0, errNoBill
	}
	n := s.noticeOf(b, state)
	s.mu.Unlock()
	return s.forgeNotice(n, how), nil
}
