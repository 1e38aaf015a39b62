package wechat

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// FuzzOpenMessage feeds bodies under a good query signature, as text and sealed:
// what an attacker who saw one query, or a confused sender with our key, could do.
func FuzzOpenMessage(f *testing.F) {
	f.Add(textPush)
	f.Add(`{"ToUserName":"gh_2","FromUserName":"o","CreateTime":1,"MsgType":"event","Event":"SCAN"}`)
	f.Add("<xml><Encrypt>MTIzNDU=</Encrypt></xml>")
	f.Add(`<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>`)
	f.Fuzz(func(t *testing.T, text string) {
		check := func(m Message, err error) {
			known := errors.Is(err, ErrMalformed) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrSignature) || errors.Is(err, ErrPlaintext)
			if err != nil && !known {
				t.Errorf("error of no kind: %v", err)
			}
			if err == nil && (m.DedupKey == "" || m.OpenID == "" || m.Type == "") {
				t.Errorf("half a message passed: %+v", m)
			}
		}
		check(OpenMessage(official, pushQuery(official, noon), []byte(text), noon))
		if _, err := OpenMessage(safe, pushQuery(safe, noon), []byte(text), noon); err == nil {
			t.Errorf("safe mode took an unsealed body: %q", text)
		}
		q, body := sealedPush(safe, text, noon)
		check(OpenMessage(safe, q, body, noon))
		q, body = sealedText(safe, text, noon)
		if _, err := OpenMessage(safe, q, body, noon); err == nil {
			t.Errorf("safe mode took a text nobody sealed: %q", text)
		}
	})
}

// FuzzRedpackAnswer reads arbitrary v2 answers. An answer that does not name our
// bill number and amount can neither be accepted nor settle anything.
func FuzzRedpackAnswer(f *testing.F) {
	in := map[string]string{"mch_billno": orderFor(redpackMerchant).BillNo, "mch_id": redpackMerchant.MchID, "total_amount": "168"}
	f.Add(xmlOf(accepted(in)))
	f.Add(xmlOf(status(in, "RECEIVED"), "<hblist><hbinfo><amount>168</amount></hbinfo></hblist>"))
	f.Add(refusal(in, "SEND_FAILED"))
	f.Add("<xml><return_code>FAIL</return_code></xml>")
	f.Fuzz(func(t *testing.T, text string) {
		fields, err := openV2([]byte(text), redpackMerchant)
		if err != nil {
			return
		}
		o := orderFor(redpackMerchant)
		ours := fields.get("return_code") == "SUCCESS" && fields.get("result_code") == "SUCCESS" &&
			fields.get("mch_billno") == o.BillNo && fields.get("total_amount") == "168"
		switch a := sendAnswer(fields, redpackMerchant, o); {
		case a.State == PayAccepted && ours:
		case a.State == PayFailed && a.Code == "SEND_FAILED" && fields.get("return_code") == "SUCCESS":
		case a.State == PayAccepted || a.State.Final() || a.State == PayNotFound:
			t.Errorf("send decided without grounds: %+v", a)
		}
		if a := queryAnswer(fields, redpackMerchant, o); (a.State == PayAccepted || a.State.Final()) && !ours {
			t.Errorf("query decided without grounds: %+v", a)
		}
	})
}

// FuzzOpenTransferNotice feeds unsigned bodies, well-signed bodies and well-sealed
// contents. Only a content with our merchant number may pass.
func FuzzOpenTransferNotice(f *testing.F) {
	c, m := noticeClient(f)
	plain := noticePlain(m, "SUCCESS")
	f.Add(plain)
	f.Add(string(sealNotice(m, plain)))
	f.Add(`{"id":"x","event_type":"MCHTRANSFER.BILL.FINISHED"}`)
	f.Add(`{"id":"x","event_type":"MCHTRANSFER.BILL.FINISHED","resource":{"algorithm":"AEAD_AES_256_GCM","nonce":"abcdefghijkl","ciphertext":""}}`)
	f.Fuzz(func(t *testing.T, text string) {
		ctx := context.Background()
		body := []byte(text)
		if _, err := c.OpenTransferNotice(ctx, m, http.Header{"Wechatpay-Timestamp": {"1"}}, body); err == nil {
			t.Errorf("unsigned notice passed: %q", text)
		}
		if _, err := c.OpenTransferNotice(ctx, m, signPay(rsaKeys().wechat, m.PublicKeyID, noon.Add(time.Second), body), body); err != nil {
			mustNotTell(t, err.Error(), m.APIv3Key)
		}
		sealed := sealNotice(m, text)
		n, err := c.OpenTransferNotice(ctx, m, signPay(rsaKeys().wechat, m.PublicKeyID, noon, sealed), sealed)
		if err != nil {
			return
		}
		// JSON can write our number in more than one way, but it cannot be absent.
		if n.BillNo == "" || n.State == "" || !strings.Contains(text, `\`) && !strings.Contains(text, m.MchID) {
			t.Errorf("notice without merchant, bill or state passed: %q", text)
		}
	})
}

// FuzzOpenCorpEvent feeds bodies without a signature of ours, and contents well sealed
// and signed. Only a push to our own corp may pass.
func FuzzOpenCorpEvent(f *testing.F) {
	f.Add(joinPush)
	f.Add(string(corpBody("MTIzNDU=")))
	f.Add("<xml><Encrypt></Encrypt></xml>")
	f.Add(`<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>`)
	f.Fuzz(func(t *testing.T, text string) {
		known := func(err error) bool {
			return errors.Is(err, ErrMalformed) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrSignature) || errors.Is(err, ErrPlaintext)
		}
		if _, err := OpenCorpEvent(corp, corpQuery(corp, "x", noon), []byte(text), noon); !known(err) {
			t.Errorf("a body that nobody signed: %v", err)
		}
		if _, err := OpenCorpEvent(corp, corpQuery(corp, text, noon), corpBody(text), noon); err == nil {
			t.Errorf("a text that nobody sealed passed: %q", text)
		}
		sealed := sealFor(corp, []byte(text), corp.AppID)
		e, err := OpenCorpEvent(corp, corpQuery(corp, sealed, noon), corpBody(sealed), noon)
		if err != nil && !known(err) {
			t.Errorf("error of no kind: %v", err)
		}
		if err == nil && (e.DedupKey == "" || e.Type == "" || e.CorpID != corp.AppID) {
			t.Errorf("half an event passed: %+v", e)
		}
	})
}
