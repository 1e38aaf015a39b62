package lift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// simulations of each case: the issue asks for a thousand.
const simulations = 1000

// world is a push in which the truth is known. People fall into arms by chance; everybody
// acts at most times times within the window, the earlier the likelier, each time with a
// chance and a basket that the message changes.
type world struct {
	share            float64 // of people who are treated
	people, looks    int
	control, treated float64 // chance to act at all in the window
	times            int     // most acts of one person
	fen, more        float64 // typical basket, and by what the message multiplies it; 0: none is kept
}

// act is one thing that somebody did, at a part of the window.
type act struct {
	at, fen float64
	treated bool
	who     int
}

// truth is the mean of both arms' difference by a part of the window: in people, in fen.
func (w world) truth(at float64) (rate, fen float64) {
	done := early(at)
	per := (1 + float64(w.times)) / 2 // acts of somebody who acts
	return (w.treated - w.control) * done, w.fen * per * done * (w.treated*w.more - w.control)
}

// early is the part of acts that have happened by then: the half of them in a fifth of the
// window.
func early(at float64) float64 { return math.Pow(at, 0.43) }

// run tells each look what is known by then.
func (w world) run(seed uint64, look func(at float64, t, c Sums)) {
	r := rand.New(rand.NewPCG(seed, 7))
	var arms [2]Sums
	slots := make([][]act, w.looks)
	for who := range w.people {
		treated := r.Float64() < w.share
		p, basket, arm := w.control, w.fen, &arms[0]
		if treated {
			p, basket, arm = w.treated, w.fen*w.more, &arms[1]
		}
		arm.People++
		if r.Float64() >= p {
			continue
		}
		for range 1 + r.IntN(w.times) {
			a := act{at: math.Pow(r.Float64(), 1/0.43), fen: basket * math.Exp(0.8*r.NormFloat64()-0.32), treated: treated, who: who}
			s := min(w.looks-1, int(a.at*float64(w.looks)))
			slots[s] = append(slots[s], a)
		}
	}
	spent := map[int]float64{}
	for i, slot := range slots {
		for _, a := range slot {
			arm, old := &arms[0], spent[a.who]
			if a.treated {
				arm = &arms[1]
			}
			if old == 0 {
				arm.Some++
			}
			spent[a.who] = old + a.fen
			arm.Sum += a.fen
			arm.Square += (old+a.fen)*(old+a.fen) - old*old
		}
		look(float64(i+1)/float64(w.looks), arms[1], arms[0])
	}
}

func hits(s Sums) Hits { return Hits{s.People, s.Some} }

// rates and means are the two ways to look; rates are for worlds in which people act once.
func (w world) rates(at float64, t, c Sums) (Estimate, float64) {
	truth, _ := w.truth(at)
	return Rates(hits(t), hits(c), Alpha), truth
}

func (w world) means(at float64, t, c Sums) (Estimate, float64) {
	_, truth := w.truth(at)
	return Means(t, c, Alpha), truth
}

// hold runs the simulations: in how many every look's interval held the truth, and in how
// many some look saw a winner.
func (w world) hold(n int, way func(at float64, t, c Sums) (Estimate, float64)) (held, won int) {
	for i := range n {
		good, winner := true, false
		w.run(uint64(i), func(at float64, t, c Sums) {
			e, truth := way(at, t, c)
			good = good && (e.Verdict == Early || e.Low <= truth && truth <= e.High)
			winner = winner || e.Verdict == More || e.Verdict == Less
		})
		if good {
			held++
		}
		if winner {
			won++
		}
	}
	return held, won
}

func check(t *testing.T, w world, way func(at float64, t, c Sums) (Estimate, float64)) {
	t.Helper()
	held, won := w.hold(simulations, way)
	t.Logf("%+v: the truth inside at every look %d, a winner at some look %d, of %d", w, held, won, simulations)
	if held < simulations*95/100 {
		t.Errorf("the truth was inside at every look in %d of %d only", held, simulations)
	}
	if rate, fen := w.truth(1); fen == 0 && rate == 0 && won > simulations*5/100 {
		t.Errorf("%d of %d saw a winner where there was none", won, simulations)
	}
}

// A tenth held out and halves, rare and frequent deeds, with an effect and without.
func TestRatesHoldTheTruthAtEveryLook(t *testing.T) {
	for i, w := range []world{
		{share: 0.9, people: 3000, looks: 20, control: 0.05, treated: 0.05},
		{share: 0.9, people: 3000, looks: 20, control: 0.05, treated: 0.08},
		{share: 0.9, people: 3000, looks: 20, control: 0.003, treated: 0.003},
		{share: 0.5, people: 2000, looks: 20, control: 0.3, treated: 0.3},
		{share: 0.5, people: 2000, looks: 20, control: 0.01, treated: 0.02},
		{share: 0.95, people: 2000, looks: 20, control: 0.6, treated: 0.7},
	} {
		w.times = 1
		t.Run(fmt.Sprint(i), func(t *testing.T) { check(t, w, w.rates) })
	}
}

