package wechat

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

var redpackMerchant = Merchant{
	MchID: "1230000109", AppID: official.AppID, Rail: RailRedpack,
	APIKeyV2: "192006250b4c09247ec02edce69f6a2d", SignType: "MD5", SendName: "测试品牌",
}

func orderFor(m Merchant) PayOrder {
	return PayOrder{
		BillNo: m.MchID + "202611201234567890", AppID: official.AppID, OpenID: openID, AmountFen: 168,
		Wishing: "恭喜发财", ActName: "开瓶有奖", Remark: "每瓶一码", ClientIP: "10.0.0.1", NotifyURL: "https://pay.example.com/n",
	}
}

// signXML is the v2 signature, written down from the document.
func signXML(fields map[string]string, signType, key string) string {
	var text strings.Builder
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		if k != "sign" && fields[k] != "" {
			text.WriteString(k + "=" + fields[k] + "&")
		}
	}
	text.WriteString("key=" + key)
	if signType == "HMAC-SHA256" {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(text.String()))
		return strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
	}
	sum := md5.Sum([]byte(text.String()))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// payServer is the v2 side of WeChat: it refuses unsigned requests and answers
// with the text that answer makes of the request.
type payServer struct {
	t      *testing.T
	m      Merchant
	answer func(path string, in map[string]string) (status int, body string)
	last   map[string]string
}

func (s *payServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := map[string]string{}
	dec := xml.NewDecoder(r.Body)
	var field string
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			s.t.Errorf("request is not XML: %v", err)
			return
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			field = tok.Name.Local
		case xml.CharData:
			in[field] += string(tok)
		}
	}
	if want := signXML(in, s.m.SignType, s.m.APIKeyV2); in["sign"] != want || len(in["nonce_str"]) != 32 {
		s.t.Errorf("request's sign %s, want %s", in["sign"], want)
	}
	s.last = in
	status, body := s.answer(strings.TrimPrefix(r.URL.Path, "/api.mch.weixin.qq.com"), in)
	w.WriteHeader(status)
	w.Write([]byte(body))
}

func xmlOf(fields map[string]string, more ...string) string {
	var b strings.Builder
	b.WriteString("<xml>\n")
	for k, v := range fields {
		fmt.Fprintf(&b, "<%s><![CDATA[%s]]></%s>\n", k, v, k)
	}
	return b.String() + strings.Join(more, "") + "</xml>"
}

// accepted is WeChat's answer to a good sendredpack, changed by edits (empty
// value removes a field).
func accepted(in map[string]string, edits ...string) map[string]string {
	out := map[string]string{
		"return_code": "SUCCESS", "return_msg": "发放成功.", "result_code": "SUCCESS", "err_code": "0",
		"err_code_des": "发放成功.", "mch_billno": in["mch_billno"], "mch_id": in["mch_id"], "wxappid": in["wxappid"],
		"re_openid": in["re_openid"], "total_amount": in["total_amount"], "send_listid": "100000000020150520314766074200",
	}
	return edit(out, edits...)
}

func edit(fields map[string]string, edits ...string) map[string]string {
	for i := 0; i+1 < len(edits); i += 2 {
		if fields[edits[i]] = edits[i+1]; edits[i+1] == "" {
			delete(fields, edits[i])
		}
	}
	return fields
}

func refusal(in map[string]string, code string, edits ...string) string {
	return xmlOf(edit(map[string]string{
		"return_code": "SUCCESS", "result_code": "FAIL", "err_code": code, "err_code_des": "说明",
		"mch_billno": in["mch_billno"], "mch_id": in["mch_id"],
	}, edits...))
}

func status(in map[string]string, state string, edits ...string) map[string]string {
	return edit(map[string]string{
		"return_code": "SUCCESS", "result_code": "SUCCESS", "err_code": "SUCCESS", "mch_billno": in["mch_billno"],
		"mch_id": in["mch_id"], "detail_id": "1000041701201608083095", "status": state, "send_type": "API",
		"hb_type": "NORMAL", "total_num": "1", "total_amount": "168", "send_time": "2026-11-20 20:00:00",
	}, edits...)
}

func newPayServer(t *testing.T, m Merchant) (*Client, *payServer) {
	srv := &payServer{t: t, m: m}
	c, _ := newTestClient(t, srv)
	return c, srv
}
