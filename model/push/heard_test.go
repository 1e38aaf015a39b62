package push_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/event"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/notice"
	"siyu/model/push"
	"siyu/model/reach"
)

// reports gives the push what WeChat reports to an account, as the job does.
func (w *world) reports(account id.ID, m follow.Message) {
	w.t.Helper()
	source := notice.Official
	if account == 6 {
		source = notice.Mini
	}
	if m.CreatedAt == 0 {
		m.CreatedAt = w.clk.Now().Time().Unix()
	}
	m.Type = "event"
	body, err := m.Body()
	w.must(err)
	w.must(w.s.Hear(w.t.Context(), notice.Notice{Source: source, AccountID: account, Body: body}))
}

func massReport(msgID, status string, total, meant, sent int) follow.Message {
	return follow.Message{OpenID: "mphelper", Event: "MASSSENDJOBFINISH", MsgID: msgID, Status: status, Counts: &follow.Counts{Total: total, Meant: meant, Sent: sent, Failed: meant - sent}}
}

func templateReport(msgID, status string) follow.Message {
	return follow.Message{OpenID: "o1", Event: "TEMPLATESENDJOBFINISH", MsgID: msgID, Status: status}
}

// notices is a service notice to everybody, by template message.
func (w *world) notices() push.Push {
	w.t.Helper()
	f := form()
	f.Purpose, f.Uses, f.Arms[0].Contents = reach.Service, []reach.Use{{Channel: reach.Template, AccountID: 5, TemplateID: "T"}}, []push.Content{{Data: map[string]string{"thing1": "到货"}}}
	p := w.create(f)
	w.must2(w.s.Submit(w.t.Context(), p.ID, writer))
	w.must2(w.s.Approve(w.t.Context(), p.ID, w.get(p.ID).Version, second))
	w.must2(w.s.Start(w.t.Context(), p.ID, writer))
	w.must2(w.s.Freeze(w.t.Context(), p.ID))
	return w.get(p.ID)
}

// numbered has WeChat take a wave, each call under an id of its own.
func numbered(list []push.Parcel) []push.Outcome {
	out := answered(list, push.GoneOut, "")
	for i := range out {
		out[i].MsgID = "1" + out[i].Call
		if out[i].Call == "" {
			out[i].MsgID = "2" + out[i].Key
		}
	}
	return out
}

func (w *world) wave(p push.Push) (push.Run, []push.Parcel) {
	w.t.Helper()
	r, wave, err := w.s.Take(w.t.Context(), w.lanes(p.ID)[0], 64)
	w.must(err)
	return r, wave.Parcels
}

func (w *world) lost() (n int) {
	for _, outcome := range w.ledger.ended {
		if outcome == reach.Refused {
			n++
		}
	}
	return n
}

// heards are how many rows of reports and their copies are kept.
func (w *world) heards() (n int) {
	w.t.Helper()
	w.must(w.d.Read(w.t.Context()).Raw("SELECT COUNT(*) FROM push_heard").Scan(&n).Error)
	return n
}

func TestAMassSendThatTheReviewRefusesReachedNobody(t *testing.T) {
	each(t, 300, func(t *testing.T, w *world) {
		p := w.begun(massForm())
		r, list := w.wave(p)
		w.must(w.s.End(t.Context(), r, numbered(list)))
		w.send(p.ID, took)
		if n := w.states(p.ID); n["sent"] != 300 || w.get(p.ID).State != push.Done {
			t.Fatalf("%v", n)
		}
		w.reports(7, massReport("1"+list[0].Call, "err(20004)", 0, 0, 0)) // another account's has the same number
		if n := w.states(p.ID); n["sent"] != 300 {
			t.Fatalf("%v", n)
		}
		for range 2 { // WeChat says it up to three times
			w.reports(5, massReport("1"+list[0].Call, "err(20004)", 0, 0, 0))
			if n := w.states(p.ID); n["refused"] != 300 || n["0refusedmassmass_society"] != 300 || w.lost() != 300 {
				t.Fatalf("%v, the ledger lost %d", n, w.lost())
			}
		}
		n := w.numbers(p)
		if n.Refused != 300 || n.Sent != 0 || n.Percent != 100 || n.Partial != nil || len(n.Counts) != 1 || !strings.Contains(n.Counts[0].Words, "涉嫌社会") {
			t.Errorf("%+v", n)
		}
		x := w.of(p, list[0].MemberID)
		texts := []string{}
		for _, s := range x.Steps {
			texts = append(texts, s.Said.Code)
		}
		if x.Got || !slices.Equal(texts, []string{"trace_in", "trace_arm", "trace_taken", "delivery_undelivered"}) || x.Delivery.Code != "err(20004)" {
			t.Errorf("%+v", x)
		}
		if trial, err := w.s.Trial(t.Context(), p.ID); err != nil || trial.Done["A"][push.Sent] != 0 || trial.SpentFen != 0 {
			t.Errorf("%+v %v", trial, err)
		}
		if got, err := w.s.ForMember(t.Context(), []id.ID{list[0].MemberID}); err != nil || len(got) != 0 {
			t.Errorf("he is told of %v, %v", got, err)
		}
	})
}

