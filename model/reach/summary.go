package reach

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Way is one way to a brand's people, and how it stands.
type Way struct {
	Use
	AccountName  string        `json:"account_name"`
	AccountKind  string        `json:"account_kind"` // official, mini or wecom; "" of text messages
	UsedToday    int64         `json:"used_today"`
	PerDay       int64         `json:"per_day"`       // calls that the day has
	StoppedUntil clock.Instant `json:"stopped_until"` // none: not stopped
	StopCode     string        `json:"stop_code"`     // WeChat's
	Grants       int64         `json:"grants"`        // that are left, over all people; of Subscribe
	GrantsMore   bool          `json:"grants_more"`   // of so many people that not all were counted
}

// Ways lists all ways to a brand's people: by each of its accounts, and by each template
// that anybody has granted, the most granted first.
func (s *Store) Ways(ctx context.Context, brandID id.ID) ([]Way, error) {
	tx, today := s.DB.Read(ctx), clock.DayOf(s.DB.Now())
	accounts, err := s.AccountsOf(ctx, brandID)
	if err != nil {
		return nil, err
	}
	policy, err := policyOf(tx, brandID)
	if err != nil {
		return nil, err
	}
	out, ids := []Way{}, []id.ID{brandID}
	for _, a := range accounts {
		ids = append(ids, a.ID)
		for _, channel := range map[string][]string{brand.Official: {Custom, Mass}, brand.Mini: {Custom}, brand.WeCom: {WeCom}}[a.Kind] {
			out = append(out, Way{Use: Use{Channel: channel, AccountID: a.ID}, AccountName: a.Name, AccountKind: a.Kind})
		}
	}
	granted, err := s.granted(tx, ids)
	if err != nil {
		return nil, err
	}
	for _, g := range granted {
		i := slices.IndexFunc(accounts, func(a brand.Account) bool { return a.ID == g.AccountID })
		out = append(out, Way{Use: Use{Subscribe, g.AccountID, g.TemplateID}, AccountName: accounts[i].Name, AccountKind: accounts[i].Kind, Grants: g.Grants, GrantsMore: g.People == db.MaxTotal})
	}
	if !s.NoSMS {
		out = append(out, Way{Use: Use{Channel: SMS}})
	}
	slices.SortStableFunc(out, func(a, b Way) int { return slices.Index(Channels(), a.Channel) - slices.Index(Channels(), b.Channel) })
	return out, s.standing(tx, policy, brandID, ids, today, out)
}

// granted is what is left of a template's grants.
type granted struct {
	AccountID      id.ID
	TemplateID     string
	People, Grants int64
}

// granted lists the templates of accounts that are granted, the most granted first, at most
// MaxUses. The grants of up to db.MaxTotal people are added up: all of a million took seconds.
func (s *Store) granted(tx *gorm.DB, accounts []id.ID) ([]granted, error) {
	var list []granted
	if err := tx.Raw("SELECT account_id, template_id FROM reach_grant WHERE account_id IN ? GROUP BY account_id, template_id", accounts).Scan(&list).Error; err != nil {
		return nil, fmt.Errorf("reach: templates: %w", err)
	}
	for i := range list {
		g := &list[i]
		err := tx.Raw("SELECT COUNT(*) AS people, COALESCE(SUM(left_n), 0) AS grants FROM (SELECT left_n FROM reach_grant WHERE account_id = ? AND template_id = ? AND left_n > 0 ORDER BY left_n DESC LIMIT ?) AS few",
			g.AccountID, g.TemplateID, db.MaxTotal).Row().Scan(&g.People, &g.Grants)
		if err != nil {
			return nil, fmt.Errorf("reach: grants: %w", err)
		}
	}
	list = slices.DeleteFunc(list, func(g granted) bool { return g.Grants == 0 })
	slices.SortFunc(list, func(a, b granted) int {
		return cmp.Or(cmp.Compare(b.Grants, a.Grants), cmp.Compare(a.TemplateID, b.TemplateID))
	})
	return list[:min(len(list), MaxUses)], nil
}

// standing fills in what was used and what is stopped.
func (s *Store) standing(tx *gorm.DB, policy Policy, brandID id.ID, accounts []id.ID, today clock.Day, ways []Way) error {
	var used []struct {
		AccountID id.ID
		Channel   string
		Used      int64
	}
	if err := tx.Raw("SELECT account_id, channel, SUM(used) AS used FROM reach_quota WHERE account_id IN ? AND day_no = ? GROUP BY account_id, channel", accounts, today).Scan(&used).Error; err != nil {
		return fmt.Errorf("reach: ways: %w", err)
	}
	var stops []struct {
		AccountID     id.ID
		Channel, Code string
		UntilAt       clock.Instant
	}
	if err := tx.Raw("SELECT account_id, channel, code, until_at FROM reach_stop WHERE account_id IN ? AND until_at > ?", accounts, s.DB.Now()).Scan(&stops).Error; err != nil {
		return fmt.Errorf("reach: ways: %w", err)
	}
	for i := range ways {
		w := &ways[i]
		w.PerDay = policy.perDay(w.Channel)
		account := w.AccountID
		if w.Channel == SMS {
			account = brandID
		}
		for _, u := range used {
			if u.AccountID == account && u.Channel == w.Channel {
				w.UsedToday = u.Used
			}
		}
		for _, x := range stops {
			if x.AccountID == account && x.Channel == w.Channel {
				w.StoppedUntil, w.StopCode = x.UntilAt, x.Code
			}
		}
	}
	return nil
}

