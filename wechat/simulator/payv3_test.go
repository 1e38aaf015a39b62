package simulator_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTransfer(t *testing.T) {
	t.Run("confirmed_money_reaches_the_user_once_and_a_verified_notice_says_so", func(t *testing.T) {
		w := newWorld(t)
		a := w.v3("POST", transfers, w.transferOrder("A1"))
		if a.status != 200 || !a.verified || a.body.text("state") != "WAIT_USER_CONFIRM" || a.body.text("out_bill_no") != "A1" {
			t.Fatalf("create: %+v", a)
		}
		pkg := a.body.text("package_info")
		if err := w.sim.Confirm("老周", pkg); err == nil {
			t.Error("another user could confirm")
		}
		must(t, w.sim.Confirm("小满", pkg))
		if err := w.sim.Confirm("小满", pkg); err == nil {
			t.Error("confirmed twice")
		}
		notices := w.arrived("/notice")
		if len(notices) != 1 || !w.verify(notices[0].header, notices[0].body) {
			t.Fatalf("%d notices, or the signature is wrong", len(notices))
		}
		n := w.openNotice(notices[0].body)
		if n.text("state") != "SUCCESS" || n.text("out_bill_no") != "A1" || n.text("transfer_amount") != "188" || n.text("mch_id") != mchID {
			t.Errorf("notice: %v", n)
		}
		q := w.v3("GET", transfers+"/out-bill-no/A1", nil)
		if !q.verified || q.body.text("state") != "SUCCESS" || q.body["package_info"] != nil {
			t.Errorf("query: %+v", q)
		}
		other := w.v3("GET", transfers+"/transfer-bill-no/"+q.body.text("transfer_bill_no"), nil)
		if other.body.text("out_bill_no") != "A1" {
			t.Errorf("query by WeChat's number: %+v", other)
		}
		if got := w.sim.WalletFen("小满"); got != 188 {
			t.Errorf("wallet %d fen", got)
		}
		if b := w.bill("A1"); b.PaidFen != 188 || b.Sends != 1 || b.Queries != 2 || b.Notices != 1 {
			t.Errorf("bill: %+v", b)
		}
		w.conserved()
	})

	t.Run("a_repeated_create_is_the_same_bill_and_other_content_is_refused", func(t *testing.T) {
		w := newWorld(t)
		first := w.v3("POST", transfers, w.transferOrder("A1"))
		again := w.v3("POST", transfers, w.transferOrder("A1"))
		if again.status != 200 || again.body.text("transfer_bill_no") != first.body.text("transfer_bill_no") || again.body.text("package_info") != first.body.text("package_info") {
			t.Errorf("again: %+v", again)
		}
		changed := w.transferOrder("A1")
		changed["transfer_amount"] = 189
		if a := w.v3("POST", transfers, changed); a.status != 400 || a.body.text("code") != "ALREADY_EXISTS" {
			t.Errorf("changed: %+v", a)
		}
		if b := w.bill("A1"); b.Sends != 3 || b.AmountFen != 188 {
			t.Errorf("bill: %+v", b)
		}
		w.conserved()
	})

	t.Run("fifty_creates_and_confirms_at_once_pay_once", func(t *testing.T) {
		w := newWorld(t)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				a := w.v3("POST", transfers, w.transferOrder("RACE"))
				if pkg, ok := a.body["package_info"].(string); ok {
					_ = w.sim.Confirm("小满", pkg) // all but one are refused
				}
			})
		}
		wg.Wait()
		if got := w.sim.WalletFen("小满"); got != 188 {
			t.Errorf("wallet %d fen, want 188", got)
		}
		if got := w.sim.BalanceFen(mchID); got != 1_000_000-188 {
			t.Errorf("balance %d", got)
		}
		if n := len(w.arrived("/notice")); n != 1 {
			t.Errorf("%d notices", n)
		}
	})

	t.Run("cancel_before_confirm_returns_the_money_and_after_it_is_refused", func(t *testing.T) {
		w := newWorld(t)
		w.v3("POST", transfers, w.transferOrder("C1"))
		a := w.v3("POST", transfers+"/out-bill-no/C1/cancel", nil)
		if a.status != 200 || a.body.text("state") != "CANCELING" {
			t.Fatalf("cancel: %+v", a)
		}
		if again := w.v3("POST", transfers+"/out-bill-no/C1/cancel", nil); again.body.text("state") != "CANCELLED" {
			t.Errorf("again: %+v", again)
		}
		if n := w.arrived("/notice"); len(n) != 1 || w.openNotice(n[0].body).text("state") != "CANCELLED" {
			t.Errorf("%d notices", len(n))
		}
		paid := w.v3("POST", transfers, w.transferOrder("C2"))
		must(t, w.sim.Confirm("小满", paid.body.text("package_info")))
		if a := w.v3("POST", transfers+"/out-bill-no/C2/cancel", nil); a.status != 400 || a.body.text("code") != "INVALID_REQUEST" {
			t.Errorf("cancel after success: %+v", a)
		}
		w.conserved()
	})

	t.Run("unconfirmed_for_24_hours_is_cancelled_and_told", func(t *testing.T) {
		w := newWorld(t)
		a := w.v3("POST", transfers, w.transferOrder("E1"))
		w.pass(24*time.Hour - time.Second)
		if got := w.v3("GET", transfers+"/out-bill-no/E1", nil).body.text("state"); got != "WAIT_USER_CONFIRM" {
			t.Errorf("a second before: %s", got)
		}
		w.pass(time.Second)
		if got := w.v3("GET", transfers+"/out-bill-no/E1", nil).body.text("state"); got != "CANCELLED" {
			t.Errorf("after 24 hours: %s", got)
		}
		if err := w.sim.Confirm("小满", a.body.text("package_info")); err == nil {
			t.Error("an expired bill could be confirmed")
		}
		if n := w.arrived("/notice"); len(n) != 1 {
			t.Errorf("%d notices", len(n))
		}
		if got := w.sim.BalanceFen(mchID); got != 1_000_000 {
			t.Errorf("balance %d", got)
		}
	})

	t.Run("without_balance_nothing_happens_and_the_same_number_works_after_topping_up", func(t *testing.T) {
		w := newWorld(t)
		big := w.transferOrder("N1")
		big["transfer_amount"] = 199_999
		for i := range 5 {
			big["out_bill_no"] = "N" + string(rune('1'+i))
			if a := w.v3("POST", transfers, big); a.status != 200 {
				t.Fatalf("%d: %+v", i, a)
			}
		}
		big["out_bill_no"] = "N6"
		if a := w.v3("POST", transfers, big); a.status != 403 || a.body.text("code") != "NOT_ENOUGH" {
			t.Errorf("short: %+v", a)
		}
		if a := w.v3("GET", transfers+"/out-bill-no/N6", nil); a.status != 404 {
			t.Errorf("a refused bill exists: %+v", a)
		}
		must(t, w.sim.TopUp(mchID, 200_000))
		if a := w.v3("POST", transfers, big); a.status != 200 {
			t.Errorf("after topping up: %+v", a)
		}
	})
}

