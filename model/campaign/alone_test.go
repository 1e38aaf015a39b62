package campaign_test

import (
	"context"
	"testing"
	"time"

	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/money"
)

// piece makes a draft of one code that may spend so many yuan.
func (k *desk) piece(serial int64, yuan int64) campaign.Campaign {
	k.t.Helper()
	f := k.form
	f.Scopes = []campaign.Scope{{BatchID: k.Batch.ID, FromSerial: serial, UntilSerial: serial + 20}}
	f.Tiers = []campaign.Tier{{Name: "红包", Kind: campaign.Cash, Winners: 20, MinFen: money.Fen(yuan * 5), MaxFen: money.Fen(yuan * 5)}}
	c, err := k.Campaigns.Create(context.Background(), f)
	k.ok(err)
	return c
}

func (k *desk) by(who id.ID, c campaign.Campaign, yuan int64) error {
	_, err := k.Campaigns.PublishBy(context.Background(), c.ID, campaign.Shown{SpendFen: money.Fen(yuan * 100)}, who)
	return err
}

func TestManySmallCampaignsOfOnePersonAreOneLargeOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		k := newDesk(t, d, clk)
		k.limit(60_000, 99) // 600 yuan
		k.ok(k.by(writer, k.piece(1, 400), 400))
		again := k.piece(21, 400)
		k.refused(k.by(writer, again, 400), "approval_needed")
		for who, needed := range map[id.ID]bool{writer: true, second: false} { // the page knows before
			if dossier, err := k.Campaigns.DossierOf(context.Background(), again.ID, who); err != nil || dossier.Needed != needed {
				t.Fatal(who, dossier.Needed, err)
			}
		}
		k.ok(k.by(writer, k.piece(21, 200), 200)) // up to the limit, to the fen
		k.refused(k.by(writer, k.piece(41, 20), 20), "approval_needed")
		k.ok(k.by(second, k.piece(41, 400), 400)) // everybody has his own
		// What a second person approved is not counted, and may be published.
		k.c = k.piece(61, 400)
		dossier := k.submit()
		k.ok(k.decide(second, true, dossier.Approval.Hash))
		k.ok(k.by(writer, k.c, 400))
		clk.Advance(25 * time.Hour)
		k.ok(k.by(writer, k.piece(81, 400), 400))
	})
}

func TestWhatWasTakenBackBeforeItBeganDoesNotCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		k := newDesk(t, d, clk)
		k.limit(60_000, 99)
		c := k.piece(1, 400)
		k.ok(k.by(writer, c, 400))
		_, err := k.Campaigns.Cancel(context.Background(), c.ID)
		k.ok(err)
		k.ok(k.by(writer, c, 400))
	})
}

func TestNobodyRaisesTheLimitForHimself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		k := newDesk(t, d, clk)
		k.limit(10_000, 99)
		clk.Advance(48 * time.Hour)
		k.form.FromAt, k.form.UntilAt = clk.Now().Add(time.Hour), clk.Now().Add(90*time.Hour)
		c := k.piece(1, 400)
		k.limit(20_000, writer)
		k.limit(60_000, writer) // in two steps
		k.refused(k.by(writer, c, 400), "approval_needed")
		k.ok(k.by(second, c, 400))
		clk.Advance(25 * time.Hour)
		k.ok(k.by(writer, k.piece(21, 400), 400))
	})
}

func (k *desk) limit(fen money.Fen, by id.ID) {
	k.t.Helper()
	_, err := k.Campaigns.SetPolicy(context.Background(), campaign.Policy{BrandID: k.Brand.ID, ApprovalFen: fen, UpdatedBy: by})
	k.ok(err)
}

func TestPointsArePromisesToo(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		k := newDesk(t, d, clk)
		set := func(points int64, by id.ID) error {
			_, err := k.Campaigns.SetPolicy(ctx, campaign.Policy{BrandID: k.Brand.ID, ApprovalFen: money.Max, ApprovalPoints: points, UpdatedBy: by})
			return err
		}
		gives := func(serial, points int64) campaign.Campaign {
			t.Helper()
			f := k.form
			f.Scopes = []campaign.Scope{{BatchID: k.Batch.ID, FromSerial: serial, UntilSerial: serial + 20}}
			f.Tiers = []campaign.Tier{{Name: "积分", Kind: campaign.Points, Winners: 20, Points: points}}
			c, err := k.Campaigns.Create(ctx, f)
			k.ok(err)
			return c
		}
		if p, err := k.Campaigns.PolicyOf(ctx, k.Brand.ID); err != nil || p.ApprovalPoints != campaign.DefaultApprovalPoints {
			t.Fatal(p, err)
		}
		k.ok(set(1000, 99))
		many := gives(1, 51)
		k.refused(k.by(writer, many, 0), "approval_needed")
		if dossier, err := k.Campaigns.DossierOf(ctx, many.ID, writer); err != nil || !dossier.Needed || dossier.SpendPoints != 1020 {
			t.Fatal(dossier.Needed, dossier.SpendPoints, err)
		}
		k.ok(k.by(writer, gives(1, 30), 0))
		again := gives(21, 30)
		k.refused(k.by(writer, again, 0), "approval_needed") // 600 and 600
		k.ok(k.by(writer, gives(41, 20), 0))                 // to the point
		k.ok(k.by(writer, k.piece(61, 400), 400))            // money has a limit of its own
		k.ok(k.by(second, again, 0))
		// Whoever raises it is bound by the old one.
		k.ok(set(5000, third))
		k.refused(k.by(third, gives(81, 60), 0), "approval_needed")
		k.ok(set(0, 99))
		k.refused(k.by(second, gives(101, 1), 0), "approval_needed")
		k.ok(k.by(second, k.piece(121, 20), 20))
		k.refused(set(-1, 99), "approval_points")
		// A second person's word is for points as well.
		k.c = gives(141, 1)
		sent := k.submit()
		if sent.Approval.SpendPoints != 20 {
			t.Fatal(sent.Approval)
		}
		k.ok(k.decide(second, true, sent.Approval.Hash))
		k.ok(k.by(writer, k.c, 0))
	})
}
