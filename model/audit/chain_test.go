package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/seal"
)

func TestChain(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		box, err := seal.Parse(seal.NewKey())
		if err != nil {
			t.Fatal(err)
		}
		s, c := audit.New(d), audit.NewChain(d, box)
		exec := func(sql string, args ...any) {
			t.Helper()
			if err := d.InTx(ctx, func(tx *gorm.DB) error { return tx.Exec(sql, args...).Error }); err != nil {
				t.Fatal(err)
			}
		}
		verify := func(seq int64, hash string) audit.Report {
			t.Helper()
			r, err := c.Verify(ctx, seq, hash)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		sealAll := func() (n int) {
			t.Helper()
			clk.Advance(time.Minute)
			for {
				k, err := c.Seal(ctx, 7)
				if err != nil {
					t.Fatal(err)
				}
				if k == 0 {
					return n
				}
				n += k
			}
		}
		var ids []id.ID
		for i := range 20 {
			clk.Advance(time.Second)
			e := audit.Entry{Actor: "wang", Action: "product.update", Object: "product", ObjectID: id.ID(i + 1), After: map[string]any{"name": fmt.Sprint(i)}, Reason: "改名"}
			entry, err := s.Begin(ctx, e)
			if err == nil && i != 19 {
				err = s.End(ctx, entry, e, nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, entry)
		}
		if n := sealAll(); n != 19 {
			t.Fatalf("%d links, want 19: the act that is under way is none yet", n)
		}
		whole := verify(0, "")
		if !whole.OK() || whole.Links != 19 || whole.Waiting != 1 || whole.Head.Seq != 19 {
			t.Fatalf("%+v", whole)
		}
		if other := audit.NewChain(d, newBox(t)); func() bool { r, err := other.Verify(ctx, 0, ""); return err != nil || r.OK() }() {
			t.Error("another key fits")
		}

		t.Run("processes at once make one chain", func(t *testing.T) {
			for range 30 {
				if err := s.Record(ctx, audit.Entry{Actor: "wang", Action: "a.b", Object: "a"}); err != nil {
					t.Fatal(err)
				}
			}
			clk.Advance(time.Minute)
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() {
					for range 5 {
						if _, err := audit.NewChain(d, box).Seal(ctx, 4); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			sealAll()
			if r := verify(19, whole.Head.ChainHash); !r.OK() || r.Links != 49 {
				t.Errorf("%+v", r)
			}
		})
		t.Run("an act that nobody ended is sealed after a day and stays as it is", func(t *testing.T) {
			clk.Advance(25 * time.Hour)
			if n := sealAll(); n != 1 {
				t.Fatalf("%d sealed", n)
			}
			if err := s.End(ctx, ids[19], audit.Entry{Object: "product"}, errors.New("late")); err != nil {
				t.Fatal(err)
			}
			if r := verify(0, ""); !r.OK() {
				t.Errorf("%+v", r)
			}
		})
		t.Run("what a person has taken out is counted and no break", func(t *testing.T) {
			exec("UPDATE audit SET before_json = '{}', after_json = '{}', reason = ? WHERE id = ?", audit.ErasedText, ids[3])
			if r := verify(0, ""); !r.OK() || r.Erased != 1 {
				t.Errorf("%+v", r)
			}
		})
		head := verify(0, "").Head
		for _, x := range []struct{ name, sql, undo, why string }{
			{"a changed amount", "UPDATE audit SET after_json = '{\"name\":\"5!\"}' WHERE id = @", "UPDATE audit SET after_json = '{\"name\":\"5\"}' WHERE id = @", "内容被改动"},
			{"another actor", "UPDATE audit SET actor = 'li' WHERE id = @", "UPDATE audit SET actor = 'wang' WHERE id = @", "操作人"},
			{"another time", "UPDATE audit SET created_at = created_at + 1 WHERE id = @", "UPDATE audit SET created_at = created_at - 1 WHERE id = @", "操作人、时间"},
			{"a link by hand", "UPDATE audit_seal SET line_hash = content_hash WHERE audit_id = @", "", "接不上"},
		} {
			t.Run(x.name, func(t *testing.T) {
				at := func(sql string) string { return strings.ReplaceAll(sql, "@", ids[5].String()) }
				exec(at(x.sql))
				r := verify(0, "")
				if r.OK() || !strings.Contains(r.Broken[0].Why, x.why) || r.Broken[0].AuditID != ids[5] {
					t.Errorf("%+v", r.Broken)
				}
				if x.undo != "" {
					exec(at(x.undo))
					if r := verify(0, ""); !r.OK() {
						t.Errorf("put back: %+v", r.Broken)
					}
				}
			})
		}
		t.Run("a removed entry, a removed link, a removed end", func(t *testing.T) {
			exec("DELETE FROM audit WHERE id = ?", ids[7])
			exec("DELETE FROM audit_seal WHERE audit_id = ?", ids[9])
			exec("DELETE FROM audit_seal WHERE seq = ?", head.Seq)
			r := verify(head.Seq, head.ChainHash)
			var why []string
			for _, b := range r.Broken {
				why = append(why, b.Why)
			}
			text := strings.Join(why, "；")
			for _, want := range []string{"记录被删除", "链环被删除", "末尾被删除", "事后插入"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not said: %s", want, text)
				}
			}
		})
	})
}

func newBox(t *testing.T) *seal.Box {
	t.Helper()
	b, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return b
}
