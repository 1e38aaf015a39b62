package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/wechat/simulator"
)

// corpID is the town's WeCom corp. Its staff are asked to send messages to their
// contacts (企业微信群发): some press "send", and most of these pushes are stopped, so that
// what was not sent is taken back.
const (
	corpID       = "wwdeadbeef00000001"
	contactCount = 6
	staffPrefix  = "员工群发" // begins the names of their pushes, and is all they say
)

func staff() []string { return []string{"xiaowang", "xiaoli", "xiaozhang"} }

func contact(n int) string { return fmt.Sprintf("老客%d", n) }

// desk is what the operator knows of the pushes that the staff send.
type desk struct {
	account brand.Account
	mu      sync.Mutex
	wanted  map[string]id.ID         // by name: those that the operator means to stop
	stopped map[string]clock.Instant // when it was known that they are, by the machine's clock
}

// engage makes the corp and tells WeCom who its staff are.
func (t *town) engage(ctx context.Context) (err error) {
	_, aes, _ := strings.Cut(t.key, ":")
	secrets := brand.Secrets{AppSecret: "secret-of-the-corp", Token: "token", AESKey: strings.TrimRight(aes, "=")}
	d := &desk{wanted: map[string]id.ID{}, stopped: map[string]clock.Instant{}}
	d.account, err = t.brands.SaveAccount(ctx, brand.Account{BrandID: t.brand.ID, Kind: brand.WeCom, AppID: corpID, Name: "晒足坊企业微信", CallbackSlug: slug + "-corp"}, secrets)
	if t.desk = d; err != nil {
		return err
	}
	if t.script == nil { // in a storm a contact is asked for more often than once a day; WeCom delivers one all the same
		p := reach.DefaultPolicy(t.brand.ID)
		p.WeComPerDay = 5
		if _, err := reach.New(reach.Deps{DB: t.db}).SavePolicy(ctx, p, 1); err != nil {
			return err
		}
	}
	t.sim.AddCorp(simulator.Corp{CorpID: corpID, Name: "晒足坊", Secret: secrets.AppSecret, Token: secrets.Token, AESKey: secrets.AESKey,
		CallbackURL: t.publicURL() + "/wx/callback/" + slug + "-corp", Staff: staff()})
	return nil
}

// befriend makes some people contacts of the staff.
func (t *town) befriend() error {
	for i := range contactCount {
		t.sim.AddUser(simUser(contact(i)))
		if err := t.sim.AddContact(corpID, staff()[i%len(staff())], contact(i), "", false); err != nil {
			return err
		}
	}
	return nil
}

// ask begins a push that the staff send.
func (d *desk) ask(ctx context.Context, t *town, name string) (push.Push, error) {
	return t.fans.start(ctx, push.Form{BrandID: t.brand.ID, Name: name, Purpose: reach.Service, SegmentID: t.fans.segment.ID, Timing: push.Now,
		Body: push.Body{Uses: []reach.Use{{Channel: reach.WeCom, AccountID: d.account.ID}}, Arms: []push.Arm{{Name: "A", Weight: 1, Contents: []push.Content{{Text: name}}}}}})
}

// stop ends a push. What does not succeed now is tried again when the storm is over.
func (d *desk) stop(ctx context.Context, t *town, name string, pushID id.ID) bool {
	d.mu.Lock()
	d.wanted[name] = pushID
	d.mu.Unlock()
	_, err := t.fans.Stop(ctx, pushID, "内容有误")
	if err != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.wanted, name)
	if d.stopped[name] == 0 {
		d.stopped[name] = clock.System().Now()
	}
	return true
}

// stopAll stops what could not be stopped so far. One that is over with nothing to take back
// cannot be any more.
func (d *desk) stopAll(ctx context.Context, t *town) {
	d.mu.Lock()
	left := maps.Clone(d.wanted)
	d.mu.Unlock()
	for name, pushID := range left {
		if d.stop(ctx, t, name, pushID) {
			continue
		}
		if x, err := t.fans.Get(ctx, pushID); err == nil && x.State == push.Done {
			d.mu.Lock()
			delete(d.wanted, name)
			d.mu.Unlock()
		}
	}
}

