package wecom

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
)

// Kinds of Sync: of a corp its groups and its contacts, of an official account the
// unionids of its followers.
const (
	Chats     = "chats"
	Contacts  = "contacts"
	Followers = "followers"
)

// States of a Sync.
const (
	Idle    = "idle"
	Running = "running"
	Failed  = "failed" // WeChat refused; Error says what to change
)

// Sync is a round over everything an account knows of one kind.
type Sync struct {
	ID        id.ID         `json:"id"`
	AccountID id.ID         `json:"account_id"`
	BrandID   id.ID         `json:"-"`
	Kind      string        `json:"kind"`
	State     string        `json:"state"`
	RoundNo   int64         `json:"round"`
	Place     string        `json:"-"`
	Version   int64         `json:"-"`
	Pages     int64         `json:"pages"` // of this round
	Seen      int64         `json:"seen"`  // of this round
	DayNo     int64         `json:"-"`
	Calls     int64         `json:"-"`
	StartedAt clock.Instant `json:"started_at"`
	EndedAt   clock.Instant `json:"ended_at"`
	Error     string        `json:"error"`
}

// TableName names the table for GORM.
func (Sync) TableName() string { return "wecom_sync" }

// errOvertaken: another worker did this page.
var errOvertaken = fault.New(fault.Unavailable, "sync_overtaken", "同步正由另一个进程进行")

// Start begins a round unless one is on its way, and returns how it stands.
func (s *Store) Start(ctx context.Context, a Account, kind string) (Sync, error) {
	if kind != Chats && kind != Contacts && kind != Followers {
		return Sync{}, fault.NewInvalid("sync_kind", "同步内容应为 chats、contacts 或 followers").With("field", "kind")
	}
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		rows := db.NewRows("wecom_sync", "id, account_id, brand_id, kind, state, round_no, place, version, pages, seen, day_no, calls, started_at, ended_at, error")
		rows.Add(s.DB.NewID(), a.ID, a.BrandID, kind, Idle, 0, "", 0, 0, 0, 0, 0, 0, 0, "")
		if _, err := rows.Insert(ctx, tx, s.DB.Once("account_id")); err != nil {
			return err
		}
		r := tx.Model(&Sync{}).Where("account_id = ? AND kind = ? AND state <> ?", a.ID, kind, Running).Updates(map[string]any{"state": Running,
			"round_no": gorm.Expr("round_no + 1"), "version": gorm.Expr("version + 1"), "place": "", "pages": 0, "seen": 0, "started_at": s.DB.Now(), "ended_at": 0, "error": ""})
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		var row []id.ID
		if err := tx.Model(&Sync{}).Where("account_id = ? AND kind = ?", a.ID, kind).Pluck("id", &row).Error; err != nil {
			return err
		}
		_, err := s.Outbox.PutTx(ctx, tx, TaskSync, row[0], 0)
		return err
	})
	if err != nil {
		return Sync{}, wrap("start", err)
	}
	s.Outbox.Nudge()
	var y Sync
	err = s.DB.Read(ctx).Where("account_id = ? AND kind = ?", a.ID, kind).Take(&y).Error
	return y, wrap("start", err)
}

// StartDue is Start if the last round ended, or failed, at least every ago.
func (s *Store) StartDue(ctx context.Context, a Account, kind string, every time.Duration) error {
	var y Sync
	err := s.DB.Read(ctx).Where("account_id = ? AND kind = ?", a.ID, kind).Take(&y).Error
	if err != nil && !db.IsNotFound(err) {
		return wrap("due", err)
	}
	if err == nil && (y.State == Running || s.DB.Now().Sub(y.StartedAt) < every) {
		return nil
	}
	_, err = s.Start(ctx, a, kind)
	return err
}

// Round reads one sync. Fault: NotFound sync_not_found.
func (s *Store) Round(ctx context.Context, row id.ID) (Sync, error) {
	var y Sync
	err := s.DB.Read(ctx).Where("id = ?", row).Take(&y).Error
	if db.IsNotFound(err) {
		return y, fault.New(fault.NotFound, "sync_not_found", "没有这个同步任务")
	}
	return y, wrap("round", err)
}

// Rounds lists an account's syncs.
func (s *Store) Rounds(ctx context.Context, accountID id.ID) ([]Sync, error) {
	out := []Sync{}
	err := s.DB.Read(ctx).Where("account_id = ?", accountID).Order("kind").Find(&out).Error
	return out, wrap("rounds", err)
}