// TestAReportMayComeBeforeTheAnswer: while some of a call's copies are recorded and the
// others are not, and while none is.
func TestAReportMayComeBeforeTheAnswer(t *testing.T) {
	each(t, 300, func(t *testing.T, w *world) {
		for _, first := range []int{0, 100} {
			p := w.begun(massForm())
			r, list := w.wave(p)
			out := numbered(list)
			w.must(w.s.End(t.Context(), r, out[:first]))
			w.reports(5, massReport(out[0].MsgID, "send fail", 300, 0, 0))
			w.must(w.s.Heard(t.Context()))
			if n := w.states(p.ID); n["refused"] != first || n["sending"] != 300-first {
				t.Fatalf("%d are recorded: %v", first, n)
			}
			w.must(w.s.End(t.Context(), r, out[first:]))
			w.must(w.s.Heard(t.Context()))
			if n := w.states(p.ID); n["0refusedmassmass_failed"] != 300 {
				t.Fatalf("%d were recorded: %v", first, n)
			}
		}
		p := w.notices()
		r, list := w.wave(p)
		out := numbered(list)
		w.reports(5, templateReport(out[0].MsgID, "failed: system failed"))
		w.reports(5, templateReport(out[1].MsgID, "success"))
		w.must(w.s.End(t.Context(), r, out))
		w.must(w.s.Heard(t.Context()))
		if n := w.states(p.ID); n["0refusedtemplatesystem_failed"] != 1 || n["sent"] != len(out)-1 {
			t.Errorf("%v", n)
		}
	})
}

func TestATemplateMessageThatDidNotArriveIsNotSent(t *testing.T) {
	each(t, 4, func(t *testing.T, w *world) {
		p := w.notices()
		r, list := w.wave(p)
		out := numbered(list)
		w.must(w.s.End(t.Context(), r, out))
		w.reports(5, templateReport(out[0].MsgID, "success"))
		w.reports(5, templateReport(out[1].MsgID, "failed:user block"))
		w.reports(5, templateReport(out[1].MsgID, "failed:user block"))
		w.reports(5, templateReport(out[2].MsgID, "failed: system failed"))
		w.reports(6, templateReport(out[3].MsgID, "failed:user block")) // of another account
		w.reports(5, templateReport(out[3].MsgID, "failed: something new"))
		if n := w.states(p.ID); n["sent"] != 1 || n["0refusedtemplateblocked"] != 1 || n["0refusedtemplatesystem_failed"] != 1 || n["0refusedtemplatenot_delivered"] != 1 || w.lost() != 3 {
			t.Errorf("%v, the ledger lost %d", n, w.lost())
		}
		if x := w.of(p, list[1].MemberID); x.Got || !strings.Contains(x.Delivery.Words, "用户拒收") {
			t.Errorf("%+v", x)
		}
		w.clk.Advance(15 * 24 * time.Hour)
		w.must(w.s.Heard(t.Context()))
		if n := w.heards(); n != 0 {
			t.Errorf("%d rows are kept for ever", n)
		}
	})
}

// TestASubscribeMessageThatDidNotArrive: the answer of a mini program names an id, that of
// an official account does not; then it is known by whom it was to, and where two fit by
// nothing.
func TestASubscribeMessageThatDidNotArrive(t *testing.T) {
	each(t, 2, func(t *testing.T, w *world) {
		begun := func(account id.ID) (push.Push, []push.Outcome) {
			f := form()
			f.Uses, f.Arms[0].Contents = []reach.Use{{Channel: reach.Subscribe, AccountID: account, TemplateID: "T"}}, []push.Content{{Data: map[string]string{"thing1": "到货"}}}
			p := w.begun(f)
			r, list := w.wave(p)
			out := numbered(list)
			if account == 5 {
				out = answered(list, push.GoneOut, "")
			}
			w.must(w.s.End(t.Context(), r, out))
			return p, out
		}
		report := func(account id.ID, o push.Outcome, msgID, code string) {
			w.reports(account, follow.Message{OpenID: o.OpenID, Event: "subscribe_msg_sent_event", Results: []follow.Result{{TemplateID: "T", MsgID: msgID, Code: code, Status: "x"}}})
		}
		p, out := begun(6)
		report(6, out[0], out[0].MsgID, "43101")
		report(6, out[1], out[1].MsgID, "0")
		if n := w.states(p.ID); n["0refusedsubscribeno_grant"] != 1 || n["sent"] != 1 {
			t.Errorf("%v", n)
		}
		p, out = begun(5)
		report(5, out[0], "999", "20001")
		report(5, out[1], "998", "0")
		if n := w.states(p.ID); n["0refusedsubscribenot_delivered"] != 1 || n["sent"] != 1 {
			t.Errorf("%v", n)
		}
		// Two within the hour: of whose message is it?
		w.clk.Advance(2 * time.Hour)
		p, _ = begun(5)
		q, out := begun(5)
		report(5, out[0], "997", "20001")
		if a, b := w.states(p.ID), w.states(q.ID); a["sent"] != 2 || b["sent"] != 2 {
			t.Errorf("somebody was guessed: %v %v", a, b)
		}
	})
}

