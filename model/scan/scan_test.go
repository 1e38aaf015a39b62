package scan

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

var (
	shanghai = Place{"上海市", "上海", 312304, 1214737}
	beijing  = Place{"北京市", "北京", 399042, 1164074}
)

// look is an observation of an activated code by a member.
func look(serial int64, member id.ID) Observation {
	return Observation{BrandID: 1, ProductID: 2, BatchID: 3, Serial: serial, CodeState: Activated, MemberID: member, Visitor: "abc", Place: shanghai, IP: "1.2.3.4", UserAgent: "MicroMessenger"}
}

func anon(serial int64, visitor string) Observation {
	o := look(serial, 0)
	o.Visitor = visitor
	return o
}

func TestRecord(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := New(d, consent.New(d))
		see := func(o Observation) Sight {
			t.Helper()
			out, err := s.Record(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		rows := func(serial int64) []Scan {
			t.Helper()
			out, err := s.OfCode(ctx, 3, serial, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		t.Run("a preview before the consumer does not spoil his first verification", func(t *testing.T) {
			for _, v := range []string{"crawler", "preview", "camera"} {
				if got := see(anon(1, v)); got.FirstMember != 0 || got.Scans != 0 {
					t.Errorf("%+v", got)
				}
			}
			got := see(look(1, 50))
			if !got.Fresh || got.FirstMember != 50 || got.FirstAt != clk.Now() || got.FirstCity != "上海" || got.Scans != 1 || got.Anonymous != 3 || got.Others != 0 {
				t.Errorf("%+v", got)
			}
			if r := rows(1); r[0].Verdict != string(First) && r[len(r)-1].Verdict != string(Genuine) {
				t.Errorf("%+v", r)
			}
		})
		t.Run("a reload within ten minutes is the same scan, a later one is another", func(t *testing.T) {
			see(look(2, 50))
			clk.Advance(9*time.Minute + 59*time.Second)
			if got := see(look(2, 50)); got.Scans != 1 || got.Fresh || len(rows(2)) != 1 {
				t.Errorf("%+v", got)
			}
			clk.Advance(time.Second)
			if got := see(look(2, 50)); got.Scans != 2 || got.Others != 0 || len(rows(2)) != 2 {
				t.Errorf("%+v", got)
			}
			see(anon(2, "x"))
			if got := see(anon(2, "x")); got.Anonymous != 1 {
				t.Errorf("%+v", got)
			}
		})
		t.Run("nobody is first before the item is on sale, nor when blocked", func(t *testing.T) {
			early, blocked := look(3, 60), look(3, 61)
			early.CodeState, blocked.Blocked = Issued, true
			for _, o := range []Observation{early, blocked} {
				if got := see(o); got.FirstMember != 0 || got.Scans != 0 {
					t.Errorf("%+v", got)
				}
			}
			if len(rows(3)) != 2 {
				t.Error("observations are not stored")
			}
			// Activated a minute later: the warehouse's own member becomes first within
			// the repeat window.
			if got := see(look(3, 60)); !got.Fresh || got.FirstMember != 60 {
				t.Errorf("%+v", got)
			}
		})
		t.Run("the fifth query of a code is abnormal, the first member's own are not counted", func(t *testing.T) {
			for range 6 {
				see(look(4, 70))
				clk.Advance(time.Hour)
			}
			for i := range id.ID(3) {
				if got := see(look(4, 71+i)); got.FlaggedAt != 0 || got.Others != int64(i+1) {
					t.Errorf("%+v", got)
				}
			}
			if got := see(look(4, 74)); got.FlaggedAt != clk.Now() || got.FlagReason != "many" || got.Scans != 10 {
				t.Errorf("%+v", got)
			}
			if r := rows(4); r[0].Verdict != string(Abnormal) && r[1].Verdict != string(Abnormal) {
				t.Errorf("the row does not say so: %+v", r[:2])
			}
			list, err := s.Flagged(ctx, Flags{}, 10)
			if err != nil || len(list) != 1 || list[0].Serial != 4 {
				t.Errorf("%+v %v", list, err)
			}
		})
		t.Run("two people too far apart too soon flag the code, one person's two places do not", func(t *testing.T) {
			far := func(serial int64, member id.ID) Observation { o := look(serial, member); o.Place = beijing; return o }
			see(look(5, 80))
			clk.Advance(30 * time.Minute)
			if got := see(far(5, 80)); got.FlaggedAt != 0 {
				t.Errorf("his own network: %+v", got)
			}
			see(look(6, 80))
			clk.Advance(3 * time.Hour)
			if got := see(far(6, 81)); got.FlaggedAt != 0 {
				t.Errorf("a flight: %+v", got)
			}
			see(look(7, 80))
			clk.Advance(-20 * time.Minute) // the clock jumps back
			if got := see(far(7, 81)); got.FlagReason != "travel:1067:20" {
				t.Errorf("%+v", got)
			}
		})
		t.Run("a hundred members at once: one is first, all are counted", func(t *testing.T) {
			var wg sync.WaitGroup
			var mu sync.Mutex
			fresh := 0
			for i := range id.ID(100) {
				wg.Go(func() {
					got, err := s.Record(ctx, look(8, 1000+i))
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					if got.Fresh {
						fresh++
					}
				})
			}
			wg.Wait()
			got, err := s.Sight(ctx, 3, 8)
			if err != nil || fresh != 1 || got.Scans != 100 || got.Others != 99 {
				t.Errorf("%d first, %+v, %v", fresh, got, err)
			}
		})
		t.Run("one member's reloads at once are stored once", func(t *testing.T) {
			var wg sync.WaitGroup
			for range 20 {
				wg.Go(func() {
					if _, err := s.Record(ctx, look(9, 90)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if got, err := s.Sight(ctx, 3, 9); err != nil || got.Scans != 1 || len(rows(9)) != 1 {
				t.Errorf("%+v %v", got, err)
			}
		})
		t.Run("text from outside is cut to what fits", func(t *testing.T) {
			o := look(10, 91)
			o.UserAgent, o.Place.City = strings.Repeat("长\x00\xff", 5000), strings.Repeat("城", 100)
			see(o)
			if r := rows(10)[0]; len([]rune(r.UserAgent)) > 200 || !strings.HasPrefix(r.UserAgent, "长长") || len([]rune(r.City)) != 32 || strings.Contains(r.UserAgent, "\x00") {
				t.Errorf("%+v", r)
			}
		})
	})
}

func TestExactPlace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		consents := consent.New(d)
		s := New(d, consents)
		if _, err := s.Record(ctx, look(1, 50)); err != nil {
			t.Fatal(err)
		}
		put := func(lat, lon float64) string { return codeOf(s.PutExactPlace(ctx, 50, 3, 1, lat, lon)) }
		if got := put(31, 121); got != "consent_missing" {
			t.Error(got)
		}
		agree := func(yes bool) {
			t.Helper()
			if _, err := consents.Put(ctx, consent.Consent{MemberID: 50, Purpose: consent.ExactPlace, PolicyVersion: "1", Given: yes, Channel: "h5"}); err != nil {
				t.Fatal(err)
			}
		}
		agree(true)
		if got := put(31.23041, 121.47371); got != "" {
			t.Error(got)
		}
		nan := 0.0
		for _, bad := range [][2]float64{{91, 0}, {0, -181}, {nan / nan, 0}} {
			if got := put(bad[0], bad[1]); got != "place_malformed" {
				t.Error(bad, got)
			}
		}
		exact := func() string {
			t.Helper()
			r, err := s.OfMember(ctx, 50, 0, 1)
			if err != nil || len(r) != 1 {
				t.Fatal(r, err)
			}
			return r[0].ExactPlace
		}
		if exact() != "31.2304,121.4737" {
			t.Error(exact())
		}
		clk.Advance(RepeatWindow)
		if got := put(31, 121); got != "scan_not_found" {
			t.Error("an old scan was given a place:", got)
		}
	})
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func TestReport(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := New(d, consent.New(d))
		if _, err := s.PutReport(ctx, Report{TokenText: strings.Repeat("<b>", 50), Note: " 买到假货 "}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.PutReport(ctx, Report{Note: strings.Repeat("长", 501)}); codeOf(err) != "report_note" {
			t.Error(err)
		}
		list, err := s.Reports(ctx, "", 0, 10)
		if err != nil || len(list) != 1 || list[0].Note != "买到假货" || len(list[0].TokenText) != 64 {
			t.Errorf("%+v %v", list, err)
		}
	})
}
