package simulator_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/wechat/simulator"
)

type form map[string]string

// handSign signs as the documentation says, in the test's own words.
func handSign(f form, key string, useHMAC bool) string {
	var names []string
	for k, v := range f {
		if v != "" && k != "sign" {
			names = append(names, k)
		}
	}
	sort.Strings(names)
	text := ""
	for _, k := range names {
		text += k + "=" + f[k] + "&"
	}
	text += "key=" + key
	if useHMAC {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte(text))
		return strings.ToUpper(hex.EncodeToString(h.Sum(nil)))
	}
	sum := md5.Sum([]byte(text))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// v2Result is a decoded answer; fields inside hblist are found by their names.
type v2Result struct {
	form
	err    error
	status int
}

func (w *world) v2(call string, f form) v2Result {
	w.Helper()
	f["nonce_str"] = "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"
	f["sign"] = handSign(f, keyV2, false)
	return w.v2Raw(call, f)
}

func (w *world) v2Raw(call string, f form) v2Result {
	w.Helper()
	var b strings.Builder
	b.WriteString("<request>")
	for k, v := range f {
		b.WriteString("<" + k + ">")
		must(w.T, xml.EscapeText(&b, []byte(v)))
		b.WriteString("</" + k + ">")
	}
	b.WriteString("</request>")
	return w.v2Text(call, b.String())
}

func (w *world) v2Text(call, text string) v2Result {
	w.Helper()
	res, err := http.Post(w.base+"/api.mch.weixin.qq.com/mmpaymkttransfers/"+call, "text/xml", strings.NewReader(text))
	if err != nil {
		return v2Result{form: form{}, err: err}
	}
	defer res.Body.Close()
	raw, _ := io.ReadAll(res.Body)
	out := v2Result{form: form{}, status: res.StatusCode}
	d := xml.NewDecoder(strings.NewReader(string(raw)))
	name := ""
	for {
		t, err := d.Token()
		if err != nil {
			if err != io.EOF {
				out.err = err
			}
			return out
		}
		switch t := t.(type) {
		case xml.StartElement:
			name = t.Name.Local
		case xml.CharData:
			out.form[name] += strings.TrimSpace(string(t))
		}
	}
}

func (w *world) packet(no string) form {
	return form{
		"mch_billno": no, "mch_id": mchID, "wxappid": officialID, "send_name": "山泉茶饮", "re_openid": w.sim.OpenID("小满", officialID),
		"total_amount": "188", "total_num": "1", "wishing": "开瓶有礼", "client_ip": "127.0.0.1", "act_name": "桂花季", "remark": "谢谢",
	}
}

func (w *world) ask(no string) v2Result {
	return w.v2("gethbinfo", form{"mch_billno": no, "mch_id": mchID, "appid": officialID, "bill_type": "MCHT"})
}

