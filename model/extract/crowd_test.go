package extract

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/phone"
	"siyu/model/rule"
	"siyu/model/segment"
)

const crowdBrand = id.ID(1)

// deeds is a rule about what people did: nobody bought anything.
var deeds = rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{{Did: &rule.Did{What: rule.Order, Op: rule.Lte, Values: []int64{0}}}}}}

// listsOfPeople makes a segment and a list, as the filters by which their kinds ask for them.
func listsOfPeople(t *testing.T, s *Store) map[string]map[string]string {
	t.Helper()
	ctx := context.Background()
	everybody := rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{}}}
	g, err := s.Segments.Create(ctx, segment.Draft{BrandID: crowdBrand, Name: "人 " + s.DB.NewID().String(), Tree: everybody}, 5)
	if err != nil {
		t.Fatal(err)
	}
	l, err := s.Segments.CreateRoster(ctx, segment.Roster{BrandID: crowdBrand, Name: "单"})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]map[string]string{"segment_people": {"segment_id": g.ID.String()}, "list_people": {"list_id": l.ID.String()}}
}

// crowd puts n members who follow the brand and allow profiling.
func crowd(t *testing.T, s *Store, clk *clock.Fake, n int) []id.ID {
	t.Helper()
	all := members(t, s.DB, clk, n)
	for _, m := range all {
		exec(t, s.DB, "INSERT INTO follower (account_id, openid, member_id, following, scene, changed_at) VALUES (11,?,?,1,'',1)", "o"+m.String(), m)
		says(t, s, m, true)
	}
	slices.Sort(all)
	return all
}

func says(t *testing.T, s *Store, m id.ID, given bool) {
	t.Helper()
	exec(t, s.DB, "INSERT INTO consent (id, member_id, purpose, policy_version, given, channel, at) VALUES (?,?,?,'1',?,'h5',?)", s.DB.NewID(), m, consent.Profiling, given, s.DB.Now())
	if err := s.Segments.Note(context.Background(), segment.PartAll, m); err != nil {
		t.Fatal(err)
	}
}