// advance moves a sync to its next page, or ends the round. Fault: Unavailable
// sync_overtaken.
func (s *Store) advance(ctx context.Context, y Sync, place string, seen int, end bool) (Sync, error) {
	set := map[string]any{"place": place, "version": y.Version + 1, "pages": y.Pages + 1, "seen": y.Seen + int64(seen)}
	next := y
	next.Place, next.Version, next.Pages, next.Seen = place, y.Version+1, y.Pages+1, y.Seen+int64(seen)
	if end {
		next.State, next.EndedAt = Idle, s.DB.Now()
		set["state"], set["ended_at"], set["place"] = next.State, next.EndedAt, ""
	}
	return next, s.guarded(ctx, y, set)
}

func (s *Store) guarded(ctx context.Context, y Sync, set map[string]any) error {
	return wrap("advance", s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Sync{}).Where("id = ? AND version = ? AND state = ?", y.ID, y.Version, Running).Updates(set)
		if r.Error == nil && r.RowsAffected == 0 {
			return errOvertaken
		}
		return r.Error
	}))
}

// FailRound ends a round that WeChat refused.
func (s *Store) FailRound(ctx context.Context, y Sync, why string) error {
	return s.guarded(ctx, y, map[string]any{"state": Failed, "version": y.Version + 1, "ended_at": s.DB.Now(), "error": cut(why, 200)})
}

// Spend counts one call against the account's day, in Shanghai. ok is false when the day
// has no more.
func (s *Store) Spend(ctx context.Context, y Sync, perDay int) (ok bool, err error) {
	today := int64(clock.DayOf(s.DB.Now()))
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("UPDATE wecom_sync SET calls = CASE WHEN day_no = ? THEN calls + 1 ELSE 1 END, day_no = ? WHERE id = ? AND (day_no <> ? OR calls < ?)", today, today, y.ID, today, perDay)
		ok = r.RowsAffected == 1
		return r.Error
	})
	return ok && perDay > 0, wrap("spend", err)
}

// StepChats writes one page of group ids. next "" ends the round: groups that no page
// named are looked at too, for they may be gone.
func (s *Store) StepChats(ctx context.Context, y Sync, chatIDs []string, next string) (Sync, error) {
	a := Account{ID: y.AccountID, BrandID: y.BrandID}
	if err := s.MarkChats(ctx, a, chatIDs, y.RoundNo); err != nil {
		return y, err
	}
	if next == "" {
		var unseen []string
		err := s.DB.Read(ctx).Model(&Chat{}).Where("account_id = ? AND state = ? AND seen_round < ? AND created_at < ?", y.AccountID, Live, y.RoundNo, y.StartedAt).
			Order("id").Pluck("chat_id", &unseen).Error
		if err != nil {
			return y, wrap("unseen", err)
		}
		for part := range slices.Chunk(unseen, 500) {
			if err := s.MarkChats(ctx, a, part, y.RoundNo); err != nil {
				return y, err
			}
		}
	}
	return s.advance(ctx, y, next, len(chatIDs), next == "")
}

// staffMost is how many of the staff one page of contacts may be asked for.
const staffMost = 100

// StaffPlace is where a round over contacts is: which of the staff, and WeCom's cursor
// within them.
type StaffPlace struct {
	After  string `json:"after"` // the last of the staff who is done, in the order of userids
	Cursor string `json:"cursor"`
}

// StaffAt says whom of the staff the next page of a round is about; none ends it.
func (y Sync) StaffAt(staff []string) (users []string, p StaffPlace, err error) {
	if y.Place != "" {
		if err := json.Unmarshal([]byte(y.Place), &p); err != nil {
			return nil, p, wrap("place", err)
		}
	}
	staff = slices.Compact(slices.Sorted(slices.Values(staff)))
	staff = slices.DeleteFunc(staff, func(u string) bool { return u <= p.After })
	return staff[:min(len(staff), staffMost)], p, nil
}

