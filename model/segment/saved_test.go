package segment_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/rule"
	"siyu/model/segment"
)

// saved is a store of sixty people, of whom three are on a list, and its file. Every one
// of the questions has been asked.
func saved(t *testing.T, d *db.DB, clk *clock.Fake) (w *world, file string, questions []rule.Tree) {
	t.Helper()
	w, _ = crowded(t, d, clk, 60)
	w.dir = t.TempDir()
	w.s.Parts(7).KeepIn(w.dir)
	w.on(w.members[:3]...)
	questions = []rule.Tree{hands, attr(rule.Follows, rule.Known), attr(rule.TierLevel, rule.Unknown)}
	for i, tree := range questions {
		if p, err := w.s.Find(t.Context(), brandID, tree); err != nil || p.Count() != []int64{3, 60, 60}[i] {
			t.Fatal(p.Count(), err)
		}
	}
	if err := w.s.Save(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	return w, filepath.Join(w.dir, "1.bits"), questions
}

// next is the next process: whether it began with the file, how many facts it had to read
// for the questions, and how many people each found.
func (w *world) next(questions []rule.Tree) (from bool, loads int, counts []int64) {
	w.Helper()
	s := segment.New(w.d).Parts(7)
	s.KeepIn(w.dir)
	for _, tree := range questions {
		p, err := s.Find(w.Context(), brandID, tree)
		if err != nil {
			w.Fatal(err)
		}
		counts = append(counts, p.Count())
	}
	from, _ = s.Restored(brandID)
	return from, s.Loads(brandID), counts
}

// TestSaved: the next process begins with the file, and knows what changed since.
func TestSaved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w, file, questions := saved(t, d, clk)
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v %v", info, err)
		}
		if from, loads, counts := w.next(questions); !from || loads != 0 || counts[0] != 3 {
			t.Errorf("%v, %d facts were read, %v", from, loads, counts)
		}
		w.off(w.members[0])
		w.exec("UPDATE follower SET following = 0 WHERE member_id = ?", w.members[5])
		w.note(segment.PartAll, w.members[5])
		w.settle()
		if from, loads, counts := w.next(questions); !from || loads != 0 || counts[0] != 2 || counts[1] != 59 {
			t.Errorf("%v, %d facts were read, %v", from, loads, counts)
		}
		clk.Advance(6 * time.Minute) // nobody tells of levels
		if from, loads, counts := w.next(questions); !from || loads != 1 || counts[0] != 2 {
			t.Errorf("%v, %d facts were read, %v", from, loads, counts)
		}
	})
}

// TestAFileThatDoesNotFit is thrown away, and all is read from the database.
func TestAFileThatDoesNotFit(t *testing.T) {
	for name, spoil := range map[string]func(w *world, file string){
		"a bit fell over": func(w *world, file string) {
			b, err := os.ReadFile(file)
			if err == nil {
				b[len(b)/2] ^= 4
				err = os.WriteFile(file, b, 0o600)
			}
			if err != nil {
				w.Fatal(err)
			}
		},
		"the end is missing": func(w *world, file string) {
			if err := os.Truncate(file, 400); err != nil {
				w.Fatal(err)
			}
		},
		"it is another brand's": func(w *world, file string) {
			w.exec("UPDATE segment_brand SET brand_id = 3 WHERE brand_id = 1")
			w.exec("UPDATE segment_change SET brand_id = 3 WHERE brand_id = 1")
			w.exec("UPDATE segment_person SET brand_id = 3 WHERE brand_id = 1")
			w.exec("INSERT INTO segment_brand (brand_id, next_number, seq) VALUES (1, 0, 1000)")
		},
		"the database is of a day before": func(w *world, file string) {
			w.exec("UPDATE segment_brand SET seq = seq - 1 WHERE brand_id = 1")
		},
		"the database was of a day before and went on": func(w *world, file string) {
			w.exec("UPDATE segment_change SET created_at = created_at + 1 WHERE brand_id = 1 AND seq = (SELECT seq FROM segment_brand WHERE brand_id = 1)")
		},
		"the log begins later": func(w *world, file string) {
			w.exec("DELETE FROM segment_change WHERE brand_id = 1")
		},
		"tables changed since": func(w *world, file string) {
			w.exec("INSERT INTO schema_migration (version, step, applied_at) VALUES (99999, 0, 0)")
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
				w, file, questions := saved(t, d, clk)
				spoil(w, file)
				from, loads, counts := w.next(questions)
				if from || loads != 3 && counts[1] > 0 {
					t.Errorf("%v, %d facts were read, %v", from, loads, counts)
				}
				if want := int64(3); counts[0] != want && name != "it is another brand's" {
					t.Errorf("%v", counts)
				}
				if _, err := os.Stat(file); !os.IsNotExist(err) {
					t.Errorf("it is still there: %v", err)
				}
			})
		})
	}
	t.Run("of facts whose SQL is another's only these are read", func(t *testing.T) {
		dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
			w, _, questions := saved(t, d, clk)
			if err := w.s.Reprint(t.Context(), brandID); err != nil {
				t.Fatal(err)
			}
			if from, loads, counts := w.next(questions); !from || loads != 3 || counts[0] != 3 {
				t.Errorf("%v, %d facts were read, %v", from, loads, counts)
			}
		})
	})
}

// TestSaving: a file is written when something changed and some time is over, or when the
// process ends; what nobody can use any more goes.
func TestSaving(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := t.Context()
		w, file, questions := saved(t, d, clk)
		written := func(all bool) bool {
			t.Helper()
			if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if err := w.s.Save(ctx, all); err != nil {
				t.Fatal(err)
			}
			_, err := os.Stat(file)
			return err == nil
		}
		if written(true) {
			t.Error("nothing changed")
		}
		w.on(w.members[9])
		if _, err := w.s.Find(ctx, brandID, questions[0]); err != nil {
			t.Fatal(err)
		}
		if written(false) {
			t.Error("it was written a moment ago")
		}
		clk.Advance(11 * time.Minute)
		if !written(false) {
			t.Error("something changed")
		}
		w.on(w.members[10])
		if _, err := w.s.Find(ctx, brandID, questions[0]); err != nil {
			t.Fatal(err)
		}
		if !written(true) {
			t.Error("the process ends")
		}
		other := filepath.Join(w.dir, "2.bits")
		if err := os.WriteFile(other, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		old := clock.Wall().Add(-7 * time.Hour)
		if err := os.Chtimes(other, old, old); err != nil {
			t.Fatal(err)
		}
		if err := w.s.Save(ctx, false); err != nil {
			t.Fatal(err)
		}
		if list, err := os.ReadDir(w.dir); err != nil || len(list) != 1 || list[0].Name() != "1.bits" {
			t.Errorf("%v %v", list, err)
		}
		small := segment.New(d) // sixty people are read at once
		dir := t.TempDir()
		small.KeepIn(dir)
		if p, err := small.Find(ctx, brandID, questions[0]); err != nil || p.Count() != 5 {
			t.Error(p.Count(), err)
		}
		if err := small.Save(ctx, true); err != nil {
			t.Fatal(err)
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
			t.Errorf("%v %v", list, err)
		}
	})
}
