package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siyu/model/apikey"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/withdrawal"
)

// TestLeaderStory: somebody becomes a leader on his phone and prints a poster; two people
// scan it and then bottles; what he earns is frozen, settled and withdrawn, once to a
// transfer that he confirms and once to a red packet that he opens; what is given back is
// taken back.
func TestLeaderStory(t *testing.T) {
	w := startTown(t, nil)
	b := openTab(t, startChromium(t), "http://"+w.cfg.SimAddr+"/sim/phone", 1280, 900)
	home, dir := w.cfg.PublicURL, t.TempDir()
	s := &leaderStory{town: w, t: t, b: b, home: home, poster: filepath.Join(dir, "海报.png")}

	s.becomesLeader()
	s.prints()
	s.brings("小乙")
	s.brings("小丙")
	s.earns()
	s.settles()
	s.withdraws("¥1.00", false)
	s.givesBack()
}

type leaderStory struct {
	*town
	t            *testing.T
	b            *tab
	home, poster string
}

// office logs in anew: days go by between its acts.
func (s *leaderStory) office() *client { return s.town.office(s.t) }

func (s *leaderStory) becomesLeader() {
	s.t.Helper()
	s.b.taps("小甲")
	s.b.visits(s.home + "/leader/apply")
	s.b.sees("成为晒足坊群主", "都不需要交钱", "拉多少人不计钱")
	s.b.writes("展示给客户的名字", "阿甲")
	s.b.taps("我已阅读并同意《群主协议》")
	s.b.taps("提交申请")
	s.b.sees("申请审核中")
	var list []struct{ ID, Name string }
	office := s.office()
	office.call("GET", "/leaders?brand_id="+s.demo.brand.ID.String()+"&state=applied", "", &list)
	if len(list) != 1 || list[0].Name != "阿甲" {
		s.t.Fatalf("applications: %+v", list)
	}
	office.call("POST", "/leaders/"+list[0].ID+"/approve", `{"reason":"资料齐全"}`, nil)
	s.b.visits(s.home + "/leader/apply")
	s.b.taps("进入工作台")
	s.b.sees("阿甲，您好", "今日收益", "我推荐的人", "照顾得过来吗")
}

// prints saves the poster; a scanner of another make reads it.
func (s *leaderStory) prints() {
	s.t.Helper()
	s.b.taps("邀请海报")
	s.b.sees("长按图片保存", "请不要这样说")
	s.b.saves("邀请海报", s.poster)
	// What registers others from the leader's own phone is told apart by this.
	s.waits("his own phone is known", "SELECT COUNT(*) FROM fraud_device d JOIN leader l ON l.member_id = d.member_id", 1)
	out, err := exec.Command("zbarimg", "-q", "--raw", s.poster).Output()
	if text := strings.TrimSpace(string(out)); err != nil || !strings.HasPrefix(text, s.home+"/r/") {
		s.t.Fatalf("the poster says %q, %v", text, err)
	}
	s.b.taps("关闭网页")
}

// brings lets somebody scan the poster, join, and then claim a bottle.
func (s *leaderStory) brings(who string) {
	s.t.Helper()
	s.b.taps(who)
	s.b.taps("扫一扫")
	s.b.taps("从相册选图片")
	s.b.picks(s.poster)
	s.b.sees("邀请您加入", "推荐人可能得到佣金", "不影响您的价格和奖励")
	s.b.taps("加入")
	s.b.sees("已加入", "阿甲")
	s.b.taps("关闭网页")
	s.bottle()
	s.b.taps("关闭网页")
}

// bottle scans one and claims it.
func (s *leaderStory) bottle() {
	s.t.Helper()
	s.b.taps("扫一扫")
	s.b.taps(s.demo.shelf[0].name + " 第")
	s.b.taps("立即领取")
	s.b.sees("领取时间")
}

// earns: half a yuan for each of the two, frozen; whom it came from is not said.
func (s *leaderStory) earns() {
	s.t.Helper()
	s.waits("two accruals", "SELECT COUNT(*) FROM commission_accrual WHERE state = 'frozen' AND amount = 50", 2)
	s.b.taps("小甲")
	s.b.visits(s.home + "/earnings")
	s.b.sees("冻结中\n¥1.00", "一位您推荐的用户验证了 1 件商品", "可提现\n\n¥0.00")
	for _, name := range []string{"小乙", "小丙"} {
		if s.b.now(name) {
			s.t.Errorf("the leader is shown %s", name)
		}
	}
}

