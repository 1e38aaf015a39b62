package campaign

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/code"
	"siyu/model/id"
	"siyu/model/lawful"
	"siyu/model/money"
)

// Levels of a finding.
const (
	Block = "block" // publishing refuses it
	Warn  = "warn"  // allowed, and likely a mistake or a duty
	OK    = "ok"
)

// Finding is one line of the check before publishing: what was looked at, what was found
// and how to mend it.
type Finding struct {
	Level string `json:"level"`
	Code  string `json:"code"`
	Field string `json:"field"` // of the form, "" = none
	Step  string `json:"step"`  // of the wizard that mends it: scope, prizes, budget, words
	Text  string `json:"text"`
	Cure  string `json:"cure"`
}

// States is what campaigns ask of codes.
type States interface {
	States(ctx context.Context, batchID id.ID, at clock.Instant) ([]code.Span, error)
}

// Balances is what campaigns ask of who watches merchants' accounts.
type Balances interface {
	// Balance is the money in a merchant's account as it was last seen. known is false
	// when nobody has looked.
	Balance(ctx context.Context, accountID id.ID) (fen money.Fen, seen clock.Instant, known bool, err error)
}

// UseAdvisers says who knows the states of codes and the merchants' money, before the
// store is used. Without them the check says nothing of these; publishing needs neither.
func (s *Store) UseAdvisers(codes States, money Balances) { s.codes, s.balances = codes, money }

// cures says how each problem that publishing refuses is mended, and where.
var cures = map[string][2]string{
	"window":    {"scope", "填写开始和结束时间；结束须晚于开始，也须晚于现在"},
	"scopes":    {"scope", "选择商品或码批次；批次里要有码"},
	"overlap":   {"scope", "换一段码或错开时间；或先结束另一个活动"},
	"level":     {"budget", "重新选择参加对象，或在等级表里开启该等级的专享活动"},
	"tiers":     {"prizes", "至少加一个奖项并填写数量"},
	"winners":   {"prizes", "各奖项数量合计不能超过参与的码数"},
	"points":    {"prizes", "填写每份积分，或把类型改为未中奖"},
	"amount":    {"prizes", "填写单个金额；最大不能小于最小"},
	"total":     {"prizes", "总额应在“数量×最小”与“数量×最大”之间"},
	"spend":     {"prizes", "减少数量或金额"},
	"max_prize": {"prizes", "单个奖项降到 50000.00 元以内（《规范促销行为暂行规定》第十七条）"},
	"rail":      {"prizes", "把金额改到微信允许的范围；2000 元起须实名，改为线下发放或拆成多个奖项"},
	"account":   {"budget", "选择本品牌的商户号；没有就先到“设置”里绑定"},
	"organiser": {"words", "填写主办方，与营业执照一致"},
	"rules":     {"words", "写明谁能参加、怎么领、何时到账、逾期怎样"},
	"induce":    {"words", "删去以关注、分享为条件的句子，写明“不关注也可领取”"},
	"unlawful":  {"words", "删去这句话；只写扫码验证后的真实权益"},
}

// Check says everything about a draft before it is published: what publishing refuses,
// what the law and WeChat ask for, what looks like a mistake; and what is in order. It
// writes nothing.
func (s *Store) Check(ctx context.Context, campaignID id.ID) ([]Finding, error) {
	c, err := s.Get(ctx, campaignID)
	if err != nil {
		return nil, err
	}
	pay, err := s.payAccount(ctx, c)
	if err != nil {
		return nil, err
	}
	written := c
	p, err := s.preview(ctx, s.db.Read(ctx), &c, pay)
	if err != nil {
		return nil, err
	}
	a := &advice{c: written, pay: pay, now: s.db.Now(), p: p}
	if c.UntilAt != 0 && c.UntilAt <= a.now {
		p.Problems = append(p.Problems, Problem{Code: "window", Field: "until_at", Text: "结束时间已过"})
	}
	for _, x := range p.Problems {
		if x.Code == "induce" && slices.ContainsFunc(p.Problems, func(y Problem) bool { return y.Code == "unlawful" && y.Field == x.Field }) {
			continue // said once, with the law that it breaks
		}
		a.out = append(a.out, Finding{Level: Block, Code: x.Code, Field: x.Field, Step: cures[x.Code][0], Text: x.Text, Cure: cures[x.Code][1]})
	}
	a.dates()
	a.prizes()
	a.merchant()
	a.caps()
	for _, look := range []func(context.Context, *advice) error{s.adviseCodes, s.adviseBalance, s.adviseApproval} {
		if err := look(ctx, a); err != nil {
			return nil, err
		}
	}
	a.fine()
	rank := map[string]int{Block: 0, Warn: 1, OK: 2}
	slices.SortStableFunc(a.out, func(x, y Finding) int { return rank[x.Level] - rank[y.Level] })
	return a.out, nil
}

