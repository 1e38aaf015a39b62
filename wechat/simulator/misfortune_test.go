package simulator_test

import (
	"encoding/xml"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/wechat/simulator"
)

// Every kind must be seen by the side that suffers it. The table at the end
// fails when a kind is added without a line here.
func TestMisfortune(t *testing.T) {
	seen := map[string]bool{}
	case_ := func(kind, name string, run func(t *testing.T, w *world)) {
		seen[kind] = true
		t.Run(kind+"/"+name, func(t *testing.T) { run(t, newWorld(t)) })
	}
	on := func(w *world, call, kind string) { w.order(simulator.Misfortune{Call: call, Kind: kind}) }

	case_("commit_then_drop", "the_packet_exists_though_nobody_answered", func(t *testing.T, w *world) {
		on(w, "sendredpack", "commit_then_drop")
		if a := w.v2("sendredpack", w.packet("D1")); a.err == nil {
			t.Errorf("an answer came: %v", a)
		}
		if got := w.ask("D1").form["status"]; got != "SENT" {
			t.Errorf("status %s", got)
		}
		if a := w.v2("sendredpack", w.packet("D1")); a.form["result_code"] != "SUCCESS" || w.bill("D1").Sends != 2 {
			t.Errorf("again: %v", a)
		}
		w.conserved()
	})
	case_("commit_then_drop", "the_transfer_exists_too", func(t *testing.T, w *world) {
		on(w, "payout", "commit_then_drop")
		if a := w.v3("POST", transfers, w.transferOrder("D1")); a.err == nil {
			t.Errorf("an answer came: %+v", a)
		}
		if got := w.v3("GET", transfers+"/out-bill-no/D1", nil).body.text("state"); got != "WAIT_USER_CONFIRM" {
			t.Errorf("state %s", got)
		}
	})
	case_("drop", "nothing_exists", func(t *testing.T, w *world) {
		on(w, "payout", "drop")
		if a := w.v2("sendredpack", w.packet("D1")); a.err == nil {
			t.Errorf("an answer came: %v", a)
		}
		if got := w.ask("D1").form["err_code"]; got != "NOT_FOUND" {
			t.Errorf("query: %s", got)
		}
	})
	case_("delay", "the_effect_is_there_when_the_client_gives_up", func(t *testing.T, w *world) {
		w.order(simulator.Misfortune{Call: "sendredpack", Kind: "delay", Delay: time.Hour})
		f := w.packet("S1")
		f["nonce_str"] = "x"
		f["sign"] = handSign(f, keyV2, false)
		gone := make(chan struct{})
		go func() { w.v2Raw("sendredpack", f); close(gone) }()
		for len(w.sim.Bills(mchID)) == 0 { // the call is still in the air
			select {
			case <-gone:
				t.Fatal("answered at once")
			default:
			}
		}
		http.DefaultClient.CloseIdleConnections()
		if got := w.bill("S1").State; got != "SENT" && got != "SENDING" {
			t.Errorf("state %s", got)
		}
		w.sim.Close()
		<-gone
	})
	case_("unknown_code", "no_documentation_knows_it_and_nothing_happened", func(t *testing.T, w *world) {
		w.order(simulator.Misfortune{Call: "payout", Kind: "unknown_code", Count: 2})
		if a := w.v2("sendredpack", w.packet("U1")); a.form["err_code"] != "268458547" || a.form["return_code"] != "FAIL" {
			t.Errorf("v2: %v", a)
		}
		if a := w.v3("POST", transfers, w.transferOrder("U1")); a.body.text("code") != "BIZ_ERR_NEED_RETRY" || !a.verified {
			t.Errorf("v3: %+v", a)
		}
		w.order(simulator.Misfortune{Call: "custom.send", Kind: "unknown_code", Code: "77777"})
		if got := w.sayTo("x").code(); got != 77777 {
			t.Errorf("api: %d", got)
		}
		if len(w.sim.Bills("")) != 0 {
			t.Error("something happened")
		}
	})
	for _, kind := range []string{"http_500", "http_502", "commit_then_500"} {
		case_(kind, "the_gateway_answers_a_page", func(t *testing.T, w *world) {
			on(w, "transfer.create", kind)
			a := w.v3("POST", transfers, w.transferOrder("H1"))
			want := 500
			if kind == "http_502" {
				want = 502
			}
			if a.status != want || a.verified || a.err == nil {
				t.Errorf("%+v", a)
			}
			if done := len(w.sim.Bills("")) == 1; done != (kind == "commit_then_500") {
				t.Errorf("bill exists: %v", done)
			}
		})
	}
	case_("garbage_body", "half_an_answer_to_something_done", func(t *testing.T, w *world) {
		on(w, "sendredpack", "garbage_body")
		if a := w.v2("sendredpack", w.packet("G1")); a.err == nil || a.status != 200 {
			t.Errorf("v2: %v", a)
		}
		on(w, "transfer.create", "garbage_body")
		if a := w.v3("POST", transfers, w.transferOrder("G2")); a.err == nil || !a.verified {
			t.Errorf("v3: %+v", a)
		}
		if len(w.sim.Bills("")) != 2 {
			t.Error("nothing was done")
		}
	})
	case_("expired_token", "the_token_is_dead_and_a_new_one_works", func(t *testing.T, w *world) {
		old := w.token()
		on(w, "*", "expired_token")
		if a, b := w.try(old), w.try(old); a != 42001 || b != 42001 {
			t.Errorf("%d then %d", a, b)
		}
		fresh := w.token()
		if fresh == old || w.try(fresh) != 0 {
			t.Error("the new token is not new")
		}
		w.order(simulator.Misfortune{Kind: "expired_token", Code: "40001"})
		if got := w.try(fresh); got != 40001 {
			t.Errorf("as 40001: %d", got)
		}
	})
	case_("balance_short", "on_both_rails_and_only_once", func(t *testing.T, w *world) {
		w.order(simulator.Misfortune{Call: "payout", Kind: "balance_short", Count: 2})
		if got := w.v2("sendredpack", w.packet("B1")).form["err_code"]; got != "NOTENOUGH" {
			t.Errorf("v2: %s", got)
		}
		if got := w.v3("POST", transfers, w.transferOrder("B2")).body.text("code"); got != "NOT_ENOUGH" {
			t.Errorf("v3: %s", got)
		}
		if got := w.v2("sendredpack", w.packet("B1")).form["err_code"]; got != "SUCCESS" {
			t.Errorf("then: %s", got)
		}
		w.order(simulator.Misfortune{Call: "transfer.create", Kind: "balance_short", Code: "PROCESSING"})
		if got := w.v3("POST", transfers, w.transferOrder("B3")).body.text("state"); got != "PROCESSING" {
			t.Errorf("v3 waiting: %s", got)
		}
		must(t, w.sim.Advance("B3", "WAIT_USER_CONFIRM"))
		must(t, w.sim.Confirm("小满", w.bill("B3").Package))
		w.conserved()
	})
	case_("user_blocks", "is_final_and_the_money_stays", func(t *testing.T, w *world) {
		w.order(simulator.Misfortune{Call: "payout", Kind: "user_blocks", Count: 2})
		if got := w.v2("sendredpack", w.packet("B1")).form["err_code"]; got != "SEND_FAILED" {
			t.Errorf("v2: %s", got)
		}
		if q := w.ask("B1"); q.form["status"] != "FAILED" || q.form["reason"] == "" {
			t.Errorf("query: %v", q)
		}
		a := w.v3("POST", transfers, w.transferOrder("B2"))
		if a.body.text("state") != "FAIL" || a.body.text("fail_reason") == "" {
			t.Errorf("v3: %+v", a)
		}
		if n := w.arrived("/notice"); len(n) != 1 || w.openNotice(n[0].body).text("state") != "FAIL" {
			t.Errorf("%d notices", len(n))
		}
		if got := w.sim.BalanceFen(mchID); got != 1_000_000 {
			t.Errorf("balance %d", got)
		}
	})
	case_("user_never_confirms", "only_time_ends_it", func(t *testing.T, w *world) {
		w.order(simulator.Misfortune{Call: "payout", Kind: "user_never_confirms", Count: 2})
		a := w.v3("POST", transfers, w.transferOrder("N1"))
		w.v2("sendredpack", w.packet("N2"))
		if w.sim.Confirm("小满", a.body.text("package_info")) == nil || w.sim.Open("小满", "N2") == nil {
			t.Error("the user acted")
		}
		w.sim.Expire(w.clock().Add(24 * time.Hour))
		if x, y := w.bill("N1").State, w.bill("N2").State; x != "CANCELLED" || y != "REFUND" {
			t.Errorf("%s %s", x, y)
		}
	})
	case_("processing", "stays_until_it_is_moved", func(t *testing.T, w *world) {
		w.order(simulator.Misfortune{Call: "payout", Kind: "processing", Count: 3})
		if got := w.v2("sendredpack", w.packet("P1")).form["err_code"]; got != "PROCESSING" {
			t.Errorf("v2: %s", got)
		}
		if q := w.ask("P1"); q.form["status"] != "SENDING" || q.form["reason"] == "" {
			t.Errorf("query: %v", q)
		}
		if got := w.v2("sendredpack", w.packet("P1")).form["err_code"]; got != "PROCESSING" {
			t.Errorf("again: %s", got)
		}
		must(t, w.sim.Advance("P1", "SENT"))
		must(t, w.sim.Open("小满", "P1"))
		if err := w.sim.Advance("P1", "REFUND"); err == nil {
			t.Error("a received packet went back")
		}
		if got := w.v3("POST", transfers, w.transferOrder("P2")).body.text("state"); got != "PROCESSING" {
			t.Errorf("v3: %s", got)
		}
		must(t, w.sim.Advance("P2", "FAIL"))
	})
	for _, kind := range []string{"bad_answer_signature", "probe_answer_signature"} {
		case_(kind, "does_not_verify", func(t *testing.T, w *world) {
			on(w, "transfer.query", kind)
			w.v3("POST", transfers, w.transferOrder("S1"))
			a := w.v3("GET", transfers+"/out-bill-no/S1", nil)
			if a.verified || a.body.text("state") != "WAIT_USER_CONFIRM" {
				t.Errorf("%+v", a)
			}
			if probe := strings.HasPrefix(a.header.Get("Wechatpay-Signature"), "WECHATPAY/SIGNTEST/"); probe != (kind == "probe_answer_signature") {
				t.Errorf("probe: %v", probe)
			}
			if kind == "bad_answer_signature" {
				on(w, "sendredpack", kind)
				v2 := w.v2("sendredpack", w.packet("S2"))
				if v2.form["sign"] == handSign(v2.form, keyV2, false) || v2.form["result_code"] != "SUCCESS" {
					t.Errorf("v2: %v", v2)
				}
			}
		})
	}
	case_("notice_before_answer", "success_is_told_before_wait_is_answered", func(t *testing.T, w *world) {
		on(w, "transfer.create", "notice_before_answer")
		var mu sync.Mutex
		told := 0
		w.answerWith(func(http.ResponseWriter, *http.Request) { mu.Lock(); told++; mu.Unlock() })
		a := w.v3("POST", transfers, w.transferOrder("E1"))
		mu.Lock()
		before := told
		mu.Unlock()
		if before != 1 || a.body.text("state") != "WAIT_USER_CONFIRM" || a.body.text("package_info") == "" {
			t.Errorf("%d notices before the answer %+v", before, a)
		}
		if n := w.arrived("/notice"); len(n) != 1 || w.openNotice(n[0].body).text("state") != "SUCCESS" || w.bill("E1").State != "SUCCESS" {
			t.Errorf("notices: %d", len(n))
		}
		w.conserved()
	})
	case_("wrong_amount", "one_fen_more", func(t *testing.T, w *world) {
		w.v2("sendredpack", w.packet("W1"))
		w.v3("POST", transfers, w.transferOrder("W2"))
		w.order(simulator.Misfortune{Call: "payout.query", Kind: "wrong_amount", Count: 2})
		if x, y := w.ask("W1").form["total_amount"], w.v3("GET", transfers+"/out-bill-no/W2", nil).body.text("transfer_amount"); x != "189" || y != "189" {
			t.Errorf("%s %s", x, y)
		}
	})
	case_("no_receive_time", "as_seen_in_the_field", func(t *testing.T, w *world) {
		w.v2("sendredpack", w.packet("T1"))
		must(t, w.sim.Open("小满", "T1"))
		on(w, "gethbinfo", "no_receive_time")
		if q := w.ask("T1"); q.form["status"] != "RECEIVED" || q.form["rcv_time"] != "" {
			t.Errorf("%v", q)
		}
	})
	pay := func(w *world, no string) {
		a := w.v3("POST", transfers, w.transferOrder(no))
		must(w.T, w.sim.Confirm("小满", a.body.text("package_info")))
	}
	case_("missing_notice", "never_comes", func(t *testing.T, w *world) {
		on(w, "notice", "missing_notice")
		pay(w, "M1")
		if n := len(w.arrived("/notice")); n != 0 || w.bill("M1").State != "SUCCESS" {
			t.Errorf("%d notices", n)
		}
	})
	case_("duplicate_notice", "comes_twice", func(t *testing.T, w *world) {
		on(w, "notice", "duplicate_notice")
		pay(w, "M1")
		n := w.arrived("/notice")
		if len(n) != 2 || w.openNotice(n[0].body).text("out_bill_no") != w.openNotice(n[1].body).text("out_bill_no") {
			t.Errorf("%d notices", len(n))
		}
	})
	case_("duplicate_notice", "so_does_a_message", func(t *testing.T, w *world) {
		on(w, "callback", "duplicate_notice")
		must(t, w.sim.Say("小满", officialID, "你好"))
		if n := w.arrived("/callback"); len(n) != 2 || string(n[0].body) != string(n[1].body) {
			t.Errorf("%d messages", len(n))
		}
	})
	case_("out_of_order_notice", "unsubscribe_overtakes_subscribe", func(t *testing.T, w *world) {
		on(w, "callback", "out_of_order_notice")
		must(t, w.sim.Follow("小满", officialID))
		must(t, w.sim.Unfollow("小满", officialID))
		events := ""
		for _, a := range w.arrived("/callback") {
			var e struct{ Event string }
			must(t, xml.Unmarshal(a.body, &e))
			events += e.Event + " "
		}
		if events != "unsubscribe subscribe " {
			t.Errorf("%s", events)
		}
	})
	case_("forged_notice", "the_false_one_comes_first_and_does_not_verify", func(t *testing.T, w *world) {
		on(w, "notice", "forged_notice")
		pay(w, "F1")
		n := w.arrived("/notice")
		if len(n) != 2 || w.verify(n[0].header, n[0].body) || !w.verify(n[1].header, n[1].body) {
			t.Errorf("%d notices", len(n))
		}
	})
	for how, genuine := range map[string]bool{"": false, "msg_signature": true, "plaintext": true, "stale": true} {
		seen["forged_notice"] = true
		t.Run("forged_notice/callback_"+how, func(t *testing.T) {
			w := newWorldWith(t, "aes")
			w.order(simulator.Misfortune{Call: "callback", Kind: "forged_notice", Code: how})
			must(t, w.sim.Say("小满", officialID, "你好"))
			n := w.arrived("/callback")
			if len(n) != 2 {
				t.Fatalf("%d pushes", len(n))
			}
			q := n[0].query
			if ok := q.Get("signature") == sha1Of(token, q.Get("timestamp"), q.Get("nonce")); ok != genuine {
				t.Errorf("signature of the false one is genuine: %v", ok)
			}
			var in struct{ Encrypt, Content string }
			must(t, xml.Unmarshal(n[0].body, &in))
			sealedWell := in.Encrypt != "" && q.Get("msg_signature") == sha1Of(token, q.Get("timestamp"), q.Get("nonce"), in.Encrypt)
			fresh := q.Get("timestamp") == n[1].query.Get("timestamp")
			if sealedWell && fresh {
				t.Error("the false one cannot be told from a true one")
			}
			if how == "plaintext" && in.Content == "" {
				t.Error("the downgrade is not readable")
			}
		})
	}

	billCases(case_)
	laterCases(case_)

	for _, kind := range simulator.MisfortuneKinds() {
		if !seen[kind] {
			t.Errorf("no test sees %s", kind)
		}
	}
}

func TestUnknownMisfortuneIsRefusedAndClearedOnesDoNotHappen(t *testing.T) {
	w := newWorld(t)
	if err := w.sim.SetMisfortune(simulator.Misfortune{Kind: "meteor"}); err == nil {
		t.Error("ordered a meteor")
	}
	w.order(simulator.Misfortune{Call: "sendredpack", Kind: "drop", Count: 3})
	if got := w.sim.Misfortunes(); len(got) != 1 || got[0].Count != 3 {
		t.Errorf("%v", got)
	}
	w.v2("sendredpack", w.packet("X0"))
	w.sim.ClearMisfortunes()
	if a := w.v2("sendredpack", w.packet("X1")); a.form["result_code"] != "SUCCESS" {
		t.Errorf("%v", a)
	}
	if got := w.sim.Suffered(); len(got) != 1 || got["sendredpack drop"] != 1 {
		t.Errorf("suffered %v", got)
	}
}
