package push

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/reach"
	"siyu/model/say"
)

// Delivery is one member's copy as operators see it.
type Delivery struct {
	ID         id.ID         `json:"id"`
	RunID      id.ID         `json:"-"`
	MemberID   id.ID         `json:"member_id"`
	Arm        int           `json:"-"`
	ArmName    string        `json:"arm" gorm:"-"` // A, B …; 对照组
	State      string        `json:"state"`
	Reason     string        `json:"reason"`
	Channel    string        `json:"channel"`
	Code       string        `json:"code"` // WeChat's last
	Tries      int           `json:"tries"`
	DueAt      clock.Instant `json:"due_at"`
	MovedAt    clock.Instant `json:"moved_at"`
	FirstAt    clock.Instant `json:"-"`              // when it was called first
	Words      string        `json:"words" gorm:"-"` // zh-CN: what happened and why
	Said       say.Said      `json:"said" gorm:"-"`  // the same with its parts
	LinkClicks int           `json:"clicks" gorm:"-"`
}

// Words say why in zh-CN what the ledger has no word for.
func Words(reason string) string {
	if words, own := reasonWords[reason]; own || reason == "" {
		return words
	}
	if words, later := laterWords[reason]; later {
		return words
	}
	return reach.Text(reason)
}

var reasonWords = map[string]string{
	"universal":      "全局对照组，所有营销都不发送，用来比较效果",
	"held":           "本次触达的对照组，不发送，用来比较效果",
	samePerson:       "与名单里另一个会员是同一个人，只发一次",
	"version_gone":   "这个版本在发送前被改掉了，没有发送，请重新测试",
	"gave_up":        "超过尝试时长仍未能发送",
	bestHour:         "暂停时错过了最佳时段，等到下一个",
	"too_many_tries": "多次尝试都未能发送",
	refusedBy:        "微信拒绝了这条消息",
	tooFew:           "公众号群发至少要两人，这一组只有一人",
	staffWaits:       "员工待发送：任务已到员工的企业微信，等他点“发送”",
	staffNever:       "员工七天内没有点“发送”",
	staffStopped:     "触达已停止，员工还没有点“发送”，任务已收回",
	noTask:           "企业微信没有为他建立任务：不是这位员工的客户，或今天已收到群发",
	noContact:        "发送时他已不是这位员工的客户",
	enough:           "发送时他收到的企业群发已达上限",
	repeat:           "结果未知，用同一个消息编号再发一次，微信不会重复送达",
}

// reasonWord and wayWord are parts of sentences.
func reasonWord(reason string) say.Word {
	return say.Word{Key: "reason_" + reason, Text: Words(reason)}
}
func wayWord(channel string) say.Word {
	return say.Word{Key: "channel_" + channel, Text: ChannelName(channel)}
}

// Reasons of copies that were refused, beside those of staff.
const (
	refusedBy = "refused" // by WeChat, whose code says why
	tooFew    = "too_few"
)

// refusal is the reason of a code: our own words for it, if it is no number of WeChat's.
func refusal(code string) string {
	if code == noTask || code == tooFew {
		return code
	}
	return refusedBy
}

// tell completes a delivery for people.
func (p Push) tell(d *Delivery) {
	d.ArmName = p.armName(d.Arm)
	how := wayWord(d.Channel)
	why := say.Of("delivery_why", "{why}", "why", reasonWord(d.Reason))
	switch {
	case d.State == Sent && d.Reason == "":
		d.Said = say.Of("delivery_sent", "已通过{how}发送", "how", how)
	case d.State == Sent && d.Reason == staffWaits && p.State == Stopped:
		d.Said = say.Of("delivery_staff_back", "触达已停止，员工的任务尚未确认收回，他仍可能收到")
	case d.State == Sending:
		d.Said = say.Of("delivery_sending", "正在通过{how}发送", "how", how)
	case d.State == Refused && d.Reason == refusedBy:
		d.Said = say.Of("delivery_refused", "微信拒绝了{how}，错误码 {code}", "how", how, "code", d.Code)
	case d.State == Refused && laterWords[d.Reason] != "":
		d.Said = undelivered(d)
	case d.State == Unknown && d.Channel == reach.Mass:
		d.Said = say.Of("delivery_unknown_mass", "公众号群发后没有得到结果，可能已送达，不再重发；可在公众号后台的群发记录里按时间核对")
	case d.State == Unknown:
		d.Said = say.Of("delivery_unknown", "通过{how}发送后没有得到结果，可能已送达，不再重发", "how", how)
	case d.State == Waiting && d.Reason != "":
		d.Said = say.Of("delivery_waits", "等待发送：{why}", "why", reasonWord(d.Reason))
	case d.State == Waiting && p.State == Stopped:
		d.Said = say.Of("delivery_stopped", "触达已停止，没有发送")
	case d.State == Waiting:
		d.Said = say.Of("delivery_waiting", "等待发送")
	default:
		d.Said = why
	}
	if d.Code != "" && d.State != Refused && d.State != Sent {
		d.Said.Text += "（上次错误码 " + d.Code + "）"
		d.Said.Args["last_code"] = d.Code
	}
	d.Words = d.Said.Text
}

