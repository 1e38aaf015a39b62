package rights

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/claim"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/insight"
	"siyu/model/member"
)

// Every table is in the register or is said to hold nothing of a person.
func TestTheRegisterKnowsEveryTable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		known := impersonal()
		for _, x := range register() {
			if known[x.name] != "" {
				t.Errorf("%s is in both lists", x.name)
			}
			known[x.name] = x.title
			if x.title == "" || x.where == "" || !x.drop && x.by == "" && x.keep == "" {
				t.Errorf("%s: nobody says what stays and why", x.name)
			}
		}
		there := tablesOf(t, d)
		for _, name := range there {
			if known[name] == "" {
				t.Errorf("table %s: the register does not say what it holds of a person", name)
			}
		}
		for name := range known {
			if !slices.Contains(there, name) {
				t.Errorf("%s is no table", name)
			}
		}
		w.must(w.Check(ctx))
		w.Erasers = nil
		if w.Check(ctx) == nil {
			t.Error("an eraser that is missing is not noticed at the start")
		}
	})
}

func TestACopyHasAllThatIsKnownAndNothingOfOthers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, other := w.live("Aja", 1), w.live("Bob", 10)
		r := w.ask(p, Export)
		if again := w.ask(p, Export); again.ID != r.ID {
			t.Fatal("a second tap made another request")
		}
		r, _ = w.run(r)
		text, err := w.Download(ctx, p.member, r.ID)
		w.must(err)
		var c Copy
		w.must(json.Unmarshal(text, &c))
		full := string(text)
		for _, s := range []string{p.open, p.union, p.phone.Digits(), "昵称Aja", "31.9.1.77", "Browser-of-Aja", "31.2304Aja", "老井食品", p.claims[0].ID.String()} {
			if !strings.Contains(full, s) {
				t.Errorf("%q is not in the copy", s)
			}
		}
		for _, s := range append(other.secrets, other.member.String(), p.hash, "iphashAja") {
			if strings.Contains(full, s) {
				t.Errorf("%q is in the copy", s)
			}
		}
		if len(c.Sections)+len(c.Withheld) != len(register()) {
			t.Errorf("%d sections and %d withheld of %d", len(c.Sections), len(c.Withheld), len(register()))
		}
		for _, s := range c.Sections {
			if n := map[string]int{"claim": len(p.claims), "scan": len(p.claims), "consent": 1, "identity_key": 3, "profile_value": 1, "event": 1, "message": 1, "report": 1, "crm_row": 1}[s.Name]; n > 0 && len(s.Rows) != n {
				t.Errorf("%s has %d rows, want %d", s.Name, len(s.Rows), n)
			}
		}
		t.Run("the file is sealed, for its owner, a few times, for a few days", func(t *testing.T) {
			if strings.Contains(w.dump()["rights_file"], "Aja") {
				t.Error("it is readable in the table")
			}
			if _, err := w.Download(ctx, other.member, r.ID); fault.Of(err).Code != "request_not_found" {
				t.Error(err)
			}
			for range 2 {
				_, err := w.Download(ctx, p.member, r.ID)
				w.must(err)
			}
			if _, err := w.Download(ctx, p.member, r.ID); fault.Of(err).Code != "downloads_used" {
				t.Error(err)
			}
			fresh, _ := w.run(w.ask(p, Export))
			clk.Advance(8 * 24 * time.Hour)
			if _, err := w.Download(ctx, p.member, fresh.ID); fault.Of(err).Code != "file_not_ready" {
				t.Error(err)
			}
			n, err := w.Expire(ctx, 10)
			if err != nil || n != 2 || w.dump()["rights_file"] != "" {
				t.Error(n, err)
			}
		})
	})
}