// press has the staff send what they may: all that was never to be stopped.
func (d *desk) press(t *town) {
	d.mu.Lock()
	kept := map[string]bool{}
	for name := range d.wanted {
		kept[name] = true
	}
	for name := range d.stopped {
		kept[name] = true
	}
	d.mu.Unlock()
	for _, x := range t.sim.StaffTasks(corpID) {
		if !kept[x.Text] {
			_, err := t.sim.StaffSendsOne(corpID, x.ID)
			t.must(err)
		}
	}
}

// drawStaff begins a push that the staff send. One of them may press "send", and most are
// stopped, some while workers are about to die where tasks are taken back.
func drawStaff(_ *town, r *rand.Rand) deed {
	name, presses, stops := fmt.Sprintf("%s %d", staffPrefix, r.IntN(1_000_000)), r.IntN(1+len(staff())), r.IntN(5) > 0
	first, then, dies := seconds(r, 0.3, 2), seconds(r, 0.2, 2), r.IntN(4)
	return func(ctx context.Context, t *town) bool {
		x, err := t.desk.ask(ctx, t, name)
		if err != nil { // the database was just killed
			return false
		}
		if presses < len(staff()) && pause(ctx, first) {
			n, err := t.sim.StaffSends(corpID, staff()[presses])
			t.must(err)
			t.tally.add("staff sent", n)
		}
		if stops {
			pause(ctx, then)
			if places := []string{"push.back@job", "push.backed@job"}; dies < len(places) { // too rare to be met by chance
				for _, p := range t.procs {
					if p.args[0] != "web" {
						p.kill(places[dies] + ":1")
					}
				}
			}
			t.desk.stop(ctx, t, name, x.ID) // if not, the calm does
		}
		return true
	}
}

// seat is one person in one push that the staff send, as siyu says.
type seat struct {
	RunID  id.ID
	Name   string // of the push
	Push   string // its state
	State  string
	Reason string
	Person string `gorm:"column:external_userid"` // who he is to the corp
	Said   bool   // the page says that his task is not, or perhaps not, taken back
}

// compareStaff holds what siyu says of the tasks of the staff against WeCom's: of a push that
// was stopped, every task that was not sent is taken back or said to be uncertain; none was
// given by a worker who began after the stop; who is said to have got it has it, and nobody
// was asked for twice.
func (t *town) compareStaff(ctx context.Context, v *verdict) error {
	var rows []seat
	err := t.db.Read(ctx).Raw(`SELECT d.run_id, p.name, p.state AS push, d.state, d.reason, c.external_userid,
			EXISTS (SELECT 1 FROM push_task_copy y JOIN push_task x ON x.id = y.task_id WHERE y.delivery_id = d.id AND x.back IN ('refused', 'unsure', 'denied')) AS said
		FROM push_delivery d JOIN push p ON p.id = d.run_id JOIN wecom_contact c ON c.member_id = d.member_id AND c.account_id = ?
		WHERE p.name LIKE ? ORDER BY d.id`, t.desk.account.ID, staffPrefix+"%").Scan(&rows).Error
	if err != nil {
		return err
	}
	users := map[string]string{} // external_userid -> name
	for i := range contactCount {
		users[t.sim.ExternalUserID(contact(i), corpID)] = contact(i)
	}
	tasks := map[string][]simulator.StaffTask{}
	for _, x := range t.sim.StaffTasks(corpID) {
		tasks[x.Text] = append(tasks[x.Text], x)
		if t.tally.add("tasks of staff", 1); x.Back {
			t.tally.add("tasks of staff taken back", 1)
		}
	}
	var open, twice, untrue []string
	for _, r := range rows {
		who := users[r.Person]
		live, got, back, asked := 0, 0, 0, 0
		for _, x := range tasks[r.Name] {
			state, in := x.States[who]
			if in {
				asked++
			}
			switch {
			case !in:
			case state == 1:
				got++
			case state == 0 && x.Back:
				back++
			case state == 0:
				live++
			}
		}
		what := fmt.Sprintf("%s（%s）%s %s %s：收到 %d，待发 %d，收回 %d", r.Name, r.Push, who, r.State, r.Reason, got, live, back)
		if asked > 1 {
			twice = append(twice, what)
		}
		if r.Push == push.Stopped && live > 0 && r.State != push.Unknown && !r.Said {
			open = append(open, what)
		}
		sent, unknown := r.State == push.Sent && r.Reason == "", r.State == push.Unknown
		if sent && got == 0 || !sent && !unknown && got > 0 {
			untrue = append(untrue, what)
		}
		if r.Reason == "staff_stopped" {
			t.tally.add("staff copies taken back", 1)
		}
		if sent {
			t.tally.add("staff copies sent", 1)
		}
	}
	var late []string
	t.desk.mu.Lock()
	for _, a := range t.wire.tasks() {
		if at := t.desk.stopped[a.text]; at != 0 && at < a.since {
			late = append(late, fmt.Sprintf("%s：%s 停止，之后 %s 才启动的进程又派了任务", a.text, at.Local(), a.since.Local()))
		}
	}
	t.tally.add("pushes stopped", len(t.desk.stopped))
	t.desk.mu.Unlock()
	slices.Sort(late)
	v.add("staff_back", "停止的触达里员工没有发的任务都已收回，或说明不确定", open)
	v.add("staff_stopped", "触达停止之后不再给员工派任务", slices.Compact(late))
	v.add("staff_once", "每个人一次触达最多在一个员工任务里", twice)
	v.add("staff_said", "说员工已发的都在本人手机上，说没有发的都不在", untrue)
	return nil
}

