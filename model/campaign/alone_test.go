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
	_, err := k.Campaigns.PublishBy(context.Background(), c.ID, money.Fen(yuan*100), who)
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
