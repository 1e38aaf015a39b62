package rights

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
)

func TestRequests(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, other := w.live("Aja", 1), w.live("Bob", 10)
		t.Run("an erasure can be taken back while it rests, by nobody else", func(t *testing.T) {
			r := w.ask(p, Erase)
			if _, err := w.Cancel(ctx, other.member, r.ID); fault.Of(err).Code != "request_not_found" {
				t.Fatal(err)
			}
			for range 2 {
				if c, err := w.Cancel(ctx, p.member, r.ID); err != nil || c.State != Cancelled {
					t.Fatal(c, err)
				}
			}
			clk.Advance(8 * 24 * time.Hour)
			if again, _, err := w.Run(ctx, r.ID); again != 0 || err != nil {
				t.Fatal(again, err)
			}
			if m, err := w.Members.Get(ctx, p.member); err != nil || m.State != member.Active {
				t.Fatal(m, err)
			}
		})
		t.Run("a restriction stops profiling and marketing with its answer", func(t *testing.T) {
			r := w.ask(p, Restrict)
			ok, err := w.Consents.Given(ctx, p.member, consent.Profiling)
			if err != nil || ok || r.State != Done {
				t.Fatal(ok, r, err)
			}
		})
		t.Run("what an operator asks for waits for another look, and what is refused says why", func(t *testing.T) {
			r, err := w.Ask(ctx, Ask{MemberID: p.member, Kind: Export, Channel: consent.Operator, OperatorID: 9})
			if err != nil || r.State != Requested {
				t.Fatal(r, err)
			}
			if _, err := w.Refuse(ctx, r.ID, 8, ""); fault.Of(err).Code != "reason_missing" {
				t.Fatal(err)
			}
			if r, err = w.Refuse(ctx, r.ID, 8, "电话里无法核实身份，请本人登录申请"); err != nil || r.State != Refused || r.DecidedBy != 8 || r.Answer == "" {
				t.Fatal(r, err)
			}
			if _, err := w.Approve(ctx, r.ID, 8, ""); fault.Of(err).Code != "request_state" {
				t.Fatal(err)
			}
			r, err = w.Ask(ctx, Ask{MemberID: p.member, Kind: Export, Channel: consent.Operator, OperatorID: 9})
			w.must(err)
			if _, err := w.Approve(ctx, r.ID, 9, ""); fault.Of(err).Code != "second_person" {
				t.Fatal(err)
			}
			if r, err = w.Approve(ctx, r.ID, 8, ""); err != nil || r.State != Approved {
				t.Fatal(r, err)
			}
			if r, _ = w.run(r); r.State != Done || r.FileBytes == 0 {
				t.Fatal(r)
			}
		})
		t.Run("a correction is sealed, written when it is approved, and forgotten then", func(t *testing.T) {
			r, err := w.Ask(ctx, Ask{MemberID: p.member, Kind: Correct, Channel: consent.H5, Fields: map[string]string{"nickname": "改名后"}})
			if err != nil || r.State != Requested || strings.Contains(w.dump()["rights_request"], "改名后") {
				t.Fatal(r, err)
			}
			var wrote map[string]string
			w.Correct = func(_ context.Context, m id.ID, fields map[string]string, by id.ID, _ string) error {
				if wrote = fields; m != p.member || by != 8 {
					t.Error(m, by)
				}
				return nil
			}
			r, err = w.Approve(ctx, r.ID, 8, "已核对")
			if err != nil || r.State != Done || wrote["nickname"] != "改名后" || len(r.Detail) != 0 {
				t.Fatal(r, wrote, err)
			}
		})
		t.Run("the one that is due first stands at the top", func(t *testing.T) {
			first := w.ask(other, Erase)
			clk.Advance(72 * time.Hour)
			second := w.ask(p, Erase)
			list, err := w.List(ctx, "open", 0, 10)
			if err != nil || len(list) != 2 || list[0].ID != first.ID || list[1].ID != second.ID || list[0].DueAt >= list[1].DueAt {
				t.Fatal(list, err)
			}
			if mine, err := w.Mine(ctx, p.member, 100); err != nil || len(mine) != 6 || mine[0].ID != second.ID {
				t.Fatal(mine, err)
			}
		})
		for _, bad := range []Ask{{MemberID: p.member, Kind: "all", Channel: "h5"}, {MemberID: p.member, Kind: Export, Channel: "phone"}, {MemberID: p.member, Kind: Export, Channel: "operator"},
			{MemberID: p.member, Kind: Correct, Channel: "h5"}, {MemberID: p.member, Kind: Export, Channel: "h5", Fields: map[string]string{"a": "b"}}} {
			if _, err := w.Ask(ctx, bad); fault.KindOf(err) != fault.Invalid {
				t.Error(bad, err)
			}
		}
	})
}

