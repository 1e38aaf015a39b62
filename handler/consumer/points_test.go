package consumer

import (
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/points"
	"siyu/model/tier"
)

// join makes a member the same human as another, as a merge does.
func (s *site) join(m, root id.ID) {
	s.t.Helper()
	err := s.DB.InTx(context.Background(), func(tx *gorm.DB) error {
		return tx.Exec("UPDATE member SET root_id = ? WHERE id = ?", root, m).Error
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestMyPoints(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := newSite(t, d, clk, claimtest.Setup{})
		_, err := s.accounts.SaveRules(ctx, points.Rules{BrandID: s.Brand.ID, Expiry: points.Expiry{Kind: points.Months, N: 1},
			Earn: []points.Earn{{On: points.OnOrder, Points: 1, PendingDays: 7}}})
		s.must(err)
		clk.Advance(time.Minute)
		lin := s.phone("lin")
		bearer := lin.miniLogin()
		me := s.memberOf("mini_lin")
		h5 := s.phone("lin")
		h5.get("/packets") // the red packet goes to the openid of the official account
		if status, _, code := lin.api("POST", "/api/v1/claim", bearer, map[string]string{"code": s.token(900)}); status != 200 {
			t.Fatal(status, code)
		}
		t.Run("what can be spent, what comes, what ends and until when", func(t *testing.T) {
			if _, err := s.accounts.Earn(ctx, points.Fact{Key: "o1", BrandID: s.Brand.ID, MemberID: me, On: points.OnOrder, AmountFen: 12_300}); err != nil {
				t.Fatal(err)
			}
			status, got, _ := lin.api("GET", "/api/v1/points", bearer, nil)
			if status != 200 || got["balance"] != got["available"] || got["pending"].(float64) != 123 || len(got["coming"].([]any)) != 1 {
				t.Fatalf("%d %+v", status, got)
			}
			h5.get("/points").says(t, 200, "当前可用积分", "待生效", "123 积分", "2026-11-28", "可用至", "2026-12-31")
		})
		t.Run("what is owed and what is frozen is said, with the reason", func(t *testing.T) {
			clk.Advance(8 * 24 * time.Hour)
			h5 := s.phone("lin") // the session was over
			a, err := s.accounts.Account(ctx, me)
			s.must(err)
			_, err = s.accounts.Freeze(ctx, me, 3, "核查", 1)
			s.must(err)
			s.must(s.accounts.Spend(ctx, points.Spend{Key: "s", MemberID: me, Points: a.Available - 3, Memo: "兑换 酱油"}))
			s.must(s.accounts.Refund(ctx, points.Refund{Key: "r", OrderKey: "o1", BrandID: s.Brand.ID, MemberID: me, AmountFen: 12_300}))
			h5.get("/points").says(t, 200, "冻结中", "待抵扣", "123", "兑换 酱油", "积分冻结", "先用于抵扣")
		})
		t.Run("the human sees one account, whichever of his members asks", func(t *testing.T) {
			wang := s.phone("wang")
			wang.get("/points").says(t, 200, "还没有积分")
			clk.Advance(time.Second)
			other := s.phone("zhao")
			otherBearer := other.miniLogin()
			s.join(s.memberOf("mini_zhao"), me)
			_, mine, _ := lin.api("GET", "/api/v1/points", lin.miniLogin(), nil)
			status, his, _ := other.api("GET", "/api/v1/points", otherBearer, nil)
			if status != 200 || his["owed"] != mine["owed"] || len(his["lines"].([]any)) != len(mine["lines"].([]any)) || his["owed"].(float64) == 0 {
				t.Fatalf("%+v\n%+v", mine, his)
			}
		})
		t.Run("without a session nothing is shown", func(t *testing.T) {
			for _, path := range []string{"/api/v1/points", "/api/v1/tier"} {
				if status, _, code := lin.api("GET", path, "", nil); status != 401 || code != "login" {
					t.Error(path, status, code)
				}
			}
		})
	})
}

func TestMyLevel(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := newSite(t, d, clk, claimtest.Setup{})
		lin := s.phone("lin")
		bearer := lin.miniLogin()
		me := s.memberOf("mini_lin")
		h5 := s.phone("lin")
		t.Run("while no brand has levels, none is spoken of", func(t *testing.T) {
			h5.get("/points").saysNot(t, "会员等级")
			h5.get("/tier").says(t, 200, "还没有会员等级")
		})
		_, err := s.tiers.Save(ctx, tier.Table{BrandID: s.Brand.ID, PeriodMonths: 12, Down: tier.DownOne, Grow: []tier.Grow{{On: tier.OnOrder, Growth: 1}}, Levels: []tier.Level{
			{Name: "普通会员", MultiplierBP: 10_000},
			{Name: "金卡会员", Threshold: 100, Keep: 80, MultiplierBP: 15_000, BirthdayPoints: 88, Perks: []string{"专属客服"}}}})
		s.must(err)
		clk.Advance(time.Minute)
		t.Run("the page says the level, what is missing and what the next one gives", func(t *testing.T) {
			s.must(s.tiers.Grow(ctx, tier.Fact{Key: "o1", BrandID: s.Brand.ID, MemberID: me, On: tier.OnOrder, AmountFen: 4_000, Memo: "购物"}))
			h5.get("/points").says(t, 200, `href="/tier"`)
			page := h5.get("/tier")
			page.says(t, 200, "普通会员", "再获得 60", "成为“金卡会员”后", "扫码积分 1.5 倍", "生日赠 88 积分", "专属客服", `max="100" value="40"`)
			page.saysNot(t, "有效期", "我的权益")
		})
		t.Run("a level has an end, and the page says what is lost unless he grows", func(t *testing.T) {
			s.must(s.tiers.Grow(ctx, tier.Fact{Key: "o2", BrandID: s.Brand.ID, MemberID: me, On: tier.OnOrder, AmountFen: 9_000, Memo: "购物"}))
			h5.get("/tier").says(t, 200, "已是最高等级", "有效期", "2027-11-21", "再获得 80 成长值即可保级", "不再享有", "普通会员 → 金卡会员")
			status, got, _ := lin.api("GET", "/api/v1/tier", bearer, nil)
			list, _ := got["list"].([]any)
			if status != 200 || len(list) != 1 {
				t.Fatal(status, got)
			}
			row := list[0].(map[string]any)
			if row["name"] != "金卡会员" || row["growth"].(float64) != 130 || row["next"] != nil || row["loss"].(map[string]any)["to"] != "普通会员" || len(row["history"].([]any)) != 1 {
				t.Fatal(row)
			}
		})
		t.Run("who keeps it is told so", func(t *testing.T) {
			s.must(s.tiers.Grow(ctx, tier.Fact{Key: "o3", BrandID: s.Brand.ID, MemberID: me, On: tier.OnOrder, AmountFen: 8_000, Memo: "购物"}))
			h5.get("/tier").says(t, 200, "已达到保级要求")
		})
	})
}
