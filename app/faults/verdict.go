package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"siyu/model/clock"
	"siyu/model/export"
	"siyu/model/id"
	"siyu/model/insight"
	"siyu/wechat/simulator"
)

// verdict is every invariant with what broke it, and what was done to get there.
type verdict struct {
	title  string
	checks []insight.Check
	counts map[string]int
	never  []string // what the storm should have held and did not
	ends   []string // what processes said that ended by themselves
	logs   []string // the last words of every process, when something is broken
}

// add is one invariant of the driver's own; no findings is good.
func (v *verdict) add(name, title string, found []string) {
	detail := strings.Join(found[:min(len(found), 5)], "；")
	if len(found) > 5 {
		detail += fmt.Sprintf(" … 共 %d 条", len(found))
	}
	v.checks = append(v.checks, insight.Check{Name: name, Title: title, OK: len(found) == 0, Detail: detail})
}

func (v *verdict) broken() map[string]string {
	out := map[string]string{}
	for _, c := range v.checks {
		if !c.OK {
			out[c.Name] = c.Detail
		}
	}
	return out
}

// print writes the report.
func (v *verdict) print(out io.Writer) {
	fmt.Fprintln(out, v.title)
	for _, name := range slices.Sorted(maps.Keys(v.counts)) {
		fmt.Fprintf(out, "  %6d  %s\n", v.counts[name], name)
	}
	for _, name := range v.never {
		fmt.Fprintln(out, "   never ", name)
	}
	for _, c := range v.checks {
		if c.OK {
			fmt.Fprintf(out, "PASS  %-18s %s\n", c.Name, c.Title)
		} else {
			fmt.Fprintf(out, "FAIL  %-18s %s\n      %s\n", c.Name, c.Title, c.Detail)
		}
	}
}

// explain prints what helps to find out why.
func (v *verdict) explain(out io.Writer) {
	for _, text := range append(v.ends[:min(len(v.ends), 10)], v.logs...) {
		fmt.Fprintln(out, "----", text)
	}
}

// judge compares three accounts of what happened: ours, WeChat's and the people's.
func (t *town) judge(ctx context.Context) (verdict, error) {
	v := verdict{}
	checks, err := insight.New(t.db).Invariants(ctx, 0)
	if err != nil {
		return v, err
	}
	v.checks = checks
	if err := t.leftovers(ctx, &v); err != nil {
		return v, err
	}
	if err := t.compareClaims(ctx, &v); err != nil {
		return v, err
	}
	if err := t.compareBills(ctx, &v); err != nil {
		return v, err
	}
	if err := t.comparePushes(ctx, &v); err != nil {
		return v, err
	}
	if err := t.compareStaff(ctx, &v); err != nil {
		return v, err
	}
	files, err := t.compareFiles(ctx)
	if err != nil {
		return v, err
	}
	v.add("print_files", "完成的码包与登记的大小和摘要一致", files)
	v.add("ask_first", "同一单号未查询结果之前不再发送", t.wire.unasked())
	t.people.mu.Lock()
	v.add("one_word", "程序没有自相矛盾，伪造的码与通知无效", slices.Clone(t.people.wrong))
	t.people.mu.Unlock()
	v.counts = t.evidence()
	v.never = t.missing(v.counts)
	v.title = fmt.Sprintf("%s: seed %d, %d seconds of storm, %d at rest after, %d people at once", t.engine, t.seed, int(t.lasts.Seconds()), int(t.calmed.Seconds()), t.clients)
	if t.lasts >= whole {
		v.add("whole_storm", "风暴包含每一种故障", v.never)
	}
	t.tally.mu.Lock()
	defer t.tally.mu.Unlock()
	var panics []string
	for _, end := range t.tally.ends {
		if strings.Contains(end, "panic:") || strings.Contains(end, "fatal error:") || strings.Contains(end, "DATA RACE") {
			panics = append(panics, end)
		}
	}
	v.add("no_panic", "没有进程崩溃", panics)
	v.ends = slices.Clone(t.tally.ends)
	for _, p := range t.procs {
		v.logs = append(v.logs, p.name+":\n"+p.said(0))
	}
	return v, nil
}

