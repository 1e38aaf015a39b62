package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// house are the kinds of account that belong to no person: few, and what finance reads.
var house = []string{Funds, Reserved, Promised, Paid, Withdrawn, TaxDue, Issue, Spent, Expired}

// House tells whether accounts of a kind belong to a brand or a campaign.
func House(kind string) bool { return slices.Contains(house, kind) }

// KeptTrial is a trial balance and when it was worked out.
type KeptTrial struct {
	Trial
	TookMs int64         `json:"took_ms"`
	AsOf   clock.Instant `json:"as_of"`
}

// KeepTrial works out the trial balance and keeps it with the sums of the house's accounts.
func (l *Ledger) KeepTrial(ctx context.Context) (KeptTrial, error) {
	began := l.db.Now()
	sums, err := l.sums(ctx)
	if err != nil {
		return KeptTrial{}, err
	}
	t := KeptTrial{Trial: trialOf(sums), AsOf: began}
	if t.TookMs = l.db.Now().Sub(began).Milliseconds(); len(t.Negative) > 100 {
		t.Negative = t.Negative[:100]
	}
	body, err := json.Marshal(t.Trial)
	if err != nil {
		return t, fmt.Errorf("ledger: trial: %w", err)
	}
	err = l.db.InTx(ctx, func(tx *gorm.DB) error {
		if _, err := db.Exec(ctx, tx, "DELETE FROM ledger_sum"); err != nil {
			return err
		}
		rows := db.NewRows("ledger_sum", "unit, kind, owner, debits, credits")
		for _, s := range sums {
			if House(s.Kind) {
				rows.Add(s.Unit, s.Kind, s.Owner, s.Debits, s.Credits)
			}
		}
		if _, err := rows.Insert(ctx, tx, ""); err != nil {
			return err
		}
		if _, err := db.Exec(ctx, tx, "DELETE FROM ledger_trial WHERE created_at < ?", began.Add(-30*24*time.Hour)); err != nil {
			return err
		}
		one := db.NewRows("ledger_trial", "id, balanced, body, took_ms, created_at")
		one.Add(l.db.NewID(), t.Balanced, string(body), t.TookMs, began)
		_, err := one.Insert(ctx, tx, "")
		return err
	})
	if err != nil {
		return t, fmt.Errorf("ledger: trial: %w", err)
	}
	return t, nil
}

// LastTrial is the newest trial balance that was kept. Faults: NotFound trial_none.
func (l *Ledger) LastTrial(ctx context.Context) (KeptTrial, error) {
	var found []struct {
		Body      string
		TookMs    int64
		CreatedAt clock.Instant
	}
	if err := l.db.Read(ctx).Raw("SELECT body, took_ms, created_at FROM ledger_trial ORDER BY created_at DESC, id DESC LIMIT 1").Scan(&found).Error; err != nil {
		return KeptTrial{}, fmt.Errorf("ledger: trial: %w", err)
	}
	if len(found) == 0 {
		return KeptTrial{}, fault.New(fault.NotFound, "trial_none", "试算还没有做过，稍后再看，或点“重新试算”")
	}
	t := KeptTrial{TookMs: found[0].TookMs, AsOf: found[0].CreatedAt}
	return t, json.Unmarshal([]byte(found[0].Body), &t.Trial)
}

// Sums lists the house's accounts as the last trial balance found them; owners nil means
// all, unit "" both.
func (l *Ledger) Sums(ctx context.Context, unit string, owners []id.ID) ([]Sum, error) {
	q := l.db.Read(ctx).Table("ledger_sum")
	if unit != "" {
		q = q.Where("unit = ?", unit)
	}
	if owners != nil {
		q = q.Where("owner IN ?", owners)
	}
	list := []Sum{}
	return list, q.Order("unit, kind, owner").Limit(5000).Scan(&list).Error
}

// Posting is an entry with both its sides.
type Posting struct {
	ID          id.ID         `json:"id"`
	EntryKey    string        `json:"key"`
	Unit        string        `json:"unit"`
	DebitKind   string        `json:"debit_kind"`
	DebitOwner  id.ID         `json:"debit_owner"`
	CreditKind  string        `json:"credit_kind"`
	CreditOwner id.ID         `json:"credit_owner"`
	Amount      int64         `json:"amount"`
	Memo        string        `json:"memo"`
	At          clock.Instant `json:"at"`
}

// Postings pages the entries of one account in [from, until) (until 0: no end), newest
// first, after an entry. Another unit than the kind's would be looked for through the whole
// account, and is not there. Fault: Invalid ledger_account.
func (l *Ledger) Postings(ctx context.Context, unit string, a Account, from, until clock.Instant, before id.ID, limit int) ([]Posting, error) {
	if kept := UnitOf(a.Kind); kept == "" {
		return nil, fault.Invalidf("ledger_account", "没有“%s”这种账户", a.Kind).With("field", "kind")
	} else if kept != unit {
		return nil, fault.Invalidf("ledger_account", "“%s”账户以%s记账，请换一个单位", a.Kind, map[string]string{Fen: "金额", Points: "积分"}[kept]).With("field", "unit")
	}
	if until == 0 {
		until = clock.Instant(1<<62 - 1)
	}
	if before != 0 {
		var found []clock.Instant
		if err := l.db.Read(ctx).Raw("SELECT at FROM ledger_entry WHERE id = ?", before).Scan(&found).Error; err != nil || len(found) == 0 {
			return []Posting{}, err
		}
		until = min(until, found[0]+1)
	}
	// Each side from its own index, so that a page costs a page and not the account.
	side := func(prefix string) string {
		return "SELECT * FROM (SELECT * FROM ledger_entry WHERE " + prefix + "_owner = ? AND " + prefix + "_kind = ? AND at >= ? AND at < ? AND unit = ? AND (at < ? OR id < ?) ORDER BY at DESC, id DESC LIMIT ?) AS " + prefix
	}
	last := until
	if before != 0 {
		last = until - 1
	} else {
		before = id.ID(1<<62 - 1)
	}
	args := []any{a.Owner, a.Kind, from, until, unit, last, before, limit}
	out := []Posting{}
	err := l.db.Read(ctx).Raw(side("debit")+" UNION ALL "+side("credit")+" ORDER BY at DESC, id DESC LIMIT ?", append(append(append([]any{}, args...), args...), limit)...).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("ledger: postings: %w", err)
	}
	return out, nil
}

// WithKeys lists the entries whose keys begin with one of these words ("claim:42:"), oldest
// first.
func (l *Ledger) WithKeys(ctx context.Context, prefixes ...string) ([]Posting, error) {
	out := []Posting{}
	for _, p := range prefixes {
		var some []Posting
		// A range of the unique index; LIKE would not use it on every engine.
		err := l.db.Read(ctx).Raw("SELECT * FROM ledger_entry WHERE entry_key >= ? AND entry_key < ? ORDER BY at, id LIMIT 100", p, p[:len(p)-1]+string(p[len(p)-1]+1)).Scan(&some).Error
		if err != nil {
			return nil, fmt.Errorf("ledger: keys: %w", err)
		}
		out = append(out, some...)
	}
	slices.SortStableFunc(out, func(a, b Posting) int { return int(a.At - b.At) })
	return out, nil
}