func (p Push) armName(arm int) string {
	switch {
	case arm == ArmUniversal:
		return "全局对照组"
	case arm == ArmHeld:
		return "对照组"
	case arm < len(p.Arms):
		return p.Arms[arm].Name
	}
	return strconv.Itoa(arm)
}

// armWord is the arm as a part of a sentence: those who are left alone have words for it.
func armWord(d Delivery) any {
	switch d.Arm {
	case ArmUniversal:
		return say.Word{Key: "arm_universal", Text: d.ArmName}
	case ArmHeld:
		return say.Word{Key: "arm_held", Text: d.ArmName}
	}
	return d.ArmName
}

const deliveryColumns = "id, run_id, member_id, arm, state, reason, channel, code, tries, due_at, moved_at, first_at"

func (s *Store) ofRuns(ctx context.Context, p Push, runs []id.ID) (map[id.ID][]Delivery, error) {
	out := map[id.ID][]Delivery{}
	if len(runs) == 0 {
		return out, nil
	}
	var list []Delivery
	if err := s.DB.Read(ctx).Raw("SELECT "+deliveryColumns+" FROM push_delivery WHERE run_id IN ? ORDER BY id", runs).Scan(&list).Error; err != nil {
		return nil, fmt.Errorf("push: deliveries: %w", err)
	}
	for i := range list {
		p.tell(&list[i])
		out[list[i].RunID] = append(out[list[i].RunID], list[i])
	}
	return out, nil
}

// Deliveries lists the copies of a push in one state, or of one member, by id.
func (s *Store) Deliveries(ctx context.Context, pushID id.ID, state string, memberID, after id.ID, limit int) ([]Delivery, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return nil, err
	}
	if limit <= 0 || limit > db.MaxPage {
		limit = db.MaxPage
	}
	q := s.DB.Read(ctx).Table("push_delivery").Select(deliveryColumns).Where("run_id = ?", pushID)
	if memberID != 0 {
		family, err := s.Families(ctx, memberID)
		if err != nil {
			return nil, err
		}
		q = q.Where("member_id IN ?", family)
	} else {
		if state == "" {
			state = Sent
		}
		q = q.Where("state = ? AND id > ?", state, after)
	}
	out := []Delivery{}
	if err := q.Order("id").Limit(limit).Scan(&out).Error; err != nil {
		return nil, fmt.Errorf("push: deliveries: %w", err)
	}
	for i := range out {
		p.tell(&out[i])
	}
	return out, nil
}

// Step is one line of a decision trace.
type Step struct {
	At   clock.Instant `json:"at"`
	Text string        `json:"text"`
	Said say.Said      `json:"said"` // the same with its parts
}

// Trace is why somebody got a push, or did not (决策过程).
type Trace struct {
	PushID   id.ID     `json:"push_id"`
	MemberID id.ID     `json:"member_id"`
	Got      bool      `json:"got"`
	Delivery *Delivery `json:"delivery"` // null: he was not in the audience
	Steps    []Step    `json:"steps"`
}

