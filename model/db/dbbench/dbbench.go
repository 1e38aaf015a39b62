// Package dbbench is what claims are measured against: the least a database can do for
// one, a bare INSERT, and the claim most people would write, a GORM transaction each
// with a budget row that everybody wants. It works in tables of its own, made by New.
package dbbench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
)

// AmountFen is what every claim wins.
const AmountFen = 100

// Bench writes rows on an open database's own pool.
type Bench struct {
	d    *db.DB
	pool *sql.DB
	next atomic.Int64
	// one lets one INSERT at a time into SQLite, which has one writer: waiting in a
	// queue is the faster way there, so it is the honest one. Nil: not needed.
	one chan struct{}
}

const tables = `
CREATE TABLE bench_raw (id BIGINT NOT NULL PRIMARY KEY, batch_id BIGINT NOT NULL, serial BIGINT NOT NULL, member_id BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL, created_at BIGINT NOT NULL, CONSTRAINT bench_raw_once UNIQUE (batch_id, serial));
CREATE TABLE bench_claim (id BIGINT NOT NULL PRIMARY KEY, batch_id BIGINT NOT NULL, serial BIGINT NOT NULL, member_id BIGINT NOT NULL,
  campaign_id BIGINT NOT NULL, prize VARCHAR(100) NOT NULL, cash_fen BIGINT NOT NULL, day INT NOT NULL, created_at BIGINT NOT NULL,
  CONSTRAINT bench_claim_once UNIQUE (batch_id, serial));
CREATE INDEX bench_claim_member ON bench_claim (member_id, created_at);
CREATE TABLE bench_ledger (id BIGINT NOT NULL PRIMARY KEY, entry_key VARCHAR(64) NOT NULL, debit BIGINT NOT NULL, credit BIGINT NOT NULL,
  amount BIGINT NOT NULL, at BIGINT NOT NULL, CONSTRAINT bench_ledger_once UNIQUE (entry_key));
CREATE TABLE bench_outbox (id BIGINT NOT NULL PRIMARY KEY, task VARCHAR(48) NOT NULL, ref_id BIGINT NOT NULL, state SMALLINT NOT NULL,
  due_at BIGINT NOT NULL, created_at BIGINT NOT NULL);
CREATE INDEX bench_outbox_due ON bench_outbox (state, due_at);
CREATE TABLE bench_budget (id BIGINT NOT NULL PRIMARY KEY, total BIGINT NOT NULL, spent BIGINT NOT NULL);
INSERT INTO bench_budget VALUES (1, 1000000000000, 0)`

type claimRow struct {
	ID, BatchID id.ID
	Serial      int64
	MemberID    id.ID
	CampaignID  id.ID
	Prize       string
	CashFen     int64
	Day         clock.Day
	CreatedAt   clock.Instant
}

func (claimRow) TableName() string { return "bench_claim" }

type entryRow struct {
	ID            id.ID
	EntryKey      string
	Debit, Credit id.ID
	Amount        int64
	At            clock.Instant
}

func (entryRow) TableName() string { return "bench_ledger" }

type wakeRow struct {
	ID        id.ID
	Task      string
	RefID     id.ID
	State     int
	DueAt     clock.Instant
	CreatedAt clock.Instant
}

func (wakeRow) TableName() string { return "bench_outbox" }

// New makes the tables.
func New(ctx context.Context, d *db.DB) (*Bench, error) {
	b := &Bench{d: d, pool: d.Pool()}
	if d.Driver() == db.SQLite {
		b.one = make(chan struct{}, 1)
	}
	for stmt := range strings.SplitSeq(tables, ";") {
		if _, err := b.pool.ExecContext(ctx, stmt); err != nil {
			return nil, fmt.Errorf("dbbench: %w", err)
		}
	}
	return b, nil
}

// Insert writes one row under a unique key and commits it.
func (b *Bench) Insert(ctx context.Context, member id.ID) error {
	if b.one != nil {
		b.one <- struct{}{}
		defer func() { <-b.one }()
	}
	_, err := b.pool.ExecContext(ctx, "INSERT INTO bench_raw (id, batch_id, serial, member_id, amount_fen, created_at) VALUES (?,?,?,?,?,?)",
		b.d.NewID(), 1, b.next.Add(1), member, AmountFen, b.d.Now())
	return err
}

// Claim writes claim, ledger entry and wake-up and counts the budget in one GORM
// transaction, the row that everybody wants last, where it hurts least.
func (b *Bench) Claim(ctx context.Context, member id.ID) error {
	now := b.d.Now()
	c := claimRow{ID: b.d.NewID(), BatchID: 1, Serial: b.next.Add(1), MemberID: member, CampaignID: 1, Prize: "红包", CashFen: AmountFen, Day: clock.DayOf(now), CreatedAt: now}
	return b.d.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&c).Error; err != nil {
			return err
		}
		if err := tx.Create(&entryRow{ID: b.d.NewID(), EntryKey: "claim:" + c.ID.String(), Debit: 1, Credit: member, Amount: AmountFen, At: now}).Error; err != nil {
			return err
		}
		if err := tx.Create(&wakeRow{ID: b.d.NewID(), Task: "bench", RefID: c.ID, DueAt: now, CreatedAt: now}).Error; err != nil {
			return err
		}
		r := tx.Exec("UPDATE bench_budget SET spent = spent + ? WHERE id = 1 AND spent + ? <= total", AmountFen, AmountFen)
		if r.Error == nil && r.RowsAffected != 1 {
			return errors.New("dbbench: the budget is used up")
		}
		return r.Error
	})
}
