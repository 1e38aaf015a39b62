package leader

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/leader"
)

// invited is a member whom a brand invited.
func (s *site) invited(brandID id.ID) *visitor {
	s.t.Helper()
	v := s.visitor("")
	s.must(s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO leader_candidate (id, brand_id, member_id, state, programme_version, evidence, reason, by_id, created_at, decided_at, again_at) VALUES (?,?,?,?,1,'[]','',1,?,?,0)",
			s.DB.NewID(), brandID, v.member, leader.Invited, s.Clock.Now(), s.Clock.Now()).Error
	}))
	return v
}

// TestInvited follows one who does not want to.
func TestInvited(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.cast()
		v := s.invited(s.Brand.ID)
		v.get("/leader/apply").says(t, 200, "邀请您成为群主", "谢绝邀请")
		if a := v.post("/leader/apply", "/leader/decline", nil); a.Code != 303 {
			t.Fatal(a.Code, a.Body)
		}
		if inv, err := s.leaders.Invitations(ctx, v.member); err != nil || len(inv) != 0 {
			t.Fatal(inv, err)
		}
		list, err := s.leaders.Candidates(ctx, s.Brand.ID, leader.Dismissed, 0, 10)
		p, _ := s.leaders.Programme(ctx, s.Brand.ID)
		if err != nil || len(list) != 1 || list[0].ByID != 0 || list[0].Reason == "" || list[0].AgainAt != s.Clock.Now().Add(time.Duration(p.Candidates.AgainDays)*24*time.Hour) {
			t.Fatalf("%+v %v", list, err)
		}
		v.get("/leader/apply").says(t, 200, "成为") // the programme is open: he may still apply
		if status, _, code := s.carl.api("POST", "/leader/decline", map[string]int{}); status != 404 || code != "leader_invitation_not_found" {
			t.Fatal(status, code)
		}
		if err := s.leaders.Decline(ctx, s.Brand.ID+1, v.member); fault.KindOf(err) != fault.NotFound {
			t.Fatal("another brand's invitation:", err)
		}
	})
}

// TestTwoBrands is a leader of two brands who is suspended in one of them.
func TestTwoBrands(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.cast().settle()
		b, err := s.Brands.Create(ctx, brand.Brand{Slug: "xinquan", Name: "新泉饮料", CodeHost: "x.example.cn"})
		s.must(err)
		_, err = s.leaders.Publish(ctx, b.ID, "新泉群主应如实介绍商品，不得收取入门费，不得按人数计酬。", 1)
		s.must(err)
		p, err := s.leaders.Programme(ctx, b.ID)
		s.must(err)
		p.Open = true
		_, err = s.leaders.Save(ctx, p, 1)
		s.must(err)
		l, err := s.leaders.Apply(ctx, leader.Application{BrandID: b.ID, MemberID: s.anna.member, AgreedVersion: 1, Answers: leader.Answers{Name: "新泉安娜"}})
		s.must(err)
		second, err := s.leaders.Approve(ctx, leader.Decision{LeaderID: l.ID, By: 1, Reason: "资料齐全"})
		s.must(err)
		home, other := "", "?brand="+b.ID.String()
		g, err := s.groups.Create(ctx, group.By{LeaderID: second.ID}, group.Draft{BrandID: b.ID, Name: "新泉一群"})
		s.must(err)
		for _, x := range []struct {
			leaderID, brandID id.ID
			name              string
		}{{second.ID, b.ID, "新泉活码"}, {s.anna.leader.ID, s.Brand.ID, "老井活码"}, {0, s.Brand.ID, "公司活码"}, {s.bert.leader.ID, s.Brand.ID, "伯特活码"}} {
			_, err := s.groups.SaveCode(ctx, 0, group.LiveDraft{BrandID: x.brandID, Name: x.name, LeaderID: x.leaderID})
			s.must(err)
		}
		t.Run("each brand shows its own people, groups, codes and income, and the way to the other", func(t *testing.T) {
			s.anna.get("/leader"+home).says(t, 200, "安娜，您好", "切换到“新泉饮料”", "/leader?brand="+b.ID.String())
			s.anna.get("/leader"+other).says(t, 200, "新泉安娜，您好", "切换到“老井酱油”", "/leader/groups"+other)
			s.anna.get("/earnings"+other).says(t, 200, "还没有收益")
			for q, want := range map[string]struct {
				code   string
				groups int
			}{home: {"老井活码", 0}, other: {"新泉活码", 1}} {
				_, v, _ := s.anna.api("GET", "/leader/groups"+q, nil)
				codes := v["live_codes"].([]any)
				if len(codes) != 1 || codes[0].(map[string]any)["name"] != want.code || len(v["list"].([]any)) != want.groups {
					t.Errorf("%q: %v", q, v)
				}
			}
			if _, v, _ := s.anna.api("GET", "/leader/people"+other, nil); len(v["list"].([]any)) != 0 {
				t.Error("people of one brand are seen at the other", v)
			}
			s.anna.get("/leader/groups/"+g.ID.String()+other).says(t, 200, "新泉一群")
			s.anna.get("/leader/groups/"+g.ID.String()).says(t, 404)
		})
		t.Run("suspended at one, he works on at the other", func(t *testing.T) {
			_, err := s.leaders.Suspend(ctx, leader.Decision{LeaderID: second.ID, By: 1, Reason: "群里刷屏"})
			s.must(err)
			if a := s.anna.get("/leader" + other); a.Code != 303 || a.Header().Get("Location") != "/leader/apply"+other {
				t.Fatal(a.Code, a.Header())
			}
			s.anna.get("/leader/apply"+other).says(t, 200, "资格已暂停", "群里刷屏", "切换到“老井酱油”")
			if status, _, code := s.anna.api("GET", "/leader/groups"+other, nil); status != 403 || code != "leader_suspended" {
				t.Error(status, code)
			}
			if a := s.anna.send("POST", "/api/v1/leader/groups"+other, `{"name":"再来"}`, "Idempotency-Key", "k-suspended"); a.Code != 403 {
				t.Error(a.Code, a.Body)
			}
			s.anna.get("/leader"+home).says(t, 200, "安娜，您好", "切换到“新泉饮料”")
			if status, _, _ := s.anna.api("GET", "/leader/groups", nil); status != 200 {
				t.Error(status)
			}
		})
		t.Run("a brand that is none, or not his", func(t *testing.T) {
			s.anna.get("/leader?brand=1").says(t, 404)
			s.anna.get("/leader?brand=x").says(t, 400)
			if a := s.bert.get("/leader" + other); a.Code != 303 {
				t.Error(a.Code)
			}
		})
	})
}
