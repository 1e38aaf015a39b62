package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/claim"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/outbox"
)

// benchClaim measures claims against the same server's bare INSERT and against the
// claim most people would write: one GORM transaction each, with a budget row that
// everybody wants.
func benchClaim(ctx context.Context, args []string, out io.Writer) error {
	f := flag.NewFlagSet("siyu bench claim", flag.ContinueOnError)
	f.SetOutput(out)
	engine, dsn := f.String("engine", db.SQLite, "sqlite or mysql"), f.String("dsn", "", "mysql: a server on this machine; default: starts a MariaDB of its own")
	seconds, clients := secondsFlag(f, 3), f.String("clients", "1,8,64,256", "how many at once")
	if err := f.Parse(args); err != nil {
		return err
	}
	list, err := clientList(*clients)
	if err == nil {
		err = within(*seconds)
	}
	if err != nil {
		return err
	}
	o := worldOptions{engine: *engine, dsn: *dsn, codes: 50_000_000, members: slices.Max(list), rail: brand.RailTransfer, payApp: demoMini}
	return inWorld(ctx, o, func(ctx context.Context, w *benchWorld) error {
		naive, err := newNaive(ctx, w)
		if err != nil {
			return err
		}
		var acknowledged atomic.Int64
		subjects := []struct {
			name string
			op   func(ctx context.Context, client int) error
		}{
			{"bare INSERT", naive.insert},
			{"GORM transaction", naive.claim},
			{"claim by call", func(ctx context.Context, client int) error {
				tok, serial, err := w.token()
				if err != nil {
					return err
				}
				c, err := w.check(ctx, tok, serial)
				if err == nil {
					_, err = w.env.Claims.Make(ctx, c, w.members[client].who)
				}
				if err == nil {
					acknowledged.Add(1)
				}
				return err
			}},
		}
		conns, closeAll, err := dialMany(w.cfg.Addr, slices.Max(list))
		if err != nil {
			return err
		}
		defer closeAll()
		subjects = append(subjects, struct {
			name string
			op   func(ctx context.Context, client int) error
		}{"claim over HTTP", func(_ context.Context, client int) error {
			tok, _, err := w.token()
			if err != nil {
				return err
			}
			m, c := w.members[client], conns[client]
			_, err = c.expect(c.postJSON("/api/v1/claim", m.ip, m.bearer, map[string]string{"code": tok}), http.StatusOK)
			if err == nil {
				acknowledged.Add(1)
			}
			return err
		}})
		r := newReport(out, *engine)
		// Number of clients outermost: what is compared is measured close together.
		for _, n := range list {
			for _, s := range subjects {
				found, err := load(ctx, n, *seconds, s.op)
				if err != nil {
					return fmt.Errorf("%s, %d clients: %w", s.name, n, err)
				}
				r.add(s.name, n, found)
			}
		}
		if err := r.w.Flush(); err != nil {
			return err
		}
		if err := w.books(ctx, out, acknowledged.Load()); err != nil {
			return err
		}
		raw, orm, call, over := r.at("bare INSERT", 64, list), r.at("GORM transaction", 64, list), r.at("claim by call", 64, list), r.at("claim over HTTP", 64, list)
		_, err = fmt.Fprintf(out, "claim raw64=%.0f gorm64=%.0f call64=%.0f http64=%.0f call_ratio=%.2f gorm_ratio=%.2f http_ratio=%.2f\n",
			raw, orm, call, over, call/raw, call/orm, over/raw)
		return err
	})
}

// naive is what claims are compared with, in tables of its own on the same pool.
type naive struct {
	w    *benchWorld
	pool *sql.DB
	next atomic.Int64
	// one lets one INSERT at a time into SQLite, which has one writer: waiting in a
	// queue is the faster way, so it is the honest one.
	one chan struct{}
}

type naiveEntry struct {
	ID       id.ID
	EntryKey string
	Debit    id.ID
	Credit   id.ID
	Amount   int64
	At       clock.Instant
}

func (naiveEntry) TableName() string { return "bench_ledger" }

// newNaive makes the tables: claim and outbox have the columns and keys of ours.
func newNaive(ctx context.Context, w *benchWorld) (*naive, error) {
	n := &naive{w: w, pool: w.env.DB.Pool()}
	if w.env.DB.Driver() == db.SQLite {
		n.one = make(chan struct{}, 1)
	}
	for _, stmt := range strings.Split(naiveTables, ";") {
		if _, err := n.pool.ExecContext(ctx, stmt); err != nil {
			return nil, fmt.Errorf("tables to compare with: %w", err)
		}
	}
	return n, nil
}