// Why tells of a member, as any of his family, and a push, what was decided when.
func (s *Store) Why(ctx context.Context, pushID, memberID id.ID) (Trace, error) {
	t := Trace{PushID: pushID, MemberID: memberID, Steps: []Step{}}
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return t, err
	}
	list, err := s.Deliveries(ctx, pushID, "", memberID, 0, 5)
	if err != nil {
		return t, err
	}
	add := func(at clock.Instant, said say.Said) { t.Steps = append(t.Steps, Step{at, said.Text, said}) }
	switch {
	case p.FrozenAt == 0:
		add(p.MovedAt, say.Of("trace_not_begun", "触达还没有开始，名单还没有确定"))
		return t, nil
	case len(list) == 0:
		add(p.AsOf, outSaid(cmp.Or(p.Sentence, p.Why)))
		return t, nil
	}
	d := list[0]
	for _, other := range list {
		if other.State == Sent || other.State == Unknown {
			d = other
		}
	}
	taps, err := s.tapsOf(ctx, d.ID)
	if err != nil {
		return t, err
	}
	d.LinkClicks = taps.Clicks
	t.Delivery, t.Got = &d, d.State == Sent && d.Reason != staffWaits
	add(p.AsOf, inSaid(cmp.Or(p.Sentence, p.Why)))
	add(p.FrozenAt, say.Of("trace_arm", "随机分到“{arm}”", "arm", armWord(d)))
	if d.State != Held && d.Tries > 1 {
		add(d.MovedAt, say.Of("trace_tries", "尝试了 {n} 次", "n", d.Tries))
	}
	if d.State == Refused && laterWords[d.Reason] != "" {
		add(d.FirstAt, say.Of("trace_taken", "已交给微信发送（{how}）", "how", wayWord(d.Channel)))
	}
	if d.State == Skipped && d.DueAt > p.FrozenAt { // that it waited is kept, for what is not
		add(d.DueAt, say.Of("trace_due", "安排到这时再发送；此前为什么等待没有保留"))
	}
	add(d.MovedAt, d.Said)
	switch {
	case taps.Clicks == 1:
		add(taps.FirstAt, say.Of("trace_click", "打开了链接"))
	case taps.Clicks > 1:
		add(taps.FirstAt, say.Of("trace_click_first", "第一次打开链接"))
		add(taps.LastAt, say.Of("trace_click_last", "最近一次打开链接，共 {n} 次", "n", taps.Clicks))
	}
	return t, nil
}

// taps are what a copy's links were opened: how often, first and last.
type taps struct {
	Clicks          int
	FirstAt, LastAt clock.Instant
}

func (s *Store) tapsOf(ctx context.Context, deliveryID id.ID) (t taps, err error) {
	if err = s.DB.Read(ctx).Raw("SELECT COALESCE(SUM(clicks), 0) AS clicks, COALESCE(MIN(first_at), 0) AS first_at, COALESCE(MAX(last_at), 0) AS last_at FROM push_click WHERE delivery_id = ?", deliveryID).Scan(&t).Error; err != nil {
		err = fmt.Errorf("push: clicks: %w", err)
	}
	return t, err
}

// Condition is one of a rule that decided why somebody is not in an audience.
type Condition struct {
	Text  string // in words
	Holds bool   // true: the rule wants those of whom it is not
	Found string // what is known of him about it; "" : no more
}

// Left adds to the trace of somebody who was not in the audience what the push's rule says of
// him now; that of its start is not kept. code: why he is asked nothing (not_here,
// no_profiling); by: the conditions that decide.
func (t *Trace) Left(now clock.Instant, in bool, code string, by []Condition) {
	add := func(said say.Said) { t.Steps = append(t.Steps, Step{now, said.Text, said}) }
	switch {
	case code == "not_here":
		add(say.Of("trace_not_here", "按现在的情况：他不是这个品牌的用户，没有行为记录，也没有关注品牌的公众号"))
	case code == "no_profiling":
		add(say.Of("trace_no_profiling", "按现在的情况：他没有同意个性化画像，用到行为的人群不对他计算"))
	case in:
		add(say.Of("trace_in_now", "按现在的情况：他符合人群，触达开始时还不符合"))
	}
	if in || code != "" {
		return
	}
	for _, c := range by {
		switch {
		case c.Holds && c.Found != "":
			add(say.Of("trace_holds_found", "按现在的情况：他“{condition}”（{found}），人群不要这样的人", "condition", c.Text, "found", c.Found))
		case c.Holds:
			add(say.Of("trace_holds", "按现在的情况：他“{condition}”，人群不要这样的人", "condition", c.Text))
		case c.Found != "":
			add(say.Of("trace_fails_found", "按现在的情况：他不符合“{condition}”（{found}）", "condition", c.Text, "found", c.Found))
		default:
			add(say.Of("trace_fails", "按现在的情况：他不符合“{condition}”", "condition", c.Text))
		}
	}
}

// Received is a push as the member is told of it (为什么收到这条消息).
type Received struct {
	DeliveryID id.ID         `json:"delivery_id"`
	PushID     id.ID         `json:"push_id"`
	BrandID    id.ID         `json:"brand_id"`
	Title      string        `json:"title"`
	Topic      string        `json:"topic"`
	Purpose    string        `json:"purpose"`
	Channel    string        `json:"channel"`
	Why        string        `json:"why"`
	At         clock.Instant `json:"at"`
}

