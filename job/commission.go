package job

import (
	"context"
	"fmt"
	"time"

	"siyu/model/commission"
)

// Commissions is what happens to commission by the clock; *commission.Store is it.
type Commissions interface {
	Release(ctx context.Context) error
	Close(ctx context.Context) error
	TakePoints(ctx context.Context) error
	Tell(ctx context.Context, tell func(ctx context.Context, st commission.Statement) error) error
}

// Commission is the chores of commission, and whom they tell.
type Commission struct {
	Loyalty // its address, its messages and its waking hours
	Store   Commissions
}

// Chores is what happens by the clock to commission.
func (c *Commission) Chores() []Chore {
	return []Chore{
		{"release commission whose days are over", 10 * time.Minute, c.Store.Release},
		{"close commission cycles", 10 * time.Minute, c.Store.Close},
		{"take points of commission back", 10 * time.Minute, c.Store.TakePoints},
		{"tell of commission statements", 10 * time.Minute, c.awake(func(ctx context.Context) error { return c.Store.Tell(ctx, c.statement) })},
	}
}

// statement tells an earner of his statement: once, whoever tells it again.
func (c *Commission) statement(ctx context.Context, st commission.Statement) error {
	return c.tell(ctx, st.BrandID, st.EarnerID, "commission:statement:"+st.ID.String(), statementText(st))
}

// statementText says what arrived, or what was taken back when that was more.
func statementText(st commission.Statement) string {
	text := fmt.Sprintf("佣金已结算 ¥%s", st.NetFen.Yuan())
	switch {
	case st.NetFen < 0:
		text = fmt.Sprintf("佣金结算：退款等扣回 ¥%s", (-st.NetFen).Yuan())
	case st.NetFen == 0 && st.NetPoints != 0:
		text = "佣金已结算"
	}
	if st.NetPoints != 0 {
		text += fmt.Sprintf("，积分 %d", st.NetPoints)
	}
	return fmt.Sprintf("%s（%s）。结算单号 %s。", text, st.Cycle().Text(), st.Number)
}
