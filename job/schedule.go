package job

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"siyu/model/brand"
	"siyu/model/campaign"
	"siyu/model/clock"
	"siyu/model/fail"
	"siyu/model/id"
	"siyu/model/ledger"
	"siyu/model/message"
	"siyu/model/outbox"
	"siyu/model/redpacket"
	"siyu/model/replay"

	"github.com/prometheus/client_golang/prometheus"
)

// Chore is something that happens by the clock. Every chore may run in several
// processes at once: each is a guarded update or a read.
type Chore struct {
	Name  string
	Every time.Duration
	Do    func(ctx context.Context) error
}

// Exports deletes print files whose time is over.
type Exports interface {
	Expire(ctx context.Context) error
}

// Sessions forgets operators' old sessions.
type Sessions interface {
	Prune(ctx context.Context, limit int) error
}

// Cron is everything that chores need.
type Cron struct {
	Relay     *Relay
	Outbox    *outbox.Store
	Packets   *redpacket.Store
	Campaigns *campaign.Store
	Ledger    *ledger.Ledger
	Replay    *replay.Store
	Messages  *message.Store
	Brands    *brand.Store
	Exports   Exports
	Operators Sessions
	Events    Projector
	Letters   Letters
	Clock     clock.Clock
	Log       *slog.Logger
	PublicURL string
	Metrics   prometheus.Registerer
}

// Chores is the cron table.
func (c *Cron) Chores() []Chore {
	gauges := c.gauges()
	return []Chore{
		{"requeue silent rows", 20 * time.Second, c.requeue},
		{"queue payouts that lost their wake-up", time.Minute, c.stuck},
		{"mark payouts that take too long", 10 * time.Minute, c.slow},
		{"remind of transfers that wait", time.Minute, c.reminder()},
		{"end campaigns", 10 * time.Second, c.end},
		{"expire exports", 10 * time.Minute, c.Exports.Expire},
		{"make events of scans and claims", 2 * time.Second, c.project},
		{"forget dead letters", time.Hour, c.letters},
		{"trial balance", time.Hour, c.trial},
		{"prune", time.Hour, c.prune},
		{"gauges", 15 * time.Second, gauges},
	}
}

// Loop runs the chores until the context ends. A chore that fails is logged and tried
// again at its next time.
func Loop(ctx context.Context, log *slog.Logger, chores []Chore) {
	var wg sync.WaitGroup
	for _, ch := range chores {
		wg.Go(func() {
			tick := time.NewTicker(fail.Pace(ch.Every))
			defer tick.Stop()
			for {
				if err := ch.Do(ctx); err != nil && ctx.Err() == nil {
					log.ErrorContext(ctx, "chore failed", "chore", ch.Name, "error", err)
				}
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
			}
		})
	}
	wg.Wait()
}

func (c *Cron) requeue(ctx context.Context) error {
	n, err := c.Relay.Requeue(ctx, c.Clock.Now())
	if n > 0 {
		c.Log.WarnContext(ctx, "rows were silent and wait again", "rows", n)
	}
	return err
}