const naiveTables = `
CREATE TABLE bench_raw (id BIGINT NOT NULL PRIMARY KEY, batch_id BIGINT NOT NULL, serial BIGINT NOT NULL, member_id BIGINT NOT NULL,
  amount_fen BIGINT NOT NULL, created_at BIGINT NOT NULL, CONSTRAINT bench_raw_once UNIQUE (batch_id, serial));
CREATE TABLE bench_claim (id BIGINT NOT NULL PRIMARY KEY, batch_id BIGINT NOT NULL, serial BIGINT NOT NULL, brand_id BIGINT NOT NULL,
  product_id BIGINT NOT NULL, member_id BIGINT NOT NULL, campaign_id BIGINT NOT NULL, tier INT NOT NULL, kind VARCHAR(8) NOT NULL,
  prize VARCHAR(100) NOT NULL, cash_fen BIGINT NOT NULL, points BIGINT NOT NULL, day INT NOT NULL, created_at BIGINT NOT NULL,
  CONSTRAINT bench_claim_once UNIQUE (batch_id, serial));
CREATE INDEX bench_claim_member ON bench_claim (member_id, created_at);
CREATE INDEX bench_claim_campaign ON bench_claim (campaign_id, created_at);
CREATE TABLE bench_ledger (id BIGINT NOT NULL PRIMARY KEY, entry_key VARCHAR(64) NOT NULL, debit BIGINT NOT NULL, credit BIGINT NOT NULL,
  amount BIGINT NOT NULL, at BIGINT NOT NULL, CONSTRAINT bench_ledger_once UNIQUE (entry_key));
CREATE TABLE bench_outbox (id BIGINT NOT NULL PRIMARY KEY, task VARCHAR(48) NOT NULL, ref_id BIGINT NOT NULL, state SMALLINT NOT NULL,
  due_at BIGINT NOT NULL, tries INT NOT NULL, created_at BIGINT NOT NULL, sent_at BIGINT NOT NULL, done_at BIGINT NOT NULL,
  last_error VARCHAR(500) NOT NULL);
CREATE INDEX bench_outbox_due ON bench_outbox (state, due_at);
CREATE TABLE bench_budget (id BIGINT NOT NULL PRIMARY KEY, total BIGINT NOT NULL, spent BIGINT NOT NULL);
INSERT INTO bench_budget VALUES (1, 1000000000000, 0)`

// insert is the least a database can do for a claim: one row under a unique key.
func (n *naive) insert(ctx context.Context, client int) error {
	if n.one != nil {
		n.one <- struct{}{}
		defer func() { <-n.one }()
	}
	_, err := n.pool.ExecContext(ctx, "INSERT INTO bench_raw (id, batch_id, serial, member_id, amount_fen, created_at) VALUES (?,?,?,?,?,?)",
		n.w.env.DB.NewID(), n.w.goods.batch.ID, n.next.Add(1), n.w.members[client].who.MemberID, prizeFen, n.w.clock.Now())
	return err
}

// claim is one GORM transaction with the hot row last, where it hurts least.
func (n *naive) claim(ctx context.Context, client int) error {
	d, member, now := n.w.env.DB, n.w.members[client].who.MemberID, n.w.clock.Now()
	c := claim.Claim{ID: d.NewID(), BatchID: n.w.goods.batch.ID, Serial: n.next.Add(1), MemberID: member, CampaignID: 1, Kind: "cash", Prize: "红包",
		CashFen: prizeFen, Day: clock.DayOf(now), CreatedAt: now}
	return d.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Table("bench_claim").Create(&c).Error; err != nil {
			return err
		}
		entry := naiveEntry{ID: d.NewID(), EntryKey: "claim:" + c.ID.String(), Debit: 1, Credit: member, Amount: prizeFen, At: now}
		if err := tx.Create(&entry).Error; err != nil {
			return err
		}
		wake := outbox.Row{ID: d.NewID(), Task: "bench", RefID: c.ID, DueAt: now, CreatedAt: now}
		if err := tx.Table("bench_outbox").Create(&wake).Error; err != nil {
			return err
		}
		r := tx.Exec("UPDATE bench_budget SET spent = spent + ? WHERE id = 1 AND spent + ? <= total", prizeFen, prizeFen)
		if r.Error == nil && r.RowsAffected != 1 {
			return errors.New("bench: the budget is used up")
		}
		return r.Error
	})
}
