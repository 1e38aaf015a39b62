// Package clock is the only place that knows what time it is and what a business
// day is. Every instant in siyu is UTC, cut to milliseconds, and stored as a
// 64-bit integer: the same on SQLite and on MySQL, with no zone to get wrong.
// Intervals are half-open, [from, until).
package clock

import (
	"fmt"
	"sync"
	"time"

	"siyu/model/fail"
)

// Instant is a moment: milliseconds since 1970-01-01T00:00:00Z. Zero means "none".
type Instant int64

// Shanghai is fixed at +08:00: China has had no summer time since 1991.
var Shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// From cuts t to milliseconds.
func From(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time returns the moment in UTC.
func (i Instant) Time() time.Time { return time.UnixMilli(int64(i)).UTC() }

// Add moves by d, which may be negative.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d.Milliseconds()) }

// Sub returns i-j.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i-j) * time.Millisecond }

// String is RFC 3339 in UTC with milliseconds.
func (i Instant) String() string { return i.Time().Format("2006-01-02T15:04:05.000Z") }

// Local is what a person in China reads: 2026-11-20 18:02.
func (i Instant) Local() string {
	if i == 0 {
		return ""
	}
	return i.Time().In(Shanghai).Format("2006-01-02 15:04")
}

// MarshalJSON writes RFC 3339, or null for none.
func (i Instant) MarshalJSON() ([]byte, error) {
	if i == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + i.String() + `"`), nil
}

// UnmarshalJSON reads RFC 3339 with any zone, or null.
func (i *Instant) UnmarshalJSON(b []byte) error {
	if string(b) == "null" || string(b) == `""` {
		*i = 0
		return nil
	}
	if len(b) < 2 || b[0] != '"' {
		return fmt.Errorf("time must be an RFC 3339 text")
	}
	t, err := time.Parse(time.RFC3339Nano, string(b[1:len(b)-1]))
	if err != nil {
		return fmt.Errorf("time must be RFC 3339, e.g. 2026-11-20T18:02:00+08:00")
	}
	if y := t.UTC().Year(); y < 1970 || y > 9999 { // another year could not be written back
		return fmt.Errorf("time must lie between 1970 and 9999")
	}
	*i = From(t)
	return nil
}

// Day is a business day in Shanghai, written as the number 20261120.
type Day int32

// DayOf is the only place that turns a moment into a business day.
func DayOf(i Instant) Day {
	y, m, d := i.Time().In(Shanghai).Date()
	return Day(y*10000 + int(m)*100 + d)
}

// Bounds returns [from, until) of the day.
func (d Day) Bounds() (from, until Instant) {
	t := time.Date(int(d)/10000, time.Month(int(d)/100%100), int(d)%100, 0, 0, 0, 0, Shanghai)
	return From(t), From(t.AddDate(0, 0, 1))
}

// AddMonths is the same day n months later, or the last day of that month where it has
// no such day.
func (d Day) AddMonths(n int) Day {
	first := time.Date(int(d)/10000, time.Month(int(d)/100%100)+time.Month(n), 1, 0, 0, 0, 0, Shanghai)
	last := first.AddDate(0, 1, -1).Day()
	return DayOf(From(first.AddDate(0, 0, min(int(d)%100, last)-1)))
}

// AddDays is n days later.
func (d Day) AddDays(n int) Day {
	from, _ := d.Bounds()
	return DayOf(From(from.Time().AddDate(0, 0, n)))
}

// MonthEnd is the last day of the day's month.
func (d Day) MonthEnd() Day { return (d/100*100 + 1).AddMonths(1).AddDays(-1) }

// Text is 2026-11-20.
func (d Day) Text() string {
	return fmt.Sprintf("%04d-%02d-%02d", int(d)/10000, int(d)/100%100, int(d)%100)
}

// Clock tells the time. Production uses System; tests use Fake.
type Clock interface{ Now() Instant }

type system struct{}

func (system) Now() Instant { return From(time.Now().Add(fail.Skew())) }

// System is the machine's clock.
func System() Clock { return system{} }

// Fake stands still until told otherwise. Safe for concurrent use.
type Fake struct {
	mu sync.Mutex
	at Instant
}

// NewFake starts at a moment.
func NewFake(at Instant) *Fake { return &Fake{at: at} }

// Now returns the moment set last.
func (f *Fake) Now() Instant {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

// Advance moves the clock; a negative d is a clock that jumps back.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = f.at.Add(d)
}

// Set puts the clock anywhere.
func (f *Fake) Set(at Instant) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = at
}

// Wall is the machine's time with its monotonic part: for durations and for libraries
// that want a func() time.Time, never for anything that is stored.
func Wall() time.Time { return time.Now() }