// A claim that was under way when the member was ended commits a payout afterwards; and
// several workers are woken for one request.
func TestAPayoutThatComesLateIsWaitedForAndTwoWorkersEraseOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.live("Aja", 1)
		w.paid(p)
		r := w.ask(p, Erase)
		clk.Advance(7 * 24 * time.Hour)
		_, _, err := w.Run(ctx, r.ID)
		w.must(err)
		late := "oAnotherOpenIDofAja00000000"
		w.exec("UPDATE payout SET state = 'sending', openid = ? WHERE claim_id = ?", late, paidClaim(t, p))
		clk.Advance(w.Terms.Settle)
		again, why, err := w.Run(ctx, r.ID)
		if got, e := w.Get(ctx, r.ID); err != nil || e != nil || again != closedPause || got.State != Running || got.Answer != why || why == "" {
			t.Fatal(again, why, got, err, e)
		}
		w.exec("UPDATE payout SET state = 'settled' WHERE openid = ?", late)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if again, why, err := w.Run(ctx, r.ID); again != 0 || err != nil {
					t.Error(again, why, err)
				}
			})
		}
		all.Wait()
		proof, err := w.ProofOf(ctx, r.ID)
		if err != nil || len(proof.Keys) != 4 { // three keys, and the openid that was only paid
			t.Fatal(proof.Keys, err)
		}
		for _, l := range proof.Tables {
			if l.Table == "identity_key" && l.Rows != 3 {
				t.Error("the second worker wrote the proof:", l)
			}
		}
		if text := w.dump(); strings.Contains(text["payout"], late) || !strings.Contains(text["payout"], tombPrefix) {
			t.Error("the late payout still names him")
		}
	})
}

// paidClaim is a claim of the person's that has a payout.
func paidClaim(t *testing.T, p person) id.ID {
	t.Helper()
	for _, c := range p.claims {
		if c.CashFen > 0 {
			return c.ID
		}
	}
	t.Fatal("he won no cash")
	return 0
}

func TestTakingThePhoneBackDeletesItAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, other := w.live("Aja", 1), w.live("Bob", 10)
		w.Consents.OnWithdraw(consent.Phone, w.ForgetPhonesTx)
		_, err := w.Consents.Put(ctx, consent.Consent{MemberID: p.member, Purpose: consent.Phone, Channel: consent.H5})
		w.must(err)
		for name, text := range w.dump() {
			if strings.Contains(text, p.hash) {
				t.Errorf("%s still has the number's hash", name)
			}
		}
		if _, err := w.Phones.Reveal(ctx, p.hash); fault.Of(err).Code != "phone_not_found" {
			t.Error(err)
		}
		if n, err := w.Phones.Reveal(ctx, other.hash); err != nil || n != other.phone {
			t.Error("another's number is gone:", n, err)
		}
		if again, err := w.people.Resolve(ctx, identity.Login{AppID: claimtest.AppID, OpenID: p.open}); err != nil || again != p.human {
			t.Error("he is not himself any more:", again, err)
		}
	})
}

func TestWorkingDays(t *testing.T) {
	friday := clock.From(time.Date(2026, 11, 20, 10, 0, 0, 0, clock.Shanghai))
	for days, want := range map[int]string{1: "2026-11-24 00:00", 5: "2026-11-28 00:00", 15: "2026-12-12 00:00"} {
		if got := workingDays(friday, days).Local(); got != want {
			t.Errorf("%d working days: %s, want %s", days, got, want)
		}
	}
}

func TestEveryListOfARegisterLineIsFilled(t *testing.T) {
	who := subject{lists: map[string]any{"members": 1, "persons": 1, "openids": 1, "heard": []string{"oABC"}, "phones": 1, "keys": 1, "accounts": 1, "scopes": 1, "names": []string{`"7"`}}}
	for _, x := range register() {
		where, args := who.condition(x.where)
		for _, m := range regexp.MustCompile(`@(\w+)`).FindAllStringSubmatch(where, -1) {
			if args[m[1]] == nil {
				t.Errorf("%s: @%s is nothing", x.name, m[1])
			}
		}
	}
}
