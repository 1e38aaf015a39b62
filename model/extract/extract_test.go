package extract

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/outbox"
	"siyu/model/phone"
	"siyu/model/seal"
	"siyu/model/segment"
)

func newStore(t *testing.T, d *db.DB) *Store {
	t.Helper()
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return New(Deps{DB: d, Box: box, Phones: phone.New(d, box), Outbox: outbox.New(d), Segments: segment.New(d)})
}

func exec(t *testing.T, d *db.DB, stmt string, args ...any) {
	t.Helper()
	if err := d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
		t.Fatal(err)
	}
}

// members puts n members a second apart and returns their ids, oldest first.
func members(t *testing.T, d *db.DB, clk *clock.Fake, n int) (out []id.ID) {
	t.Helper()
	rows := db.NewRows("member", "id, person_id, state, created_at, root_id")
	for i := range n {
		clk.Advance(time.Duration(i%3) * time.Second) // some in one tick
		v := d.NewID()
		out = append(out, v)
		rows.Add(v, v, map[bool]string{true: "blocked", false: "active"}[i%5 == 0], clk.Now(), 0)
	}
	if err := d.InTx(context.Background(), func(tx *gorm.DB) error { _, err := rows.Insert(context.Background(), tx, ""); return err }); err != nil {
		t.Fatal(err)
	}
	clk.Advance(time.Second)
	return out
}

func ask(t *testing.T, s *Store, kind string, filter map[string]string) Extract {
	t.Helper()
	x, err := s.Ask(context.Background(), Request{Kind: kind, Filter: filter, Reason: "月度对账", By: 7})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// read is the rows of all files of a finished extract, heads taken off.
func read(t *testing.T, s *Store, extractID id.ID) (rows [][]string, files int) {
	t.Helper()
	x, err := s.Finished(context.Background(), extractID)
	if err != nil {
		t.Fatal(err)
	}
	for file := 1; file <= x.Files; file++ {
		var b bytes.Buffer
		if err := s.File(context.Background(), x, file, &b); err != nil {
			t.Fatal(err)
		}
		body, ok := strings.CutPrefix(b.String(), "\ufeff")
		if !ok || strings.Contains(body, "\ufeff") {
			t.Fatal("each file begins with one mark")
		}
		lines, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, lines[1:]...)
	}
	if int64(len(rows)) != x.Done {
		t.Errorf("%d rows, the row says %d", len(rows), x.Done)
	}
	return rows, x.Files
}

func same(t *testing.T, d *db.DB, rows [][]string, want []id.ID) {
	t.Helper()
	want = slices.Clone(want)
	slices.SortFunc(want, func(a, b id.ID) int { return id.Compare(a, b, d.Driver() == db.SQLite) })
	if len(rows) != len(want) {
		t.Fatalf("%d rows, want %d", len(rows), len(want))
	}
	for i, r := range rows { // newest first
		if w := number(want[len(want)-1-i].String()); r[0] != w {
			t.Fatalf("row %d is %s, want %s", i, r[0], w)
		}
	}
}

