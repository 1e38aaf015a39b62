package extract

import (
	"context"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/phone"
)

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
		for _, want := range []string{`="10002026112200001234"|2026-11-21 12:00:0`, `|'=HYPERLINK(`, "|1234.56|发放失败|'+cmd|calc|"} {
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
