package job_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"siyu/job"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/identity"
	"siyu/model/leader"
	"siyu/model/member"
	"siyu/model/message"
)

// nights says how often each of the nightly steps ran.
type nights struct {
	*leader.Store
	ran map[string]int
}

func (n nights) step(name string) (bool, error) {
	n.ran[name]++
	return n.ran[name] < 3, nil
}

func (n nights) ProposeStep(context.Context) (bool, error) { return n.step("propose") }
func (n nights) ReviewStep(context.Context) (bool, error)  { return n.step("review") }
func (n nights) RankDay(context.Context) (bool, error)     { return n.step("rank") }

func TestLeaders(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w := claimtest.New(t, d, clk, claimtest.Setup{Codes: 4})
		people := identity.New(d)
		members := member.New(d, people)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		person, err := people.Resolve(ctx, identity.Login{AppID: claimtest.AppID, OpenID: "o-lin"})
		must(err)
		known, err := members.Of(ctx, person)
		must(err)
		stranger, err := members.Of(ctx, d.NewID()) // whom no account can write to
		must(err)
		n := nights{leader.New(leader.Deps{DB: d, Members: members}), map[string]int{}}
		l := &job.Leaders{Leaders: n, Messages: message.New(d, w.Outbox), Address: job.Addresses(w.Brands, members), Clock: clk, PublicURL: "https://public.test"}
		run := func(name string) {
			t.Helper()
			for _, c := range l.Chores() {
				if strings.Contains(c.Name, name) {
					must(c.Do(ctx))
					return
				}
			}
			t.Fatalf("no chore %q", name)
		}
		t.Run("a decision is told once, with where to look", func(t *testing.T) {
			for i, m := range []member.Member{known, stranger} {
				_, err := n.Appoint(ctx, leader.Appointment{BrandID: w.Brand.ID, MemberID: m.ID, Role: leader.RoleStaff, Name: "小李", EmployeeNo: string(rune('1' + i))})
				must(err)
			}
			run("tell leaders")
			run("tell leaders")
			var texts []string
			must(d.Read(ctx).Raw("SELECT text FROM message").Scan(&texts).Error)
			if len(texts) != 1 || !strings.HasPrefix(texts[0], "您已被登记为员工") || !strings.Contains(texts[0], "https://public.test/leader") {
				t.Fatalf("%q", texts)
			}
		})
		t.Run("figures of a day are counted when the night is over that brings its last facts", func(t *testing.T) {
			clk.Set(clock.From(time.Date(2026, 12, 1, 2, 59, 0, 0, clock.Shanghai)))
			for _, name := range []string{"propose", "review", "rank"} {
				run(name)
			}
			if len(n.ran) != 0 {
				t.Fatal("too early:", n.ran)
			}
			clk.Advance(time.Minute)
			for _, name := range []string{"propose", "review", "rank"} {
				run(name)
				if n.ran[name] != 3 {
					t.Errorf("%s ran %d steps of three", name, n.ran[name])
				}
			}
		})
		run("forget")
	})
}
