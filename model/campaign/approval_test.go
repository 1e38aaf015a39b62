package campaign_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"siyu/model/campaign"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/money"
)

const (
	writer id.ID = 11
	second id.ID = 22
	third  id.ID = 33
)

// desk is a brand with a draft over the limit of approval.
type desk struct {
	*claimtest.World
	t    *testing.T
	form campaign.Form
	c    campaign.Campaign
}

func newDesk(t *testing.T, d *db.DB, clk *clock.Fake) *desk {
	t.Helper()
	w := claimtest.New(t, d, clk, claimtest.Setup{Unpublished: true})
	k := &desk{World: w, t: t}
	k.form = campaign.Form{BrandID: w.Brand.ID, Name: "开瓶有喜", FromAt: clk.Now().Add(time.Hour), UntilAt: clk.Now().Add(48 * time.Hour), Organiser: "老井", EditedBy: writer,
		Rules: "不关注也可领取", AccountID: w.Merchant.ID, Scopes: []campaign.Scope{{BatchID: w.Batch.ID}},
		Tiers: []campaign.Tier{{Name: "红包", Kind: campaign.Cash, Winners: 600, MinFen: 2000, MaxFen: 2000}}} // 12,000 yuan
	var err error
	k.c, err = w.Campaigns.Create(context.Background(), k.form)
	k.ok(err)
	return k
}