// StepContacts writes one page of contacts of some of the staff; of those in failed WeCom
// told nothing. next "" ends those of the staff. began is when WeCom was asked.
func (s *Store) StepContacts(ctx context.Context, y Sync, users, failed []string, list []Seen, next string, began clock.Instant) (Sync, error) {
	a, err := s.Accounts(ctx, y.AccountID)
	if err != nil {
		return y, err
	}
	if err := s.putContacts(ctx, a, list, began, y.RoundNo); err != nil {
		return y, err
	}
	_, p, err := y.StaffAt(nil)
	if err != nil {
		return y, err
	}
	if p.Cursor = next; next == "" {
		p.After = users[len(users)-1]
		told := slices.DeleteFunc(slices.Clone(users), func(u string) bool { return slices.Contains(failed, u) })
		if err := s.loseOf(ctx, y, told); err != nil {
			return y, err
		}
	}
	place, err := json.Marshal(p)
	if err != nil {
		return y, wrap("place", err)
	}
	return s.advance(ctx, y, string(place), len(list), false)
}

// loseOf ends the contacts of some of the staff that the round did not see.
func (s *Store) loseOf(ctx context.Context, y Sync, users []string) error {
	if len(users) == 0 {
		return nil
	}
	return s.lose(ctx, s.DB.Read(ctx).Where("account_id = ? AND userid IN ? AND seen_round < ?", y.AccountID, users, y.RoundNo), y.StartedAt)
}

// EndContacts ends a round over contacts: who left the staff has none any more.
func (s *Store) EndContacts(ctx context.Context, y Sync, staff []string) (Sync, error) {
	var users []string
	err := s.DB.Read(ctx).Model(&Contact{}).Where("account_id = ? AND state = ?", y.AccountID, Active).Distinct().Pluck("userid", &users).Error
	if err != nil {
		return y, wrap("end contacts", err)
	}
	users = slices.DeleteFunc(users, func(u string) bool { return slices.Contains(staff, u) })
	for part := range slices.Chunk(users, 500) {
		if err := s.loseOf(ctx, y, part); err != nil {
			return y, err
		}
	}
	return s.advance(ctx, y, "", 0, true)
}

// SeenFollower is a follower as WeChat's API answers.
type SeenFollower struct{ OpenID, UnionID string }

// NextFollowers lists the openids that the next page of a round asks for; none ends it.
func (s *Store) NextFollowers(ctx context.Context, y Sync, limit int) ([]string, error) {
	return s.Deps.Followers.Unjoined(ctx, y.AccountID, y.Place, limit)
}

// StepFollowers joins the unionids of a page of followers to their openids, under the
// rules of identity. asked is the page that was asked for; an empty one ends the round.
func (s *Store) StepFollowers(ctx context.Context, y Sync, asked []string, list []SeenFollower) (Sync, error) {
	if len(asked) == 0 {
		return s.advance(ctx, y, "", 0, true)
	}
	a, err := s.Accounts(ctx, y.AccountID)
	if err != nil {
		return y, err
	}
	var items []identity.Item
	for _, f := range list {
		if f.UnionID != "" {
			items = append(items, identity.Item{Keys: []identity.Key{{Kind: identity.OpenID, Scope: a.CorpID, Value: f.OpenID}, {Kind: identity.UnionID, Value: f.UnionID}}})
		}
	}
	// What contradicts (a second unionid for one human) is left out and stays as it is.
	if _, err := s.People.ResolveMany(ctx, items, identity.Evidence{Event: identity.WeChatPush, Channel: "callback"}); err != nil {
		return y, err
	}
	return s.advance(ctx, y, asked[len(asked)-1], len(items), false)
}

// Standing is how an account and what is known of it stand.
type Standing struct {
	Rounds      []Sync `json:"rounds"`
	Chats       int64  `json:"chats"`        // live customer groups
	FailedChats int64  `json:"failed_chats"` // of them, those whose last look failed
	Contacts    int64  `json:"contacts"`     // active; a person with two of the staff counts twice
}

// Standing counts what is known of an account.
func (s *Store) Standing(ctx context.Context, accountID id.ID) (st Standing, err error) {
	if st.Rounds, err = s.Rounds(ctx, accountID); err != nil {
		return st, err
	}
	for _, q := range []struct {
		into  *int64
		stmt  string
		state string
	}{
		{&st.Chats, "SELECT COUNT(*) FROM wecom_chat WHERE account_id = ? AND state = ?", Live},
		{&st.FailedChats, "SELECT COUNT(*) FROM wecom_chat WHERE account_id = ? AND state = ? AND error <> ''", Live},
		{&st.Contacts, "SELECT COUNT(*) FROM wecom_contact WHERE account_id = ? AND state = ?", Active},
	} {
		if err := s.DB.Read(ctx).Raw(q.stmt, accountID, q.state).Scan(q.into).Error; err != nil {
			return st, wrap("standing", err)
		}
	}
	return st, nil
}
