package push_test

import (
	"strings"
	"testing"

	"siyu/model/push"
	"siyu/model/reach"
)

func TestATextMayHoldTheAddressThatStopsMore(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		f := form()
		f.Arms[0].Contents[0].Text += "，退订点 {退订}"
		p := w.begun(f)
		sent := w.send(p.ID, took)
		if want := "，退订点 https://q.cn/l/" + w.s.Token(sent[0].DeliveryID, 0); len(sent) != 1 || !strings.HasSuffix(sent[0].Message.Text, want) {
			t.Fatalf("%q does not end with %q", sent[0].Message.Text, want)
		}
		if list, err := w.s.Preview(t.Context(), p.ID, w.people[0], 0); err != nil || !strings.Contains(list[0].Messages[0].Text, "/l/预览-0") {
			t.Fatal(list, err)
		}
	})
}

func TestOffersByTextMessageTellHowToRefuseMore(t *testing.T) {
	each(t, 1, func(t *testing.T, w *world) {
		f := form()
		f.Uses = []reach.Use{{Channel: reach.SMS}}
		f.Arms[0].Contents = []push.Content{{Text: "镜片上新"}}
		_, err := w.s.Create(t.Context(), f, writer)
		w.code(err, "push_form")
		for _, text := range []string{"镜片上新，退订点 {退订}", "镜片上新，拒收请回复退订"} {
			f.Arms[0].Contents = []push.Content{{Text: text}}
			w.must2(w.s.Create(t.Context(), f, writer))
		}
		f.Purpose = reach.Service
		f.Arms[0].Contents = []push.Content{{Text: "您定的镜片已到店"}}
		w.must2(w.s.Create(t.Context(), f, writer))
	})
}