// TestAMassSendThatReachesSomeSaysSo: WeChat names nobody, so nobody is moved.
func TestAMassSendThatReachesSomeSaysSo(t *testing.T) {
	each(t, 300, func(t *testing.T, w *world) {
		p := w.begun(massForm())
		r, list := w.wave(p)
		w.must(w.s.End(t.Context(), r, numbered(list)))
		for range 2 {
			w.reports(5, massReport("1"+list[0].Call, "send success", 300, 290, 280))
		}
		w.clk.Advance(20 * 24 * time.Hour)
		w.must(w.s.Heard(t.Context()))
		n := w.numbers(p)
		if s := w.states(p.ID); s["sent"] != 300 || n.Partial == nil || n.Partial.Args["n"] != "20" || n.Partial.Args["sent"] != "280" || w.lost() != 0 {
			t.Errorf("%v %+v", s, n.Partial)
		}
		told := n.Told(func(n int64, _ ...any) int64 { return n })
		if told.Partial == nil || strings.ContainsAny(told.Partial.Text, "0123456789") || len(told.Partial.Args) != 0 {
			t.Errorf("%+v", told.Partial)
		}
		q := w.begun(massForm())
		r, list = w.wave(q)
		w.must(w.s.End(t.Context(), r, numbered(list)))
		w.reports(5, massReport("1"+list[0].Call, "send success", 300, 300, 300))
		if n := w.numbers(q); n.Partial != nil {
			t.Errorf("all got it: %+v", n.Partial)
		}
		w.reports(5, massReport("1"+list[0].Call, "err(10001)", 300, 300, 300)) // it contradicts itself
		if s := w.states(q.ID); s["sent"] != 300 {
			t.Errorf("%v", s)
		}
	})
}

func TestEveryWordOfAReportHasAReason(t *testing.T) {
	each(t, 2, func(t *testing.T, w *world) {
		for i, c := range []struct{ status, reason string }{{"err(10001)", "mass_ad"}, {"err(40002)", "mass_admin_late"}, {"err(99999)", "mass_review"}, {"send fail", "mass_failed"}, {"sendall(fail)", "mass_failed"}, {"send_success", ""}} {
			p := w.begun(massForm())
			r, list := w.wave(p)
			w.must(w.s.End(t.Context(), r, numbered(list)))
			w.reports(5, massReport("1"+list[0].Call, c.status, 0, 0, 0))
			want := "0refusedmass" + c.reason
			if c.reason == "" {
				want = "0sentmass"
			}
			if n := w.states(p.ID); n[want] != 2 {
				t.Errorf("%d %s: %v", i, c.status, n)
			}
			if words := push.Words(c.reason); strings.Contains(words, "_") {
				t.Error(words)
			}
			w.clk.Advance(time.Hour)
		}
		if n := fmt.Sprint(w.lost()); n != "10" {
			t.Error(n)
		}
	})
}

