package job

import (
	"context"
	"testing"

	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/message"
	"siyu/model/outbox"
)

// oneStatement hands out one statement until it was told of.
type oneStatement struct {
	commission.Statement
	told int
}

func (*oneStatement) Release(context.Context) error    { return nil }
func (*oneStatement) Close(context.Context) error      { return nil }
func (*oneStatement) TakePoints(context.Context) error { return nil }
func (o *oneStatement) Tell(ctx context.Context, tell func(context.Context, commission.Statement) error) error {
	o.told++
	return tell(ctx, o.Statement)
}

func TestAnEarnerIsToldOnceOfHisStatementAndNotAtNight(t *testing.T) {
	ctx, clk := context.Background(), clock.NewFake(dbtest.Start)
	d := dbtest.Open(t, db.SQLite, clk)
	one := &oneStatement{Statement: commission.Statement{ID: 5, Number: "S20261116-5", BrandID: 1, EarnerID: 7, Kind: commission.Weekly, FromDay: 20261116, UntilDay: 20261122, NetFen: 1234, NetPoints: 3}}
	c := &Commission{Store: one, Loyalty: Loyalty{Clock: clk, Messages: message.New(d, outbox.New(d)),
		Address: func(context.Context, id.ID, id.ID) (id.ID, string, error) { return 9, "oA", nil }}}
	tell := func() {
		t.Helper()
		for _, ch := range c.Chores() {
			if err := ch.Do(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	from, _ := clock.DayOf(clk.Now()).Bounds()
	clk.Set(from.Add(3 * 3600 * 1e9))
	tell()
	if one.told != 0 {
		t.Fatal("told at night")
	}
	clk.Set(dbtest.Start)
	tell()
	tell()
	var rows []message.Message
	if err := d.Read(ctx).Find(&rows).Error; err != nil || len(rows) != 1 || rows[0].Text != "佣金已结算 ¥12.34，积分 3（2026-11-16 至 2026-11-22）。结算单号 S20261116-5。" {
		t.Fatal(rows, err)
	}
}

func TestAStatementSaysWhatWasTakenBack(t *testing.T) {
	for want, st := range map[string]commission.Statement{
		"佣金结算：退款等扣回 ¥2.00（2026-11-01 至 2026-11-30）。结算单号 S。": {NetFen: -200},
		"佣金已结算，积分 -5（2026-11-01 至 2026-11-30）。结算单号 S。":      {NetPoints: -5},
		"佣金已结算 ¥0.00（2026-11-01 至 2026-11-30）。结算单号 S。":      {},
		"佣金已结算 ¥0.01，积分 9（2026-11-01 至 2026-11-30）。结算单号 S。": {NetFen: 1, NetPoints: 9},
	} {
		st.Number, st.FromDay, st.UntilDay = "S", 20261101, 20261130
		if got := statementText(st); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
