package push_test

import (
	"strings"
	"testing"

	"gorm.io/gorm"

	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

// happened are what the store of events has of a member, newest first.
func (w *world) happened(m id.ID) []event.Event {
	w.t.Helper()
	list, err := w.events.Timeline(w.t.Context(), []id.ID{m}, nil, event.Cursor{}, 20)
	w.must(err)
	return list
}

func TestWhatWentOutAndWhatWasOpenedAreEventsOfTheMember(t *testing.T) {
	each(t, 4, func(t *testing.T, w *world) {
		ctx := t.Context()
		f := form()
		f.Links = append(f.Links, push.Link{Title: "门店", URL: "https://shop.example.cn/near?x=" + strings.Repeat("a", 400)})
		f.Arms[0].Contents[0].Text += " {链接2}"
		p := w.begun(f)
		refused, lost := w.people[2], w.people[3]
		answer := func(x push.Parcel) push.Outcome {
			switch x.MemberID {
			case refused:
				return push.Outcome{Result: push.SaidNo, Code: "45015"}
			case lost:
				return push.Outcome{Result: push.WhoKnows}
			}
			return took(x)
		}
		sent := w.send(p.ID, answer)
		for _, m := range w.people {
			list := w.happened(m)
			if m == refused || m == lost {
				if len(list) != 0 {
					t.Errorf("did not go out, or nobody knows: %+v", list)
				}
				continue
			}
			if len(list) != 1 || list[0].Type != event.MessageSent || list[0].BrandID != brand || list[0].Channel != event.WeChat ||
				!strings.Contains(string(list[0].Body), `"account_id":"5"`) || !strings.Contains(string(list[0].Body), "push:"+p.ID.String()) {
				t.Fatalf("%+v", list)
			}
		}
		if n, err := w.events.ActiveSince(ctx, w.people, 0); err != nil || n != 0 {
			t.Errorf("%d were active because we wrote to them, %v", n, err)
		}
		one := sent[0]
		for range 3 {
			w.clk.Advance(hour)
			w.must2(w.s.Click(ctx, w.s.Token(one.DeliveryID, 1)))
		}
		w.clk.Advance(hour)
		w.must2(w.s.Click(ctx, w.s.Token(one.DeliveryID, 2)))
		w.must2(w.s.Click(ctx, w.s.Token(one.DeliveryID, 0))) // what stops more of it is no interest
		list := w.happened(one.MemberID)
		if len(list) != 3 || list[0].Type != event.MessageTap || !strings.Contains(string(list[0].Body), `"link":"门店"`) ||
			!strings.Contains(string(list[1].Body), `"link":"https://shop.example.cn/lens"`) {
			t.Fatalf("%+v", list)
		}
		if n, err := w.events.ActiveSince(ctx, w.people, 0); err != nil || n != 1 {
			t.Errorf("%d opened something, %v", n, err)
		}
	})
}

// Who tests a message is not one of its people, and of an erased person nothing new is kept.
func TestTestsAndTheErasedLeaveNoEvent(t *testing.T) {
	each(t, 2, func(t *testing.T, w *world) {
		ctx := t.Context()
		p := w.create(form())
		w.must2(w.s.AddTester(ctx, push.Tester{BrandID: brand, MemberID: w.people[0], Name: "我"}))
		x, err := w.s.SendTest(ctx, p.ID, 0, w.people[:1], writer)
		w.must(err)
		for _, c := range w.send(x.ID, took) {
			w.must2(w.s.Click(ctx, w.s.Token(c.DeliveryID, 1)))
		}
		if list := w.happened(w.people[0]); len(list) != 0 {
			t.Errorf("%+v", list)
		}
		p = w.begun(form())
		sent := w.send(p.ID, took)
		w.must(w.d.InTx(ctx, func(tx *gorm.DB) error {
			if _, err := w.events.EraseTx(ctx, tx, w.people); err != nil {
				return err
			}
			return tx.Exec("UPDATE member SET state = 'erased' WHERE id IN ?", w.people).Error
		}))
		to, err := w.s.Click(ctx, w.s.Token(sent[0].DeliveryID, 1))
		w.must(err)
		var kept int
		w.must(w.d.Read(ctx).Raw("SELECT COUNT(*) FROM push_click WHERE delivery_id = ?", sent[0].DeliveryID).Scan(&kept).Error)
		if list := w.happened(sent[0].MemberID); kept != 0 || to != form().Links[0].URL || len(list) > 1 {
			t.Errorf("%s, %d clicks, %+v", to, kept, list)
		}
	})
}

func TestATextMessageIsToldAsOne(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		f := form()
		f.Uses = []reach.Use{{Channel: reach.SMS}}
		f.Arms[0].Contents[0].Text += " 退订 {退订}"
		p := w.begun(f)
		w.send(p.ID, took)
		list := w.happened(w.people[0])
		if len(list) != 1 || list[0].Channel != reach.SMS || strings.Contains(string(list[0].Body), "account_id") {
			t.Errorf("%+v", list)
		}
	})
}

func TestASubscribeMessageOfAMiniProgramOpensAPage(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		f := form()
		f.Uses = []reach.Use{{Channel: reach.Subscribe, AccountID: 5, TemplateID: "T1"}}
		at := func(page string) push.Form {
			f.Arms = []push.Arm{{Name: "A", Weight: 1, Contents: []push.Content{{Data: map[string]string{"thing1": "镜片到货"}, Page: page}}}}
			return f
		}
		for _, page := range []string{"/pages/lens", "https://evil.cn/x", "pages//lens", "pages/lens?x=<a>", "pages/镜片", "pages/" + strings.Repeat("a", 128), "../x"} {
			_, err := w.s.Create(t.Context(), at(page), writer)
			w.code(err, "push_form")
		}
		sent := w.send(w.begun(at(" pages/lens/index?from=push ")).ID, took)
		if len(sent) != 1 || sent[0].Message.Page != "pages/lens/index?from=push" {
			t.Errorf("%+v", sent)
		}
		f = form()
		f.Arms[0].Contents[0].Page = "pages/lens/index"
		_, err := w.s.Create(t.Context(), f, writer)
		w.code(err, "push_form")
	})
}
