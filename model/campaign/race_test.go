package campaign_test

import (
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

// meanwhile lets something happen in the middle of a publication: after the draft was
// read, before it is written.
type meanwhile struct {
	campaign.Accounts
	happen func()
}

func (m *meanwhile) Account(ctx context.Context, accountID id.ID) (brand.Account, error) {
	if do := m.happen; do != nil {
		m.happen = nil
		do()
	}
	return m.Accounts.Account(ctx, accountID)
}

func TestWhatIsPublishedIsOneVersionOfTheDraft(t *testing.T) {
	ctx := context.Background()
	dbtest.EachLoose(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 100, Unpublished: true})
		seen, err := w.Campaigns.Preview(ctx, w.Campaign.ID)
		if err != nil {
			t.Fatal(err)
		}
		tiers := claimtest.Tiers(100)
		tiers[0].Name = "改过的奖项"
		form := campaign.Form{BrandID: w.Brand.ID, Name: "改过", FromAt: clk.Now(), UntilAt: clk.Now().Add(time.Hour), Organiser: "别人",
			Rules: "规则", AccountID: w.Merchant.ID, Tiers: tiers, Scopes: []campaign.Scope{{BatchID: w.Batch.ID}}}
		tried, changed := false, false
		hook := &meanwhile{Accounts: w.Brands, happen: func() {
			patience := time.Minute
			if d.Driver() == db.SQLite { // the one writer waits for the publication, so it gives up
				patience = 200 * time.Millisecond
			}
			short, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			_, err := w.Campaigns.Update(short, w.Campaign.ID, form)
			tried, changed = true, err == nil
		}}
		_, err = campaign.New(d, w.Box, w.Ledger, hook).Publish(ctx, w.Campaign.ID, seen.SpendFen)
		got, readErr := w.Campaigns.Get(ctx, w.Campaign.ID)
		if readErr != nil || !tried || changed != (d.Driver() == db.MySQL) {
			t.Fatal("the test did not reach the middle of the publication", readErr)
		}
		if (got.Name == "改过") != (got.Tiers[0].Name == "改过的奖项") {
			t.Fatalf("%s: name %s with tier %s: half of one draft, half of another", got.State, got.Name, got.Tiers[0].Name)
		}
		if err != nil && (fault.Of(err).Code != "campaign_changed" || got.State != campaign.Draft) {
			t.Fatal(got.State, err)
		}
		if err == nil && got.State != campaign.Published {
			t.Fatal(got.State)
		}
		w.Audit(t)
	})
}

func TestOneCampaignThatCannotEndKeepsNoOther(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 100, Edit: func(f *campaign.Form) {
			f.Scopes[0].FromSerial, f.Scopes[0].UntilSerial = 1, 51
			f.Tiers = claimtest.Tiers(40)
		}})
		form := campaign.Form{BrandID: w.Brand.ID, Name: "第二场", FromAt: clk.Now(), UntilAt: clk.Now().Add(time.Hour), Organiser: "老井",
			Rules: "规则", AccountID: w.Merchant.ID, Tiers: claimtest.Tiers(40), Scopes: []campaign.Scope{{BatchID: w.Batch.ID, FromSerial: 51, UntilSerial: 101}}}
		second, err := w.Campaigns.Create(ctx, form)
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.Campaigns.Preview(ctx, second.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Campaigns.Publish(ctx, second.ID, p.SpendFen); err != nil {
			t.Fatal(err)
		}
		for _, broken := range []id.ID{w.Campaign.ID, second.ID} { // whichever is looked at first
			if err := d.InTx(ctx, func(tx *gorm.DB) error {
				if err := tx.Exec("UPDATE campaign SET state = ? WHERE id IN (?, ?)", campaign.Published, w.Campaign.ID, second.ID).Error; err != nil {
					return err
				}
				if err := tx.Exec("DELETE FROM ledger_entry WHERE entry_key LIKE 'campaign:%:end'").Error; err != nil {
					return err
				}
				return tx.Exec("UPDATE campaign SET spend_fen = spend_fen - won_fen - 1000000000 WHERE id = ?", broken).Error // won more than reserved
			}); err != nil {
				t.Fatal(err)
			}
			clk.Advance(300 * time.Hour)
			if n, err := w.Campaigns.EndDue(ctx, clk.Now()); n != 1 || err == nil {
				t.Fatal(n, err)
			}
			other := w.Campaign.ID + second.ID - broken
			if c, err := w.Campaigns.Get(ctx, other); err != nil || c.State != campaign.Ended {
				t.Fatal(c.State, err)
			}
			if err := d.InTx(ctx, func(tx *gorm.DB) error {
				return tx.Exec("UPDATE campaign SET spend_fen = spend_fen + won_fen + 1000000000 WHERE id = ?", broken).Error
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