// Summary says of how many of a brand's people each reason holds (可达性). Whoever can be
// reached counts under the first of the ways; the sums of First and Reasons are People.
type Summary struct {
	BrandID   id.ID         `json:"brand_id"`
	Purpose   string        `json:"purpose"`
	AsOf      clock.Instant `json:"as_of"`    // none: not counted yet, a count is under way
	Renewing  bool          `json:"renewing"` // older than it should be; a new count is under way
	People    int64         `json:"people"`
	Reachable int64         `json:"reachable"`
	Ways      []WayCount    `json:"ways"`
	Reasons   []ReasonCount `json:"reasons"` // in the order in which they count
}

// WayCount is a way and how many it reaches.
type WayCount struct {
	Use
	AccountName string `json:"account_name"`
	First       int64  `json:"first"` // people whom no way before it reaches
	Able        int64  `json:"able"`  // people whom it reaches
}

// ReasonCount is a reason and how many it concerns.
type ReasonCount struct {
	Word
	People int64 `json:"people"`
}

const (
	// summaryFor is how old a count may be.
	summaryFor = 5 * time.Minute
	// summaryWait is how long somebody waits for a count; a longer one is made for him by
	// Recount.
	summaryWait = 2 * time.Second
	// summaryTried is how long nobody waits again after somebody waited in vain.
	summaryTried = 2 * time.Minute
	// summaryFew is up to how many people are counted while somebody waits who could have
	// the last count.
	summaryFew = 50_000
	// summaryBusy is after how long a count that did not end is begun anew.
	summaryBusy = 15 * time.Minute
	// summaryAsked is how long a count is renewed after somebody looked.
	summaryAsked = time.Hour
)

// Summary is how a brand's people can be reached. Counting many people takes longer than
// anybody waits: then the answer is the last count, and a new one follows. Faults: Invalid
// reach_ask.
func (s *Store) Summary(ctx context.Context, brandID id.ID, purpose string) (Summary, error) {
	if purpose != Marketing && purpose != Service {
		return Summary{}, fault.NewInvalid("reach_ask", "用途应为营销或服务").With("field", "purpose")
	}
	now := s.DB.Now()
	last := Summary{BrandID: brandID, Purpose: purpose, Ways: []WayCount{}, Reasons: []ReasonCount{}}
	var rows []struct {
		Body               string
		AskedAt, BusyUntil clock.Instant
	}
	if err := s.DB.Read(ctx).Raw("SELECT body, asked_at, busy_until FROM reach_summary WHERE brand_id = ? AND purpose = ?", brandID, purpose).Scan(&rows).Error; err != nil {
		return last, fmt.Errorf("reach: summary: %w", err)
	}
	if len(rows) == 1 && rows[0].Body != "" {
		if err := json.Unmarshal([]byte(rows[0].Body), &last); err != nil {
			return last, fmt.Errorf("reach: summary: %w", err)
		}
	}
	if age := now.Sub(last.AsOf); last.AsOf != 0 && age >= 0 && age < summaryFor && now.Sub(rows[0].AskedAt) < time.Minute {
		return last, nil
	}
	if err := s.asked(ctx, brandID, purpose); err != nil {
		return last, err
	}
	if age := now.Sub(last.AsOf); last.AsOf != 0 && age >= 0 && age < summaryFor {
		return last, nil
	}
	tried := len(rows) == 1 && last.AsOf == 0 && now.Sub(rows[0].AskedAt) < summaryTried
	if tried || last.People > summaryFew || len(rows) == 1 && rows[0].BusyUntil > now {
		last.Renewing = true
		return last, nil
	}
	short, cancel := context.WithTimeout(ctx, summaryWait)
	defer cancel()
	fresh, err := s.count(short, brandID, purpose)
	if err != nil && errors.Is(short.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		last.Renewing = true
		return last, nil
	}
	if err != nil {
		return last, err
	}
	return fresh, s.keepSummary(ctx, fresh)
}

// asked notes that somebody looked.
func (s *Store) asked(ctx context.Context, brandID id.ID, purpose string) error {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("INSERT INTO reach_summary (brand_id, purpose, body, asked_at, as_of, busy_until) VALUES (?,?,'',?,0,0)"+s.DB.Once("brand_id"), brandID, purpose, s.DB.Now())
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		return tx.Exec("UPDATE reach_summary SET asked_at = ? WHERE brand_id = ? AND purpose = ?", s.DB.Now(), brandID, purpose).Error
	})
	if err != nil {
		return fmt.Errorf("reach: summary: %w", err)
	}
	return nil
}

