package wechat

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

var authorization = regexp.MustCompile(`^WECHATPAY2-SHA256-RSA2048 mchid="([^"]*)",nonce_str="([^"]*)",timestamp="([^"]*)",serial_no="([^"]*)",signature="([^"]*)"$`)

// v3Server is WeChat's side of pay v3: it verifies every request and signs every
// answer, unless spoil changes the headers.
type v3Server struct {
	t      *testing.T
	m      Merchant
	now    func() time.Time
	status int
	answer func(path string, body map[string]any) string
	spoil  func(h http.Header)
	path   string
	last   map[string]any
}

func (s *v3Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.path = r.Method + " " + strings.TrimPrefix(r.URL.RequestURI(), "/api.mch.weixin.qq.com")
	s.verify(r, body)
	s.last = nil
	json.Unmarshal(body, &s.last)
	out := []byte(s.answer(s.path, s.last))
	h := signPay(rsaKeys().wechat, s.m.PublicKeyID, s.now(), out)
	if s.spoil != nil {
		s.spoil(h)
	}
	for k, v := range h {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", "application/json")
	if s.status != 0 {
		w.WriteHeader(s.status)
	}
	w.Write(out)
}

func (s *v3Server) verify(r *http.Request, body []byte) {
	a := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	if a == nil {
		s.t.Errorf("authorization %q", r.Header.Get("Authorization"))
		return
	}
	if a[1] != s.m.MchID || a[4] != s.m.SerialNo || a[3] != strconv.FormatInt(s.now().Unix(), 10) {
		s.t.Errorf("authorization of %s %s at %s", a[1], a[4], a[3])
	}
	method, path, _ := strings.Cut(s.path, " ")
	sum := sha256.Sum256([]byte(method + "\n" + path + "\n" + a[3] + "\n" + a[2] + "\n" + string(body) + "\n"))
	sig, _ := base64.StdEncoding.DecodeString(a[5])
	if err := rsa.VerifyPKCS1v15(&rsaKeys().merchant.PublicKey, crypto.SHA256, sum[:], sig); err != nil {
		s.t.Errorf("%s: request signature: %v", s.path, err)
	}
	if r.Header.Get("Wechatpay-Serial") != s.m.PublicKeyID || r.Header.Get("User-Agent") == "" || r.Header.Get("Accept") != "application/json" {
		s.t.Errorf("headers %v", r.Header)
	}
}

func newV3Server(t *testing.T) (*Client, *v3Server, PayOrder) {
	srv := &v3Server{t: t, m: transferMerchant(t)}
	c, clock := newTestClient(t, srv)
	srv.now = clock.now
	return c, srv, orderFor(srv.m)
}

func created(o PayOrder, state string) string {
	return fmt.Sprintf(`{"out_bill_no":%q,"transfer_bill_no":"1330000071100999991182020050700019480001",
"create_time":"2026-11-20T20:00:00+08:00","state":%q,"package_info":"affffddafdfafddffda=="}`, o.BillNo, state)
}

func queried(m Merchant, o PayOrder, state string, edits ...string) string {
	fields := map[string]any{
		"mch_id": m.MchID, "out_bill_no": o.BillNo, "transfer_bill_no": "133", "appid": o.AppID, "state": state,
		"transfer_amount": o.AmountFen, "transfer_remark": "x", "openid": o.OpenID,
		"create_time": "2026-11-20T20:00:00+08:00", "update_time": "2026-11-20T20:00:00+08:00",
	}
	for i := 0; i+1 < len(edits); i += 2 {
		var v any
		if json.Unmarshal([]byte(edits[i+1]), &v); v == nil {
			delete(fields, edits[i])
			continue
		}
		fields[edits[i]] = v
	}
	b, _ := json.Marshal(fields)
	return string(b)
}

func TestTransferCreate(t *testing.T) {
	c, srv, o := newV3Server(t)
	srv.answer = func(string, map[string]any) string { return created(o, "WAIT_USER_CONFIRM") }
	a := c.Send(context.Background(), srv.m, o)
	if a.State != PayAccepted || !a.WaitUser || a.Package != "affffddafdfafddffda==" || a.WechatNo == "" || a.Err != nil {
		t.Errorf("%+v", a)
	}
	if srv.path != "POST /v3/fund-app/mch-transfer/transfer-bills" {
		t.Errorf("path %s", srv.path)
	}
	bodyIs(t, srv.last, `{"appid":"`+o.AppID+`","out_bill_no":"`+o.BillNo+`","transfer_scene_id":"1000","openid":"`+openID+`",
"transfer_amount":168,"transfer_remark":"每瓶一码","notify_url":"https://pay.example.com/n","transfer_scene_report_infos":[
{"info_type":"活动名称","info_content":"开瓶有奖"},{"info_type":"奖励说明","info_content":"恭喜发财"}]}`)

	o.Remark, o.ActName, o.Wishing = strings.Repeat("注", 40), "", ""
	if a := c.Send(context.Background(), srv.m, o); a.State != PayAccepted {
		t.Errorf("%+v", a)
	}
	if got := srv.last["transfer_remark"]; got != strings.Repeat("注", 32) {
		t.Errorf("remark %v, want 32 characters", got)
	}
	for _, r := range srv.last["transfer_scene_report_infos"].([]any) {
		if r.(map[string]any)["info_content"] == "" {
			t.Errorf("empty report %v", r)
		}
	}
}

func TestTransferOfCommissionHasItsOwnScene(t *testing.T) {
	c, srv, o := newV3Server(t)
	srv.answer = func(string, map[string]any) string { return created(o, "WAIT_USER_CONFIRM") }
	o.SceneID, o.Infos, o.Remark, o.ActName = "1005", []Info{{"岗位类型", "推广员"}, {"报酬说明", "推广佣金"}}, "推广佣金", "推广佣金"
	if a := c.Send(context.Background(), srv.m, o); a.State != PayAccepted {
		t.Errorf("%+v", a)
	}
	bodyIs(t, srv.last, `{"appid":"`+o.AppID+`","out_bill_no":"`+o.BillNo+`","transfer_scene_id":"1005","openid":"`+openID+`",
"transfer_amount":168,"transfer_remark":"推广佣金","notify_url":"https://pay.example.com/n","user_recv_perception":"劳务报酬","transfer_scene_report_infos":[
{"info_type":"岗位类型","info_content":"推广员"},{"info_type":"报酬说明","info_content":"推广佣金"}]}`)
}

func TestTransferStates(t *testing.T) {
	for state, want := range map[string]struct {
		state PayState
		wait  bool
	}{
		"ACCEPTED": {PayAccepted, false}, "PROCESSING": {PayAccepted, false}, "WAIT_USER_CONFIRM": {PayAccepted, true},
		"TRANSFERING": {PayAccepted, false}, "SUCCESS": {PaySettled, false}, "FAIL": {PayFailed, false},
		"CANCELING": {PayAccepted, false}, "CANCELLED": {PayReturned, false}, "TOMORROW": {PayUnknown, false}, "": {PayUnknown, false},
	} {
		c, srv, o := newV3Server(t)
		for kind, call := range map[string]func(context.Context, Merchant, PayOrder) PayAnswer{"send": c.Send, "query": c.Query, "cancel": c.Cancel} {
			srv.answer = func(string, map[string]any) string { return queried(srv.m, o, state) }
			if a := call(context.Background(), srv.m, o); a.State != want.state || a.WaitUser != want.wait {
				t.Errorf("%s %s: %+v, want %s wait %v", kind, state, a, want.state, want.wait)
			}
		}
	}
}

func TestTransferQueryAndCancelAskAboutOurBill(t *testing.T) {
	c, srv, o := newV3Server(t)
	srv.answer = func(string, map[string]any) string {
		return queried(srv.m, o, "FAIL", "fail_reason", `"ACCOUNT_FROZEN `+openID+`"`)
	}
	a := c.Query(context.Background(), srv.m, o)
	if srv.path != "GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/"+o.BillNo || !strings.HasPrefix(a.Reason, "ACCOUNT_FROZEN") {
		t.Errorf("%s %+v", srv.path, a)
	}
	mustNotTell(t, a.Reason, openID)
	srv.answer = func(string, map[string]any) string { return created(o, "CANCELING") }
	if a = c.Cancel(context.Background(), srv.m, o); srv.path != "POST /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/"+o.BillNo+"/cancel" || a.State != PayAccepted {
		t.Errorf("%s %+v", srv.path, a)
	}
}

func TestTransferAboutOtherMoneyIsHeld(t *testing.T) {
	for name, edit := range map[string][2]string{
		"amount":       {"transfer_amount", "16800"},
		"no_amount":    {"transfer_amount", "null"},
		"bill_number":  {"out_bill_no", `"OTHER"`},
		"person":       {"openid", `"oOther"`},
		"merchant":     {"mch_id", `"1"`},
		"app":          {"appid", `"wx1"`},
		"minus_amount": {"transfer_amount", "-168"},
	} {
		c, srv, o := newV3Server(t)
		srv.answer = func(string, map[string]any) string { return queried(srv.m, o, "SUCCESS", edit[0], edit[1]) }
		if a := c.Query(context.Background(), srv.m, o); a.State != PayHold || a.Code != CodeLocalMismatch {
			t.Errorf("%s: %+v, want hold", name, a)
		}
	}
}

func TestTransferIsUnknownWithoutAnAuthenticAnswer(t *testing.T) {
	for name, set := range map[string]func(*v3Server, PayOrder){
		"bad_signature": func(s *v3Server, o PayOrder) {
			s.spoil = func(h http.Header) {
				h.Set("Wechatpay-Signature", signPay(rsaKeys().other, s.m.PublicKeyID, s.now(), nil).Get("Wechatpay-Signature"))
			}
		},
		"no_signature": func(s *v3Server, o PayOrder) { s.spoil = func(h http.Header) { h.Del("Wechatpay-Signature") } },
		"probe": func(s *v3Server, o PayOrder) {
			s.spoil = func(h http.Header) { h.Set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/abc") }
		},
		"another_key": func(s *v3Server, o PayOrder) {
			s.spoil = func(h http.Header) { h.Set("Wechatpay-Serial", "PUB_KEY_ID_X") }
		},
		"old_answer": func(s *v3Server, o PayOrder) {
			now := s.now()
			s.now = func() time.Time { return now }
			s.spoil = stale(s, o)
		},
		"not_json":  func(s *v3Server, o PayOrder) { s.answer = func(string, map[string]any) string { return "<html>" } },
		"json_list": func(s *v3Server, o PayOrder) { s.answer = func(string, map[string]any) string { return "[]" } },
		"amount_as_text": func(s *v3Server, o PayOrder) {
			s.answer = func(string, map[string]any) string { return queried(s.m, o, "FAIL", "transfer_amount", `"168"`) }
		},
		"empty_object": func(s *v3Server, o PayOrder) { s.answer = func(string, map[string]any) string { return "{}" } },
		"empty":        func(s *v3Server, o PayOrder) { s.answer = func(string, map[string]any) string { return "" } },
	} {
		t.Run(name, func(t *testing.T) {
			c, srv, o := newV3Server(t)
			srv.answer = func(string, map[string]any) string { return queried(srv.m, o, "FAIL") }
			set(srv, o)
			for _, a := range []PayAnswer{c.Send(context.Background(), srv.m, o), c.Query(context.Background(), srv.m, o)} {
				if a.State != PayUnknown || a.Err == nil {
					t.Errorf("%+v, want unknown", a)
				}
			}
		})
	}
}

// stale signs the answer well, but an hour ago.
func stale(s *v3Server, o PayOrder) func(http.Header) {
	return func(h http.Header) {
		for k, v := range signPay(rsaKeys().wechat, s.m.PublicKeyID, s.now().Add(-time.Hour), []byte(queried(s.m, o, "FAIL"))) {
			h[k] = v
		}
	}
}

func TestTransferErrorsAreNeverFinal(t *testing.T) {
	for name, tc := range map[string]struct {
		status      int
		code        string
		send, query PayState
	}{
		"balance":           {400, "NOT_ENOUGH", PayDelay, PayUnknown},
		"rate":              {429, "FREQUENCY_LIMITED", PayDelay, PayUnknown},
		"day":               {403, "QUOTA_EXCEED", PayDelay, PayUnknown},
		"parameter":         {400, "PARAM_ERROR", PayHold, PayHold},
		"our_signature":     {401, "SIGN_ERROR", PayHold, PayHold},
		"no_permission":     {403, "NO_AUTH", PayHold, PayHold},
		"exists":            {400, "ALREADY_EXISTS", PayUnknown, PayUnknown},
		"not_found":         {404, "NOT_FOUND", PayUnknown, PayNotFound},
		"not_found_as_200":  {400, "NOT_FOUND", PayUnknown, PayUnknown},
		"system":            {500, "SYSTEM_ERROR", PayUnknown, PayUnknown},
		"gateway_with_rate": {502, "FREQUENCY_LIMITED", PayUnknown, PayUnknown},
		"state_as_code":     {400, "FAIL", PayUnknown, PayUnknown},
		"tomorrow":          {400, "BRAND_NEW", PayUnknown, PayUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			c, srv, o := newV3Server(t)
			srv.status = tc.status
			srv.spoil = func(h http.Header) { clear(h) } // B20: nobody looks at these signatures
			srv.answer = func(string, map[string]any) string {
				return fmt.Sprintf(`{"code":%q,"message":"说明 %s","state":"FAIL","out_bill_no":%q}`, tc.code, openID, o.BillNo)
			}
			send, query := c.Send(context.Background(), srv.m, o), c.Query(context.Background(), srv.m, o)
			if send.State != tc.send || query.State != tc.query {
				t.Errorf("send %s query %s, want %s %s", send.State, query.State, tc.send, tc.query)
			}
			if send.State == PayDelay && send.RetryAfter == 0 {
				t.Error("delay needs a time")
			}
			mustNotTell(t, fmt.Sprint(send.Err, send.Reason, query.Err, query.Reason), openID, srv.m.APIv3Key)
		})
	}
}

func TestMerchantConnectionsFollowTheirKeys(t *testing.T) {
	c, err := New(Options{Hosts: hostsAt("http://127.0.0.1:1")})
	if err != nil {
		t.Fatal(err)
	}
	m := transferMerchant(t)
	first, err := c.conn(m)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := c.conn(m); again != first {
		t.Error("the same merchant got another client")
	}
	m.SerialNo = "ROTATED"
	if rotated, _ := c.conn(m); rotated == first {
		t.Error("a rotated certificate kept the old client")
	}
}