type advice struct {
	c   Campaign
	pay brand.Account
	now clock.Instant
	p   Preview
	out []Finding
}

func (a *advice) warn(code, step, field, cure, format string, args ...any) {
	a.out = append(a.out, Finding{Level: Warn, Code: code, Step: step, Field: field, Text: fmt.Sprintf(format, args...), Cure: cure})
}

func (a *advice) dates() {
	long := a.c.UntilAt.Sub(a.c.FromAt)
	switch {
	case a.c.FromAt == 0 || a.c.UntilAt <= a.c.FromAt:
	case long > 366*24*time.Hour:
		a.warn("long", "scope", "until_at", "分几期办，每期重新核算预算", "活动长达 %d 天，预算会一直冻结到结束", int(long.Hours()/24))
	case long < 24*time.Hour:
		a.warn("short", "scope", "until_at", "确认结束时间没有填错", "活动不到 24 小时")
	}
	if a.c.FromAt != 0 && a.c.FromAt < a.now && a.c.UntilAt > a.now {
		a.warn("at_once", "scope", "from_at", "要定时开始就把开始时间改到以后", "开始时间已过，发布后立即生效")
	}
}

func (a *advice) prizes() {
	cash := false
	for _, t := range a.c.Tiers {
		if t.Kind != Cash {
			continue
		}
		cash = true
		field := "tiers." + strconv.Itoa(t.Tier)
		if t.MaxFen > 200_000 {
			a.warn("real_name", "prizes", field, "改为线下核实身份后发放", "奖项“%s”单个达到 2000 元，微信要求收款人实名", t.Name)
		}
		if t.Winners > 0 && a.p.Codes/t.Winners > 1_000_000 {
			a.warn("rare", "prizes", field, "确认数量没有填错；消费者会看到概率", "奖项“%s”的中奖概率低于百万分之一", t.Name)
		}
		if a.pay.Settings.Rail == brand.RailRedpack && (t.MinFen < redpackMin || t.MaxFen > redpackMax) && a.pay.Settings.SceneIDV2 != "" {
			a.warn("scene", "prizes", field, "到微信支付商户平台核对该场景已开通", "奖项“%s”超出 1–200 元，要用场景 %s 发放", t.Name, a.pay.Settings.SceneIDV2)
		}
	}
	if cash {
		a.warn("tax", "prizes", "tiers", "请财务确认代扣代缴的安排", "向不特定个人随机发放现金红包属“偶然所得”（财政部 税务总局公告 2019 年第 74 号），税率 20%%")
	}
	if a.p.Claimed > 0 {
		a.warn("claimed", "scope", "scopes", "只选没有领过的码，或减少相应数量", "范围内有 %d 个码以前领过，它们的奖不会再发", a.p.Claimed)
	}
}

// secrets that each rail needs (wechat-platform facts 3.1, 3.2).
var railSecrets = map[string][]string{
	brand.RailRedpack:  {"api_key_v2", "client_cert_pem", "client_key_pem"},
	brand.RailTransfer: {"api_v3_key", "private_key_pem", "public_key_pem"},
}

