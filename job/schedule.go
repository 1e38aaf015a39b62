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
		{"remind of transfers that wait", time.Minute, c.remind},
		{"end campaigns", 10 * time.Second, c.end},
		{"expire exports", 10 * time.Minute, c.Exports.Expire},
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
	list, err := c.Packets.Unknown(ctx, c.Clock.Now().Add(-24*time.Hour), 200)
	if err != nil {
		return err
	}
	for _, p := range list {
		if _, err := c.Packets.MarkReview(ctx, p.ID, true, "结果超过 24 小时仍未知 "+p.Code); err != nil {
			return err
		}
	}
	return nil
}

// remindAfter is how long a transfer may wait before its owner is told, once.
const remindAfter = 2 * time.Hour

// remind tells members once of a transfer that waits for them.
func (c *Cron) remind(ctx context.Context) error {
	now := c.Clock.Now()
	waiting, err := c.Packets.Waiting(ctx, now.Add(-remindAfter-time.Hour), now.Add(-remindAfter), 200)
	if err != nil {
		return err
	}
	for _, p := range waiting {
		account, err := c.official(ctx, p)
		if err != nil {
			return err
		}
		if account == 0 {
			continue // paid under a mini program: no customer-service window to use
		}
		err = c.Messages.Tell(ctx, message.Message{MessageKey: "remind:" + p.ID.String(), AccountID: account, MemberID: p.MemberID, OpenID: p.OpenID,
			Text: fmt.Sprintf("您有一个 %s 元红包待确认收款，%s 前有效。\n<a href=\"%s/packets/%s\">去确认收款</a>", p.AmountFen.Yuan(), p.ConfirmBy().Local(), c.PublicURL, p.ClaimID)})
		if err != nil {
			return err
		}
	}
	return nil
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
	t, err := c.Ledger.TrialBalance(ctx)
	if err == nil && !t.Balanced {
		c.Log.ErrorContext(ctx, "the book does not balance", "totals", t.Totals, "negative", t.Negative)
	}
	return err
}

// Kept for how long: answers a day more than any client retries, finished wake-ups a week.
func (c *Cron) prune(ctx context.Context) error {
	now := c.Clock.Now()
	if err := c.Replay.Prune(ctx, now.Add(-48*time.Hour), 1000); err != nil {
		return err
	}
	if err := c.Operators.Prune(ctx, 1000); err != nil {
		return err
	}
	return c.Outbox.Prune(ctx, now.Add(-7*24*time.Hour), 5000)
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