func TestRedpack(t *testing.T) {
	t.Run("sent_then_opened_pays_once_and_the_query_says_when", func(t *testing.T) {
		w := newWorld(t)
		a := w.v2("sendredpack", w.packet("B1"))
		if a.form["result_code"] != "SUCCESS" || a.form["mch_billno"] != "B1" || a.form["total_amount"] != "188" || a.form["send_listid"] == "" {
			t.Fatalf("send: %v", a)
		}
		if a.form["sign"] != handSign(a.form, keyV2, false) {
			t.Error("the answer's sign is wrong")
		}
		if got := w.ask("B1").form["status"]; got != "SENT" {
			t.Errorf("status %s", got)
		}
		if err := w.sim.Open("老周", "B1"); err == nil {
			t.Error("somebody else opened it")
		}
		must(t, w.sim.Open("小满", "B1"))
		if err := w.sim.Open("小满", "B1"); err == nil {
			t.Error("opened twice")
		}
		q := w.ask("B1")
		if q.form["status"] != "RECEIVED" || q.form["amount"] != "188" || q.form["rcv_time"] == "" || q.form["openid"] != w.sim.OpenID("小满", officialID) {
			t.Errorf("query: %v", q)
		}
		if w.sim.WalletFen("小满") != 188 || w.sim.BalanceFen(mchID) != 1_000_000-188 {
			t.Error("money is wrong")
		}
	})

	t.Run("the_same_order_again_is_the_same_packet_and_another_order_is_fatal", func(t *testing.T) {
		w := newWorld(t)
		first := w.v2("sendredpack", w.packet("B1"))
		f := w.packet("B1")
		f["client_ip"] = "127.0.0.2" // the machine may differ, the order does not
		again := w.v2("sendredpack", f)
		if again.form["send_listid"] != first.form["send_listid"] || again.form["result_code"] != "SUCCESS" {
			t.Errorf("again: %v", again)
		}
		f = w.packet("B1")
		f["total_amount"] = "189"
		if got := w.v2("sendredpack", f).form["err_code"]; got != "FATAL_ERROR" {
			t.Errorf("other amount: %s", got)
		}
		if b := w.bill("B1"); b.Sends != 3 || w.sim.BalanceFen(mchID) != 1_000_000-188 {
			t.Errorf("bill %+v", b)
		}
	})

	t.Run("fifty_sends_at_once_take_the_money_once", func(t *testing.T) {
		w := newWorld(t)
		f := w.packet("RACE")
		f["nonce_str"] = "x"
		f["sign"] = handSign(f, keyV2, false)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { w.v2Raw("sendredpack", f); _ = w.sim.Open("小满", "RACE") })
		}
		wg.Wait()
		if w.sim.WalletFen("小满") != 188 || w.sim.BalanceFen(mchID) != 1_000_000-188 || w.bill("RACE").Sends != 50 {
			t.Errorf("wallet %d, balance %d, bill %+v", w.sim.WalletFen("小满"), w.sim.BalanceFen(mchID), w.bill("RACE"))
		}
	})

	t.Run("unopened_for_24_hours_goes_back", func(t *testing.T) {
		w := newWorld(t)
		w.v2("sendredpack", w.packet("B1"))
		w.pass(24 * time.Hour)
		q := w.ask("B1")
		if q.form["status"] != "REFUND" || q.form["refund_amount"] != "188" || q.form["refund_time"] == "" {
			t.Errorf("query: %v", q)
		}
		if err := w.sim.Open("小满", "B1"); err == nil {
			t.Error("a returned packet was opened")
		}
		if got := w.sim.BalanceFen(mchID); got != 1_000_000 {
			t.Errorf("balance %d", got)
		}
		w.pass(30 * 24 * time.Hour)
		if got := w.ask("B1").form["err_code"]; got != "NOT_FOUND" {
			t.Errorf("after 30 days: %s", got)
		}
	})

	t.Run("hmac_is_understood_and_answered_in_kind", func(t *testing.T) {
		w := newWorld(t)
		f := w.packet("H1")
		f["nonce_str"] = "abc"
		f["sign"] = handSign(f, keyV2, true)
		a := w.v2Raw("sendredpack", f)
		if a.form["result_code"] != "SUCCESS" || a.form["sign"] != handSign(a.form, keyV2, true) {
			t.Errorf("%v", a)
		}
	})
}

func TestRedpackRefuses(t *testing.T) {
	cases := map[string]struct {
		change form
		code   string
	}{
		"under_one_yuan_without_scene":  {form{"total_amount": "99"}, "PARAM_ERROR"},
		"over_200_yuan_without_scene":   {form{"total_amount": "20001"}, "PARAM_ERROR"},
		"negative_amount":               {form{"total_amount": "-188"}, "PARAM_ERROR"},
		"overflowing_amount":            {form{"total_amount": "99999999999999999999"}, "PARAM_ERROR"},
		"unknown_scene":                 {form{"scene_id": "PRODUCT_9"}, "PARAM_ERROR"},
		"two_packets":                   {form{"total_num": "2"}, "PARAM_ERROR"},
		"bill_number_with_dash":         {form{"mch_billno": "A-1"}, "PARAM_ERROR"},
		"bill_number_of_29":             {form{"mch_billno": strings.Repeat("1", 29)}, "PARAM_ERROR"},
		"no_wishing":                    {form{"wishing": ""}, "PARAM_ERROR"},
		"mini_program_appid":            {form{"wxappid": miniID}, "ILLEGAL_APPID"},
		"appid_not_bound":               {form{"wxappid": "wx9999999999999999"}, "MSGAPPID_ERROR"},
		"openid_of_nobody":              {form{"re_openid": "oNobody"}, "OPENID_ERROR"},
		"more_than_the_balance":         {form{"total_amount": "1000001", "scene_id": "PRODUCT_1"}, "NOTENOUGH"},
		"more_than_a_user_gets_a_day":   {form{"total_amount": "100001", "scene_id": "PRODUCT_1"}, "RCVDAMOUNT_LIMIT"},
		"more_than_the_merchant_a_day":  {form{"total_amount": "150000", "scene_id": "PRODUCT_1"}, "DAY_OVER_LIMITED"},
		"openid_of_the_users_other_app": {form{"re_openid": "MINI"}, "OPENID_ERROR"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if c.code == "DAY_OVER_LIMITED" {
				w.sim.AddMerchant(simulator.Merchant{MchID: mchID, APIKeyV2: keyV2, AppIDs: []string{officialID}, BalanceFen: 1_000_000, Limits: simulator.Limits{UserDayFen: -1, MerchantDayFen: 100_000}})
			}
			f := w.packet("R1")
			for k, v := range c.change {
				f[k] = v
			}
			if f["re_openid"] == "MINI" {
				f["re_openid"] = w.sim.OpenID("小满", miniID)
			}
			a := w.v2("sendredpack", f)
			if a.form["err_code"] != c.code || a.form["result_code"] != "FAIL" || a.status != 200 {
				t.Errorf("%v", a)
			}
			if len(w.sim.Bills(mchID)) != 0 || w.sim.BalanceFen(mchID) != 1_000_000 {
				t.Error("a refused request left something behind")
			}
		})
	}
}

