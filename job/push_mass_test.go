package job

import (
	"errors"
	"slices"
	"testing"
	"time"

	"siyu/model/push"
	"siyu/model/reach"
	"siyu/wechat"
)

// WeChat takes sixty mass sends of an account in a minute, whichever pushes they are of and
// however fast those may send.
func TestMassSendsOfAnAccountStandInOneQueue(t *testing.T) {
	mass := parcels(1, reach.Mass)[0]
	fast, slow := push.Run{PerSecond: 5000}, push.Run{PerSecond: 5000}
	fast.PushID, slow.PushID, slow.Push.PerSecond = 1, 2, 10
	if of := [][]line{linesOf(fast, mass), linesOf(slow, mass)}; len(of[0]) != 1 || !slices.Equal(of[0], of[1]) {
		t.Fatalf("%+v", of)
	}
	if a := linesOf(fast, mass)[0]; a.perSecond*60/a.turns > 59 || a.patience < time.Minute/60*massTurns*5 { // five versions of a text
		t.Errorf("%+v", a)
	}
	if margin := time.Duration(reach.DefaultPolicy(1).MarginSec) * time.Second; pushPatience >= margin {
		t.Errorf("a copy waits %s for its turn, and its window closes %s after it was reserved", pushPatience, margin)
	}
}

// A push of its own speed waits in its own line and then with all others of the account.
func TestAPushOfItsOwnSpeedStandsInTheChannelsLineToo(t *testing.T) {
	text := parcels(1, reach.Custom)[0]
	fast, slow, other := push.Run{PerSecond: 50}, push.Run{PerSecond: 50}, push.Run{PerSecond: 50}
	fast.PushID, slow.PushID, other.PushID = 1, 2, 3
	fast.Push.PerSecond, slow.Push.PerSecond, other.Push.PerSecond = 50, 10, 20
	a, b, c := linesOf(fast, text), linesOf(slow, text), linesOf(other, text)
	if len(a) != 1 || len(b) != 2 || len(c) != 2 || a[0] != b[1] || a[0] != c[1] || a[0].perSecond != 50 || a[0].turns != 1 {
		t.Fatalf("%+v %+v %+v", a, b, c)
	}
	if b[0].name == c[0].name || b[0].name == a[0].name || b[0].perSecond != 10 || c[0].perSecond != 20 || b[0].turns != 1 {
		t.Errorf("%+v %+v", b, c)
	}
}

func TestAMassSendWithoutAnAnswerIsAskedAboutUnderItsKey(t *testing.T) {
	lost := errors.New("connection reset")
	for name, c := range map[string]struct {
		channel string
		answers []error // one a call
		calls   int
		want    string
	}{
		"the repetition says that it was taken":             {reach.Mass, []error{lost, nil}, 2, push.GoneOut},
		"a refusal may be of the repetition alone":          {reach.Mass, []error{lost, &wechat.APIError{Code: 45028}, lost}, 3, push.WhoKnows},
		"no answer at all":                                  {reach.Mass, []error{lost, lost, lost}, 3, push.WhoKnows},
		"a first refusal is one":                            {reach.Mass, []error{&wechat.APIError{Code: 45028}}, 1, push.SaidNo},
		"a task of staff has no key that makes it harmless": {reach.WeCom, []error{lost}, 1, push.WhoKnows},
	} {
		t.Run(name, func(t *testing.T) {
			s, n := &shelf{waves: []push.Wave{{On: true, Parcels: parcels(5, c.channel)}}}, 0
			m := &mouth{answer: func(push.Parcel) error { n++; return c.answers[n-1] }}
			if _, err := pushWorker(t, s, m).Send(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			for _, o := range s.ended {
				if o.Result != c.want {
					t.Errorf("%+v", o)
				}
			}
			if len(s.ended) != 5 || n != c.calls || slices.ContainsFunc(m.groups, func(n int) bool { return n != 5 }) {
				t.Errorf("%d copies, %d calls for %v", len(s.ended), n, m.groups)
			}
		})
	}
}

// A call that is made again goes by itself: with others, or split, its key would be taken for
// theirs.
func TestACallThatIsMadeAgainGoesByItself(t *testing.T) {
	list := parcels(30, reach.Mass)
	for i := range list {
		list[i].Call, list[i].Again = []string{"a", "a", "b"}[i%3], true
	}
	s := &shelf{waves: []push.Wave{{On: true, Parcels: list}}}
	m := &mouth{answer: func(p push.Parcel) error { return nil }}
	if _, err := pushWorker(t, s, m).Send(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	slices.Sort(m.groups)
	if !slices.Equal(m.groups, []int{10, 20}) || len(s.ended) != 30 {
		t.Errorf("%v, %d ended", m.groups, len(s.ended))
	}
}
