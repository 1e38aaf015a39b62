package commission

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

var errStatement = fault.New(fault.NotFound, "commission_statement_not_found", "没有这张结算单")

// Filter narrows a list of accruals; zero fields do not.
type Filter struct {
	State       string
	Pay         string
	RuleID      id.ID
	RefereeID   id.ID
	StatementID id.ID
	From, Until clock.Instant // of its making, [from, until): the order of the list, so an index answers
}

// index has what is asked in the order of the list. Left to itself, MariaDB reads a brand's
// newest accruals until enough are in a state, and of those settled none is new.
func (f Filter) index() string {
	switch {
	case f.State == "" || f.RefereeID != 0 || f.StatementID != 0: // few rows, or no state: it finds its way
		return ""
	case f.RuleID != 0:
		return "commission_accrual_rule_state"
	case f.Pay != "":
		return "commission_accrual_state_pay"
	}
	return "commission_accrual_state"
}

// Accruals pages a brand's accruals, newest first, after the row before: of the members
// of a family, or of all when it is empty. All that is in it may be shown to operators; who shows it
// to an earner masks the referee.
func (s *Store) Accruals(ctx context.Context, brandID id.ID, family []id.ID, f Filter, before id.ID, limit int) ([]Accrual, error) {
	list := []Accrual{}
	q := s.accrualsIn(ctx, brandID, f).Model(&Accrual{}).Select("id")
	if index := f.index(); index != "" && brandID != 0 && len(family) == 0 && s.DB.Driver() == db.MySQL {
		q = q.Table("commission_accrual FORCE INDEX (" + index + ")")
	}
	page := db.PageOf(q, "commission_accrual", "earner_id", family, before, limit)
	if err := s.DB.Read(ctx).Where("id IN (SELECT id FROM (?) AS page)", page).Order("created_at DESC, id DESC").Find(&list).Error; err != nil {
		return nil, fmt.Errorf("commission: accruals: %w", err)
	}
	return list, nil
}

// EachPart hands over all lines of a statement, newest first, a page at a time.
func (s *Store) EachPart(ctx context.Context, st Statement, do func(lines []Accrual) error) error {
	for before := id.ID(0); ; {
		lines, err := s.Accruals(ctx, st.BrandID, nil, Filter{StatementID: st.ID}, before, db.MaxPage)
		if err != nil || len(lines) == 0 {
			return err
		}
		if err := do(lines); err != nil {
			return err
		}
		before = lines[len(lines)-1].ID
	}
}

// CountAccruals counts what Accruals pages, up to db.MaxTotal.
func (s *Store) CountAccruals(ctx context.Context, brandID id.ID, family []id.ID, f Filter) (n int, more bool, err error) {
	q := s.accrualsIn(ctx, brandID, f)
	if len(family) > 0 {
		q = q.Where("earner_id IN ?", family)
	}
	return db.Total(q.Model(&Accrual{}))
}

func (s *Store) accrualsIn(ctx context.Context, brandID id.ID, f Filter) *gorm.DB {
	q := s.DB.Read(ctx)
	if brandID != 0 {
		q = q.Where("brand_id = ?", brandID)
	}
	for _, w := range []struct {
		on    bool
		where string
		value any
	}{
		{f.State != "", "state = ?", f.State},
		{f.Pay != "", "pay = ?", f.Pay},
		{f.RuleID != 0, "rule_id = ?", f.RuleID},
		{f.RefereeID != 0, "referee_id = ?", f.RefereeID},
		{f.StatementID != 0, "statement_id = ?", f.StatementID},
		{f.From != 0, "created_at >= ?", f.From},
		{f.Until != 0, "created_at < ?", f.Until},
	} {
		if w.on {
			q = q.Where(w.where, w.value)
		}
	}
	return q
}

// Why is all that led to an accrual and all that became of it.
type Why struct {
	Accrual   Accrual    `json:"accrual"`
	Rule      Version    `json:"rule"` // the version it was made under
	Checks    []check    `json:"checks"`
	Claws     []Claw     `json:"claws"`
	Statement *Statement `json:"statement"` // null before it is settled
	SignOffs  []SignOff  `json:"sign_offs"` // on that version, of level two
}