func TestTransferRefuses(t *testing.T) {
	w := newWorld(t)
	cases := map[string]struct {
		change jsonOf
		status int
		code   string
	}{
		"bill_number_with_a_dash":    {jsonOf{"out_bill_no": "A-1"}, 400, "PARAM_ERROR"},
		"amount_under_10_fen":        {jsonOf{"transfer_amount": 9}, 400, "PARAM_ERROR"},
		"negative_amount":            {jsonOf{"transfer_amount": -188}, 400, "PARAM_ERROR"},
		"remark_of_33_characters":    {jsonOf{"transfer_remark": strings.Repeat("奖", 33)}, 400, "PARAM_ERROR"},
		"notify_url_with_query":      {jsonOf{"notify_url": "https://a.example/n?x=1"}, 400, "PARAM_ERROR"},
		"plain_http_to_the_world":    {jsonOf{"notify_url": "http://a.example/n"}, 400, "PARAM_ERROR"},
		"missing_report_info":        {jsonOf{"transfer_scene_report_infos": []jsonOf{{"info_type": "活动名称", "info_content": "x"}}}, 400, "PARAM_ERROR"},
		"perception_of_other_scene":  {jsonOf{"user_recv_perception": "劳务报酬"}, 400, "INVALID_REQUEST"},
		"commission_without_infos":   {jsonOf{"transfer_scene_id": "1005", "transfer_scene_report_infos": nil}, 400, "PARAM_ERROR"},
		"commission_as_an_activity":  {jsonOf{"transfer_scene_id": "1005"}, 400, "PARAM_ERROR"},
		"commission_half_reported":   {jsonOf{"transfer_scene_id": "1005", "transfer_scene_report_infos": []jsonOf{{"info_type": "岗位类型", "info_content": "推广员"}}}, 400, "PARAM_ERROR"},
		"commission_with_empty_info": {jsonOf{"transfer_scene_id": "1005", "transfer_scene_report_infos": []jsonOf{{"info_type": "岗位类型", "info_content": "推广员"}, {"info_type": "报酬说明", "info_content": ""}}}, 400, "PARAM_ERROR"},
		"commission_as_a_prize":      {jsonOf{"transfer_scene_id": "1005", "user_recv_perception": "活动奖励"}, 400, "INVALID_REQUEST"},
		"openid_of_another_app":      {jsonOf{"openid": w.sim.OpenID("小满", miniID)}, 400, "PARAM_ERROR"},
		"app_not_bound":              {jsonOf{"appid": "wx9999999999999999"}, 403, "NO_AUTH"},
		"2000_yuan_without_name":     {jsonOf{"transfer_amount": 200_000}, 400, "PARAM_ERROR"},
		"name_that_is_not_encrypted": {jsonOf{"user_name": "张三"}, 400, "PARAM_ERROR"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o := w.transferOrder("R1")
			for k, v := range c.change {
				o[k] = v
			}
			a := w.v3("POST", transfers, o)
			if a.status != c.status || a.body.text("code") != c.code || !a.verified {
				t.Errorf("%+v", a)
			}
		})
	}
	if n := len(w.sim.Bills(mchID)); n != 0 {
		t.Errorf("%d bills from refused requests", n)
	}
}