func (c *Cron) stuck(ctx context.Context) error {
	list, err := c.Packets.Stuck(ctx, c.Clock.Now().Add(-5*time.Minute), 200)
	if err != nil {
		return err
	}
	for _, p := range list {
		c.Log.WarnContext(ctx, "payout had no wake-up", "payout", p.ID, "state", p.State)
		if _, err := c.Packets.AskAgain(ctx, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// slow marks payouts whose outcome is unknown for a day: a person must look.
func (c *Cron) slow(ctx context.Context) error {
	return batches(ctx, 200, func(limit int) (int, error) {
		list, err := c.Packets.Unknown(ctx, c.Clock.Now().Add(-24*time.Hour), limit)
		for _, p := range list {
			if err := c.Packets.MarkUnknown(ctx, p.ID, "结果超过 24 小时仍未知 "+p.Code); err != nil {
				return 0, err
			}
		}
		return len(list), err
	})
}

const (
	// remindAfter is how long a transfer may wait before its owner is told, once.
	remindAfter = 2 * time.Hour
	// remindBack is how far a process that just started looks back.
	remindBack = time.Hour
)

// reminder is the chore that tells members once of a transfer that waits for them. It
// remembers how far it came, so that each transfer is looked at once per process.
func (c *Cron) reminder() func(context.Context) error {
	var from clock.Instant
	var after id.ID
	return func(ctx context.Context) error {
		until := c.Clock.Now().Add(-remindAfter)
		if back := until.Add(-remindBack); from < back {
			from, after = back, 0
		}
		return batches(ctx, 200, func(limit int) (int, error) {
			list, err := c.Packets.Waiting(ctx, from, after, until, limit)
			for _, p := range list {
				if err := c.remind(ctx, p); err != nil {
					return 0, err
				}
				from, after = p.MovedAt, p.ID
			}
			return len(list), err
		})
	}
}

func (c *Cron) remind(ctx context.Context, p redpacket.Payout) error {
	account, err := c.official(ctx, p)
	if err != nil || account == 0 { // paid under a mini program: no customer-service window to use
		return err
	}
	if p.Purpose == redpacket.ForWithdrawal {
		return c.Messages.Tell(ctx, message.Message{MessageKey: "remind:" + p.ID.String(), AccountID: account, MemberID: p.MemberID, OpenID: p.OpenID,
			Text: fmt.Sprintf("您有一笔 %s 元佣金提现待确认收款，%s 前有效，逾期退回可提现余额。\n<a href=\"%s/earnings/withdrawals/%s\">去确认收款</a>", p.AmountFen.Yuan(), p.ConfirmBy().Local(), c.PublicURL, p.ClaimID)})
	}
	return c.Messages.Tell(ctx, message.Message{MessageKey: "remind:" + p.ID.String(), AccountID: account, MemberID: p.MemberID, OpenID: p.OpenID,
		Text: fmt.Sprintf("您有一个 %s 元红包待确认收款，%s 前有效。\n<a href=\"%s/packets/%s\">去确认收款</a>", p.AmountFen.Yuan(), p.ConfirmBy().Local(), c.PublicURL, p.ClaimID)})
}

func (c *Cron) official(ctx context.Context, p redpacket.Payout) (id.ID, error) {
	list, err := c.Brands.Accounts(ctx, p.BrandID, brand.Official)
	if err != nil {
		return 0, err
	}
	for _, a := range list {
		if a.AppID == p.AppID {
			return a.ID, nil
		}
	}
	return 0, nil
}

func (c *Cron) end(ctx context.Context) error {
	_, err := c.Campaigns.EndDue(ctx, c.Clock.Now())
	return err
}

func (c *Cron) trial(ctx context.Context) error {
	t, err := c.Ledger.KeepTrial(ctx)
	if err == nil && !t.Balanced {
		c.Log.ErrorContext(ctx, "the book does not balance", "totals", t.Totals, "negative", t.Negative)
	}
	return err
}

// Kept for how long: answers a day more than any client retries, finished wake-ups a week.
func (c *Cron) prune(ctx context.Context) error {
	now := c.Clock.Now()
	err := batches(ctx, 1000, func(limit int) (int, error) { return c.Replay.Prune(ctx, now.Add(-48*time.Hour), limit) })
	if err != nil {
		return err
	}
	if err := c.Operators.Prune(ctx, 1000); err != nil {
		return err
	}
	return batches(ctx, 1000, func(limit int) (int, error) { return c.Outbox.Prune(ctx, now.Add(-7*24*time.Hour), limit) })
}

// batches repeats a bounded deletion until nothing is left to delete: what arrives in
// an hour at a peak is far more than one transaction should hold.
func batches(ctx context.Context, limit int, do func(limit int) (int, error)) error {
	for ctx.Err() == nil {
		if n, err := do(limit); err != nil || n < limit {
			return err
		}
	}
	return ctx.Err()
}

func (c *Cron) gauges() func(context.Context) error {
	rows := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "siyu_outbox_rows", Help: "Outbox rows by state."}, []string{"state"})
	oldest := prometheus.NewGauge(prometheus.GaugeOpts{Name: "siyu_outbox_oldest_seconds", Help: "Age of the oldest due row that waits."})
	c.Metrics.MustRegister(rows, oldest)
	return func(ctx context.Context) error {
		waiting, sent, age, err := c.Outbox.Counts(ctx)
		if err != nil {
			return err
		}
		rows.WithLabelValues("waiting").Set(float64(waiting))
		rows.WithLabelValues("sent").Set(float64(sent))
		oldest.Set(age.Seconds())
		return nil
	}
}