// Accrual reads one. Fault: NotFound commission_accrual_not_found.
func (s *Store) Accrual(ctx context.Context, accrualID id.ID) (Accrual, error) {
	return s.accrualTx(s.DB.Read(ctx), accrualID, "")
}

// Explain reads one accrual with its why. Fault: NotFound commission_accrual_not_found.
func (s *Store) Explain(ctx context.Context, accrualID id.ID) (Why, error) {
	tx := s.DB.Read(ctx)
	a, err := s.accrualTx(tx, accrualID, "")
	if err != nil {
		return Why{}, err
	}
	w := Why{Accrual: a, Checks: []check{}, Claws: []Claw{}, SignOffs: []SignOff{}}
	if err := json.Unmarshal([]byte(a.Checks), &w.Checks); err != nil {
		return Why{}, fmt.Errorf("commission: checks of %d: %w", a.ID, err)
	}
	if err := tx.Where("rule_id = ? AND version = ?", a.RuleID, a.Version).Take(&w.Rule).Error; err != nil {
		return Why{}, fmt.Errorf("commission: explain: %w", err)
	}
	if err := w.Rule.read(); err != nil {
		return Why{}, err
	}
	if err := tx.Where("rule_id = ? AND version = ?", a.RuleID, a.Version).Order("created_at, id").Find(&w.SignOffs).Error; err != nil {
		return Why{}, fmt.Errorf("commission: explain: %w", err)
	}
	if err := tx.Where("accrual_id = ?", a.ID).Order("created_at, id").Find(&w.Claws).Error; err != nil {
		return Why{}, fmt.Errorf("commission: explain: %w", err)
	}
	if a.StatementID != 0 {
		st, err := s.Statement(ctx, a.StatementID)
		if err != nil {
			return Why{}, err
		}
		w.Statement = &st
	}
	return w, nil
}

// Statement reads one. Fault: NotFound commission_statement_not_found.
func (s *Store) Statement(ctx context.Context, statementID id.ID) (Statement, error) {
	var st Statement
	err := s.DB.Read(ctx).Where("id = ?", statementID).Take(&st).Error
	if db.IsNotFound(err) {
		return st, errStatement
	}
	if err != nil {
		return st, fmt.Errorf("commission: statement: %w", err)
	}
	return st, nil
}

// Statements pages a brand's statements, newest first: of a family, or of all when it is
// empty. Those that are still being filled are not shown.
func (s *Store) Statements(ctx context.Context, brandID id.ID, family []id.ID, before id.ID, limit int) ([]Statement, error) {
	q := s.DB.Read(ctx).Where("brand_id = ? AND state = ?", brandID, Closed)
	list := []Statement{}
	if err := db.PageOf(q, "commission_statement", "earner_id", family, before, limit).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("commission: statements: %w", err)
	}
	return list, nil
}

// CountStatements counts what Statements pages, up to db.MaxTotal.
func (s *Store) CountStatements(ctx context.Context, brandID id.ID, family []id.ID) (n int, more bool, err error) {
	q := s.DB.Read(ctx).Model(&Statement{}).Where("brand_id = ? AND state = ?", brandID, Closed)
	if len(family) > 0 {
		q = q.Where("earner_id IN ?", family)
	}
	return db.Total(q)
}

// LateClaws pages what a statement took back of earlier ones, newest first.
func (s *Store) LateClaws(ctx context.Context, statementID, before id.ID, limit int) ([]Claw, error) {
	list := []Claw{}
	if err := db.Page(s.DB.Read(ctx).Where("statement_id = ?", statementID), "commission_claw", before, limit).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("commission: late claws: %w", err)
	}
	return list, nil
}

// Sum is fen and points.
type Sum struct {
	Fen    money.Fen `json:"fen"`
	Points int64     `json:"points"`
}

func (x *Sum) add(pay string, n int64) {
	if pay == Points {
		x.Points += n
	} else {
		x.Fen += fen(n)
	}
}

// DaySum is what one business day brought.
type DaySum struct {
	Day clock.Day `json:"day"`
	Sum
}

