package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/wechat/simulator"
)

func simUser(name string) simulator.User { return simulator.User{Name: name, City: "上海"} }

// event is one thing done to the town. Everything random about it was drawn before the
// run began, so the seed alone replays the schedule. do says whether it could be done:
// a server that is down cannot be frozen.
type event struct {
	at   time.Duration
	what string
	do   deed
}

type deed = func(ctx context.Context, t *town) bool

// ills are misfortunes with the calls they make sense for.
var ills = []ill{
	{"payout", []string{"commit_then_drop", "drop", "delay", "unknown_code", "http_500", "http_502", "commit_then_500", "garbage_body", "balance_short",
		"user_blocks", "user_never_confirms", "processing", "bad_answer_signature", "probe_answer_signature", "notice_before_answer"}},
	{"payout.query", []string{"drop", "delay", "unknown_code", "http_500", "http_502", "garbage_body", "wrong_amount", "no_receive_time", "bad_answer_signature"}},
	{"notice", []string{"missing_notice", "duplicate_notice", "out_of_order_notice", "forged_notice", "delay"}},
	{"oauth", []string{"drop", "http_500", "garbage_body", "unknown_code"}},
	{"user.info", []string{"expired_token", "http_500"}},
	{"stable_token", []string{"http_500", "drop"}},
	{"custom.send", []string{"commit_then_drop", "drop", "delay", "http_500", "http_502", "garbage_body", "unknown_code -1", "unknown_code 45011"}},
	{"group_send.cancel", []string{"commit_then_drop", "drop", "http_500", "garbage_body", "unknown_code -1", "unknown_code 45033"}},
	{"group_send.add", []string{"commit_then_drop", "drop", "unknown_code 45033"}},
}

type ill struct {
	call  string
	kinds []string // some with the code to answer
}

// calls are what the simulator names them when they happen.
func (i ill) calls() []string {
	switch i.call {
	case "payout":
		return []string{"sendredpack", "transfer.create"}
	case "payout.query":
		return []string{"gethbinfo", "transfer.query"}
	}
	return []string{i.call}
}

// rate is how often something of a kind happens.
type rate struct {
	every time.Duration
	what  string
	draw  func(t *town, r *rand.Rand) deed
	mysql bool // needs the servers
}

// seconds draws a duration from a range.
func seconds(r *rand.Rand, from, until float64) time.Duration {
	return time.Duration((from + r.Float64()*(until-from)) * float64(time.Second))
}

func rates() []rate {
	return []rate{
		{every: 700 * time.Millisecond, what: "misfortune at WeChat", draw: drawIll},
		{every: 6 * time.Second, what: "forged notice", draw: drawForgery},
		{every: 9 * time.Second, what: "process frozen", draw: drawFreeze},
		{every: 25 * time.Second, what: "merchant short of money", draw: drawPoverty},
		{every: 4 * time.Second, what: "push begun", draw: drawPush},
		{every: 12 * time.Second, what: "print file ordered", draw: drawExport},
		{every: 20 * time.Second, what: "disk full", draw: drawFullDisk},
		{every: 20 * time.Second, what: "clock jumps", draw: drawJump},
		{every: 8 * time.Second, what: "rows locked", draw: drawLock},
		{every: 5 * time.Second, what: "connections cut", draw: drawCut, mysql: true},
		{every: 30 * time.Second, what: "MariaDB killed", draw: drawMariaKill, mysql: true},
		{every: 23 * time.Second, what: "MariaDB frozen", draw: drawMariaFreeze, mysql: true},
		{every: 17 * time.Second, what: "Redis flushed", draw: drawFlush, mysql: true},
		{every: 23 * time.Second, what: "Redis killed", draw: drawRedisKill, mysql: true},
		{every: 29 * time.Second, what: "Redis frozen", draw: drawRedisFreeze, mysql: true},
		{every: 4 * time.Second, what: "push tasks doubled", draw: drawTwins},
		{every: 7 * time.Second, what: "fans write", draw: drawTalk},
		{every: 20 * time.Second, what: "day's quota used up", draw: drawQuota},
		{every: 6 * time.Second, what: "staff asked to send", draw: drawStaff},
	}
}

// schedule draws the whole storm from the seed.
func (t *town) schedule() []event {
	var out []event
	for i, k := range rates() {
		if k.mysql && t.engine != db.MySQL {
			continue
		}
		r := rand.New(rand.NewPCG(t.seed, uint64(i)))
		for at := seconds(r, 0.3, 1) + seconds(r, 0, k.every.Seconds()); at < t.lasts; at += seconds(r, k.every.Seconds()/2, k.every.Seconds()*3/2) {
			out = append(out, event{at, k.what, k.draw(t, r)})
		}
	}
	r := rand.New(rand.NewPCG(t.seed, 99))
	if t.kills > 0 {
		step := t.lasts.Seconds() / float64(t.kills+1)
		web, work := newDeck(r, webPlaces), newDeck(r, workPlaces)
		for n := range t.kills {
			out = append(out, event{seconds(r, (float64(n)+0.5)*step, (float64(n)+1.5)*step), "kill -9", drawKill(t, r, web, work)})
		}
		out = append(out, event{t.lasts * 85 / 100, "campaign ended", endCampaign})
	}
	slices.SortFunc(out, func(a, b event) int { return int(a.at - b.at) })
	return out
}