// secretNames are the labels of the fields in which they are filled in.
var secretNames = map[string]string{
	"api_key_v2": "API 密钥（v2）", "client_cert_pem": "商户 API 证书", "client_key_pem": "商户 API 证书私钥",
	"api_v3_key": "APIv3 密钥", "private_key_pem": "商户 API 私钥", "public_key_pem": "微信支付公钥",
}

func (a *advice) merchant() {
	if a.pay.ID == 0 {
		return
	}
	var missing []string
	for _, name := range railSecrets[a.pay.Settings.Rail] {
		if !slices.Contains(a.pay.HasSecrets, name) {
			missing = append(missing, secretNames[name])
		}
	}
	if len(missing) > 0 {
		a.warn("secrets", "budget", "account_id", "到“设置 → 微信账号”补全，否则红包发不出去", "商户号“%s”还缺密钥 %s", a.pay.Name, strings.Join(missing, "、"))
	}
	if a.pay.Settings.Rail == brand.RailTransfer && a.pay.Settings.TransferSceneID == "" {
		a.warn("transfer_scene", "budget", "account_id", "到“设置 → 微信账号”填写；没有特别约定就用 1000 现金营销", "商户号“%s”没有填转账场景，将按 1000 现金营销发放", a.pay.Name)
	}
}

func (a *advice) caps() {
	c := a.c
	if a.p.SpendFen > 0 && c.CapMemberDay == 0 && c.CapMember == 0 {
		a.warn("no_caps", "budget", "cap_member_day", "设每人每天的上限（常用 5–20 次）", "没有每人领取上限，羊毛党可以一个人领走大量红包")
	}
	if c.CapTotal > 0 && c.CapTotal >= a.p.Codes {
		a.warn("idle_cap", "budget", "cap_total", "填一个比码数小的数，或填 0", "总领取上限 %s 不小于码数 %s，不起作用", money.Count(c.CapTotal), money.Count(a.p.Codes))
	}
	if c.CapMember > 0 && c.CapMemberDay > c.CapMember {
		a.warn("odd_caps", "budget", "cap_member", "改小每天的上限，或改大总上限", "每人每天上限 %d 次大于活动期间上限 %d 次", c.CapMemberDay, c.CapMember)
	}
}

// adviseCodes looks for codes in scope that cannot be claimed.
func (s *Store) adviseCodes(ctx context.Context, a *advice) error {
	if s.codes == nil {
		return nil
	}
	at := max(a.now, a.c.FromAt)
	var asleep, dead, total int64
	states := map[id.ID][]code.Span{}
	for _, sc := range a.c.Scopes {
		spans, read := states[sc.BatchID]
		if !read {
			var err error
			if spans, err = s.codes.States(ctx, sc.BatchID, at); err != nil {
				return err
			}
			states[sc.BatchID] = spans
		}
		total += sc.UntilSerial - sc.FromSerial
		for _, sp := range spans {
			n := max(0, min(sp.Until, sc.UntilSerial)-max(sp.From, sc.FromSerial))
			switch sp.State {
			case code.Activated:
			case code.Issued:
				asleep += n
			default:
				dead += n
			}
		}
	}
	if asleep > 0 {
		a.warn("asleep", "scope", "scopes", "到“商品与码”激活批次，或定时在活动开始前激活", "范围内 %s 个码里有 %s 个到活动开始时还没有激活，扫了领不到", money.Count(total), money.Count(asleep))
	}
	if dead > 0 {
		a.warn("dead", "scope", "scopes", "把这些序号从范围里去掉，预算就不会为它们冻结", "范围内有 %s 个码已作废或召回", money.Count(dead))
	}
	return nil
}

func (s *Store) adviseBalance(ctx context.Context, a *advice) error {
	if s.balances == nil || a.pay.ID == 0 || a.p.SpendFen == 0 {
		return nil
	}
	fen, seen, known, err := s.balances.Balance(ctx, a.pay.ID)
	switch {
	case err != nil:
		return err
	case known && fen < a.p.SpendFen:
		a.warn("balance", "budget", "account_id", "充值到能付最大支出，或先充一部分并盯住余额提醒", "商户号“%s”余额 %s（截至 %s），少于最大支出 %s", a.pay.Name, fen.Text(), seen.Local(), a.p.SpendFen.Text())
	}
	return nil
}