// ForMember lists what one human was sent, newest first: at most fifty, of the last year.
// What may have arrived is told, too.
func (s *Store) ForMember(ctx context.Context, family []id.ID) ([]Received, error) {
	out := []Received{}
	if len(family) == 0 {
		return out, nil
	}
	err := s.DB.Read(ctx).Raw("SELECT d.id AS delivery_id, p.id AS push_id, p.brand_id, p.name AS title, p.topic, p.purpose, d.channel, CASE WHEN p.why = '' THEN p.told ELSE p.why END AS why, d.moved_at AS at FROM push_delivery d JOIN push p ON p.id = d.run_id WHERE d.member_id IN ? AND d.moved_at > ? AND d.state IN ? AND d.reason <> ? ORDER BY d.moved_at DESC, d.id DESC LIMIT 50",
		family, s.DB.Now()-365*24*3600*1000, []string{Sent, Unknown}, staffWaits).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("push: of a member: %w", err)
	}
	for i := range out {
		out[i].Why = fitWhy(out[i].Why)
	}
	return out, nil
}

// Trial is what a report must know of a push (holdout.Audience).
func (s *Store) Trial(ctx context.Context, pushID id.ID) (holdout.Push, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return holdout.Push{}, err
	}
	out := holdout.Push{ID: pushID, BeganAt: p.FrozenAt, EndsAt: p.sendsUntil(), Open: p.State == Running || p.State == Paused, People: p.People, ProductIDs: p.ProductIDs, Done: map[string]map[string]int64{}}
	if p.Holdout == "" {
		return out, nil
	}
	if err := json.Unmarshal([]byte(p.Holdout), &out.Split); err != nil {
		return out, fmt.Errorf("push: split of %d: %w", pushID, err)
	}
	counts, err := s.counts(ctx, pushID)
	if err == nil {
		out.SpentFen, err = s.spent(ctx, p, counts)
	}
	for _, c := range counts {
		_, arm := p.place(c.Arm)
		if out.Done[arm] == nil {
			out.Done[arm] = map[string]int64{}
		}
		out.Done[arm][c.State] += c.N
	}
	return out, err
}

// sendsUntil is the last moment at which a push sent, or may send, anybody: when it is given
// up, unless it is over before that. Staff may send so long after their task was made.
func (p Push) sendsUntil() clock.Instant {
	staff := slices.ContainsFunc(p.Uses, func(u reach.Use) bool { return u.Channel == reach.WeCom })
	at := p.GiveUpAt
	if p.State == Done {
		at = min(at, p.FinishedAt)
	}
	if staff {
		at = at.Add(taskFor)
	}
	if p.State == Stopped { // what staff have not sent is taken back then
		at = min(at, p.FinishedAt)
	}
	return at
}

func (p Push) place(arm int) (universal bool, name string) {
	if arm < 0 || arm >= len(p.Arms) {
		return arm == ArmUniversal, holdout.Held
	}
	return false, p.Arms[arm].Name
}

// Places lists the frozen audience after a member, by member (holdout.Audience).
func (s *Store) Places(ctx context.Context, pushID, after id.ID, limit int) ([]holdout.Place, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		MemberID id.ID
		Arm      int
	}
	err = s.DB.Read(ctx).Raw("SELECT member_id, arm FROM push_delivery WHERE run_id = ? AND member_id > ? ORDER BY member_id LIMIT ?", pushID, after, limit).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("push: places: %w", err)
	}
	out := make([]holdout.Place, len(rows))
	for i, r := range rows {
		out[i].MemberID = r.MemberID
		out[i].Universal, out[i].Arm = p.place(r.Arm)
	}
	return out, nil
}

// Uses lists pushes that a segment or a tag's segments still matter to: drafts and what is
// planned or runs.
func (s *Store) Uses(ctx context.Context, segmentID id.ID) ([]Push, error) {
	var rows []pushRow
	err := s.DB.Read(ctx).Where("segment_id = ? AND state NOT IN ?", segmentID, []string{Done, Stopped}).Order("created_at DESC").Limit(50).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("push: uses: %w", err)
	}
	out := []Push{}
	for _, r := range rows {
		p, err := r.open()
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Begun lists pushes that began since a moment, or that may have sent since, by id
// (holdout.Audience).
func (s *Store) Begun(ctx context.Context, since clock.Instant, after id.ID, limit int) ([]id.ID, error) {
	var out []id.ID
	err := s.DB.Read(ctx).Raw("SELECT id FROM push WHERE frozen_at > 0 AND (frozen_at >= ? OR give_up_at >= ?) AND id > ? ORDER BY id LIMIT ?", since, since.Add(-taskFor), after, limit).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("push: begun: %w", err)
	}
	return out, nil
}