// storm runs the schedule.
func (t *town) storm(ctx context.Context, list []event) {
	var wg sync.WaitGroup
	defer wg.Wait()
	began := clock.System().Now()
	for _, e := range list {
		if wait := e.at - clock.System().Now().Sub(began); wait > 0 && !pause(ctx, wait) {
			return
		}
		wg.Go(func() {
			if e.do(ctx, t) {
				t.tally.add(e.what, 1)
			}
		})
	}
	pause(ctx, t.lasts-clock.System().Now().Sub(began))
}

func drawIll(_ *town, r *rand.Rand) deed {
	group := ills[[]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7, 7, 8}[r.IntN(29)]]
	if group.call == "group_send.add" && r.IntN(3) > 0 { // what is not given cannot be taken back
		group = ills[7]
	}
	kind, code, _ := strings.Cut(group.kinds[r.IntN(len(group.kinds))], " ")
	m := simulator.Misfortune{Call: group.call, Kind: kind, Code: code, Count: 1 + r.IntN(3), Delay: seconds(r, 1, 8)}
	if m.Kind == "forged_notice" {
		m.Code = []string{"", "probe", "stale", "serial"}[r.IntN(4)]
	}
	return func(_ context.Context, t *town) bool { return t.must(t.sim.SetMisfortune(m)) }
}

// drawForgery says of some bill that it is paid. siyu must not believe it.
func drawForgery(_ *town, r *rand.Rand) deed {
	n, state, how := r.IntN(1<<20), []string{"SUCCESS", "FAIL", "CANCELLED"}[r.IntN(3)], []string{"", "probe", "stale", "serial"}[r.IntN(4)]
	return func(_ context.Context, t *town) bool {
		bills := t.sim.Bills(t.shelf[0].mchID)
		if len(bills) == 0 {
			return false
		}
		b := bills[n%len(bills)]
		status, err := t.sim.Forge(b.BillNo, state, how)
		if err == nil && (status == 200 || status == 204) {
			t.people.blame("伪造的通知被接受：" + b.BillNo)
		}
		return err == nil && status >= 400 && status < 500 // refused, not just unheard
	}
}

func drawFreeze(_ *town, r *rand.Rand) deed {
	n, d := r.IntN(1<<20), seconds(r, 0.5, 5)
	return func(ctx context.Context, t *town) bool {
		p := t.procs[n%len(t.procs)]
		stopped := p.signal(syscall.SIGSTOP)
		pause(ctx, d)
		p.signal(syscall.SIGCONT)
		return stopped
	}
}

func drawPoverty(_ *town, r *rand.Rand) deed {
	n, d := r.IntN(2), seconds(r, 2, 6)
	return func(ctx context.Context, t *town) bool {
		mch := t.shelf[n].mchID
		all := t.sim.BalanceFen(mch)
		short := t.must(t.sim.TopUp(mch, -all))
		pause(ctx, d)
		return t.must(t.sim.TopUp(mch, all)) && short
	}
}

// drawJump moves the clock: to just before midnight in Shanghai, across it and back
// again, or by some minutes, as a wrong time server does.
func drawJump(_ *town, r *rand.Rand) deed {
	kind, d, back := r.IntN(4), seconds(r, 1, 400), seconds(r, 1, 3)
	return func(ctx context.Context, t *town) bool {
		switch kind {
		case 0:
			return t.jump(t.clk.toMidnight() - 3*time.Second)
		case 1:
			if !t.jump(t.clk.toMidnight()+time.Second) || !pause(ctx, back) {
				return false
			}
			return t.jump(-d)
		case 2:
			return t.jump(d)
		}
		return t.jump(-d)
	}
}

// jump moves everybody's clock and counts when that changes the business day.
func (t *town) jump(d time.Duration) bool {
	before := clock.DayOf(t.clk.Now())
	done := t.must(t.clk.jump(d))
	if clock.DayOf(t.clk.Now()) != before {
		t.tally.add("clock jumps across midnight", 1)
	}
	return done
}

// must keeps a mistake of the driver's own: nothing of it may be taken for siyu's.
func (t *town) must(err error) bool {
	if err != nil {
		t.people.blame("driver: " + err.Error())
	}
	return err == nil
}

func (p *people) blame(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, what)
}
