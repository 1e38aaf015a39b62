package insight_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/id"
	"siyu/model/insight"
	"siyu/model/tally"
)

// morning is a brand's page with rows behind it.
type morning struct {
	*testing.T
	d     *db.DB
	clk   *clock.Fake
	s     *insight.Store
	count *tally.Counter
	rows  int64
}

func newMorning(t *testing.T, d *db.DB, clk *clock.Fake) *morning {
	return &morning{t, d, clk, insight.New(d), tally.NewCounter(tally.New(d)), 0}
}

func (m *morning) exec(stmt string, args ...any) {
	m.Helper()
	if err := m.d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
		m.Fatal(err)
	}
}

func (m *morning) scan(brand, member int64, province string) id.ID {
	m.Helper()
	m.rows++
	made := m.d.NewID()
	m.exec(`INSERT INTO scan (id, brand_id, product_id, batch_id, serial, member_id, visitor, window_no, verdict, province, city, exact_place, ip, user_agent, at)
		VALUES (?,?,7,1,?,?,'',0,'',?,'','','','',?)`, made, brand, m.rows, member, province, m.clk.Now())
	return made
}

// at waits for a moment of Shanghai's day that began at noon of the 21st.
func (m *morning) at(day, hour, minute int) {
	m.Helper()
	m.clk.Set(clock.From(time.Date(2026, 11, day, hour, minute, 0, 0, clock.Shanghai)))
}

func (m *morning) home(brand id.ID) insight.Home {
	m.Helper()
	for more := true; more; {
		var err error
		if more, err = m.count.Run(context.Background()); err != nil {
			m.Fatal(err)
		}
	}
	h, err := m.s.Home(context.Background(), brand)
	if err != nil {
		m.Fatal(err)
	}
	return h
}

func TestTodayIsComparedWithTheSameTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		m := newMorning(t, d, clk)
		m.at(20, 9, 5)
		for range 14 {
			m.scan(1, 5, "上海市")
		}
		m.at(21, 9, 5)
		m.scan(1, 5, "上海市")
		m.scan(2, 5, "上海市") // another brand's
		m.at(21, 18, 0)
		m.scan(1, 5, "广东省")
		m.at(22, 9, 1)
		m.scan(1, 5, "广东省")
		m.at(22, 9, 12)
		m.scan(1, 0, "")
		m.exec("INSERT INTO member (id, person_id, state, created_at) VALUES (?, 1, 'active', ?)", d.NewID(), clk.Now())
		m.exec("INSERT INTO member (id, person_id, state, created_at) VALUES (?, 2, 'erased', ?)", d.NewID(), clk.Now())
		clk.Advance(10 * time.Second)
		h := m.home(1)
		g := h.Growth[0]
		if g.Key != insight.GrowScans || g.Today != 2 || g.Compared != 1 || g.Yesterday != 1 || g.YesterdayAll != 2 || g.Week != 2 {
			t.Errorf("%+v", g)
		}
		if n := len(g.Days); n != 30 || g.Days[n-1].Day != 20261122 || g.Days[n-1].Number != 2 || g.Days[n-2].Number != 2 || g.Days[n-3].Number != 14 {
			t.Errorf("%+v", g.Days)
		}
		if h.Hours[9].Today != 2 || h.Hours[9].Yesterday != 1 || h.Hours[18].Yesterday != 1 {
			t.Errorf("%+v", h.Hours)
		}
		if fmt.Sprint(h.Regions) != "[{广东省 1 1} { 1 0} {上海市 0 1}]" {
			t.Error(h.Regions)
		}
		if h.Members != 1 {
			t.Error("members:", h.Members)
		}
		if late := clk.Now().Sub(h.AsOf); late < 0 || late > 3*time.Second {
			t.Error("as of", h.AsOf)
		}
		if h.ComparedAt.Local() != "2026-11-22 09:10" {
			t.Error("compared at", h.ComparedAt.Local())
		}
	})
}

