package reach

import (
	"context"
	"fmt"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// Person is how one human can be reached now, with everything that this rests on.
type Person struct {
	MemberID  id.ID         `json:"member_id"`
	Purpose   string        `json:"purpose"`
	AsOf      clock.Instant `json:"as_of"`
	Reason    string        `json:"reason"` // "": can be reached
	Text      string        `json:"text"`
	NotBefore clock.Instant `json:"not_before"`
	Ways      []PersonWay   `json:"ways"`
	Windows   []PersonWin   `json:"windows"`
	Messages  []PersonGot   `json:"messages"` // the last ones, newest first
	Wishes    []Wish        `json:"wishes"`
}

// PersonWay is a way and why it does not reach him.
type PersonWay struct {
	Use
	AccountName string `json:"account_name"`
	Grants      int    `json:"grants"` // left for the template
	Reason      string `json:"reason"` // "": possible
	Text        string `json:"text"`
}

// PersonWin is an open customer-service window.
type PersonWin struct {
	AccountID id.ID         `json:"account_id"`
	Deed      string        `json:"deed"` // message, menu, follow, scan, enter
	Until     clock.Instant `json:"until"`
	Left      int           `json:"left"`
}

// PersonGot is one place that was taken for him.
type PersonGot struct {
	ID         id.ID         `json:"id"`
	Purpose    string        `json:"purpose"`
	Channel    string        `json:"channel"`
	AccountID  id.ID         `json:"account_id"`
	TemplateID string        `json:"template_id"`
	TakenAt    clock.Instant `json:"taken_at"`
	State      string        `json:"state"`
	Code       string        `json:"code"`
}

// gotMost is how many of a human's messages are shown.
const gotMost = 30

// Person tells how the human behind a member can be reached. Faults: Invalid reach_ask;
// NotFound member_not_found.
func (s *Store) Person(ctx context.Context, brandID id.ID, purpose string, memberID id.ID) (Person, error) {
	if purpose != Marketing && purpose != Service {
		return Person{}, fault.NewInvalid("reach_ask", "用途应为营销或服务").With("field", "purpose")
	}
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return Person{}, err
	}
	ways, err := s.Ways(ctx, brandID)
	if err != nil {
		return Person{}, err
	}
	a := Ask{BrandID: brandID, Purpose: purpose, At: s.DB.Now()}
	for _, w := range ways[:min(len(ways), MaxUses)] {
		a.Uses = append(a.Uses, w.Use)
	}
	if err := s.check(ctx, &a); err != nil {
		return Person{}, err
	}
	tx := s.DB.Read(ctx)
	f, err := s.load(tx, a, []id.ID{memberID})
	if err != nil {
		return Person{}, err
	}
	x, _ := f.answer(memberID)
	out := Person{MemberID: memberID, Purpose: purpose, AsOf: a.At, Reason: x.Reason, NotBefore: x.NotBefore, Ways: []PersonWay{}, Windows: []PersonWin{}, Messages: []PersonGot{}}
	if x.Reason != "" {
		out.Text = Text(x.Reason)
	}
	h := f.of(memberID)
	for i, u := range a.Uses {
		w := PersonWay{Use: u, AccountName: ways[i].AccountName, Reason: x.Each[i]}
		if w.Reason != "" {
			w.Text = Text(w.Reason)
		}
		for _, c := range h.opens[u.AccountID] {
			w.Grants += c.grants[u.TemplateID]
			if u.Channel != Custom {
				continue
			}
			for _, open := range c.windows {
				out.Windows = append(out.Windows, PersonWin{u.AccountID, open.Deed, open.UntilAt, open.LeftN})
			}
		}
		out.Ways = append(out.Ways, w)
	}
	err = tx.Raw("SELECT id, purpose, channel, account_id, template_id, taken_at, state, code FROM reach_ticket WHERE member_id IN ? AND brand_id = ? ORDER BY taken_at DESC, id DESC LIMIT ?", family, brandID, gotMost).Scan(&out.Messages).Error
	if err != nil {
		return out, fmt.Errorf("reach: person: %w", err)
	}
	out.Wishes, err = s.Preferences(ctx, brandID, memberID)
	return out, err
}