func (k *desk) ok(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

func (k *desk) refused(err error, code string) {
	k.t.Helper()
	if fault.Of(err).Code != code {
		k.t.Fatalf("want %s, got %v", code, err)
	}
}

func (k *desk) submit() campaign.Dossier {
	k.t.Helper()
	_, err := k.Campaigns.Submit(context.Background(), k.c.ID, campaign.Request{By: writer, Note: "双十二"})
	k.ok(err)
	d, err := k.Campaigns.DossierOf(context.Background(), k.c.ID, writer)
	k.ok(err)
	return d
}

func (k *desk) decide(by id.ID, yes bool, hash string) error {
	_, err := k.Campaigns.Decide(context.Background(), k.c.ID, campaign.Decision{Approve: yes, By: by, Hash: hash, Reason: "预算太高"})
	return err
}

func (k *desk) publish() error {
	_, err := k.Campaigns.Publish(context.Background(), k.c.ID, 1_200_000)
	return err
}

func TestApproval(t *testing.T) {
	ctx := context.Background()
	run := func(name string, fn func(t *testing.T, k *desk)) {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) { fn(t, newDesk(t, d, clk)) })
		})
	}
	run("over the limit a second person approves what was frozen", func(t *testing.T, k *desk) {
		k.refused(k.publish(), "approval_needed")
		dossier := k.submit()
		if !dossier.Needed || !dossier.Intact || dossier.Approval.State != campaign.Submitted || dossier.Frozen.Name != "开瓶有喜" || dossier.SpendFen != 1_200_000 || dossier.Base != "" {
			t.Fatalf("%+v", dossier)
		}
		if c, _ := k.Campaigns.Get(ctx, k.c.ID); c.Stage != campaign.StagePending {
			t.Fatal(c.Stage)
		}
		k.refused(k.publish(), "approval_needed")
		k.refused(k.decide(writer, true, dossier.Approval.Hash), "own_work")
		k.refused(k.decide(second, true, strings.Repeat("0", 64)), "approval_changed")
		k.ok(k.decide(second, true, dossier.Approval.Hash))
		k.ok(k.decide(second, true, dossier.Approval.Hash)) // said again
		k.refused(k.decide(third, false, dossier.Approval.Hash), "approval_state")
		k.ok(k.publish())
		if c, _ := k.Campaigns.Get(ctx, k.c.ID); c.Stage != campaign.StageScheduled {
			t.Fatal(c.Stage)
		}
	})
	run("who edited last cannot approve, whoever submits", func(t *testing.T, k *desk) {
		k.form.EditedBy, k.form.Wishing = second, "恭喜"
		_, err := k.Campaigns.Update(ctx, k.c.ID, k.form)
		k.ok(err)
		hash := k.submit().Approval.Hash
		k.refused(k.decide(second, true, hash), "own_work")
		k.ok(k.decide(third, true, hash))
	})
	run("an edit takes the approval back, saving the same does not", func(t *testing.T, k *desk) {
		k.ok(k.decide(second, true, k.submit().Approval.Hash))
		same := k.form
		same.EditedBy = third
		c, err := k.Campaigns.Update(ctx, k.c.ID, same)
		k.ok(err)
		if c.Approval != campaign.Approved || c.EditedBy != writer {
			t.Fatalf("%s by %d", c.Approval, c.EditedBy)
		}
		k.form.Tiers[0].Name = "大红包"
		if c, err = k.Campaigns.Update(ctx, k.c.ID, k.form); err != nil || c.Approval != "" {
			t.Fatal(c.Approval, err)
		}
		k.refused(k.publish(), "approval_needed")
		dossier := k.submit()
		if dossier.Base != campaign.BaseApproved || len(dossier.Changes) != 1 || dossier.Changes[0].Field != "tiers.1" || dossier.History[1].State != campaign.Stale {
			t.Fatalf("%+v", dossier)
		}
	})
	run("who changes, submits or publishes an older draft than the one there is told so", func(t *testing.T, k *desk) {
		seen, theirs := k.form, k.form
		seen.Version, theirs.Version = k.c.Version, k.c.Version
		theirs.Rules, theirs.EditedBy = "每人每天限领一次", second
		now, err := k.Campaigns.Update(ctx, k.c.ID, theirs)
		k.ok(err)
		seen.Name = "开瓶大吉"
		_, err = k.Campaigns.Update(ctx, k.c.ID, seen)
		k.refused(err, "campaign_changed")
		_, err = k.Campaigns.Submit(ctx, k.c.ID, campaign.Request{By: writer, Version: k.c.Version})
		k.refused(err, "campaign_changed")
		_, err = k.Campaigns.PublishBy(ctx, k.c.ID, campaign.Shown{SpendFen: 1_200_000, Version: k.c.Version}, writer)
		k.refused(err, "campaign_changed")
		same := theirs // saying what is there already undoes nothing
		same.EditedBy = writer
		if c, err := k.Campaigns.Update(ctx, k.c.ID, same); err != nil || c.EditedBy != second || c.Rules != theirs.Rules {
			t.Fatal(c.EditedBy, c.Rules, err)
		}
		seen.Version = now.Version + 1
		if c, err := k.Campaigns.Update(ctx, k.c.ID, seen); err != nil || c.Name != "开瓶大吉" || c.Rules != seen.Rules {
			t.Fatal(c.Name, c.Rules, err)
		}
	})
	run("a refusal has a reason and comes back", func(t *testing.T, k *desk) {
		hash := k.submit().Approval.Hash
		_, err := k.Campaigns.Decide(ctx, k.c.ID, campaign.Decision{By: second, Hash: hash, Reason: " "})
		k.refused(err, "reason")
		k.ok(k.decide(second, false, hash))
		if c, _ := k.Campaigns.Get(ctx, k.c.ID); c.Approval != campaign.Refused || c.Stage != campaign.StageDraft {
			t.Fatal(c.Approval, c.Stage)
		}
		k.refused(k.publish(), "approval_needed")
		k.submit()
	})
	run("taken back, nothing can be approved", func(t *testing.T, k *desk) {
		hash := k.submit().Approval.Hash
		_, err := k.Campaigns.Withdraw(ctx, k.c.ID)
		k.ok(err)
		k.refused(k.decide(second, true, hash), "approval_state")
	})
	run("below the limit one person publishes; zero means always two", func(t *testing.T, k *desk) {
		_, err := k.Campaigns.SetPolicy(ctx, campaign.Policy{BrandID: k.Brand.ID, ApprovalFen: 0})
		k.ok(err)
		k.refused(k.publish(), "approval_needed")
		_, err = k.Campaigns.SetPolicy(ctx, campaign.Policy{BrandID: k.Brand.ID, ApprovalFen: -1})
		k.refused(err, "approval_fen")
		_, err = k.Campaigns.SetPolicy(ctx, campaign.Policy{BrandID: k.Brand.ID, ApprovalFen: 1_200_000})
		k.ok(err)
		k.ok(k.publish())
	})
	run("what cannot be published cannot be submitted", func(t *testing.T, k *desk) {
		k.form.Rules = "关注公众号即可领取红包"
		_, err := k.Campaigns.Update(ctx, k.c.ID, k.form)
		k.ok(err)
		_, err = k.Campaigns.Submit(ctx, k.c.ID, campaign.Request{By: writer})
		if !strings.Contains(codes(fault.Of(err)), "unlawful") {
			t.Fatal(err)
		}
	})
}