// Summary is what a human sees of his commission at a brand; what was taken back is off.
type Summary struct {
	Today    Sum      `json:"today"`
	Cycle    Cycle    `json:"cycle"`
	InCycle  Sum      `json:"in_cycle"` // of facts of the current cycle
	Frozen   Sum      `json:"frozen"`
	Held     Sum      `json:"held"`
	Released Sum      `json:"released"` // waits for its settlement
	Settled  Sum      `json:"settled"`
	Days     []DaySum `json:"days"` // the last 30, oldest first
	// Unsigned: nothing is settled before the newest agreement is signed.
	Unsigned bool `json:"unsigned"`
}

// Summary sums up a human's accruals. Fault: NotFound member_not_found.
func (s *Store) Summary(ctx context.Context, brandID, memberID id.ID) (Summary, error) {
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return Summary{}, err
	}
	p, err := s.Policy(ctx, brandID)
	if err != nil {
		return Summary{}, err
	}
	today := clock.DayOf(s.DB.Now())
	out := Summary{Cycle: p.cycleOf(today), Days: make([]DaySum, 0, 30)}
	if out.Unsigned, err = s.unsigned(ctx, brandID, memberID); err != nil {
		return Summary{}, err
	}
	tx := s.DB.Read(ctx)
	var states []struct {
		State, Pay string
		N          int64
	}
	err = tx.Raw("SELECT state, pay, SUM(amount - clawed) AS n FROM commission_accrual WHERE earner_id IN ? AND brand_id = ? GROUP BY state, pay", family, brandID).Scan(&states).Error
	if err != nil {
		return Summary{}, fmt.Errorf("commission: summary: %w", err)
	}
	for _, x := range states {
		if sum := map[string]*Sum{Frozen: &out.Frozen, Held: &out.Held, Released: &out.Released, Settled: &out.Settled}[x.State]; sum != nil {
			sum.add(x.Pay, x.N)
		}
	}
	var byDay []struct {
		Day clock.Day
		Pay string
		N   int64
	}
	first := min(today.AddDays(-29), out.Cycle.From)
	err = tx.Raw("SELECT day, pay, SUM(amount - clawed) AS n FROM commission_accrual WHERE earner_id IN ? AND brand_id = ? AND day >= ? GROUP BY day, pay", family, brandID, first).Scan(&byDay).Error
	if err != nil {
		return Summary{}, fmt.Errorf("commission: summary: %w", err)
	}
	sums := map[clock.Day]*Sum{}
	for _, x := range byDay {
		if sums[x.Day] == nil {
			sums[x.Day] = &Sum{}
		}
		sums[x.Day].add(x.Pay, x.N)
		if x.Day >= out.Cycle.From && x.Day <= out.Cycle.Until {
			out.InCycle.add(x.Pay, x.N)
		}
	}
	for d := today.AddDays(-29); d <= today; d = d.AddDays(1) {
		line := DaySum{Day: d}
		if sums[d] != nil {
			line.Sum = *sums[d]
		}
		out.Days = append(out.Days, line)
	}
	out.Today = out.Days[29].Sum
	return out, nil
}

// Tell hands statements that are closed and that their earner was not told of to tell,
// oldest first. What tell fails for comes again.
func (s *Store) Tell(ctx context.Context, tell func(ctx context.Context, st Statement) error) error {
	for ctx.Err() == nil {
		var list []Statement
		err := s.DB.Read(ctx).Where("state = ? AND told_at = 0", Closed).Order("closed_at, id").Limit(db.MaxPage).Find(&list).Error
		if err != nil {
			return fmt.Errorf("commission: tell: %w", err)
		}
		for _, st := range list {
			if err := tell(ctx, st); err != nil {
				return err
			}
			err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
				return tx.Exec("UPDATE commission_statement SET told_at = ? WHERE id = ?", s.DB.Now(), st.ID).Error
			})
			if err != nil {
				return fmt.Errorf("commission: tell: %w", err)
			}
		}
		if len(list) == 0 {
			return nil
		}
	}
	return ctx.Err()
}