// waits until a count is what it should be.
func (s *leaderStory) waits(what, query string, want int, args ...any) {
	s.t.Helper()
	eventually(s.t, what, func() bool {
		var n int
		if err := s.env.DB.Read(context.Background()).Raw(query, args...).Scan(&n).Error; err != nil {
			s.t.Fatal(err)
		}
		return n == want
	})
}

// passes lets days go by while nobody works.
func (s *leaderStory) passes(d time.Duration) {
	s.t.Helper()
	eventually(s.t, "a quiet moment", s.quiet)
	s.clk.Advance(d)
	s.sim.Expire(s.clk.Now().Time())
}

// chores does now what the program does every ten minutes by a real clock.
func (s *leaderStory) chores() {
	s.t.Helper()
	for _, c := range s.commission().Chores() {
		if err := c.Do(context.Background()); err != nil {
			s.t.Fatal(c.Name, err)
		}
	}
}

// settles: after seventeen days the frozen ones are over, and so is the week in which
// they ended.
func (s *leaderStory) settles() {
	s.t.Helper()
	s.passes(15*24*time.Hour + time.Hour)
	s.chores()
	s.waits("both are released", "SELECT COUNT(*) FROM commission_accrual WHERE state = 'released'", 2)
	s.passes(2 * 24 * time.Hour)
	s.chores()
	s.waits("a statement", "SELECT COUNT(*) FROM commission_statement WHERE state = 'closed' AND net_fen = 100", 1)
	s.b.visits(s.home + "/earnings")
	s.b.sees("冻结中\n¥0.00", "可提现\n\n¥1.00", "已结算")
	s.b.taps("结算单")
	s.b.sees("1.00")
}

// withdraws asks for all of it; the office approves; the money arrives.
func (s *leaderStory) withdraws(shown string, redpack bool) {
	s.t.Helper()
	s.b.visits(s.home + "/earnings/withdraw")
	s.b.sees("可提现", "不收手续费")
	s.b.writes("提现金额（元）", "1")
	s.b.taps("申请提现")
	s.b.sees("撤回提现")
	office := s.office()
	var list []struct {
		ID     string
		TaxFen int64 `json:"tax_fen"`
	}
	office.call("GET", "/withdrawals?state=requested", "", &list)
	if len(list) != 1 {
		s.t.Fatalf("withdrawals: %+v", list)
	}
	office.call("POST", "/withdrawals/"+list[0].ID+"/approve", fmt.Sprintf(`{"tax_fen":%d}`, list[0].TaxFen), nil)
	if redpack {
		s.b.taps("关闭网页")
		s.b.taps("微信")
		s.b.taps("[红包]")
		s.b.taps("领取红包")
		s.b.taps("拆开红包")
		s.b.sees("已存入零钱")
		s.b.taps("完成")
		s.b.taps("返回")
	} else {
		s.b.taps("更多")
		s.b.taps("刷新")
		s.b.taps("去确认收款")
		s.b.taps("确认收款")
		s.b.sees("已到账")
		s.b.taps("关闭网页")
	}
	s.waits("the withdrawal is paid", "SELECT COUNT(*) FROM withdrawal WHERE id = ? AND state = ?", 1, list[0].ID, withdrawal.Paid)
	s.waits("nothing is held any more", "SELECT COUNT(*) FROM commission_account WHERE held_fen <> 0", 0)
}