// TestWhatDidNotArriveIsTakenBack: the event that a copy was sent is taken back by one of its
// own, once, whether the report comes after the copy is recorded or before; of a copy of which
// nobody knew whether it went out, or of somebody who was erased, there is none.
func TestWhatDidNotArriveIsTakenBack(t *testing.T) {
	each(t, 5, func(t *testing.T, w *world) {
		ctx := t.Context()
		types := func(m id.ID) string {
			t.Helper()
			var out []string
			for _, e := range w.happened(m) {
				out = append(out, e.Type)
			}
			slices.Sort(out)
			return strings.Join(out, " ")
		}
		const sent, lost = "message_sent", "message_lost message_sent"
		p := w.notices()
		r, list := w.wave(p)
		out := numbered(list)
		fail := func(i int) {
			for range 2 { // WeChat says it again
				w.reports(5, templateReport(out[i].MsgID, "failed:user block"))
			}
		}
		out[1].Result = push.WhoKnows
		fail(0) // before it is known that it went out
		w.must(w.s.End(ctx, r, out))
		if got := types(out[0].MemberID); got != sent {
			t.Errorf("%q before the report is applied", got)
		}
		for range 2 {
			w.must(w.s.Heard(ctx))
		}
		w.clk.Advance(9 * time.Minute) // longer than WeChat knows the key
		w.must3(w.s.Take(ctx, w.lanes(p.ID)[0], 64))
		if n := w.states(p.ID); n["unknown"] != 1 {
			t.Fatalf("%v", n)
		}
		fail(2)
		w.must(w.d.InTx(ctx, func(tx *gorm.DB) error { _, err := w.events.EraseTx(ctx, tx, []id.ID{out[3].MemberID}); return err }))
		fail(3)
		for i, want := range []string{lost, "", lost, "", sent} {
			if got := types(out[i].MemberID); got != want {
				t.Errorf("%d: %q, want %q", i, got, want)
			}
		}
		if n := w.states(p.ID); n["refused"] != 3 || n["sent"] != 1 {
			t.Errorf("%v", n)
		}
		list0 := w.happened(out[0].MemberID)
		standing, err := w.events.Standing(ctx, list0)
		if err != nil || len(standing) != 1 || standing[0].Type != event.MessageLost || !strings.Contains(string(standing[0].Body), `"reason":"blocked"`) {
			t.Errorf("%+v %v", standing, err)
		}
	})
}

// TestAMassSendThatIsRefusedIsTakenBackFromAll, also those who are recorded after the report.
func TestAMassSendThatIsRefusedIsTakenBackFromAll(t *testing.T) {
	each(t, 300, func(t *testing.T, w *world) {
		count := func(typ string) (n int) {
			t.Helper()
			w.must(w.d.Read(t.Context()).Raw("SELECT COUNT(DISTINCT member_id) FROM event WHERE type = ?", typ).Scan(&n).Error)
			return n
		}
		p := w.begun(massForm())
		r, list := w.wave(p)
		out := numbered(list)
		w.must(w.s.End(t.Context(), r, out[:100]))
		for range 2 {
			w.reports(5, massReport(out[0].MsgID, "err(20004)", 300, 0, 0))
		}
		if n := count(event.MessageLost); n != 100 {
			t.Errorf("%d of those that are recorded are taken back", n)
		}
		w.must(w.s.End(t.Context(), r, out[100:]))
		for range 2 {
			w.must(w.s.Heard(t.Context()))
		}
		if sent, lost := count(event.MessageSent), count(event.MessageLost); sent != 300 || lost != 300 {
			t.Errorf("%d were sent, %d are taken back", sent, lost)
		}
	})
}

// TestWhoseBestHourPassedDuringAPauseWaitsForTheNext, and who has none does not wait.
func TestWhoseBestHourPassedDuringAPauseWaitsForTheNext(t *testing.T) {
	each(t, 3, func(t *testing.T, w *world) {
		if h := w.clk.Now().Local(); !strings.HasSuffix(h, "12:00") {
			t.Fatal(h)
		}
		evening, noon, never := w.people[0], w.people[1], w.people[2]
		w.hours = map[id.ID]int{evening: 20, noon: 12}
		for _, m := range w.people {
			w.ledger.why[m], w.ledger.until[m] = reach.Busy, w.clk.Now().Add(10*time.Minute)
		}
		f := form()
		f.Timing = push.Best
		p := w.begun(f)
		if sent := w.send(p.ID, took); len(sent) != 0 {
			t.Fatalf("%d were sent", len(sent))
		}
		w.must2(w.s.Pause(t.Context(), p.ID))
		w.clk.Advance(3*24*time.Hour + 9*time.Hour + 30*time.Minute) // three days later, 21:30
		w.must2(w.s.Resume(t.Context(), p.ID))
		if sent := w.send(p.ID, took); len(sent) != 1 || sent[0].MemberID != never {
			t.Fatalf("%+v", sent)
		}
		if x := w.of(p, noon); x.Delivery.Reason != "best_hour" || x.Delivery.DueAt.Local() != w.clk.Now().Add(14*time.Hour+30*time.Minute).Local() {
			t.Errorf("%+v", x.Delivery)
		}
		if n := w.numbers(p); n.Said.Code != "pace_later" || n.Waiting != 2 {
			t.Errorf("%+v", n.Said)
		}
		w.clk.Advance(14*time.Hour + 30*time.Minute)
		if sent := w.send(p.ID, took); len(sent) != 1 || sent[0].MemberID != noon {
			t.Errorf("at noon: %+v", sent)
		}
		w.clk.Advance(8 * time.Hour)
		if sent := w.send(p.ID, took); len(sent) != 1 || sent[0].MemberID != evening || w.get(p.ID).State != push.Done {
			t.Errorf("in the evening: %+v, %s", sent, w.get(p.ID).State)
		}
	})
}
