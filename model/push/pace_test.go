package push_test

import (
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/push"
	"siyu/model/reach"
)

// ended writes down that so many copies ended in the minute of a moment.
func (w *world) ended(p push.Push, at clock.Instant, n int) {
	w.t.Helper()
	w.must(w.d.InTx(w.t.Context(), func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO push_minute (run_id, minute_no, lane, n) VALUES (?,?,0,?)", p.ID, int64(at)/60_000, n).Error
	}))
}

func (w *world) numbers(p push.Push) push.Numbers {
	w.t.Helper()
	n, err := w.s.Numbers(w.t.Context(), p.ID)
	w.must(err)
	return n
}

func TestHowLongItTakesIsSaidWhenItMeansSomething(t *testing.T) {
	each(t, 600, func(t *testing.T, w *world) {
		if over := int64(w.clk.Now()) % 60_000; over > 0 {
			w.clk.Advance(time.Duration(60_000-over) * time.Millisecond)
		}
		w.clk.Advance(20 * time.Second) // a push begins in the middle of a minute
		p := w.begun(form())
		if n := w.numbers(p); n.ETASeconds != -1 || n.Said.Code != "pace_guessing" {
			t.Errorf("nothing was sent: %+v", n)
		}
		w.ended(p, w.clk.Now(), 60)
		w.clk.Advance(5 * time.Second)
		if n := w.numbers(p); n.ETASeconds != -1 || n.Said.Code != "pace_guessing" {
			t.Errorf("after five seconds: %+v", n)
		}
		w.clk.Advance(15 * time.Second)
		if n := w.numbers(p); n.PerMinute != 180 || n.ETASeconds != 200 {
			t.Errorf("60 of 600 in twenty seconds: %+v", n)
		}
		w.must2(w.s.Pause(t.Context(), p.ID))
		w.clk.Advance(3*time.Minute + 10*time.Second) // half a minute into the next
		w.must2(w.s.Resume(t.Context(), p.ID))
		w.ended(p, w.clk.Now(), 60)
		w.clk.Advance(20 * time.Second)
		if n := w.numbers(p); n.PerMinute != 180 || n.ETASeconds != 200 {
			t.Errorf("it stood still in between: %+v", n)
		}
	})
}

func TestRowsOfOutcomesStayWhereTheyAre(t *testing.T) {
	each(t, 60, func(t *testing.T, w *world) {
		p := w.begun(form())
		order := func() (states string) {
			for _, c := range w.numbers(p).Counts {
				states += c.State + " "
			}
			return states
		}
		r, wave, err := w.s.Take(t.Context(), w.lanes(p.ID)[0], 10)
		w.must(err)
		before := order()
		out := []push.Outcome{}
		for _, x := range wave.Parcels {
			out = append(out, push.Outcome{Parcel: x, Result: push.GoneOut})
		}
		w.must(w.s.End(t.Context(), r, out))
		few := order()
		w.send(p.ID, took)
		if many := order(); before != "waiting sending " && before != "sending " || !strings.HasPrefix(few, "sent ") || many != "sent " {
			t.Errorf("%q, %q, %q", before, few, many)
		}
	})
}

// TestADayWithoutQuotaIsSaidAtOnce: as soon as WeChat said so, with how many wait and until
// when, and nobody is called before that.
func TestADayWithoutQuotaIsSaidAtOnce(t *testing.T) {
	each(t, 150, func(t *testing.T, w *world) {
		w.must2(w.s.SetPolicy(t.Context(), push.Policy{BrandID: brand, ApprovalPeople: 5000, PerSecond: 50, GiveUpHours: 48}))
		p := w.begun(form())
		lane := w.lanes(p.ID)[0]
		_, wave, err := w.s.Take(t.Context(), lane, 10)
		w.must(err)
		out := make([]push.Outcome, len(wave.Parcels))
		for i, x := range wave.Parcels {
			out[i] = push.Outcome{Parcel: x, Result: push.NotYet, Code: "45009"}
		}
		_, midnight := clock.DayOf(w.clk.Now()).Bounds()
		for _, m := range w.people {
			w.ledger.why[m], w.ledger.until[m] = reach.ChannelStopped, midnight
		}
		_, next, err := w.s.Next(t.Context(), lane, out, 10)
		w.must(err)
		if n := w.numbers(p); len(next.Parcels) != 0 || n.Said.Code != "pace_stopping" || n.Waiting != 150 {
			t.Errorf("%d are called, %+v", len(next.Parcels), n.Said)
		}
		none := func(push.Parcel) push.Outcome {
			t.Error("somebody was called")
			return push.Outcome{Result: push.NotYet}
		}
		w.send(p.ID, none)
		if n := w.numbers(p); n.Said.Code != "pace_stopped" || n.Said.Args["n"] != "150" || n.Said.Args["at"] != midnight.Local() || n.ETASeconds != int64(midnight.Sub(n.AsOf).Seconds()) {
			t.Errorf("%+v %d", n.Said, n.ETASeconds)
		}
		w.clk.Advance(midnight.Sub(w.clk.Now()))
		clear(w.ledger.why)
		if sent := w.send(p.ID, took); len(sent) != 150 || w.get(p.ID).State != push.Done {
			t.Errorf("%d were sent, %s", len(sent), w.get(p.ID).State)
		}
	})
}

// TestNumbersAreToldAbout: no number of people stands anywhere but as it is told.
func TestNumbersAreToldAbout(t *testing.T) {
	each(t, 60, func(t *testing.T, w *world) {
		p := w.begun(form())
		w.send(p.ID, took)
		told := func(n int64, _ ...any) int64 { return n / 50 * 50 }
		if n := w.numbers(p).Told(told); n.People != 50 || n.Sent != 50 || len(n.Counts) != 1 || n.Counts[0].N != 50 {
			t.Errorf("%+v", n)
		}
		none := func(int64, ...any) int64 { return 0 }
		if n := w.numbers(p).Told(none); n.People != 0 || len(n.Counts) != 0 {
			t.Errorf("%+v", n)
		}
		for code, words := range map[string]string{"pace_freezing": "正在确定名单", "pace_later": "其余的人等到 10:00 再发送", "pace_stopped": "渠道的发送额度已用完，其余的人等到 10:00 再发送", "pace_stopping": "渠道的发送额度已用完，正在安排其余的人", "pace_sending": "正在发送，预计还要 60 秒"} {
			n := push.Numbers{ETASeconds: 63}
			n.Said.Code, n.Said.Args = code, map[string]string{"n": "1234", "at": "10:00"}
			if n = n.Told(told); n.Words != words || n.Said.Text != words {
				t.Errorf("%s: %+v", code, n)
			}
		}
		for _, note := range []string{"开始时有 61 人，审批时只有 60 人，请重新提交审批", "开始时有 61 人，连同一天内直接发送的 40 人超过免审批的 100 人，请提交审批"} {
			w.must(w.d.InTx(t.Context(), func(tx *gorm.DB) error {
				return tx.Exec("UPDATE push SET note = ? WHERE id = ?", note, p.ID).Error
			}))
			if x := w.get(p.ID).Told(func(n int64, _ string) int64 { return 0 }); strings.ContainsAny(x.Note, "0123456789") || x.Said == nil || x.Said.Text != x.Note {
				t.Errorf("%q %+v", x.Note, x.Said)
			}
		}
	})
}
