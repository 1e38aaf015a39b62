package holdout

import (
	"math/rand/v2"
	"strings"
	"testing"

	"siyu/model/lift"
)

// veiled moves numbers by up to seven and rounds them to fives, as handler/admin does.
func veiled(r *rand.Rand) func(n int64, _ ...any) int64 {
	return func(n int64, _ ...any) int64 {
		if n < 5 {
			return 0
		}
		return max(0, (n+r.Int64N(11)-5+2)/5*5)
	}
}

func TestWhileTheArmsAreBrokenNothingIsClaimed(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	r := begun(rng, 1000)
	for i := range 300 { // an effect that would be seen
		if i%6 == 0 {
			r.Held.buys(rng)
		}
		r.Arms[0].buys(rng)
		r.Arms[1].buys(rng)
	}
	r.conclude(twoTexts, 100_00)
	if text := strings.Join(r.Text, ""); r.Sizes.Alarm || !strings.Contains(text, "：增加") || !r.Money.Known {
		t.Fatalf("%+v %q", r.Sizes, text)
	}
	r.Held.People -= 120 // became few humans
	for name, r := range map[string]Report{"exact": r, "about": r.Told(5, 7, veiled(rng))} {
		if name == "exact" {
			r.conclude(twoTexts, 100_00)
		} else {
			r.Sizes.Alarm = true
			r = r.Told(5, 7, veiled(rng))
		}
		text := strings.Join(r.Text, "")
		for _, c := range append(r.Between, *r.All) {
			for _, e := range []lift.Estimate{c.Scan, c.Order, c.Amount} {
				if e.Verdict != Void || e.Diff != 0 || e.Low != 0 || e.High != 0 {
					t.Errorf("%s: %+v", name, e)
				}
			}
		}
		if !r.Sizes.Alarm || r.Money.Known || r.Money.PerYuan != nil || strings.Contains(text, "增加 ") || strings.Contains(text, "相比") ||
			!strings.Contains(text, "“本次留白的人”按比例应约") || !strings.Contains(text, "请先查明原因") {
			t.Errorf("%s: %+v %q", name, r.Money, text)
		}
	}
}

func TestOneSentenceStandsWhileNobodyActed(t *testing.T) {
	r := begun(rand.New(rand.NewPCG(1, 2)), 1000)
	r.conclude(twoTexts, 0)
	if len(r.Text) != 2 || !strings.Contains(r.Text[0], "什么都不能说") || !strings.Contains(r.Text[1], "观察期到") {
		t.Errorf("%q", r.Text)
	}
	for _, c := range append(r.Between, *r.All) {
		for _, e := range []lift.Estimate{c.Scan, c.Order, c.Amount} {
			if e.Verdict != lift.Early {
				t.Errorf("%+v", e)
			}
		}
	}
}

// What is told of a report stands for it: no number is exact, and nothing is claimed that
// the exact one does not say.
func TestWhatIsToldOfAReportClaimsNoMore(t *testing.T) {
	claims, kept := 0, 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 9))
		r := begun(rng, 2000)
		for range 100 + rng.IntN(500) {
			[]*Group{&r.Arms[0], &r.Arms[1], &r.Arms[1], &r.Held}[rng.IntN(4)].buys(rng)
		}
		r.conclude(twoTexts, 100_00)
		told := r.Told(5, 7, veiled(rng))
		for _, g := range append(told.Arms, told.Held) {
			if g.People%5 != 0 || g.Buyers%5 != 0 || g.Scans%5 != 0 {
				t.Fatalf("seed %d: %+v", seed, g)
			}
		}
		for i, c := range append(told.Between, *told.All) {
			exact := append(r.Between, *r.All)[i]
			for _, e := range [][2]lift.Estimate{{c.Scan, exact.Scan}, {c.Order, exact.Order}, {c.Amount, exact.Amount}} {
				if e[0].Verdict != lift.Early && e[1].Verdict != lift.Early && (e[0].Low > e[1].Low+1e-9 || e[0].High < e[1].High-1e-9) {
					t.Errorf("seed %d: %+v is narrower than %+v", seed, e[0], e[1])
				}
				if e[0].Verdict == lift.More || e[0].Verdict == lift.Less {
					claims++
					if e[1].Verdict != e[0].Verdict {
						t.Errorf("seed %d: %+v is told, %+v is true", seed, e[0], e[1])
					}
				}
				if e[1].Verdict == lift.More || e[1].Verdict == lift.Less {
					kept++
				}
			}
		}
		if !strings.Contains(strings.Join(told.Text, ""), "都是约数") || told.Under != 5 {
			t.Fatalf("seed %d: %q", seed, told.Text)
		}
	}
	if t.Logf("%d of %d claims are told", claims, kept); claims < kept/3 {
		t.Errorf("%d of %d claims are told", claims, kept)
	}
}