func TestErasureLeavesNothingAndTheBookBalances(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, other := w.live("Aja", 1), w.live("Bob", 10)
		exported, _ := w.run(w.ask(p, Export))
		r := w.ask(p, Erase)
		if r.State != Approved || r.StartAt != clk.Now().Add(7*24*time.Hour) {
			t.Fatalf("%+v", r)
		}
		if again, why, err := w.Run(ctx, r.ID); err != nil || again < 6*24*time.Hour {
			t.Fatal("it does not rest:", again, why, err)
		}
		clk.Advance(7 * 24 * time.Hour)
		t.Run("while money is on its way it waits and says so", func(t *testing.T) {
			again, why, err := w.Run(ctx, r.ID)
			got, e := w.Get(ctx, r.ID)
			if err != nil || e != nil || again != moneyPause || !strings.Contains(why, "没有到账") || got.Answer != why || got.State != Approved {
				t.Fatal(again, why, got, err, e)
			}
			if m, err := w.Members.Get(ctx, p.member); err != nil || m.State != member.Active {
				t.Fatal(m, err)
			}
		})
		w.paid(p)
		w.exec(`INSERT INTO withdrawal (id, brand_id, member_id, request_key, amount_fen, tax_fen, tax_note, state, reason, account_id, openid, payout_id, by_id, day, created_at, decided_at, finished_at)
			VALUES (1, 1, ?, 'k', 100, 0, '', 'requested', '', 1, '', 0, 0, 20261121, ?, 0, 0)`, p.member, clk.Now())
		if again, why, err := w.Run(ctx, r.ID); err != nil || again != moneyPause || !strings.Contains(why, "还有 1 笔") {
			t.Fatal("a withdrawal that nobody has decided does not hold it up:", again, why, err)
		}
		w.exec("DELETE FROM withdrawal") // it stands for one that ended; the books know nothing of it
		again, _, err := w.Run(ctx, r.ID)
		w.must(err)
		if m, err := w.Members.Get(ctx, p.member); err != nil || m.State != member.Erased || again != w.Terms.Settle {
			t.Fatal("nobody may be him while he is being erased:", m, again, err)
		}
		if _, err := w.Claims.Make(ctx, w.Code(t, 30), claim.Who{MemberID: p.member, AppID: claimtest.AppID, OpenID: p.open}); fault.Of(err).Code != "member_blocked" {
			t.Fatal("an erased member claims:", err)
		}
		before := w.dump()
		r, why := w.run(r)
		if r.State != Done {
			t.Fatal(r, why)
		}
		after := w.dump()
		for name, text := range after {
			for _, s := range p.secrets {
				if strings.Contains(text, s) {
					t.Errorf("%s still has %q", name, s)
				}
			}
			for _, s := range other.secrets {
				if strings.Contains(before[name], s) && !strings.Contains(text, s) {
					t.Errorf("%s lost %q, which is another's", name, s)
				}
			}
		}
		for _, name := range []string{"claim", "ledger_entry", "product", "campaign"} {
			if after[name] != before[name] && len(after[name]) != len(before[name]) {
				t.Errorf("%s changed", name)
			}
		}
		if _, err := w.Download(ctx, p.member, exported.ID); err == nil {
			t.Error("the copy of before can still be had")
		}
		t.Run("the book balances and every invariant holds", func(t *testing.T) {
			trial, err := w.World.Ledger.TrialBalance(ctx)
			if err != nil || !trial.Balanced {
				t.Error(trial, err)
			}
			list, err := insight.New(d).Invariants(ctx, 1000*time.Hour)
			w.must(err)
			for _, c := range list {
				if !c.OK {
					t.Error(c)
				}
			}
		})
		t.Run("the proof is signed, counts, and says what stays", func(t *testing.T) {
			proof, err := w.ProofOf(ctx, r.ID)
			if err != nil || !w.VerifyProof(proof) || len(proof.Tables) != len(register()) || len(proof.Keys) != 3 {
				t.Fatalf("%+v %v", proof, err)
			}
			rows := map[string]int64{}
			for _, l := range proof.Tables {
				rows[l.Table] = l.Rows
			}
			for name, n := range map[string]int64{"phone": 1, "identity_key": 3, "scan": int64(len(p.claims)), "message": 1, "follower": 1, "notice": 1, "replay": 1, "profile_value": 1, "event": 1, "crm_row": 1} {
				if rows[name] != n {
					t.Errorf("%s: %d rows, want %d", name, rows[name], n)
				}
			}
			proof.Tables[0].Rows++
			if w.VerifyProof(proof) {
				t.Error("a changed proof is believed")
			}
		})
		t.Run("the same human coming back is a new one", func(t *testing.T) {
			again, err := w.people.Resolve(ctx, identity.Login{AppID: claimtest.AppID, OpenID: p.open, UnionID: p.union})
			w.must(err)
			m, err := w.Members.Of(ctx, again)
			if err != nil || again == p.human || m.ID == p.member || m.State != member.Active {
				t.Fatal(again, m, err)
			}
			second, _ := w.Ask(ctx, Ask{MemberID: m.ID, Kind: Erase, Channel: consent.Mini})
			clk.Advance(7 * 24 * time.Hour)
			if second, _ = w.run(second); second.State != Done {
				t.Fatal("he cannot be erased again:", second)
			}
		})
		t.Run("nothing more can be asked for who is gone, and a second run changes nothing", func(t *testing.T) {
			if _, err := w.Ask(ctx, Ask{MemberID: p.member, Kind: Export, Channel: consent.H5}); fault.Of(err).Code != "member_not_found" {
				t.Error(err)
			}
			if again, why, err := w.Run(ctx, r.ID); again != 0 || why != "" || err != nil {
				t.Error(again, why, err)
			}
			if _, err := w.Members.Unblock(ctx, p.member); err != nil {
				t.Error(err)
			} else if m, _ := w.Members.Get(ctx, p.member); m.State != member.Erased {
				t.Error("an operator made him active again")
			}
		})
	})
}

// breaks is an eraser that fails, as by a crash in the middle.
type breaks struct{}

func (breaks) EraseTx(context.Context, *gorm.DB, []id.ID) (int64, error) {
	return 0, errors.New("the power is out")
}

func TestAnErasureThatBreaksOffIsDoneWholeByTheNextRun(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p := w.live("Aja", 1)
		w.paid(p)
		r := w.ask(p, Erase)
		clk.Advance(7 * 24 * time.Hour)
		_, _, err := w.Run(ctx, r.ID)
		w.must(err)
		clk.Advance(w.Terms.Settle)
		good := w.Erasers["profile"]
		w.Erasers["profile"] = breaks{}
		if _, _, err := w.Run(ctx, r.ID); err == nil {
			t.Fatal("it did not break")
		}
		if text := w.dump(); !strings.Contains(text["identity_key"], p.open) || !strings.Contains(text["message"], p.open) {
			t.Fatal("half of it stands")
		}
		w.Erasers["profile"] = good
		if r, _ = w.run(r); r.State != Done {
			t.Fatal(r)
		}
		if text := w.dump(); strings.Contains(text["identity_key"], p.open) {
			t.Fatal("not erased")
		}
	})
}
