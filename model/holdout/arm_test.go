package holdout_test

import (
	"fmt"
	"testing"

	"siyu/model/fault"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/lift"
)

func split(universal, held int, arms ...int) holdout.Split {
	s := holdout.Split{BrandID: 1, UniversalBP: universal, HeldBP: held, WindowDays: 7, CapFen: 200_000}
	for i, w := range arms {
		s.Arms = append(s.Arms, holdout.Part{Name: string(rune('A' + i)), Weight: w})
	}
	return s
}

const crowd = 20_000

// arms counts how people fall.
func arms(s holdout.Split, pushID id.ID) map[string]int64 {
	n := map[string]int64{}
	for m := range id.ID(crowd) {
		universal, arm := holdout.Arm(s, pushID, 1_000_000+m*977)
		if universal {
			arm = "universal"
		}
		n[arm]++
	}
	return n
}

func TestChanceDividesPeopleByTheShares(t *testing.T) {
	n := arms(split(500, 1000, 1, 2), 77)
	sizes := []int64{n["universal"], n[holdout.Held], n["A"], n["B"]}
	if s := lift.Shares(sizes, []float64{0.05, 0.95 * 0.1, 0.95 * 0.3, 0.95 * 0.6}); s.Chance < 0.05 {
		t.Error(sizes, s)
	}
}

func TestWhoIsLeftAlone(t *testing.T) {
	each := func(same func(m id.ID) bool) (n int) {
		for m := range id.ID(crowd) {
			if same(1_000_000 + m*977) {
				n++
			}
		}
		return n
	}
	at := func(s holdout.Split, pushID, m id.ID) string {
		universal, arm := holdout.Arm(s, pushID, m)
		return fmt.Sprintf("%v %s", universal, arm)
	}
	s := split(500, 1000, 1)
	t.Run("is the same for every push in the universal group, and stays in it as it grows", func(t *testing.T) {
		more := split(800, 0, 3, 1)
		more.Version = 9
		if n := each(func(m id.ID) bool {
			one, _ := holdout.Arm(s, 1, m)
			other, _ := holdout.Arm(s, 2, m)
			grown, _ := holdout.Arm(more, 3, m)
			return one != other || one && !grown
		}); n != 0 {
			t.Error(n, "moved")
		}
	})
	t.Run("is somebody else in the next push", func(t *testing.T) {
		both := each(func(m id.ID) bool { return at(s, 1, m) == "false held" && at(s, 2, m) == "false held" })
		if one := each(func(m id.ID) bool { return at(s, 1, m) == "false held" }); one < 1700 || both > one/5 {
			t.Errorf("%d of %d are left alone twice", both, one)
		}
	})
	t.Run("is drawn anew with another salt", func(t *testing.T) {
		anew := s
		anew.Salt = "2"
		both := each(func(m id.ID) bool {
			one, _ := holdout.Arm(s, 1, m)
			other, _ := holdout.Arm(anew, 1, m)
			return one && other
		})
		if both > 120 { // 1 in 400
			t.Error(both)
		}
	})
	t.Run("is nobody where no share says so", func(t *testing.T) {
		if n := arms(split(0, 0, 1), 5); n["A"] != crowd {
			t.Error(n)
		}
	})
	// Who was in an arm yesterday must be in it after an update of the program.
	t.Run("does not change with the program", func(t *testing.T) {
		if got := fmt.Sprint(arms(split(500, 1000, 1, 2), 77)); got != "map[A:5705 B:11429 held:1868 universal:998]" {
			t.Error(got)
		}
	})
}

func TestSplitsThatDivideNothingAreRefused(t *testing.T) {
	for name, s := range map[string]holdout.Split{"no arm": split(0, 0), "a weight of nothing": split(0, 0, 0), "all left alone": split(0, 10_000, 1),
		"half a brand left alone": split(5000, 0, 1), "one name twice": {Arms: []holdout.Part{{"A", 1}, {"A", 1}}}, "the name of those left alone": {Arms: []holdout.Part{{holdout.Held, 1}}}} {
		if f := fault.Of(s.Check()); f == nil || f.Code != "holdout_split" {
			t.Errorf("%s: %v", name, f)
		}
	}
	if err := split(500, 1000, 1, 2).Check(); err != nil {
		t.Error(err)
	}
}
