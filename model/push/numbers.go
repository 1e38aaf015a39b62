package push

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/reach"
	"siyu/model/say"
)

// Count is how many deliveries are in one place.
type Count struct {
	Arm     int      `json:"-"`
	ArmName string   `json:"arm"`
	State   string   `json:"state"`
	Channel string   `json:"channel"`
	Reason  string   `json:"reason"`
	Words   string   `json:"words"`         // zh-CN
	Said    say.Said `json:"said" gorm:"-"` // the same with its parts
	N       int64    `json:"n"`
}

// Clicks are those of one link.
type Clicks struct {
	LinkNo int    `json:"link_no"`
	Title  string `json:"title"`
	Arm    string `json:"arm"`
	People int64  `json:"people"` // copies whose link was opened
	Clicks int64  `json:"clicks"` // 微信会预取链接, so more than taps
}

// Numbers are how far a push is (进度).
type Numbers struct {
	PushID     id.ID         `json:"push_id"`
	State      string        `json:"state"`
	AsOf       clock.Instant `json:"as_of"`
	People     int64         `json:"people"` // of the frozen audience
	Held       int64         `json:"held"`
	Waiting    int64         `json:"waiting"`
	Sending    int64         `json:"sending"`
	Sent       int64         `json:"sent"`
	Refused    int64         `json:"refused"`
	Unknown    int64         `json:"unknown"`
	Skipped    int64         `json:"skipped"`
	Percent    int           `json:"percent"`    // of those who are not left alone, ended
	PerMinute  int64         `json:"per_minute"` // of the last minutes
	ETASeconds int64         `json:"eta_s"`      // -1: not known
	Words      string        `json:"words"`      // zh-CN: what it is doing
	Said       say.Said      `json:"said"`       // the same with its parts
	Partial    *say.Said     `json:"partial"`    // mass sends that did not reach everybody; null: none
	Counts     []Count       `json:"counts"`
	Clicks     []Clicks      `json:"clicks"`
	Tasks      []TaskCount   `json:"tasks"` // of staff, that are not over
}

// shownOrder is in which order what became of copies is told.
var shownOrder = []string{Sent, Waiting, Sending, Refused, Unknown, Skipped, Held}

// counts sums the lanes of a run.
func (s *Store) counts(ctx context.Context, runID id.ID) ([]Count, error) {
	out := []Count{}
	err := s.DB.Read(ctx).Raw("SELECT arm, state, channel, reason, SUM(n) AS n FROM push_tally WHERE run_id = ? GROUP BY arm, state, channel, reason HAVING SUM(n) <> 0 ORDER BY arm, state, channel, reason", runID).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("push: counts: %w", err)
	}
	return out, nil
}

// Numbers reads how far a push is; it costs the same however many people it has.
func (s *Store) Numbers(ctx context.Context, pushID id.ID) (Numbers, error) {
	n := Numbers{AsOf: s.DB.Now(), ETASeconds: -1, Clicks: []Clicks{}, Tasks: []TaskCount{}}
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return n, err
	}
	n.PushID, n.State, n.People = p.ID, p.State, p.People
	if n.Counts, err = s.counts(ctx, pushID); err != nil {
		return n, err
	}
	for i := range n.Counts {
		c := &n.Counts[i]
		d := Delivery{Arm: c.Arm, State: c.State, Reason: c.Reason, Channel: c.Channel}
		p.tell(&d)
		if c.State == Refused && c.Reason == refusedBy {
			d.Said = say.Of("count_refused", "微信拒绝了{how}", "how", wayWord(c.Channel))
		}
		c.ArmName, c.Words, c.Said = d.ArmName, d.Said.Text, d.Said
		*map[string]*int64{Held: &n.Held, Waiting: &n.Waiting, Sending: &n.Sending, Sent: &n.Sent, Refused: &n.Refused, Unknown: &n.Unknown, Skipped: &n.Skipped}[c.State] += c.N
	}
	// Numbers move while one looks; their rows stay where they are.
	slices.SortStableFunc(n.Counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(slices.Index(shownOrder, a.State), slices.Index(shownOrder, b.State)), cmp.Compare(a.Arm, b.Arm))
	})
	if n.Clicks, err = s.clicks(ctx, p); err != nil {
		return n, err
	}
	if n.Tasks, err = s.taskCounts(ctx, p); err != nil {
		return n, err
	}
	if n.Partial, err = s.partial(ctx, p); err != nil {
		return n, err
	}
	err = s.pace(ctx, p, &n)
	n.Words = n.Said.Text
	return n, err
}

const (
	paceMinutes = 5                // whole ones before this one, of which the speed is
	paceAfter   = 15 * time.Second // before that it is too early to speak of a speed
)