func TestExtract(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newStore(t, d)
		s.window = 48
		t.Run("every kind can be read", func(t *testing.T) {
			for _, k := range Kinds() {
				f := map[string]string{"from": "2026-01-01T00:00:00+08:00", "until": "2027-01-01T00:00:00+08:00"}
				if k.Name == "recon_lines" {
					f["day_id"] = "5"
				}
				if k.Name == "payout_month" {
					f = map[string]string{"month": "2026-11"}
				}
				if of := listsOfPeople(t, s)[k.Name]; of != nil {
					maps.Copy(f, of)
				}
				x := ask(t, s, k.Name, f)
				if err := s.Run(ctx, x.ID); err != nil {
					t.Fatalf("%s: %v", k.Name, err)
				}
				if rows, files := read(t, s, x.ID); len(rows) != 0 || files != 1 {
					t.Errorf("%s: %d rows in %d files of an empty house", k.Name, len(rows), files)
				}
				if k.Permission == "" || k.Title == "" {
					t.Errorf("%s says not who may read it", k.Name)
				}
			}
		})
		t.Run("every filter of every kind can be asked for", func(t *testing.T) {
			for _, k := range kinds() {
				for _, f := range k.filters {
					ok := false
					for _, v := range []string{"7", "active", "cash", "open", "failed", "claim", "2026-11-21T00:00:00Z", "2026-11-21", "2026-11", "fen", "member", "booked", "frozen", "leader", "wechat", "settled", "amount", "matched", "true", "transfer", "requested"} {
						x := Extract{ID: 1, Kind: k.name, CreatedAt: clk.Now(), Filter: map[string]string{f.name: v}}
						if f.name != "day_id" && k.name == "recon_lines" {
							x.Filter["day_id"] = "5"
						}
						if k.name == "payout_month" && f.name != "month" {
							x.Filter["month"] = "2026-11"
						}
						if k.check(x.Filter) != nil {
							continue
						}
						ok = true
						where, args, err := k.where(x)
						if err != nil {
							t.Fatal(err)
						}
						if _, err := s.rows(ctx, k, "1 = 1"+where, args...); err != nil {
							t.Errorf("%s by %s: %v", k.name, f.name, err)
						}
					}
					if !ok {
						t.Errorf("%s: nothing passes for %s", k.name, f.name)
					}
				}
			}
		})
		all := members(t, d, clk, 500)
		t.Run("every row once, newest first, in files of their size", func(t *testing.T) {
			s.fileRows = 200
			x := ask(t, s, "members", nil)
			clk.Advance(time.Second)
			late := members(t, d, clk, 3) // made after it was asked for
			if err := s.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			rows, files := read(t, s, x.ID)
			same(t, d, rows, all)
			if files != 3 {
				t.Errorf("%d files", files)
			}
			if got, _ := s.Get(ctx, x.ID); got.Seen != 500 || got.Total != 500 || got.MaxDownloads != 9 {
				t.Errorf("%+v", got)
			}
			all = append(all, late...)
			s.fileRows = FileRows
		})
		t.Run("a filter and a time leave the others out", func(t *testing.T) {
			clk.Advance(time.Hour)
			from := clk.Now()
			fresh := members(t, d, clk, 100)
			var want []id.ID
			for i, v := range fresh {
				if i%5 == 0 {
					want = append(want, v)
				}
			}
			x := ask(t, s, "members", map[string]string{"state": "blocked", "from": from.String()})
			if err := s.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			rows, _ := read(t, s, x.ID)
			same(t, d, rows, want)
			all = append(all, fresh...)
		})
		t.Run("killed again and again and by two workers at once, no row is lost or comes twice", func(t *testing.T) {
			x := ask(t, s, "members", nil)
			rnd := rand.New(rand.NewPCG(1, 2))
			for round := 0; ; round++ {
				got, err := s.Get(ctx, x.ID)
				if err != nil {
					t.Fatal(err)
				}
				if got.State == Ready {
					if round < 3 {
						t.Errorf("it ended in %d rounds: nothing was interrupted", round)
					}
					break
				}
				var wg sync.WaitGroup
				for range 2 {
					limited, cancel := context.WithCancel(ctx)
					parts := got.Parts + 1 + rnd.IntN(3)
					wg.Go(func() {
						defer cancel()
						worker := New(s.Deps) // a process of its own
						worker.window = s.window
						for limited.Err() == nil {
							y, err := worker.Get(ctx, x.ID)
							if err != nil || y.State == Ready || y.Parts >= parts {
								return
							}
							k, _ := kindOf(y.Kind)
							if y.Total < 0 {
								err = worker.begin(limited, k, y)
							} else {
								err = worker.part(limited, k, y)
							}
							if err != nil {
								return // what a killed transaction says
							}
						}
					})
				}
				wg.Wait()
			}
			rows, _ := read(t, s, x.ID)
			same(t, d, rows, all)
		})
		t.Run("cancelled, it leaves nothing and is not written on", func(t *testing.T) {
			x := ask(t, s, "members", nil)
			k, _ := kindOf(x.Kind)
			if err := s.begin(ctx, k, x); err != nil {
				t.Fatal(err)
			}
			running, _ := s.Get(ctx, x.ID)
			if err := s.part(ctx, k, running); err != nil {
				t.Fatal(err)
			}
			behind, _ := s.Get(ctx, x.ID)
			if y, err := s.Cancel(ctx, x.ID); err != nil || y.State != Cancelled {
				t.Fatal(y, err)
			}
			if err := s.part(ctx, k, behind); err != nil { // the worker that was at it
				t.Fatal(err)
			}
			if err := s.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			var n int
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM extract_part WHERE extract_id = ?", x.ID).Scan(&n).Error; err != nil || n != 0 {
				t.Error(n, err)
			}
			if _, err := s.Finished(ctx, x.ID); fault.Of(err).Code != "extract_not_ready" {
				t.Error(err)
			}
		})
		t.Run("a file can be had so many times, for so many days", func(t *testing.T) {
			x := ask(t, s, "groups", nil)
			if err := s.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := s.Take(ctx, x.ID); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Take(ctx, x.ID); fault.Of(err).Code != "downloads_used" {
				t.Error(err)
			}
			y := ask(t, s, "groups", nil)
			if err := s.Run(ctx, y.ID); err != nil {
				t.Fatal(err)
			}
			clk.Advance(7 * 24 * time.Hour)
			if _, err := s.Take(ctx, y.ID); fault.Of(err).Code != "extract_not_ready" {
				t.Error(err)
			}
			if _, err := s.Expire(ctx, 100); err != nil {
				t.Fatal(err)
			}
			if got, _ := s.Get(ctx, y.ID); got.State != Expired {
				t.Error(got.State)
			}
			var n int
			if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM extract_part WHERE extract_id = ?", y.ID).Scan(&n).Error; err != nil || n != 0 {
				t.Error(n, err)
			}
		})
		t.Run("what is no kind, condition or reason is refused", func(t *testing.T) {
			for want, r := range map[string]Request{
				"extract_kind":   {Kind: "operators", Reason: "因为"},
				"reason_missing": {Kind: "members", Reason: " "},
				"bad_field":      {Kind: "members", Reason: "因为", Filter: map[string]string{"state": "x' OR 1=1"}},
			} {
				if _, err := s.Ask(ctx, r); fault.Of(err).Code != want {
					t.Error(want, err)
				}
			}
			for _, f := range []map[string]string{{"openid": "o1"}, {"from": "gestern"}} {
				if _, err := s.Ask(ctx, Request{Kind: "payouts", Reason: "因为", Filter: f}); fault.Of(err).Code != "bad_field" {
					t.Error(f, err)
				}
			}
		})
		t.Run("one operator has not more than a few under way", func(t *testing.T) {
			for range MaxActive {
				ask(t, s, "audit", nil)
			}
			if _, err := s.Ask(ctx, Request{Kind: "audit", Reason: "因为", By: 7}); fault.Of(err).Code != "extract_many" {
				t.Error(err)
			}
		})
	})
}

