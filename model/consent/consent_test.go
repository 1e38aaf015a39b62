package consent

import (
	"context"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
)

func TestConsent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		s := New(d)
		given := func() bool {
			t.Helper()
			ok, err := s.Given(ctx, 5, ExactPlace)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		put := func(yes bool, version string) Consent {
			t.Helper()
			c, err := s.Put(ctx, Consent{MemberID: 5, Purpose: ExactPlace, PolicyVersion: version, Given: yes, Channel: "h5"})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		if given() {
			t.Error("silence is consent")
		}
		first := put(true, "1")
		if !given() || put(true, "1") != first {
			t.Error("the same answer was not kept as it was")
		}
		clk.Advance(-time.Hour) // the newest answer is the last one given, not the one with the latest clock
		put(false, "1")
		if given() {
			t.Error("taking it back did not count")
		}
		put(true, "2")
		var rows int64
		if err := d.Read(ctx).Raw("SELECT COUNT(*) FROM consent").Scan(&rows).Error; err != nil || rows != 3 || !given() {
			t.Error(rows, err, given())
		}
		if _, err := s.Put(ctx, Consent{MemberID: 5, Purpose: "everything", PolicyVersion: "1", Channel: "h5"}); fault.KindOf(err) != fault.Invalid {
			t.Error(err)
		}
	})
}