// pace adds the speed and what it means.
func (s *Store) pace(ctx context.Context, p Push, n *Numbers) error {
	over := n.Sent + n.Refused + n.Unknown + n.Skipped
	if all := over + n.Waiting + n.Sending; all > 0 {
		n.Percent = int(over * 100 / all)
	}
	ended, went, err := s.lately(ctx, p, n.AsOf)
	if err != nil {
		return err
	}
	n.PerMinute = ended * 60 / int64(max(paceAfter, went).Seconds())
	switch {
	case p.State == Running && p.FrozenAt == 0:
		n.Said = say.Of("pace_freezing", "正在确定名单，已写入 {n} 人", "n", p.People)
		return nil
	case p.State != Running:
		n.Said = say.Of("pace_state", "{state}", "state", say.Word{Key: "push_" + p.State, Text: stateWords[p.State]})
		if p.Note != "" { // the panel says the note by itself, in its own words
			n.Said.Text += "：" + p.Note
		}
		return nil
	}
	var due []clock.Instant
	err = s.DB.Read(ctx).Raw("SELECT MIN(d.due_at) FROM push_delivery d WHERE d.run_id = ? AND d.state = ? AND d.lane IN (0,1,2,3,4,5,6,7) GROUP BY d.lane", p.ID, Waiting).Scan(&due).Error
	if err != nil {
		return fmt.Errorf("push: pace: %w", err)
	}
	next := clock.Instant(0)
	for _, d := range due {
		if next == 0 || d < next {
			next = d
		}
	}
	stopped := int64(0)
	for _, c := range n.Counts {
		if c.State == Waiting && c.Reason == reach.ChannelStopped {
			stopped += c.N
		}
	}
	switch {
	case n.Waiting == 0:
		n.Said = say.Of("pace_last", "正在等待最后几条的结果")
	case next > n.AsOf.Add(time.Minute) && stopped == n.Waiting:
		n.Said = say.Of("pace_stopped", "渠道的发送额度已用完，剩余 {n} 人等到 {at} 再发送", "n", n.Waiting, "at", next.Local())
		n.ETASeconds = int64(next.Sub(n.AsOf).Seconds())
	case next > n.AsOf.Add(time.Minute):
		n.Said = say.Of("pace_later", "剩余 {n} 人等到 {at} 再发送", "n", n.Waiting, "at", next.Local())
		n.ETASeconds = int64(next.Sub(n.AsOf).Seconds())
	case stopped > 0: // the others go another way, or are about to be told the same
		n.Said = say.Of("pace_stopping", "渠道的发送额度已用完，正在安排剩余的 {n} 人", "n", n.Waiting)
	case went < paceAfter || n.PerMinute == 0: // a guess would be wrong by a multiple
		n.Said = say.Of("pace_guessing", "正在发送，正在估算还要多久")
	default:
		n.ETASeconds = n.Waiting * 60 / n.PerMinute
		left, unit := spoken(n.ETASeconds)
		n.Said = say.Of("pace_sending", "正在发送，每分钟约 {n} 人，预计还要 {left} {unit}", "n", n.PerMinute, "left", left, "unit", unit)
	}
	return nil
}

// lately is how many copies ended since the push last began or went on, five minutes back at
// most, and how long that is.
func (s *Store) lately(ctx context.Context, p Push, now clock.Instant) (ended int64, went time.Duration, err error) {
	const minute = 60_000
	this := int64(now) / minute
	var rows []struct{ MinuteNo, N int64 }
	err = s.DB.Read(ctx).Raw("SELECT minute_no, SUM(n) AS n FROM push_minute WHERE run_id = ? AND minute_no >= ? AND minute_no <= ? GROUP BY minute_no ORDER BY minute_no DESC", p.ID, this-paceMinutes, this).Scan(&rows).Error
	if err != nil {
		return 0, 0, fmt.Errorf("push: pace: %w", err)
	}
	first := this
	for i, r := range rows {
		if i > 0 && r.MinuteNo < first-1 {
			break // it stood still in between
		}
		first, ended = r.MinuteNo, ended+r.N
	}
	since := clock.Instant(first * minute)
	for _, at := range []clock.Instant{p.FrozenAt, p.MovedAt} { // in the middle of that minute
		if at >= since && at < since+minute {
			since = at
		}
	}
	return ended, now.Sub(since), nil
}

// spoken is a time as people say it: a number and its unit.
func spoken(seconds int64) (string, say.Word) {
	switch {
	case seconds < 90:
		return strconv.FormatInt(max(1, seconds), 10), say.Word{Key: "unit_seconds", Text: "秒"}
	case seconds < 90*60:
		return strconv.FormatInt((seconds+30)/60, 10), say.Word{Key: "unit_minutes", Text: "分钟"}
	}
	return strconv.FormatFloat(float64(seconds)/3600, 'f', 1, 64), say.Word{Key: "unit_hours", Text: "小时"}
}

func (s *Store) clicks(ctx context.Context, p Push) ([]Clicks, error) {
	var rows []struct {
		LinkNo int
		Arm    int
		People int64
		Clicks int64
	}
	out := []Clicks{}
	err := s.DB.Read(ctx).Raw("SELECT link_no, arm, COUNT(*) AS people, SUM(clicks) AS clicks FROM push_click WHERE run_id = ? GROUP BY link_no, arm ORDER BY link_no, arm", p.ID).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("push: clicks: %w", err)
	}
	for _, r := range rows {
		c := Clicks{LinkNo: r.LinkNo, Arm: p.armName(r.Arm), People: r.People, Clicks: r.Clicks}
		if r.LinkNo <= len(p.Links) {
			c.Title = p.Links[r.LinkNo-1].Title
		}
		out = append(out, c)
	}
	return out, nil
}