// leftovers says what is left to be done, if it was there before everything was quiet: what
// a chore began after that is nobody's loss.
func (t *town) leftovers(ctx context.Context, v *verdict) error {
	before := t.quietAt
	if before == 0 {
		before = t.clk.Now().Add(time.Hour)
	}
	var rows []struct {
		ID, RefID        id.ID
		Task, LastError  string
		State, Tries     int
		DueAt, CreatedAt clock.Instant
	}
	err := t.db.Read(ctx).Raw("SELECT id, ref_id, task, state, tries, due_at, created_at, last_error FROM outbox WHERE state <> 2 ORDER BY id LIMIT 100").Scan(&rows).Error
	if err != nil {
		return err
	}
	var left []string
	for _, r := range rows {
		text := fmt.Sprintf("%s %d (%d) 状态 %d，第 %d 次，%s 建立，%s 到期 %s", r.Task, r.ID, r.RefID, r.State, r.Tries, r.CreatedAt.Local(), r.DueAt.Local(), r.LastError)
		if r.CreatedAt < before {
			left = append(left, text)
		}
	}
	for i, c := range v.checks {
		if c.Name == "outbox_done" {
			v.checks[i].OK, v.checks[i].Detail = len(left) == 0, strings.Join(left[:min(len(left), 5)], "；")
		}
	}
	return nil
}

// compareClaims: what people were told against the rows.
func (t *town) compareClaims(ctx context.Context, v *verdict) error {
	type row struct {
		ID      id.ID
		BatchID id.ID
		Serial  int64
		OpenID  string `gorm:"column:openid"`
		CashFen int64
	}
	var rows []row
	err := t.db.Read(ctx).Raw(`SELECT claim.id, claim.batch_id, claim.serial, claim.cash_fen, COALESCE(payout.openid, '') AS openid
		FROM claim LEFT JOIN payout ON payout.claim_id = claim.id`).Scan(&rows).Error
	if err != nil {
		return err
	}
	byID := map[string]row{}
	claimed := map[string]bool{}
	for _, r := range rows {
		byID[r.ID.String()] = r
		claimed[r.BatchID.String()+"/"+strconv.FormatInt(r.Serial, 10)] = true
	}
	var lost, strangers, silent, nobody []string
	t.people.mu.Lock()
	defer t.people.mu.Unlock()
	// Whoever verified first may have met his daily cap: then the code is his and not yet
	// claimed, and the others were rightly sent away.
	reserved := map[string]bool{}
	for _, e := range t.people.errands {
		if e.refused == "capped" {
			reserved[e.token()] = true
		}
	}
	owner := map[string]string{}
	for _, e := range t.people.errands {
		what := fmt.Sprintf("%s 第 %d 个码 %s", e.goods.name, e.serial, e.who)
		r, there := byID[e.ack]
		switch {
		case e.ack == "" && e.refused == "":
			silent = append(silent, what)
		case e.ack == "" && e.refused == "taken" && !reserved[e.token()] && !claimed[e.goods.batch.ID.String()+"/"+strconv.FormatInt(e.serial, 10)]:
			nobody = append(nobody, what)
		case e.ack != "" && (!there || r.BatchID != e.goods.batch.ID || r.Serial != e.serial):
			lost = append(lost, what+" 领取 "+e.ack)
		case e.ack != "" && (owner[e.ack] != "" && owner[e.ack] != e.who || r.CashFen > 0 && r.OpenID != t.sim.OpenID(e.who, official)):
			strangers = append(strangers, what+" 领取 "+e.ack)
		}
		if e.ack != "" {
			owner[e.ack] = e.who
			t.tally.add("claims told to people", 1)
		}
	}
	t.tally.add("claims", len(rows))
	v.add("acknowledged", "告诉过消费者的领取都在", lost)
	v.add("right_person", "红包给了领取的人", strangers)
	v.add("answered", "每个点按的人都得到了答复", silent)
	v.add("somebody", "说「已被领取」的码确有人领取", nobody)
	return nil
}