func TestWhatALineShows(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newStore(t, d)
		member, brandID := members(t, d, clk, 1)[0], d.NewID()
		exec(t, d, "INSERT INTO brand (id, slug, name, code_host, upper_url, support_phone, created_at, updated_at) VALUES (?,'b','=HYPERLINK(\"http://evil\")','b.cn',0,'',1,1)", brandID)
		n, err := phone.Parse("13812345678")
		if err != nil {
			t.Fatal(err)
		}
		hash, err := s.Phones.Put(ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		exec(t, d, "INSERT INTO identity_key (kind, scope, value, person_id, created_at) VALUES ('phone','',?,?,1), ('openid','wx1','oSecretOpenID',?,1)", hash, member, member)
		exec(t, d, `INSERT INTO payout (id, claim_id, brand_id, campaign_id, member_id, account_id, rail, app_id, openid, amount_fen, bill_no, wishing, act_name, state, wait_user, wechat_no, package_info, code, reason,
			attempts, review, created_at, moved_at, next_at, finished_at) VALUES (?,1,?,0,?,0,'transfer','wx1','oSecretOpenID',123456,'10002026112200001234',' ','a','failed',0,'','secret','', '+cmd|calc', 0, 1, ?, 0, 0, 0)`,
			d.NewID(), brandID, member, clk.Now())
		exec(t, d, "INSERT INTO code_sight (batch_id, serial, first_member, first_at, first_city, scans, others, anonymous, last_member, last_at, last_city, last_lat_e4, last_lon_e4, flagged_at, flag_reason) VALUES (9,1,?,1,'武汉',1,1,1,1,1,'',0,0,?,'far'),(9,2,?,1,'',1,1,1,1,1,'',0,0,0,'')",
			member, clk.Now()-1, member)
		clk.Advance(time.Second)
		line := func(kind string) string {
			t.Helper()
			x := ask(t, s, kind, nil)
			if err := s.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			rows, _ := read(t, s, x.ID)
			if len(rows) != 1 {
				t.Fatalf("%s: %d rows", kind, len(rows))
			}
			return strings.Join(rows[0], "|")
		}
		if got := line("members"); !strings.Contains(got, "|138****5678|") || strings.Contains(got, "1381234") {
			t.Error(got)
		}
		pay := line("payouts")
		for _, want := range []string{`="10002026112200001234"|2026-11-21 12:00:0`, `|'=HYPERLINK(`, "|1234.56|失败|'+cmd|calc|"} {
			if !strings.Contains(pay, want) {
				t.Errorf("%s is not in %s", want, pay)
			}
		}
		if strings.Contains(pay, "oSecret") || strings.Contains(pay, "secret") {
			t.Error(pay)
		}
		if got := line("flagged"); !strings.Contains(got, "|武汉|") {
			t.Error(got)
		}
		exec(t, d, `INSERT INTO recon_day (id, brand_id, account_id, day, state, source, gen, next_gen, total_lines, done_lines, sha1, in_fen, out_fen, opening_fen, closing_fen, proof, matched, matched_fen, returned, returned_fen,
			other_lines, other_in_fen, other_out_fen, error, created_at, asked_at, finished_at) VALUES (5,?,0,20261120,'done','bill',2,3,1,1,'',0,0,0,0,'none',0,0,0,0,0,0,0,'',1,1,1)`, brandID)
		for gen := range 3 { // only the newest finished one counts
			exec(t, d, `INSERT INTO recon_line (day_id, gen, seq, at, wechat_no, flow_no, business, kind, amount_fen, balance_fen, memo, voucher, said, payout_id, result)
				VALUES (5,?,1,?,'4200001234567890123','F1','商家转账','支出',-100,5000,'@memo','','',0,'only_wechat')`, gen, clk.Now())
		}
		x := ask(t, s, "recon_lines", map[string]string{"day_id": "5"})
		if err := s.Run(ctx, x.ID); err != nil {
			t.Fatal(err)
		}
		if rows, _ := read(t, s, x.ID); len(rows) != 1 || strings.Join(rows[0], "|")[:13] != "1|2026-11-20|" || rows[0][9] != "-1.00" || rows[0][11] != "'@memo" || rows[0][13] != "微信有、我方无" {
			t.Error(rows)
		}
	})
}

