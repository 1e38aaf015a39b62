package commission

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/referral"
)

// tooOld is how old a sale may be when it is reported and still earn: the history that a
// shop system brings along at its connection is nobody's commission.
const tooOld = 31 * 24 * time.Hour

// fact is a sale, or a refund of one.
type fact struct {
	event  event.Event
	on     Trigger
	key    string // of the claim or the order
	refund bool
	no     string // of the refund, within its order
	batch  id.ID
	serial int64
	goods  []good
}

// good is one line of a sale; of a refund it says how much came back, as positive numbers.
type good struct {
	Product id.ID     `json:"product"`
	Qty     int64     `json:"qty"`
	Fen     money.Fen `json:"fen"`
	Unnamed bool      `json:"unnamed,omitempty"` // of a refund: of money, not of goods (仅退款)
}

// factOf reads an event; false: it is no sale.
func (s *Store) factOf(ctx context.Context, e event.Event) (f fact, ok bool, err error) {
	f.event = e
	switch {
	case e.MemberID == 0 || e.BrandID == 0:
		return f, false, nil
	case e.Type == event.Claim:
		var b event.ClaimBody
		if json.Unmarshal(e.Body, &b) != nil {
			return f, false, nil // no body that passed the schema is this
		}
		f.on, f.key, f.batch, f.serial = OnClaim, e.Key, b.BatchID, b.Serial
		f.goods = []good{{Product: b.ProductID, Qty: 1}}
	case e.Type == event.Order:
		var b event.OrderBody
		if json.Unmarshal(e.Body, &b) != nil {
			return f, false, nil
		}
		f.on, f.key, f.refund = OnOrder, "order:"+e.BrandID.String()+":"+b.Source+":"+b.OrderNo, b.RefundNo != ""
		f.no = b.RefundNo
		for _, l := range b.Lines {
			g := good{Qty: l.Quantity, Fen: l.AmountFen}
			if g.Product, err = s.shelf.Get(ctx, item{e.BrandID, l.GTIN}); err != nil {
				return f, false, err
			}
			if f.refund {
				g.Qty, g.Fen, g.Unnamed = -g.Qty, -g.Fen, l.GTIN == "" && l.SKU == ""
			}
			f.goods = append(f.goods, g)
		}
	default:
		return f, false, nil
	}
	return f, f.refund || e.At >= s.DB.Now().Add(-tooOld), nil
}

// covered sums up the goods that terms cover. Money that came back for no named goods may
// be of those: it counts, or a refund without a barcode would leave the commission.
func covered(t Terms, goods []good) (qty int64, fen money.Fen) {
	for _, g := range goods {
		if t.covers(g.Product) || g.Unnamed {
			qty, fen = qty+g.Qty, fen+g.Fen
		}
	}
	return qty, fen
}

// check is one thing that was looked at before something was accrued.
type check struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Text string `json:"text"` // zh-CN
}

// intent is an accrual before caps and budget: amount 0 when a check failed.
type intent struct {
	accrual Accrual
	terms   Terms
	family  []id.ID // of the earner
	cycle   Cycle
}

// weigh finds what a sale brings whom, by the rules that were in force when it happened.
// It reads only.
func (s *Store) weigh(ctx context.Context, f fact, rules []Version, p Policy) (out []intent, err error) {
	var line []referral.Binding
	asked := false
	for i := range rules {
		v := &rules[i]
		qty, fen := covered(v.Terms, f.goods)
		if v.Terms.Trigger != f.on || !v.at(f.event.At) || qty <= 0 && fen <= 0 {
			continue
		}
		if !asked {
			asked = true
			if line, err = s.Uplines.Upline(ctx, f.event.BrandID, f.event.MemberID, f.event.At, Two.Depth()); err != nil {
				return nil, fmt.Errorf("commission: upline: %w", err)
			}
		}
		if depth := v.Terms.Level.Depth(); len(line) < depth { // nobody brought him: nothing to explain to anybody
			continue
		} else if !slices.Contains(v.Terms.Roles, line[depth-1].Role) {
			continue
		}
		in, err := s.intend(ctx, f, v, line, qty, fen)
		if err != nil {
			return nil, err
		}
		in.cycle = p.cycleOf(in.accrual.Day)
		out = append(out, in)
	}
	return out, nil
}