func TestTakenBackBeforeItBegan(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		k := newDesk(t, d, clk)
		k.ok(k.decide(second, true, k.submit().Approval.Hash))
		reserved := func(want int64) {
			t.Helper()
			if n, err := k.Ledger.Balance(ctx, ledger.Fen, ledger.Account{Kind: ledger.Reserved, Owner: k.c.ID}); err != nil || n != want {
				t.Fatalf("reserved %d, want %d: %v", n, want, err)
			}
		}
		k.ok(k.publish())
		first, err := k.Campaigns.Get(ctx, k.c.ID)
		k.ok(err)
		reserved(1_200_000)
		for range 2 { // twice is once
			c, err := k.Campaigns.Cancel(ctx, k.c.ID)
			k.ok(err)
			if c.Stage != campaign.StageDraft || c.SeedHash != "" || c.SpendFen != 0 || c.Codes != 1000 || len(c.Tiers) != 1 {
				t.Fatalf("%+v", c)
			}
			reserved(0)
		}
		if k.Campaigns.For(ctx, k.Batch.ID, 1, clk.Now().Add(2*time.Hour)).State != campaign.StandNone {
			t.Fatal("a code still takes part")
		}
		k.refused(k.publish(), "approval_needed")
		k.ok(k.decide(second, true, k.submit().Approval.Hash))
		k.ok(k.publish())
		reserved(1_200_000)
		again, err := k.Campaigns.Get(ctx, k.c.ID)
		k.ok(err)
		if again.SeedHash == first.SeedHash {
			t.Fatal("the forgotten seed came back")
		}
		clk.Advance(2 * time.Hour)
		_, err = k.Campaigns.Cancel(ctx, k.c.ID)
		k.refused(err, "campaign_begun")
		trial, err := k.Ledger.TrialBalance(ctx)
		if err != nil || !trial.Balanced {
			t.Fatal(trial, err)
		}
	})
}

func TestListsByStage(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		k := newDesk(t, d, clk)
		_, err := k.Campaigns.SetPolicy(ctx, campaign.Policy{BrandID: k.Brand.ID, ApprovalFen: money.Max})
		k.ok(err)
		at := func(stage string) []campaign.Campaign {
			t.Helper()
			f := campaign.Filter{BrandID: k.Brand.ID, Stage: stage, ProductID: k.Product.ID, From: clk.Now(), Q: "开瓶"}
			list, err := k.Campaigns.Find(ctx, f, 0, 10)
			k.ok(err)
			if n, more, err := k.Campaigns.Count(ctx, f); err != nil || n != len(list) || more {
				t.Fatal(n, more, err)
			}
			for _, c := range list {
				if stage != "" && c.Stage != stage {
					t.Fatalf("%s among %s", c.Stage, stage)
				}
			}
			return list
		}
		one := func(stage string) {
			t.Helper()
			for _, s := range []string{campaign.StageDraft, campaign.StagePending, campaign.StageScheduled, campaign.StageRunning, campaign.StagePaused, campaign.StageEnded} {
				n := 0
				for _, c := range at(s) {
					if c.ID == k.c.ID {
						n++
					}
				}
				if want := map[bool]int{true: 1}[s == stage]; n != want {
					t.Fatalf("%d in %s, it is %s", n, s, stage)
				}
			}
		}
		one(campaign.StageDraft)
		k.submit()
		one(campaign.StagePending)
		k.ok(k.publish())
		one(campaign.StageScheduled)
		clk.Advance(2 * time.Hour)
		one(campaign.StageRunning)
		_, err = k.Campaigns.Pause(ctx, k.c.ID)
		k.ok(err)
		one(campaign.StagePaused)
		_, err = k.Campaigns.Archive(ctx, k.c.ID, true)
		k.refused(err, "campaign_state")
		_, err = k.Campaigns.End(ctx, k.c.ID)
		k.ok(err)
		one(campaign.StageEnded)
		copied, err := k.Campaigns.Copy(ctx, k.c.ID, second)
		k.ok(err)
		if copied.Stage != campaign.StageDraft || copied.FromAt != 0 || len(copied.Tiers) != 1 || copied.CopiedFrom != k.c.ID || !strings.HasSuffix(copied.Name, "副本") {
			t.Fatalf("%+v", copied)
		}
		for range 2 {
			_, err = k.Campaigns.Archive(ctx, k.c.ID, true)
			k.ok(err)
		}
		one("")
		if list := at(campaign.StageArchived); len(list) != 1 || list[0].ID != k.c.ID {
			t.Fatal(list)
		}
		_, err = k.Campaigns.Archive(ctx, k.c.ID, false)
		k.ok(err)
		one(campaign.StageEnded)
		if _, err := k.Campaigns.Find(ctx, campaign.Filter{Stage: "x"}, 0, 1); fault.KindOf(err) != fault.Invalid {
			t.Fatal(err)
		}
	})
}