func TestTransferAcceptsAnEncryptedNameTwice(t *testing.T) {
	w := newWorld(t)
	id, text := w.sim.PlatformKey()
	block, _ := pem.Decode([]byte(text))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	must(t, err)
	for range 2 { // another cipher text each time, the same order
		sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, key.(*rsa.PublicKey), []byte("张三"), nil)
		must(t, err)
		body := `{"appid":"` + officialID + `","out_bill_no":"NAME1","transfer_scene_id":"1005","openid":"` + w.sim.OpenID("小满", officialID) + `","user_name":"` + base64.StdEncoding.EncodeToString(sealed) + `","transfer_amount":200000,"transfer_remark":"佣金","transfer_scene_report_infos":[{"info_type":"岗位类型","info_content":"推广员"},{"info_type":"报酬说明","info_content":"佣金"}]}`
		req, err := http.NewRequest("POST", w.base+"/api.mch.weixin.qq.com"+transfers, strings.NewReader(body))
		must(t, err)
		req.Header.Set("Accept", "application/json")
		req.Header.Set("Wechatpay-Serial", id)
		stamp := "1763604000"
		w.set(time.Unix(1763604000, 0))
		req.Header.Set("Authorization", w.authorization("POST", transfers, stamp, []byte(body)))
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		raw, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != 200 {
			t.Errorf("%d %s", res.StatusCode, raw)
		}
	}
}