func TestRedpackWithSceneMayBeSmall(t *testing.T) {
	w := newWorld(t)
	f := w.packet("S1")
	f["total_amount"], f["scene_id"] = "30", "PRODUCT_1"
	if a := w.v2("sendredpack", f); a.form["result_code"] != "SUCCESS" {
		t.Errorf("%v", a)
	}
}

func TestRedpackEleventhOfTheDayWaitsForMidnightInShanghai(t *testing.T) {
	w := newWorld(t) // 10:00 in Shanghai
	for i := range 10 {
		if a := w.v2("sendredpack", w.packet("D"+string(rune('A'+i)))); a.form["result_code"] != "SUCCESS" {
			t.Fatalf("%d: %v", i, a)
		}
	}
	if got := w.v2("sendredpack", w.packet("DK")).form["err_code"]; got != "SENDNUM_LIMIT" {
		t.Errorf("eleventh: %s", got)
	}
	w.pass(14 * time.Hour)
	if got := w.v2("sendredpack", w.packet("DK")).form["result_code"]; got != "SUCCESS" {
		t.Errorf("after midnight: %s", got)
	}
}

func TestRedpackRateIsPerSecond(t *testing.T) {
	w := newWorld(t)
	w.sim.AddMerchant(simulator.Merchant{MchID: mchID, APIKeyV2: keyV2, AppIDs: []string{officialID}, BalanceFen: 1_000_000, Limits: simulator.Limits{PerSecond: 2}})
	codes := ""
	for _, no := range []string{"F1", "F2", "F3"} {
		codes += w.v2("sendredpack", w.packet(no)).form["err_code"] + " "
	}
	if codes != "SUCCESS SUCCESS FREQ_LIMIT " {
		t.Errorf("%s", codes)
	}
	w.pass(time.Second)
	if got := w.v2("sendredpack", w.packet("F3")).form["err_code"]; got != "SUCCESS" {
		t.Errorf("a second later: %s", got)
	}
}

func TestRedpackUnsignedOrMalformedIsRefused(t *testing.T) {
	w := newWorld(t)
	f := w.packet("X1")
	f["sign"] = strings.Repeat("0", 32)
	if a := w.v2Raw("sendredpack", f); a.form["err_code"] != "SIGN_ERROR" || a.form["return_code"] != "FAIL" || a.form["sign"] != "" {
		t.Errorf("wrong sign: %v", a)
	}
	delete(f, "sign")
	if got := w.v2Raw("sendredpack", f).form["err_code"]; got != "SIGN_ERROR" {
		t.Errorf("no sign: %s", got)
	}
	for name, text := range map[string]string{
		"empty": "", "not_xml": "hello", "unfinished": "<xml><a>1</a>", "nested": "<xml><a><b>1</b></a></xml>",
		"field_twice": "<xml><mch_id>1</mch_id><mch_id>2</mch_id></xml>",
		"entity_bomb": `<!DOCTYPE x [<!ENTITY a "aaaa">]><xml><mch_id>&a;</mch_id></xml>`,
	} {
		if got := w.v2Text("sendredpack", text).form["err_code"]; got != "XML_ERROR" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if len(w.sim.Bills("")) != 0 {
		t.Error("a bill from nothing")
	}
}
