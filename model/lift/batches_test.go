package lift

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// wave is a push that is sent in batches while somebody looks after each of them: at every
// look only a part of the treated have been told, so what there is to see grows. Between two
// looks everybody does something with a chance, who was told with another.
type wave struct {
	share             float64 // of people who are treated
	people            int
	batches, looks    int     // a look after each batch, and then further ones
	alone, told, more float64 // chance to act between two looks; what being told does to a basket
	fen               float64 // typical basket
}

// truth is the difference of both arms' expectations at a look, in people who acted and in
// fen: the treated by the batch that told them.
func (w wave) truth(look int) (rate, fen float64) {
	for b := 1; b <= w.batches; b++ {
		before := min(b-1, look) // spans that passed before his batch was sent
		after := look - before
		rate += (math.Pow(1-w.alone, float64(look)) - math.Pow(1-w.alone, float64(before))*math.Pow(1-w.told, float64(after))) / float64(w.batches)
		fen += w.fen * float64(after) * (w.told*w.more - w.alone) / float64(w.batches)
	}
	return rate, fen
}

func (w wave) run(seed uint64, look func(n int, t, c Sums)) {
	r := rand.New(rand.NewPCG(seed, 11))
	var arms [2]Sums
	batch, spent := make([]int, w.people), make([]float64, w.people)
	for i := range batch {
		if r.Float64() < w.share {
			batch[i] = 1 + r.IntN(w.batches)
			arms[1].People++
		} else {
			arms[0].People++
		}
	}
	for n := 1; n <= w.looks; n++ {
		for i, b := range batch {
			arm, p, basket := &arms[0], w.alone, w.fen
			if b > 0 {
				arm = &arms[1]
				if b <= n {
					p, basket = w.told, w.fen*w.more
				}
			}
			if r.Float64() >= p {
				continue
			}
			old, fen := spent[i], basket*math.Exp(0.8*r.NormFloat64()-0.32)
			if old == 0 {
				arm.Some++
			}
			spent[i] = old + fen
			arm.Sum += fen
			arm.Square += (old+fen)*(old+fen) - old*old
		}
		look(n, arms[1], arms[0])
	}
}

// The same promise while a push is being sent: a look after every batch, for shares of
// people and for amounts, with an effect and without.
func TestLooksAfterEveryBatchOfDeliveries(t *testing.T) {
	for i, w := range []wave{
		{share: 0.9, people: 3000, batches: 20, looks: 25, alone: 0.006, told: 0.006, more: 1, fen: 6000},
		{share: 0.9, people: 3000, batches: 20, looks: 25, alone: 0.006, told: 0.01, more: 1.1, fen: 6000},
		{share: 0.5, people: 2000, batches: 20, looks: 25, alone: 0.006, told: 0.006, more: 1, fen: 6000},
		{share: 0.5, people: 2000, batches: 10, looks: 25, alone: 0.006, told: 0.012, more: 1, fen: 3000},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			var held, won [2]int // of rates, of amounts
			verdicts := 0        // looks at which amounts said something
			for s := range simulations {
				good, winner := [2]bool{true, true}, [2]bool{}
				w.run(uint64(s), func(n int, treated, control Sums) {
					rate, fen := w.truth(n)
					for j, e := range []Estimate{Rates(hits(treated), hits(control), Alpha), Means(treated, control, Alpha)} {
						if e.Verdict == Early {
							continue
						}
						verdicts += j
						truth := []float64{rate, fen}[j]
						good[j] = good[j] && e.Low <= truth && truth <= e.High
						winner[j] = winner[j] || e.Verdict != None
					}
				})
				for j := range good {
					if good[j] {
						held[j]++
					}
					if winner[j] {
						won[j]++
					}
				}
			}
			t.Logf("%+v: the truth inside at every look: rates %d, amounts %d; a winner at some look: %d, %d, of %d", w, held[0], held[1], won[0], won[1], simulations)
			if verdicts < simulations {
				t.Error("hardly a look at amounts said anything: nothing was tested")
			}
			for j, what := range []string{"rates", "amounts"} {
				if held[j] < simulations*95/100 {
					t.Errorf("%s: the truth was inside at every look in %d of %d only", what, held[j], simulations)
				}
				if w.told == w.alone && w.more == 1 && won[j] > simulations*5/100 {
					t.Errorf("%s: %d of %d saw a winner where there was none", what, won[j], simulations)
				}
			}
		})
	}
}

// Nobody can look more often than after everything that anybody does.
func TestLooksAfterEveryDeedFindNoFalseWinner(t *testing.T) {
	for _, share := range []float64{0.75, 0.5} {
		var won [2]int
		for s := range simulations {
			r := rand.New(rand.NewPCG(uint64(s), 17))
			treated, control := Sums{}, Sums{}
			for range 1000 {
				if r.Float64() < share {
					treated.People++
				} else {
					control.People++
				}
			}
			winner := [2]bool{}
			for range 120 { // everybody is as likely to be next, and buys once
				arm := &control
				if left := treated.People - treated.Some; r.Float64() < float64(left)/float64(left+control.People-control.Some) {
					arm = &treated
				}
				fen := 6000 * math.Exp(0.8*r.NormFloat64()-0.32)
				arm.Some++
				arm.Sum += fen
				arm.Square += fen * fen
				for j, e := range []Estimate{Rates(hits(treated), hits(control), Alpha), Means(treated, control, Alpha)} {
					winner[j] = winner[j] || e.Verdict == More || e.Verdict == Less
				}
			}
			for j := range won {
				if winner[j] {
					won[j]++
				}
			}
		}
		t.Logf("treated %v: a false winner at some of 120 looks: rates %d, amounts %d, of %d", share, won[0], won[1], simulations)
		for j, what := range []string{"rates", "amounts"} {
			if won[j] > simulations*5/100 {
				t.Errorf("%s, treated %v: %d of %d saw a winner where there was none", what, share, won[j], simulations)
			}
		}
	}
}