// intend runs the checks of one rule on one sale.
func (s *Store) intend(ctx context.Context, f fact, v *Version, line []referral.Binding, qty int64, fen money.Fen) (intent, error) {
	e, t, depth := f.event, v.Terms, v.Terms.Level.Depth()
	b := line[depth-1]
	a := Accrual{BrandID: e.BrandID, RuleID: v.RuleID, Version: v.Version, Level: t.Level, EarnedOn: t.Trigger, Pay: t.Pay, FactKey: f.key,
		EventID: e.ID, EventKey: e.Key, EventAt: e.At, Day: clock.DayOf(e.At), RefereeID: e.MemberID, EarnerID: b.ReferrerID, Role: b.Role,
		BindingID: b.ID, BoundAt: b.BoundAt, BatchID: f.batch, Serial: f.serial, BaseQty: qty, BaseFen: fen,
		State: Frozen, ReleaseAt: max(e.At, s.DB.Now()).Add(days(t.FreezeDays)), Amount: t.worth(qty, fen)}
	var list []check
	say := func(what string, ok bool, good, bad string) {
		c := check{what, ok, good}
		if !ok {
			c.Text = bad
			if a.State == Frozen { // the first that fails is the reason
				a.State, a.Amount, a.Reason = Nothing, 0, bad
			}
		}
		list = append(list, c)
	}
	before := true
	for _, x := range line[:depth] {
		before = before && x.BoundAt < e.At
	}
	say("binding", before, "推荐关系在购买之前建立："+b.BoundAt.Local(), "推荐关系在购买之后才建立")
	same, err := s.Members.SameHuman(ctx, e.MemberID, b.ReferrerID)
	if err == nil && !same && depth == 2 { // one human does not earn at both levels
		same, err = s.Members.SameHuman(ctx, line[0].ReferrerID, b.ReferrerID)
	}
	if err != nil {
		return intent{}, err
	}
	say("same_human", !same, "推荐人与购买人不是同一人", "推荐人与购买人（或上一级）是同一人，自购不计佣")
	family, err := s.Members.Family(ctx, b.ReferrerID)
	if err != nil {
		return intent{}, err
	}
	blocked, err := s.Members.BlockedAmong(ctx, append(slices.Clone(family), e.MemberID))
	if err != nil {
		return intent{}, err
	}
	say("earner", !slices.ContainsFunc(family, func(m id.ID) bool { return blocked[m] }), "推荐人账号正常", "推荐人已停用或注销")
	say("referee", !blocked[e.MemberID], "购买人账号正常", "购买人已停用或注销")
	if b.Role != referral.Member {
		leads, level, err := s.leads(ctx, e.BrandID, b.ReferrerID)
		if err != nil {
			return intent{}, err
		}
		say("active", leads, "推荐人身份有效", "推荐人当时不是有效的群主、导购或员工")
		if b.Role == referral.Leader && t.MinLeaderLevel > 0 {
			say("leader_level", level >= t.MinLeaderLevel, fmt.Sprintf("群主等级 %d", level), fmt.Sprintf("群主等级 %d，低于规则要求的 %d", level, t.MinLeaderLevel))
		}
	}
	if a.State == Frozen {
		say("amount", a.Amount > 0, fmt.Sprintf("按规则第 %d 版计得 %s", v.Version, worded(a.Pay, a.Amount)), "按规则计得为零")
	}
	a.Checks = text(list)
	return intent{accrual: a, terms: t, family: family}, nil
}

// worded writes an amount for people: money in yuan, points as a number.
func worded(pay string, amount int64) string {
	if pay == Cash {
		return "¥" + money.Fen(amount).Yuan()
	}
	return fmt.Sprintf("%d 积分", amount)
}

func text(list []check) string {
	b, err := json.Marshal(list)
	if err != nil {
		panic("commission: " + err.Error()) // texts and bools
	}
	return string(b)
}

// leads says whether a human may bring people at a brand now, and at which level.
func (s *Store) leads(ctx context.Context, brandID, memberID id.ID) (bool, int, error) {
	if s.Leaders == nil {
		return false, 0, nil
	}
	active, err := s.Leaders.Active(ctx, brandID, []id.ID{memberID})
	l, ok := active[memberID]
	return ok, l.Level, err
}