// givesBack: one of the people orders, and gives it back; later another order is settled,
// withdrawn to a red packet, and given back after that: it is owed.
func (s *leaderStory) givesBack() {
	s.t.Helper()
	ctx := context.Background()
	p := &shop{t: s.t, w: s.town}
	var err error
	if p.key, p.secret, err = s.env.APIKeys.Create(ctx, apikey.Draft{BrandID: s.demo.brand.ID, Name: "商城", Permissions: []string{apikey.OrdersWrite}}); err != nil {
		s.t.Fatal(err)
	}
	send := func(no, refund string, fen int64, at clock.Instant) {
		s.t.Helper()
		n := int64(1)
		if refund != "" {
			refund, n, fen = `,"refund_no":"`+refund+`"`, -1, -fen
		}
		body := fmt.Sprintf(`{"orders":[{"source":"shop","order_no":%q%s,"at":"%s","person":[{"kind":"openid","scope":"%s","value":"%s"}],"amount_fen":%d,"lines":[{"gtin":"%s","quantity":%d,"amount_fen":%d}]}]}`,
			no, refund, at, demoOfficial, s.sim.OpenID("小乙", demoOfficial), fen, s.demo.shelf[0].gtin, n, fen)
		if status, answer := p.call("POST", "/orders", body); status != 200 || !strings.Contains(answer, `"stored":1`) {
			s.t.Fatal(status, answer)
		}
	}
	send("1", "", 3000, s.clk.Now())
	s.waits("five per cent of it", "SELECT COUNT(*) FROM commission_accrual WHERE state = 'frozen' AND amount = 150", 1)
	send("1", "r1", 3000, s.clk.Now())
	s.waits("it is taken back", "SELECT COUNT(*) FROM commission_accrual WHERE state = 'clawed' AND amount = 150 AND clawed = 150", 1)
	s.b.visits(s.home + "/earnings")
	s.b.sees("已扣回")

	send("2", "", 2000, s.clk.Now())
	s.waits("five per cent of the other", "SELECT COUNT(*) FROM commission_accrual WHERE state = 'frozen' AND amount = 100", 1)
	s.passes(15*24*time.Hour + time.Hour)
	s.chores()
	s.waits("it is released", "SELECT COUNT(*) FROM commission_accrual WHERE state = 'released'", 1)
	s.passes(8 * 24 * time.Hour)
	s.chores()
	s.waits("another statement", "SELECT COUNT(*) FROM commission_statement WHERE state = 'closed' AND net_fen = 100", 2)
	s.payByRedpack(ctx)
	s.withdraws("¥1.00", true)
	send("2", "r2", 2000, s.clk.Now())
	s.waits("what was withdrawn is owed", "SELECT COUNT(*) FROM commission_account WHERE owed_fen = 100 AND available_fen = 0", 1)
	s.b.visits(s.home + "/earnings")
	s.b.sees("待抵扣\n¥1.00", "不需要您付钱")
	s.agrees(ctx)
}

// payByRedpack lets the other merchant pay from now on.
func (s *leaderStory) payByRedpack(ctx context.Context) {
	s.t.Helper()
	p, err := s.env.Withdrawals.Policy(ctx, s.demo.brand.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := s.env.Brands.AccountByApp(ctx, brand.Merchant, demoRedpack)
	if err != nil {
		s.t.Fatal(err)
	}
	p.AccountID = a.ID
	if _, err := s.env.Withdrawals.SavePolicy(ctx, p); err != nil {
		s.t.Fatal(err)
	}
}

// agrees compares the books with each other and the leader's tree with its counters.
func (s *leaderStory) agrees(ctx context.Context) {
	s.t.Helper()
	checks, err := s.env.Insight.Invariants(ctx, 10*time.Minute)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range checks {
		if !c.OK {
			s.t.Errorf("%s: %s", c.Name, c.Detail)
		}
	}
	var leaderID id.ID
	if err := s.env.DB.Read(ctx).Raw("SELECT member_id FROM leader").Scan(&leaderID).Error; err != nil {
		s.t.Fatal(err)
	}
	n, err := s.env.Referrals.Node(ctx, s.demo.brand.ID, leaderID)
	if err != nil || n.Direct != 2 || n.TeamSize != 2 || n.TeamClaims != 2 || n.TeamSalesFen != 0 {
		s.t.Errorf("the leader's node: %+v, %v", n, err)
	}
	var told int
	if err := s.env.DB.Read(ctx).Raw("SELECT COUNT(*) FROM event WHERE type = ?", event.Referral).Scan(&told).Error; err != nil || told == 0 {
		s.t.Errorf("%d events of referral, %v", told, err)
	}
}