// Baskets are skewed and people come again.
func TestAmountsHoldTheTruthAtEveryLook(t *testing.T) {
	for i, w := range []world{
		{share: 0.9, people: 10_000, looks: 20, control: 0.10, treated: 0.10, times: 1, fen: 6000, more: 1},
		{share: 0.9, people: 10_000, looks: 20, control: 0.10, treated: 0.12, times: 3, fen: 6000, more: 1.1},
		{share: 0.5, people: 6000, looks: 20, control: 0.10, treated: 0.10, times: 4, fen: 6000, more: 1},
		{share: 0.5, people: 6000, looks: 20, control: 0.30, treated: 0.35, times: 2, fen: 3000, more: 1},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) { check(t, w, w.means) })
	}
}

func TestAnEffectThatIsThereIsFound(t *testing.T) {
	w := world{share: 0.9, people: 20_000, looks: 10, control: 0.10, treated: 0.15, times: 1, fen: 6000, more: 1}
	if _, won := w.hold(100, w.rates); won < 95 {
		t.Errorf("half more people by a tenth held out: found in %d of 100", won)
	}
	w.share = 0.5
	if _, won := w.hold(100, w.means); won < 95 {
		t.Errorf("half more money: found in %d of 100", won)
	}
}

// An ordinary interval that is looked at as often fails: what the tests above hold is not
// easy.
func TestPeekingAtAnOrdinaryIntervalFindsFalseWinners(t *testing.T) {
	w := world{share: 0.5, people: 2000, looks: 20, control: 0.3, treated: 0.3, times: 1}
	_, wrong := w.hold(simulations, func(_ float64, t, c Sums) (Estimate, float64) {
		p1, p0 := float64(t.Some)/float64(t.People), float64(c.Some)/float64(c.People)
		half := 1.96 * math.Sqrt(p1*(1-p1)/float64(t.People)+p0*(1-p0)/float64(c.People))
		return judged(Estimate{Low: p1 - p0 - half, High: p1 - p0 + half}), 0
	})
	if wrong < simulations*15/100 {
		t.Errorf("only %d of %d", wrong, simulations)
	}
}

func TestArms(t *testing.T) {
	t.Run("sizes that chance makes raise no alarm, at any look", func(t *testing.T) {
		alarms := 0
		for i := range simulations {
			rng, n, rang := rand.New(rand.NewPCG(uint64(i), 13)), [3]int64{}, false
			for j := range 3000 {
				switch x := rng.Float64(); {
				case x < 0.1:
					n[0]++
				case x < 0.55:
					n[1]++
				default:
					n[2]++
				}
				rang = rang || j%100 == 0 && Shares(n[:], []float64{10, 45, 45}).Alarm
			}
			if rang {
				alarms++
			}
		}
		if alarms > 3 { // one in a thousand is nominal
			t.Errorf("%d alarms", alarms)
		}
	})
	t.Run("an arm that loses people on the way does", func(t *testing.T) {
		if s := Shares([]int64{1000, 8500}, []float64{0.1, 0.9}); s.Alarm {
			t.Error("one in twenty off is within chance for a control of a thousand:", s)
		}
		if s := Shares([]int64{10_000, 85_000}, []float64{0.1, 0.9}); !s.Alarm {
			t.Error(s)
		}
		if s := Shares([]int64{10, 3}, []float64{1, 0}); !s.Alarm {
			t.Error("people in an arm without a share:", s)
		}
		if s := Shares([]int64{0, 0}, []float64{1, 1}); s.Alarm || s.Chance != 1 {
			t.Error(s)
		}
	})
}

func TestTooFewPeopleSayNothing(t *testing.T) {
	for name, e := range map[string]Estimate{"nobody": Rates(Hits{}, Hits{}, Alpha), "no control": Rates(Hits{100, 50}, Hits{}, Alpha),
		"few buyers": Means(Sums{500, 29, 1e6, 1e12}, Sums{500, 40, 2e6, 1e12}, Alpha), "no buyers": Means(Sums{500, 0, 0, 0}, Sums{500, 0, 0, 0}, Alpha)} {
		if e.Verdict != Early {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if e := Rates(Hits{3, 3}, Hits{3, 0}, Alpha); e.Verdict != None || e.High != 1 {
		t.Errorf("three against three are no winner: %+v", e)
	}
}
