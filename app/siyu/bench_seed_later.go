package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/id"
)

// seedGroup is tables that are filled together and after the others. A group whose last
// table holds something is done: so a folder that was filled by an older program gets what
// has come since, in minutes and not in an hour.
type seedGroup struct {
	name        string
	first, last string   // tables; first holds something and last does not: it was broken off
	clean       []string // what then goes first
	fill        func(context.Context) error
}

// later fills the groups that are not there yet.
func (s *seeder) later(ctx context.Context) error {
	read := false
	for _, g := range []seedGroup{
		{"people of segments", "segment_person", "segment_cursor", truncate("segment_person", "segment_brand", "segment_state", "segment_act", "segment_cursor"), s.crowd},
		{"tags", "tag_category", "tag_run", truncate("tag_category", "tag", "tag_version", "tag_value", "tag_person", "tag_seen", "tag_stat", "tag_run"), s.tags},
		{"segments", "segment", "segment_move", truncate("segment", "segment_version", "segment_list", "segment_list_item", "segment_now", "segment_snapshot", "segment_move"), s.segments},
		{"reach", "reach_policy", "reach_quota", append(truncate("reach_policy", "reach_holiday", "reach_contact", "reach_window", "reach_grant", "reach_optout", "reach_quota"),
			"DELETE FROM consent WHERE purpose = 'marketing'"), s.reach},
		{"pushes", "holdout_setting", "push_policy", append(truncate("holdout_setting", "push", "push_delivery", "push_lane", "push_tally", "push_minute", "push_click", "push_tester", "push_test",
			"push_cost", "push_policy", "reach_ticket", "reach_count", "reach_human"), "DELETE FROM segment_act WHERE what IN ('order', 'message_clicked')", "DELETE FROM purchase WHERE source = 'order'",
			"DELETE FROM event WHERE type IN ('order', 'message_sent', 'message_clicked')"), s.pushes},
		{"reports", "push_report", "push_report", nil, s.reports},
		{"dead letters", "event_dead", "", nil, s.letters},
	} {
		begun, done, err := s.stands(ctx, g)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		if !read {
			if err := s.again(ctx); err != nil {
				return err
			}
			read = true
		}
		if begun {
			for _, stmt := range g.clean {
				if err := s.exec(ctx, stmt); err != nil {
					return err
				}
			}
		}
		from := clock.Wall()
		if err := g.fill(ctx); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		fmt.Fprintf(s.out, "%s: %.1f s\n", g.name, clock.Wall().Sub(from).Seconds())
	}
	if read {
		return s.analysed(ctx)
	}
	return nil
}

func truncate(tables ...string) (out []string) {
	for _, t := range tables {
		out = append(out, "TRUNCATE TABLE "+t)
	}
	return out
}

// stands says whether a group was begun and whether it was filled to its end.
func (s *seeder) stands(ctx context.Context, g seedGroup) (begun, done bool, err error) {
	if g.last == "" { // letters: sealed ones are done
		var text sql.NullBool
		err = s.env.DB.Pool().QueryRowContext(ctx, "SELECT raw LIKE '{%' FROM event_dead ORDER BY id LIMIT 1").Scan(&text)
		return true, err == nil && !text.Bool, ignoreNone(err)
	}
	row := s.env.DB.Pool().QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+g.first+"), EXISTS (SELECT 1 FROM "+g.last+")")
	return begun, done, row.Scan(&begun, &done)
}

func ignoreNone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// again knows what was filled before: every row follows from the first day and the numbers.
func (s *seeder) again(ctx context.Context) error {
	if len(s.ids) == 0 {
		pool := s.env.DB.Pool()
		if err := pool.QueryRowContext(ctx, "SELECT MIN(created_at) FROM member").Scan(&s.from); err != nil {
			return err
		}
		s.now = s.from.Add(seedDays * 24 * time.Hour)
		s.name()
		for _, list := range []struct {
			into *[]id.ID
			stmt string
		}{{&s.products, "SELECT id FROM product ORDER BY gtin"}, {&s.batches, "SELECT b.id FROM batch b JOIN product p ON p.id = b.product_id ORDER BY p.gtin"}} {
			if err := s.column(ctx, list.stmt, func(n int64) { *list.into = append(*list.into, id.ID(n)) }); err != nil {
				return err
			}
		}
		var ours int
		row := pool.QueryRowContext(ctx, "SELECT COUNT(*) FROM member WHERE id IN (?, ?, ?)", s.ids[0], s.ids[s.members/2], s.ids[s.members-1])
		if err := row.Scan(&ours); err != nil {
			return err
		}
		if ours != 3 || len(s.products) != seedGoods || len(s.batches) != seedGoods {
			return errors.New("bench: this folder was changed since it was filled, or by another program: nothing can be added to it")
		}
	}
	var err error
	if s.account, err = s.env.Brands.AccountByApp(ctx, brand.Merchant, demoTransfer); err == nil {
		s.official, err = s.env.Brands.AccountByApp(ctx, brand.Official, demoOfficial)
	}
	return err
}

// column reads one number of every row.
func (s *seeder) column(ctx context.Context, stmt string, each func(n int64)) error {
	rows, err := s.env.DB.Pool().QueryContext(ctx, stmt)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return err
		}
		each(n)
	}
	return rows.Err()
}

// letters are reports that could not be stored: sealed, as the program keeps them.
func (s *seeder) letters(ctx context.Context) error {
	var list []id.ID
	if err := s.column(ctx, "SELECT id FROM event_dead WHERE raw LIKE '{%'", func(n int64) { list = append(list, id.ID(n)) }); err != nil {
		return err
	}
	tx, err := s.env.DB.Pool().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	for i, letter := range list {
		if _, err := tx.ExecContext(ctx, "UPDATE event_dead SET raw = ? WHERE id = ?", s.letter(i, letter), letter); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// letter is the sealed content of a dead letter.
func (s *seeder) letter(i int, letterID id.ID) []byte {
	plain := fmt.Sprintf(`{"key":"seed:%d","type":"order","at":%q,"person":[{"kind":"openid","scope":%q,"value":"oGone%023d"}],"body":{"source":"shop","order_no":"S%d","amount_fen":100,"lines":[]}}`,
		i, s.from.String(), demoOfficial, i, i)
	return s.env.Box.Seal("event_dead:"+letterID.String(), []byte(plain))
}

// analysed tells the server how large the tables have become.
func (s *seeder) analysed(ctx context.Context) error {
	rows, err := s.env.DB.Pool().QueryContext(ctx, "ANALYZE TABLE segment_person, segment_state, segment_act, segment_move, segment_list_item, tag_value, tag_person, reach_contact, reach_window, reach_grant, reach_optout, reach_ticket, reach_count, push, push_delivery, push_click, push_tally, push_minute, event, consent, purchase")
	if err != nil {
		return err
	}
	return rows.Close()
}