func (s *Store) keepSummary(ctx context.Context, x Summary) error {
	body, err := json.Marshal(x)
	if err != nil {
		return err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE reach_summary SET body = ?, as_of = ?, busy_until = 0 WHERE brand_id = ? AND purpose = ? AND as_of <= ?", string(body), x.AsOf, x.BrandID, x.Purpose, x.AsOf).Error
	})
	if err != nil {
		return fmt.Errorf("reach: summary: %w", err)
	}
	return nil
}

// Recount renews the counts that somebody looked at within the hour and that are old.
func (s *Store) Recount(ctx context.Context) error {
	now := s.DB.Now()
	var due []struct {
		BrandID id.ID
		Purpose string
	}
	err := s.DB.Read(ctx).Raw("SELECT brand_id, purpose FROM reach_summary WHERE asked_at > ? AND as_of < ?", now.Add(-summaryAsked), now.Add(-summaryFor)).Scan(&due).Error
	if err != nil {
		return fmt.Errorf("reach: recount: %w", err)
	}
	for _, x := range due {
		var mine bool
		err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
			r := tx.Exec("UPDATE reach_summary SET busy_until = ? WHERE brand_id = ? AND purpose = ? AND busy_until <= ?", now.Add(summaryBusy), x.BrandID, x.Purpose, now)
			mine = r.RowsAffected == 1
			return r.Error
		})
		if err != nil {
			return fmt.Errorf("reach: recount: %w", err)
		}
		if !mine { // another process counts
			continue
		}
		fresh, err := s.count(ctx, x.BrandID, x.Purpose)
		if err == nil {
			err = s.keepSummary(ctx, fresh)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// anyTemplate stands for each of an account's template messages: whom one reaches, all do.
// Which ones an account has nobody knows but WeChat.
const anyTemplate = "any"

// templated adds the template messages of each official account, which tell of services only.
func templated(ways []Way) []Way {
	out := slices.Clone(ways)
	for _, w := range ways {
		if w.Channel == Mass {
			out = append(out, Way{Use: Use{Template, w.AccountID, anyTemplate}, AccountName: w.AccountName, AccountKind: w.AccountKind})
		}
	}
	slices.SortStableFunc(out, func(a, b Way) int { return slices.Index(Channels(), a.Channel) - slices.Index(Channels(), b.Channel) })
	return out
}

// count judges all people of a brand.
func (s *Store) count(ctx context.Context, brandID id.ID, purpose string) (Summary, error) {
	out := Summary{BrandID: brandID, Purpose: purpose, AsOf: s.DB.Now(), Ways: []WayCount{}, Reasons: []ReasonCount{}}
	ways, err := s.Ways(ctx, brandID)
	if err != nil {
		return out, err
	}
	if purpose == Service {
		ways = templated(ways)
	}
	if len(ways) > MaxUses {
		ways = ways[:MaxUses]
	}
	a := Ask{BrandID: brandID, Purpose: purpose, At: out.AsOf}
	for _, w := range ways {
		a.Uses = append(a.Uses, w.Use)
		if w.Channel == Template {
			w.TemplateID = ""
		}
		out.Ways = append(out.Ways, WayCount{Use: w.Use, AccountName: w.AccountName})
	}
	if err := s.check(ctx, &a); err != nil {
		return out, err
	}
	reasons := map[string]int64{}
	err = s.pages(ctx, a, func(f *facts, people []id.ID) error {
		ours, err := s.ours(s.DB.Read(ctx), brandID, f)
		if err != nil {
			return err
		}
		for _, m := range people {
			if !ours[m] {
				continue
			}
			x, _ := f.answer(m)
			if out.People++; x.Use >= 0 {
				out.Reachable++
				out.Ways[x.Use].First++
			} else {
				reasons[x.Reason]++
			}
			for i, why := range x.Each {
				if why == "" && x.Use >= 0 {
					out.Ways[i].Able++
				}
			}
		}
		return nil
	})
	for _, w := range Words() {
		if reasons[w.Code] > 0 {
			out.Reasons = append(out.Reasons, ReasonCount{w, reasons[w.Code]})
		}
	}
	return out, err
}

// ours are those humans who have an event at a brand or follow one of its accounts.
func (s *Store) ours(tx *gorm.DB, brandID id.ID, f *facts) (map[id.ID]bool, error) {
	out := map[id.ID]bool{}
	which, args := f.among("m.id", slices.Collect(maps.Keys(f.roots)))
	var found []id.ID
	// Who follows first: an event is a row somewhere in the largest of tables.
	err := tx.Raw("SELECT m.id FROM member m WHERE "+which+` AND (EXISTS (SELECT 1 FROM follower w JOIN account a ON a.id = w.account_id WHERE w.member_id = m.id AND w.following = 1 AND a.brand_id = ?)
		OR EXISTS (SELECT 1 FROM event e WHERE e.member_id = m.id AND e.brand_id = ?))`, append(args, brandID, brandID)...).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("reach: people of a brand: %w", err)
	}
	for _, m := range found {
		if root := f.roots[m]; root != 0 {
			out[root] = true
		}
	}
	return out, nil
}