// compareBills: WeChat's book against ours, bill by bill and in both directions.
func (t *town) compareBills(ctx context.Context, v *verdict) error {
	type row struct {
		BillNo    string
		State     string
		AmountFen int64
		Review    bool
		Rail      string
		Code      string
		Reason    string
	}
	var rows []row
	if err := t.db.Read(ctx).Raw("SELECT bill_no, state, amount_fen, review, rail, code, reason FROM payout").Scan(&rows).Error; err != nil {
		return err
	}
	bills := map[string]simulator.Bill{}
	for _, b := range t.sim.Bills("") {
		bills[b.BillNo] = b
	}
	var differ, marked, money []string
	paid := map[string]int64{}
	for _, r := range rows {
		b, there := bills[r.BillNo]
		if (r.State == "settled") != (there && b.PaidFen == r.AmountFen) || there && (b.AmountFen != r.AmountFen || b.Rail != r.Rail) || !there && r.State != "failed" && r.State != "pending" {
			differ = append(differ, fmt.Sprintf("%s 我方 %s %d 分，微信 %s 已付 %d 分", r.BillNo, r.State, r.AmountFen, b.State, b.PaidFen))
		}
		if r.Review {
			marked = append(marked, r.BillNo+" "+r.State+" "+r.Code+" "+r.Reason)
		}
		paid[b.MchID] += b.PaidFen
		delete(bills, r.BillNo)
		t.tally.add("payouts "+r.State, 1)
	}
	for no, b := range bills {
		differ = append(differ, fmt.Sprintf("微信有 %s（%s，已付 %d 分），我方没有", no, b.State, b.PaidFen))
	}
	for _, g := range t.shelf {
		if got := t.sim.BalanceFen(g.mchID) + paid[g.mchID]; got != funds {
			money = append(money, fmt.Sprintf("商户 %s 少了 %d 分", g.mchID, funds-got))
		}
	}
	v.add("bill_by_bill", "微信商户账与我方逐单一致", differ)
	v.add("merchant_money", "商户余额 + 已付 = 充值", money)
	v.add("no_contradiction", "没有须人工核实的打款单", marked)
	return nil
}

// compareFiles reads every print file that is said to be ready.
func (t *town) compareFiles(ctx context.Context) (wrong []string, err error) {
	for before := id.ID(0); ; {
		page, err := t.exports.List(ctx, export.Filter{BrandID: t.brand.ID}, before, 100)
		if err != nil || len(page) == 0 {
			return wrong, err
		}
		for _, e := range page {
			found, err := t.compareFile(ctx, e)
			if err != nil {
				return nil, err
			}
			wrong = append(wrong, found...)
			t.tally.add("print files "+e.State, 1)
		}
		before = page[len(page)-1].ID
	}
}

func (t *town) compareFile(ctx context.Context, e export.Export) (wrong []string, err error) {
	say := func(format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("码包 %d %s：", e.ID, e.State)+fmt.Sprintf(format, args...))
	}
	switch {
	case e.State == export.Failed && e.Error != "":
		t.tally.add("print files failed: "+e.Error, 1)
		return nil, nil
	case e.State == export.Expired:
		return nil, nil
	case e.State != export.Ready:
		say("没有结果")
		return wrong, nil
	}
	if e, err = t.exports.Get(ctx, e.ID); err != nil {
		return nil, err
	}
	if len(e.Parts) == 0 {
		say("没有文件")
	}
	for _, part := range e.Parts {
		body, err := os.ReadFile(filepath.Join(t.disk.path, "exports", e.ID.String(), part.File))
		sum := sha256.Sum256(body)
		if err != nil || int64(len(body)) != part.Bytes || hex.EncodeToString(sum[:]) != part.SHA256 {
			say("文件 %s 有 %d 字节，应为 %d (%v)", part.File, len(body), part.Bytes, err)
		}
	}
	return wrong, nil
}