// takenBack begins two pushes of the staff on one day, of which the second has to wait for
// the next. Of the first, one answer of WeCom's is lost and one of the staff presses "send".
// Both are stopped, and workers die before each task of the first is taken back, and after one
// is. A whole build that does not come to all of that has tested nothing, which is said.
func takenBack(ctx context.Context, t *town) bool {
	done := t.stopWhileStaffSend(ctx)
	if !done && t.broken == "" && ctx.Err() == nil {
		t.people.blame("driver: 员工任务的演练没有走完")
	}
	return done
}

func (t *town) stopWhileStaffSend(ctx context.Context) bool {
	until := func(least int, query string, args ...any) bool {
		return eventually(ctx, drillPatience, 50*time.Millisecond, func() bool {
			var n int
			return t.db.Read(ctx).Raw(query, args...).Scan(&n).Error == nil && n >= least
		})
	}
	asked := 0
	ask := func() (name string, x push.Push, ok bool) {
		ok = eventually(ctx, drillPatience, 100*time.Millisecond, func() bool {
			asked++
			name = fmt.Sprintf("%s %d", staffPrefix, asked)
			var err error
			x, err = t.desk.ask(ctx, t, name)
			return err == nil
		})
		return name, x, ok
	}
	stop := func(name string, x push.Push) bool {
		return eventually(ctx, drillPatience, 100*time.Millisecond, func() bool { return t.desk.stop(ctx, t, name, x.ID) })
	}
	if !t.lose("group_send.add", 1) {
		return false
	}
	first, a, ok := ask()
	if !ok || !until(len(staff())-1, "SELECT COUNT(*) FROM push_task WHERE run_id = ?", a.ID) {
		return false
	}
	var sender string
	if t.db.Read(ctx).Raw("SELECT MIN(sender) FROM push_task WHERE run_id = ?", a.ID).Scan(&sender).Error != nil {
		return false
	}
	if n, err := t.sim.StaffSends(corpID, sender); !t.must(err) || n == 0 {
		return false
	}
	second, b, ok := ask()
	if !ok || !until(contactCount, "SELECT COUNT(*) FROM push_delivery WHERE run_id = ? AND state = ? AND due_at > ?", b.ID, push.Waiting, t.clk.Now().Add(time.Minute)) {
		return false
	}
	met := true
	for i, place := range []string{"push.back@job", "push.back@job", "push.backed@job"} {
		before := t.tally.begins("killed at " + place)
		for _, p := range t.procs {
			if p.args[0] != "web" {
				p.kill(place + ":1")
			}
		}
		if i == 0 && !(stop(second, b) && stop(first, a)) {
			return false
		}
		died := func() bool { return t.tally.begins("killed at "+place) > before }
		eventually(ctx, drillPatience, 20*time.Millisecond, func() bool {
			t.must(t.clk.jump(time.Second)) // what a dead worker had is looked for after a while
			var left int
			err := t.db.Read(ctx).Raw("SELECT COUNT(*) FROM push_task WHERE run_id = ? AND back = ?", a.ID, push.BackAsked).Scan(&left).Error
			return died() || err == nil && left == 0
		})
		met = met && died()
	}
	return met
}