func TestTransferSignature(t *testing.T) {
	w := newWorld(t)
	send := func(change func(h http.Header), body string) (int, string) {
		req, err := http.NewRequest("POST", w.base+"/api.mch.weixin.qq.com"+transfers, strings.NewReader(body))
		must(t, err)
		req.Header.Set("Accept", "application/json")
		req.Header.Set("Authorization", w.authorization("POST", transfers, "1763604000", []byte(`{}`)))
		change(req.Header)
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		defer res.Body.Close()
		raw, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(raw)
	}
	w.set(time.Unix(1763604000, 0))
	same := func(http.Header) {}
	if status, _ := send(same, `{}`); status == 401 {
		t.Fatal("a good signature was refused")
	}
	status, body := send(same, `{ }`)
	if status != 401 {
		t.Errorf("changed body: %d", status)
	}
	has(t, body, "签名错误，请检查后再试")
	has(t, body, `"issue":"sign not match"`)
	if status, _ := send(func(h http.Header) { h.Del("Authorization") }, `{}`); status != 401 {
		t.Errorf("no signature: %d", status)
	}
	if status, _ := send(func(h http.Header) {
		h.Set("Authorization", strings.Replace(h.Get("Authorization"), serial, "OTHER", 1))
	}, `{}`); status != 401 {
		t.Errorf("other serial: %d", status)
	}
	w.pass(5*time.Minute + time.Second)
	if status, _ := send(same, `{}`); status != 401 {
		t.Errorf("stale timestamp: %d", status)
	}
}

func TestNoticeIsRepeatedUntilAccepted(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	tries := 0
	w.answerWith(func(rw http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries < 4 {
			rw.WriteHeader(http.StatusInternalServerError)
			return
		}
		rw.WriteHeader(http.StatusNoContent)
	})
	a := w.v3("POST", transfers, w.transferOrder("R1"))
	must(t, w.sim.Confirm("小满", a.body.text("package_info")))
	got := w.arrived("/notice")
	if len(got) != 4 {
		t.Fatalf("%d tries, want 4", len(got))
	}
	ids := map[string]bool{}
	for _, n := range got {
		if !w.verify(n.header, n.body) {
			t.Error("a repeated notice is not signed well")
		}
		var envelope struct{ ID string }
		must(t, json.Unmarshal(n.body, &envelope))
		ids[envelope.ID] = true
	}
	if len(ids) != 1 {
		t.Errorf("a notice changed its id: %v", ids)
	}
	if b := w.bill("R1"); b.Notices != 1 {
		t.Errorf("%d notices counted as accepted", b.Notices)
	}
}

func TestNoticeIsGivenUpAfterSixteenTries(t *testing.T) {
	w := newWorld(t)
	w.answerWith(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusBadGateway) })
	a := w.v3("POST", transfers, w.transferOrder("R1"))
	must(t, w.sim.Confirm("小满", a.body.text("package_info")))
	if got := len(w.arrived("/notice")); got != 16 {
		t.Errorf("%d tries, want 16", got)
	}
}

func TestForgedNoticesDoNotVerifyAndChangeNothing(t *testing.T) {
	w := newWorld(t)
	w.v3("POST", transfers, w.transferOrder("F1"))
	for _, how := range []string{"", "probe", "stale", "serial"} {
		status, err := w.sim.Forge("F1", "SUCCESS", how)
		if err != nil || status != 200 {
			t.Fatalf("%s: %d %v", how, status, err)
		}
	}
	for i, n := range w.arrived("/notice") {
		if w.verify(n.header, n.body) {
			t.Errorf("forged notice %d verifies", i)
		}
	}
	if b := w.bill("F1"); b.State != "WAIT_USER_CONFIRM" {
		t.Errorf("bill moved to %s", b.State)
	}
	if _, err := w.sim.Forge("NONE", "", ""); err == nil {
		t.Error("forged a notice about no bill")
	}
}