func TestNoCellIsAFormula(t *testing.T) {
	for _, raw := range []string{"=1+1", "+86 138", "-2", "@SUM(A1)", " =1", "\t=1", "\r\n=1", "　=1", "＝1", "＋1", "－1", "＠x", "\ufeff=1", `="1"&cmd`} {
		if got := text(raw); !strings.HasPrefix(got, "'") {
			t.Errorf("%q became %q", raw, got)
		}
	}
	for raw, want := range map[string]string{"": "", "老井": "老井", "a=b": "a=b", "10002026112200001234": `="10002026112200001234"`, "13800138000": "13800138000", "两\r\n行": "两  行"} {
		if got := text(raw); got != want {
			t.Errorf("%q became %q", raw, got)
		}
	}
	for raw, want := range map[string]string{"123456789012345678": `="123456789012345678"`, "0": "", `1"&cmd`: `1"&cmd`, "=1": "'=1"} {
		if got := number(raw); got != want {
			t.Errorf("%q became %q", raw, got)
		}
	}
	if yuan("-5") != "-0.05" || moment("0") != "" || day("20261122") != "2026-11-22" {
		t.Error(yuan("-5"), moment("0"), day("20261122"))
	}
}

func FuzzText(f *testing.F) {
	f.Add("=1")
	f.Fuzz(func(t *testing.T, raw string) {
		got := text(raw)
		if got == "" || digits(raw) {
			return
		}
		if strings.ContainsAny(got[:1], "=+-@\t\r\n") {
			t.Errorf("%q became %q", raw, got)
		}
	})
}

func ExampleExtract_Name() {
	x := Extract{Title: "打款单", Files: 2, CreatedAt: dbtest.Start}
	fmt.Println(x.Name(2))
	// Output: 打款单-20261121-1200-2.csv
}
