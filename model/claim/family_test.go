package claim_test

import (
	"context"
	"testing"

	"siyu/model/campaign"
	"siyu/model/claim"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
)

// Two accounts that were found to be one human: one cap, one first verification, one
// claim per code; and each its own again when that is taken back.
func TestAHumanWithTwoAccounts(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := claimtest.New(t, d, clk, claimtest.Setup{Edit: func(f *campaign.Form) { f.CapMemberDay = 3 }})
		people := identity.New(d)
		members := member.New(d, people)
		claims := claim.New(d, w.Campaigns, w.Packets, w.Points, w.Outbox, w.Scans, w.Products, w.Brands, members)
		var persons, ids []id.ID
		for _, app := range []string{claimtest.AppID, "wxmini"} {
			p, err := people.Resolve(ctx, identity.Login{AppID: app, OpenID: "o1"})
			if err != nil {
				t.Fatal(err)
			}
			m, err := members.Of(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			persons, ids = append(persons, p), append(ids, m.ID)
		}
		page, mini := ids[0], ids[1]
		take := func(serial int64, m id.ID, want string) claim.Claim {
			t.Helper()
			c := w.Code(t, serial)
			made, err := claims.MakeSeen(ctx, c, claimtest.Who(m), observed(c, m))
			if got := codeOf(err); got != want {
				t.Fatalf("code %d by %d: %q, want %q", serial, m, got, want)
			}
			return made
		}
		first := take(1, page, "")
		if _, err := w.Scans.Record(ctx, observed(w.Code(t, 2), page)); err != nil {
			t.Fatal(err)
		}
		take(2, mini, "code_seen")
		take(1, mini, "code_claimed")

		merged, err := people.Merge(ctx, persons[0], persons[1], identity.Evidence{Event: identity.ByOperator, Channel: "admin", By: 7, Note: "同一个人"})
		if err != nil {
			t.Fatal(err)
		}
		if again := take(1, mini, ""); !again.Again || again.ID != first.ID {
			t.Errorf("%+v", again)
		}
		seen, err := claims.Look(ctx, observed(w.Code(t, 1), mini), w.Campaign.ID)
		if err != nil || !seen.First || !seen.Mine {
			t.Errorf("%+v %v", seen, err)
		}
		take(2, mini, "") // verified on the page, claimed in the mini program
		take(3, mini, "")
		take(4, page, "cap_member_day")
		take(4, mini, "cap_member_day")
		if seen, err = claims.Look(ctx, observed(w.Code(t, 5), mini), w.Campaign.ID); err != nil || seen.UsedToday != 3 {
			t.Errorf("used %d %v", seen.UsedToday, err)
		}
		if _, err := members.Block(ctx, page); err != nil {
			t.Fatal(err)
		}
		take(5, mini, "member_blocked")
		if seen, err = claims.Look(ctx, observed(w.Code(t, 5), mini), w.Campaign.ID); err != nil || !seen.Blocked {
			t.Errorf("%+v %v", seen, err)
		}
		if _, err := members.Unblock(ctx, page); err != nil {
			t.Fatal(err)
		}

		if _, err := people.Unmerge(ctx, merged.ID, 7, "弄错了"); err != nil {
			t.Fatal(err)
		}
		take(1, mini, "code_claimed")
		take(6, mini, "") // counted for itself again
		take(7, page, "cap_member_day")
		own, err := claims.OfMembers(ctx, []id.ID{mini}, 0, 10)
		if err != nil || len(own) != 3 {
			t.Errorf("%d claims of the mini program's member, %v", len(own), err)
		}
		w.Audit(t)
	})
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}
