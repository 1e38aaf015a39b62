package simulator_test

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siyu/wechat/simulator"
)

// TestKeep stops the world in the middle of things and goes on in a new one.
func TestKeep(t *testing.T) {
	_, publicPEM := merchantKey()
	file := filepath.Join(t.TempDir(), "world.json")
	next := func(w *world) {
		w.sim.Close()
		w.begin(file, publicPEM)
	}
	w := newWorld(t)
	next(w) // from here on there is a file
	must(t, w.sim.Say("小满", officialID, "第一次"))
	must(t, w.sim.Follow("小满", officialID))
	w.v2("sendredpack", w.packet("B1"))
	w.v2("sendredpack", w.packet("B2"))
	must(t, w.sim.Open("小满", "B1"))
	pkg := w.v3("POST", transfers, w.transferOrder("A1")).body.text("package_info")
	bills, balance := w.sim.Bills(""), w.sim.BalanceFen(mchID)
	next(w)

	t.Run("a follower is still one, and a new message has a new number", func(t *testing.T) {
		must(t, w.sim.Say("小满", officialID, "第二次"))
		seen := map[string]bool{}
		for _, a := range w.arrived("/callback") {
			var m struct{ MsgId, MsgType string }
			if err := xml.Unmarshal(a.body, &m); err != nil {
				t.Fatal(err)
			}
			if m.MsgType == "text" && seen[m.MsgId] {
				t.Errorf("message %s came twice", m.MsgId)
			}
			seen[m.MsgId] = true
		}
		if len(seen) != 2+1 { // the follow has no number
			t.Errorf("%v", seen)
		}
		if out := w.api("GET", "/cgi-bin/user/info?access_token="+w.token()+"&openid="+w.sim.OpenID("小满", officialID), nil); out["subscribe"] != float64(1) {
			t.Errorf("%v", out)
		}
	})
	t.Run("people keep their addresses", func(t *testing.T) {
		users := w.phone("GET", "state?user=", "", nil)["users"].([]any)
		if ip := users[0].(map[string]any)["ip"]; len(users) != 2 || ip != "101.80.1.10" {
			t.Errorf("%v", users)
		}
	})
	t.Run("chats, bills and money are as they were", func(t *testing.T) {
		chats := w.sim.Chats("小满")
		if len(chats) != 6 || chats[0].Text != "第一次" || chats[5].Text != "第二次" {
			t.Errorf("chats: %+v", chats)
		}
		if now := w.sim.Bills(""); len(now) != len(bills) || now[0] != bills[0] || now[2] != bills[2] {
			t.Errorf("bills: %+v, want %+v", now, bills)
		}
		if w.sim.WalletFen("小满") != 188 || w.sim.BalanceFen(mchID) != balance {
			t.Errorf("wallet %d, balance %d, want 188 and %d", w.sim.WalletFen("小满"), w.sim.BalanceFen(mchID), balance)
		}
	})
	t.Run("what waited can still be taken, once", func(t *testing.T) {
		must(t, w.sim.Confirm("小满", pkg))
		must(t, w.sim.Open("小满", "B2"))
		if err := w.sim.Open("小满", "B1"); err == nil {
			t.Error("opened in both worlds")
		}
		if got := w.ask("B2").form["status"]; got != "RECEIVED" {
			t.Error(got)
		}
		if got := w.v3("GET", transfers+"/out-bill-no/A1", nil).body.text("state"); got != "SUCCESS" {
			t.Error(got)
		}
		if got := w.sim.WalletFen("小满"); got != 3*188 {
			t.Errorf("wallet %d", got)
		}
		w.conserved()
	})
	t.Run("nobody collects: a day later it goes back", func(t *testing.T) {
		w.v2("sendredpack", w.packet("B3"))
		next(w)
		w.pass(25 * time.Hour)
		if b := w.bill("B3"); b.State != "REFUND" {
			t.Errorf("%+v", b)
		}
		w.conserved()
	})
	t.Run("a running world is kept too, a damaged file begins a new one", func(t *testing.T) {
		w.pass(time.Minute)
		w.sim.AddUser(simulator.User{Name: "新人"})
		w.token() // any call
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), "新人") || !strings.Contains(string(text), "B3") {
			t.Fatalf("%v: %.300s", err, text)
		}
		w.sim.Close()
		if err := os.WriteFile(file, text[:len(text)/2], 0o600); err != nil {
			t.Fatal(err)
		}
		w.begin(file, publicPEM)
		if got := w.sim.Bills(""); len(got) != 0 || w.sim.BalanceFen(mchID) != 1_000_000 {
			t.Errorf("%+v", got)
		}
	})
}