func (s *Store) adviseApproval(ctx context.Context, a *advice) error {
	p, err := s.PolicyOf(ctx, a.c.BrandID)
	if err != nil {
		return err
	}
	if w := a.p.worst(); p.Needs(w, Worst{}) {
		if a.c.Approval != Approved {
			a.warn("approval", "", "", "提交审批，请另一位有审批权限的同事批准", "%s：发布前须由第二人批准", p.why(w, Worst{}))
		}
		return nil
	}
	// Many small campaigns are one large one that nobody approved.
	var others Worst
	err = s.db.Read(ctx).Raw("SELECT COALESCE(SUM(spend_fen), 0) AS fen, COALESCE(SUM(spend_points), 0) AS points FROM campaign WHERE brand_id = ? AND id <> ? AND state IN (?, ?) AND until_at > ? AND approval <> ?",
		a.c.BrandID, a.c.ID, Published, Paused, a.now, Approved).Scan(&others).Error
	if err != nil {
		return fmt.Errorf("campaign: check: %w", err)
	}
	const cure = "确认不是拆开来免审批；也可以照样提交审批"
	if a.p.SpendFen > 0 && others.Fen+a.p.SpendFen > p.ApprovalFen {
		a.warn("split", "budget", "", cure, "加上已发布且未经审批的活动，合计 %s，超过审批额度 %s", (others.Fen + a.p.SpendFen).Text(), p.ApprovalFen.Text())
	} else if a.p.Points > 0 && others.Points+a.p.Points > p.ApprovalPoints {
		a.warn("split", "budget", "", cure, "加上已发布且未经审批的活动，合计 %s 积分，超过审批额度 %s 积分", money.Count(others.Points+a.p.Points), money.Count(p.ApprovalPoints))
	}
	return nil
}

// fine says what was looked at and is in order, so that silence is not taken for it.
func (a *advice) fine() {
	for _, g := range []struct {
		code, text string
		codes      []string
	}{
		{"fine_window", "起止时间合理", []string{"window", "long", "short", "at_once"}},
		{"fine_scope", "参与的码：都可领取，没有与别的活动重叠", []string{"scopes", "overlap", "asleep", "dead", "claimed"}},
		{"fine_prizes", "奖项：数量、金额、概率合计相符", []string{"tiers", "winners", "points", "amount", "total", "spend", "rare"}},
		{"fine_rail", "金额在微信和法律允许的范围内", []string{"rail", "max_prize", "real_name", "scene"}},
		{"fine_merchant", "商户号齐备", []string{"account", "secrets", "transfer_scene", "balance"}},
		{"fine_caps", "领取上限已设", []string{"no_caps", "idle_cap", "odd_caps", "level"}},
		{"fine_words", "文案没有诱导或违法承诺", []string{"organiser", "rules", "induce", "unlawful"}},
		{"fine_approval", "审批额度内，或已由第二人批准", []string{"approval", "split"}},
	} {
		if !slices.ContainsFunc(a.out, func(f Finding) bool { return slices.Contains(g.codes, f.Code) }) {
			a.out = append(a.out, Finding{Level: OK, Code: g.code, Text: g.text})
		}
	}
}

// unlawful finds promises that no text for people may hold.
func unlawful(c Campaign) []Problem {
	out := []Problem{}
	look := func(field, text string) {
		if found, why := lawful.Promise(text); found != "" {
			out = append(out, Problem{Code: "unlawful", Field: field, Text: "不能写“" + found + "”：" + why})
		}
	}
	look("name", c.Name)
	look("rules", c.Rules)
	look("wishing", c.Wishing)
	for _, t := range c.Tiers {
		look("tiers."+strconv.Itoa(t.Tier), t.Name)
		look("tiers."+strconv.Itoa(t.Tier), t.Text)
	}
	return out
}
