package export

import (
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
)

func TestAFileAndItsPasswordGoThroughTwoHands(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		p := open(t, d, clk)
		printer, boss := Hand{7, "ops-1", "10.0.0.7"}, Hand{8, "boss-1", "10.0.0.8"}
		have := func(e Export, by Hand) error {
			got, err := p.Open(ctx, e.ID, 1, by)
			if err == nil {
				err = got.Content.Close()
			}
			return err
		}
		e := p.run(t, p.request(t, Request{Kind: CSV, By: 7}))
		if err := have(e, printer); err != nil {
			t.Fatal(err)
		}
		t.Run("who downloaded does not get the password, and it stays for another", func(t *testing.T) {
			_, err := p.TakePassword(ctx, e.ID, printer)
			is(t, err, fault.Forbidden, "same_hand")
			if _, err := p.TakePassword(ctx, e.ID, boss); err != nil {
				t.Fatal(err)
			}
			if e = p.state(t, e); e.PasswordBy != boss.ID {
				t.Fatalf("%+v", e)
			}
		})
		t.Run("who has the password does not get the file, and it costs no download", func(t *testing.T) {
			is(t, have(e, boss), fault.Forbidden, "same_hand")
			if e = p.state(t, e); e.Parts[0].Downloads != 1 {
				t.Fatalf("%+v", e.Parts)
			}
		})
		t.Run("each download is noted with who and from where", func(t *testing.T) {
			list, err := p.Takings(ctx, e.ID)
			if err != nil || len(list) != 1 || list[0].Login != "ops-1" || list[0].IP != "10.0.0.7" || list[0].Part != 1 {
				t.Fatalf("%+v %v", list, err)
			}
		})
		t.Run("a file that nobody fetches is found", func(t *testing.T) {
			late := p.run(t, p.request(t, Request{Kind: CSV, By: 7}))
			clk.Advance(25 * time.Hour)
			list, err := p.Lingering(ctx, p.batch.BrandID, clk.Now().Add(-24*time.Hour))
			if err != nil || len(list) != 1 || list[0].ID != late.ID {
				t.Fatalf("%+v %v", list, err)
			}
		})
	})
}
