package quiet_test

import (
	"context"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/quiet"
)

func TestHours(t *testing.T) {
	at := func(text string) clock.Instant {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, clock.Shanghai)
		if err != nil {
			t.Fatal(err)
		}
		return clock.From(v)
	}
	night, noon := quiet.Hours{FromMinute: 22 * 60, UntilMinute: 8 * 60}, quiet.Hours{FromMinute: 12 * 60, UntilMinute: 14 * 60}
	for _, x := range []struct {
		h          quiet.Hours
		when, want string
	}{
		{night, "2026-11-22 21:59", "2026-11-22 21:59"},
		{night, "2026-11-22 22:00", "2026-11-23 08:00"},
		{night, "2026-11-23 03:00", "2026-11-23 08:00"},
		{night, "2026-11-23 08:00", "2026-11-23 08:00"},
		{noon, "2026-11-22 12:00", "2026-11-22 14:00"},
		{noon, "2026-11-22 14:00", "2026-11-22 14:00"},
		{quiet.Hours{}, "2026-11-22 03:00", "2026-11-22 03:00"},
		{quiet.Hours{FromMinute: 60, UntilMinute: 60}, "2026-11-22 01:00", "2026-11-22 01:00"},
	} {
		if got := x.h.Until(at(x.when)); got != at(x.want) {
			t.Errorf("%+v at %s: %s, want %s", x.h, x.when, got.Local(), x.want)
		}
	}
}

func TestStore(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := quiet.New(d)
		if h, err := s.Of(ctx, 7); err != nil || h.FromMinute != h.UntilMinute || h.ChangedAt != 0 {
			t.Fatal("a brand that set none has some", h, err)
		}
		for _, want := range [][2]int{{22 * 60, 8 * 60}, {0, 0}, {23 * 60, 7 * 60}} {
			clk.Advance(time.Minute)
			if _, err := s.Set(ctx, quiet.Hours{BrandID: 7, FromMinute: want[0], UntilMinute: want[1], ByID: 3}); err != nil {
				t.Fatal(err)
			}
			h, err := s.Of(ctx, 7)
			if err != nil || h.FromMinute != want[0] || h.UntilMinute != want[1] || h.ChangedAt != clk.Now() {
				t.Fatal(h, err)
			}
		}
		for _, bad := range []quiet.Hours{{FromMinute: -1}, {UntilMinute: 24 * 60}, {FromMinute: 20 * 60, UntilMinute: 9 * 60}} {
			if _, err := s.Set(ctx, bad); fault.Of(err).Code != "quiet_hours" {
				t.Errorf("%+v: %v", bad, err)
			}
		}
	})
}
