package clock

import (
	"encoding/json"
	"testing"
	"time"
)

func TestDayOf(t *testing.T) {
	cases := []struct {
		name, at string
		want     Day
	}{
		{"one millisecond before midnight in Shanghai is still today", "2026-11-20T15:59:59.999Z", 20261120},
		{"midnight in Shanghai is the next day", "2026-11-20T16:00:00Z", 20261121},
		{"new year begins eight hours before UTC", "2026-12-31T16:00:00Z", 20270101},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339Nano, c.at)
			if err != nil {
				t.Fatal(err)
			}
			i := From(at)
			if got := DayOf(i); got != c.want {
				t.Fatalf("got %d, want %d", got, c.want)
			}
			from, until := DayOf(i).Bounds()
			if i < from || i >= until || until.Sub(from) != 24*time.Hour {
				t.Fatalf("%v is outside [%v, %v)", i, from, until)
			}
		})
	}
}

func TestDaysAndMonthsLater(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want Day
	}{
		{"a month later is the same day", Day(20261121).AddMonths(1), 20261221},
		{"over the end of the year", Day(20261121).AddMonths(14), 20280121},
		{"a shorter month ends earlier", Day(20261130).AddMonths(3), 20270228},
		{"a leap year has one day more", Day(20270831).AddMonths(6), 20280229},
		{"months back", Day(20270331).AddMonths(-1), 20270228},
		{"days over the end of a month", Day(20261121).AddDays(10), 20261201},
		{"the last day of a month", Day(20280203).MonthEnd(), 20280229},
		{"the last day of December", Day(20261231).MonthEnd(), 20261231},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got.Text(), c.want.Text())
		}
	}
}

func TestInstantJSON(t *testing.T) {
	var got Instant
	if err := json.Unmarshal([]byte(`"2026-11-20T18:02:00+08:00"`), &got); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(got)
	if err != nil || string(b) != `"2026-11-20T10:02:00.000Z"` {
		t.Fatalf("got %s, %v", b, err)
	}
	if err := json.Unmarshal([]byte(`"yesterday"`), &got); err == nil {
		t.Fatal("accepted a time that is none")
	}
	if got.Local() != "2026-11-20 18:02" {
		t.Fatalf("got %s", got.Local())
	}
}

// FuzzInstantJSON: a moment that is read can be written and read again.
func FuzzInstantJSON(f *testing.F) {
	for _, s := range []string{`"2026-11-20T18:02:00+08:00"`, `null`, `""`, `"0000-01-01T00:00:00Z"`, `"9999-12-31T23:59:59.999999999+23:59"`, `"1970-01-01T00:00:00Z"`, `5`, `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var at Instant
		if json.Unmarshal([]byte(s), &at) != nil {
			return
		}
		b, err := json.Marshal(at)
		if err != nil {
			t.Fatalf("%s is %d, which cannot be written: %v", s, at, err)
		}
		var again Instant
		if err := json.Unmarshal(b, &again); err != nil || again != at {
			t.Fatalf("%s is %d, written %s, read back %d, %v", s, at, b, again, err)
		}
	})
}