func TestWhatWaitsForAPerson(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		m := newMorning(t, d, clk)
		all := func(string) bool { return true }
		list := func(brand id.ID, allowed func(string) bool) []insight.Waiting {
			t.Helper()
			out, err := m.s.Waiting(ctx, brand, 9, allowed)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if got := list(1, all); len(got) != 0 {
			t.Fatalf("an empty install: %+v", got)
		}
		old := clk.Now().Add(-time.Hour)
		for i := range 3 {
			m.exec(`INSERT INTO community_alarm (id, brand_id, leader_id, community_id, live_code_id, kind, alarm_key, text, state, by_id, note, created_at, done_at)
				VALUES (?,1,1,1,0,'full',?,'','open',0,'',?,0)`, d.NewID(), fmt.Sprint(i), old.Add(time.Duration(i)*time.Minute))
		}
		m.exec(`INSERT INTO rights_request (id, member_id, kind, state, open_key, channel, operator_id, detail, answer, due_at, start_at, created_at, decided_at, decided_by, finished_at, expires_at, downloads, file_bytes, file_hash, proof)
			VALUES (?,1,'erase','requested','k','h5',0,'','',?,0,?,0,0,0,0,0,0,'','')`, d.NewID(), clk.Now().Add(24*time.Hour), old)
		got := list(1, all)
		if len(got) != 2 || got[0].Kind != "rights" || !got[0].Urgent || got[0].DueAt != clk.Now().Add(24*time.Hour) || got[1].Kind != "group_alarm" || got[1].Count != 3 || got[1].OldestAt != old || got[1].Urgent {
			t.Fatalf("%+v", got)
		}
		for i, days := range []int{1, 4} { // of two batches one is older than three days
			m.exec("INSERT INTO batch (id, brand_id, product_id, slot, from_position, count, name, created_at) VALUES (?, 1, 1, 0, ?, 1, '', ?)",
				d.NewID(), i, clk.Now().Add(-time.Duration(days)*24*time.Hour))
		}
		mayWrite := func(p string) bool { return p == "code:write" }
		if got := list(1, mayWrite); len(got) != 1 || got[0].Kind != "batch_idle" || got[0].Count != 1 || got[0].Urgent {
			t.Errorf("batches of which nothing was declared: %+v", got)
		}
		m.exec("INSERT INTO code_range (id, batch_id, seq, from_serial, until_serial, state, effective_at, reason, created_at) SELECT id, id, 1, 1, 2, 'active', 0, '', created_at FROM batch")
		if got := list(1, mayWrite); len(got) != 0 {
			t.Errorf("all are active: %+v", got)
		}
		pack := func(doneAgo time.Duration, state string, downloads ...int) {
			t.Helper()
			x := d.NewID()
			m.exec(`INSERT INTO export (id, brand_id, batch_id, from_serial, until_serial, kind, url_form, options, state, done, password, password_taken_at, max_downloads, error, lease_owner, lease_until, beat, created_by, created_at, started_at, finished_at, expires_at)
				VALUES (?, 1, 1, 1, 2, 'csv', 'short', '', ?, 1, '', 0, 3, '', 0, 0, 0, 1, 0, 0, ?, 0)`, x, state, clk.Now().Add(-doneAgo))
			for i, n := range downloads {
				m.exec("INSERT INTO export_part (export_id, part, from_serial, until_serial, name, file, bytes, sha256, checked, downloads, created_at) VALUES (?, ?, 1, 2, '', '', 1, '', 1, ?, 0)", x, i+1, n)
			}
		}
		mayFetch := func(p string) bool { return p == "export:download" }
		pack(23*time.Hour, "ready", 0)      // there is time
		pack(25*time.Hour, "ready", 1, 2)   // fetched
		pack(99*time.Hour, "expired", 0)    // nobody can any more
		pack(99*time.Hour, "running", 0, 0) // not there yet
		if got := list(1, mayFetch); len(got) != 0 {
			t.Errorf("packs that need nobody: %+v", got)
		}
		pack(25*time.Hour, "ready", 1, 0) // one of two files
		if got := list(1, mayFetch); len(got) != 1 || got[0].Kind != "pack_unfetched" || got[0].Count != 1 || got[0].Urgent {
			t.Errorf("a pack of which a part was not fetched: %+v", got)
		}
		pack(80*time.Hour, "ready", 0)
		if got := list(1, mayFetch); len(got) != 1 || got[0].Count != 2 || !got[0].Urgent || got[0].OldestAt != clk.Now().Add(-80*time.Hour) {
			t.Errorf("one of them since three days: %+v", got)
		}
		if got := list(1, mayWrite); len(got) != 0 {
			t.Errorf("who may not fetch is not told: %+v", got)
		}
		if got := list(2, all); len(got) != 1 { // people's rights are the whole house's
			t.Errorf("another brand: %+v", got)
		}
		if got := list(1, func(p string) bool { return p == "group:write" }); len(got) != 1 || got[0].Kind != "group_alarm" {
			t.Errorf("only alarms: %+v", got)
		}
	})
}

func TestRecentIsNewestFirstAndOfOneBrand(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		m := newMorning(t, d, clk)
		m.exec("INSERT INTO brand (id, slug, name, code_host, upper_url, support_phone, created_at, updated_at) VALUES (1, 'a', '', '', 0, '', 0, 0)")
		m.exec("INSERT INTO product (id, brand_id, gtin, name, spec, picture_url, scan_points, points_percent, created_at, updated_at) VALUES (7, 1, '1', '酱油', '', '', 0, 0, 0, 0)")
		for range 25 {
			m.scan(1, 120004321, "")
			clk.Advance(time.Second)
		}
		m.scan(2, 5, "")
		clk.Advance(3 * time.Hour)
		m.home(1)
		last := m.scan(1, 0, "") // not counted yet
		got, err := m.s.Recent(ctx, 1)
		if err != nil || len(got) != 20 {
			t.Fatal(len(got), err)
		}
		if got[0].Key != "scan:"+last.String() || got[0].Who != "" || got[0].Product != "酱油" || got[1].Who != "004321" {
			t.Fatalf("%+v", got[:2])
		}
		for i := range got[1:] {
			if got[i].At < got[i+1].At {
				t.Fatal("not newest first")
			}
		}
	})
}