func (s *Store) noted(t *testing.T, extractID id.ID) (n int) {
	t.Helper()
	if err := s.DB.Read(context.Background()).Raw("SELECT COUNT(*) FROM extract_part WHERE extract_id = ? AND part < 0", extractID).Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPeopleOfASegment(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newStore(t, d)
		s.window = 7
		exec(t, d, "INSERT INTO account (id, brand_id, kind, app_id, name, callback_slug, settings, secrets, created_at, updated_at) VALUES (11,?,'official','wxo','','o','{}','',1,1)", crowdBrand)
		all := crowd(t, s, clk, 30)
		g, err := s.Segments.Create(ctx, segment.Draft{BrandID: crowdBrand, Name: "=1+1 没买过的", Tree: deeds}, 5)
		if err != nil {
			t.Fatal(err)
		}
		if !func() bool {
			f, err := s.Segments.Freeze(ctx, g.ID)
			return err == nil && f.People.Derived() && f.Count == 30
		}() {
			t.Fatal("the segment is not what this test is about")
		}
		n, err := phone.Parse("13812345678")
		if err != nil {
			t.Fatal(err)
		}
		hash, err := s.Phones.Put(ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		exec(t, d, "INSERT INTO identity_key (kind, scope, value, person_id, created_at) VALUES ('phone','',?,?,1)", hash, all[0])
		exec(t, d, "INSERT INTO tier_standing (brand_id, member_id, level, until_at, warned_until, version) VALUES (?,?,3,0,0,1), (2,?,9,0,0,1)", crowdBrand, all[0], all[0])
		of := map[string]string{"segment_id": g.ID.String()}
		step := func(x id.ID) Extract { // a process of its own, that is killed after one step
			t.Helper()
			worker := New(s.Deps)
			worker.window = s.window
			got, err := worker.Get(ctx, x)
			if err != nil {
				t.Fatal(err)
			}
			k, err := kindOf(got.Kind)
			if err == nil && got.Total < 0 {
				err = worker.begin(ctx, k, got)
			} else if err == nil {
				err = worker.part(ctx, k, got)
			}
			if err != nil {
				t.Fatal(err)
			}
			got, _ = worker.Get(ctx, x)
			return got
		}
		t.Run("those of its beginning, in the order of their numbers, less who withdrew or was erased meanwhile", func(t *testing.T) {
			x := ask(t, s, "segment_people", of)
			clk.Advance(3 * time.Minute)
			begun := step(x.ID)
			if begun.Total != 30 || begun.State != Running || s.noted(t, x.ID) != 5 {
				t.Fatalf("%+v, %d notes", begun, s.noted(t, x.ID))
			}
			step(x.ID)
			clk.Advance(time.Minute)
			withdrew, erased, early := all[20], all[25], all[3]
			says(t, s, withdrew, false)
			says(t, s, early, false) // his part is written
			exec(t, d, "UPDATE member SET state = 'erased' WHERE id = ?", erased)
			late := crowd(t, s, clk, 1)[0]
			behind, _ := s.Get(ctx, x.ID)
			k, _ := kindOf(x.Kind)
			step(x.ID)
			if err := s.part(ctx, k, behind); err != nil { // the worker that was slower
				t.Fatal(err)
			}
			if err := New(s.Deps).Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			rows, files := read(t, s, x.ID)
			var want []string
			for _, m := range all {
				if m != withdrew && m != erased && m != late {
					want = append(want, number(m.String()))
				}
			}
			var got []string
			for _, r := range rows {
				got = append(got, r[0])
			}
			if !slices.Equal(got, want) || files != 1 {
				t.Errorf("%d rows in %d files, want %d", len(got), files, len(want))
			}
			if line := strings.Join(rows[0], "|"); !strings.Contains(line, "|138****5678|3|") || !strings.HasSuffix(line, "|'=1+1 没买过的") {
				t.Error(line)
			}
			done, _ := s.Get(ctx, x.ID)
			if done.Seen != 30 || done.Done != 28 || done.Name(1) != "人群成员-截至"+begun.StartedAt.Time().In(clock.Shanghai).Format("20060102-1504")+".csv" || begun.StartedAt <= x.CreatedAt {
				t.Errorf("%+v %s", done, done.Name(1))
			}
			if n := s.noted(t, x.ID); n != 0 {
				t.Errorf("%d notes of who was in it are left", n)
			}
			exec(t, d, "UPDATE member SET state = 'active' WHERE id = ?", erased)
		})
		t.Run("a list that an operator keeps has whom he put there, whatever they said to profiling", func(t *testing.T) {
			l, err := s.Segments.CreateRoster(ctx, segment.Roster{BrandID: crowdBrand, Name: "老客"})
			if err == nil {
				_, err = s.Segments.Put(ctx, l.ID, all[:10])
			}
			if err != nil {
				t.Fatal(err)
			}
			x := ask(t, s, "list_people", map[string]string{"list_id": l.ID.String()})
			step(x.ID)
			says(t, s, all[9], false)
			if err := s.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			if rows, _ := read(t, s, x.ID); len(rows) != 10 || rows[0][5] != "老客" {
				t.Error(rows)
			}
		})
		t.Run("cancelled, nothing is left of who was in it", func(t *testing.T) {
			x := ask(t, s, "segment_people", of)
			step(x.ID)
			if _, err := s.Cancel(ctx, x.ID); err != nil || s.noted(t, x.ID) != 0 {
				t.Error(err, s.noted(t, x.ID))
			}
		})
		t.Run("a segment that is not there ends the job, and says so", func(t *testing.T) {
			x := ask(t, s, "segment_people", map[string]string{"segment_id": "7"})
			if err := s.Run(ctx, x.ID); err != nil {
				t.Fatal(err)
			}
			if got, _ := s.Get(ctx, x.ID); got.State != Failed || !strings.Contains(got.Error, "segment_id") {
				t.Errorf("%+v", got)
			}
		})
	})
}
