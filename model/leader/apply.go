package leader

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/lawful"
	"siyu/model/phone"
)

// Answers are what an applicant says of himself.
type Answers struct {
	Name      string `json:"name"`   // to be shown; 1 to 20 characters
	Region    string `json:"region"` // at most 40
	Community string `json:"community"`
	Phone     string `json:"phone"` // kept sealed
}

// Application is one tap on "申请成为群主".
type Application struct {
	BrandID, MemberID id.ID
	Answers           Answers
	AgreedVersion     int    // of the agreement he signs at once; 0: he signs after the approval
	IPHash            string // evidence of the signature
}

var (
	errClosed    = fault.New(fault.Conflict, "leader_closed", "品牌暂未开放群主申请")
	errBlocked   = fault.New(fault.Forbidden, "leader_member_blocked", "您的会员账号已被停用，不能申请")
	errApplied   = fault.New(fault.Conflict, "leader_applied", "您的申请已提交，正在审核，不能修改")
	errExists    = fault.New(fault.Conflict, "leader_exists", "您已经是该品牌的群主、导购或员工")
	errSuspended = fault.New(fault.Conflict, "leader_suspended", "您的资格已暂停，请联系品牌")
	errWait      = fault.New(fault.Conflict, "leader_wait", "现在还不能再次申请")
)

// asked checks answers against the questions; what was not asked is not kept. Faults:
// Invalid leader_input, phone_malformed.
func (a Answers) asked(p Programme) (Answers, phone.Number, error) {
	var number phone.Number
	wrong := func(field, text string) error { return fault.NewInvalid("leader_input", text).With("field", field) }
	out := Answers{Name: strings.TrimSpace(a.Name)}
	if between(out.Name, 1, 20) != nil {
		return out, number, wrong("name", "昵称应为 1 到 20 字")
	}
	if err := lawful.Check("name", out.Name); err != nil { // strangers read it on his invitation
		return out, number, err
	}
	for _, q := range p.Questions {
		var text string
		most := 40
		switch q.Key {
		case AskRegion:
			text = strings.TrimSpace(a.Region)
			out.Region = text
		case AskCommunity:
			text, most = strings.TrimSpace(a.Community), 400
			out.Community = text
		case AskPhone:
			text = strings.TrimSpace(a.Phone)
			out.Phone = text
		}
		if q.Required && text == "" {
			return out, number, wrong(q.Key, "请填写“"+q.Title+"”")
		}
		if between(text, 0, most) != nil {
			return out, number, wrong(q.Key, fmt.Sprintf("“%s”最多 %d 字", q.Title, most))
		}
	}
	if out.Phone == "" {
		return out, number, nil
	}
	number, err := phone.Parse(out.Phone)
	if err != nil {
		return out, number, wrong(AskPhone, fault.Of(err).Text)
	}
	return out, number, nil
}

// Apply takes an application. The same again returns the same row, whatever became of it
// meanwhile. Who was invited may apply while the programme is closed. Faults: Invalid
// leader_input; Conflict leader_closed, leader_applied, leader_exists, leader_suspended,
// leader_wait (detail may_apply_at), leader_agreement_changed, leader_agreement_missing;
// Forbidden leader_member_blocked; NotFound member_not_found.
func (s *Store) Apply(ctx context.Context, a Application) (Leader, error) {
	p, err := s.Programme(ctx, a.BrandID)
	if err != nil {
		return Leader{}, err
	}
	answers, number, err := a.Answers.asked(p)
	if err != nil {
		return Leader{}, err
	}
	hash := ""
	if answers.Phone != "" {
		hash = s.Phones.Hash(number)
	}
	family, err := s.Members.Family(ctx, a.MemberID)
	if err != nil {
		return Leader{}, err
	}
	stopped, err := s.Members.BlockedAmong(ctx, family)
	if err != nil {
		return Leader{}, err
	}
	if len(stopped) > 0 {
		return Leader{}, errBlocked
	}
	for range 3 { // of two taps at once one comes late and then finds the other's row
		l, err := s.apply(ctx, a, p, answers, hash, number, family)
		if !errors.Is(err, errState) {
			return l, err
		}
	}
	return Leader{}, errState
}

func (s *Store) apply(ctx context.Context, a Application, p Programme, answers Answers, hash string, number phone.Number, family []id.ID) (Leader, error) {
	var l Leader
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		now := s.DB.Now()
		rows := []Leader{}
		if err := tx.Where("brand_id = ? AND member_id IN ?", a.BrandID, family).Find(&rows).Error; err != nil {
			return fmt.Errorf("leader: apply: %w", err)
		}
		old, there := pick(rows)
		if there && old.State != Left && old.State != Refused {
			l = old
			return again(old, answers, hash)
		}
		for _, r := range rows { // a refusal concerns the human, whichever account he comes with
			if now < r.MayApplyAt {
				return errWait.With("may_apply_at", r.MayApplyAt)
			}
		}
		invited, err := s.takeInvitation(tx, a.BrandID, family, p, now)
		if err != nil {
			return err
		}
		if !p.Open && !invited {
			return errClosed
		}
		if hash != "" {
			if _, err := s.Phones.PutTx(ctx, tx, number); err != nil {
				return err
			}
		}
		if l, err = s.applyTx(tx, rows, a, answers, hash); err != nil || a.AgreedVersion == 0 {
			return err
		}
		return s.signTx(tx, &l, a.MemberID, a.AgreedVersion, a.IPHash)
	})
	return l, err
}

// again answers a second application of somebody whose first one stands.
func again(l Leader, a Answers, hash string) error {
	same := l.Role == RoleLeader && l.Name == a.Name && l.Region == a.Region && l.Community == a.Community && l.PhoneHash == hash
	switch {
	case l.State == Suspended:
		return errSuspended
	case same:
		return nil
	case l.State == Applied:
		return errApplied
	}
	return errExists
}

// applyTx writes the row of the member who acts.
func (s *Store) applyTx(tx *gorm.DB, rows []Leader, a Application, answers Answers, hash string) (Leader, error) {
	now := s.DB.Now()
	m := Move{ByKind: BySelf, ByID: a.MemberID, Reason: "申请成为群主", Told: toldNothing}
	if i := slices.IndexFunc(rows, func(r Leader) bool { return r.MemberID == a.MemberID }); i >= 0 {
		l := rows[i]
		err := s.moveTx(tx, &l, Applied, m, map[string]any{"role": RoleLeader, "name": answers.Name, "region": answers.Region,
			"community": answers.Community, "phone_hash": hash, "shop_name": "", "employee_no": "", "reason": "", "created_at": now})
		return l, err
	}
	l := Leader{ID: s.DB.NewID(), BrandID: a.BrandID, MemberID: a.MemberID, Role: RoleLeader, State: Applied, Rev: 1, Name: answers.Name, Region: answers.Region,
		Community: answers.Community, PhoneHash: hash, CreatedAt: now, ChangedAt: now}
	return l, s.insertTx(tx, l, m)
}

// insertTx adds a row; of two taps at once one fails with errState and asks again.
func (s *Store) insertTx(tx *gorm.DB, l Leader, m Move) error {
	r := tx.Exec(`INSERT INTO leader (id, brand_id, member_id, role, state, rev, level, level_month, name, region, community, phone_hash, shop_name, employee_no,
		signed_version, reason, created_at, changed_at, active_at, may_apply_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,0,'',?,?,?,0)`+s.DB.Once("rev"),
		l.ID, l.BrandID, l.MemberID, l.Role, l.State, l.Rev, l.Level, l.LevelMonth, l.Name, l.Region, l.Community, l.PhoneHash, l.ShopName, l.EmployeeNo,
		l.CreatedAt, l.ChangedAt, l.ActiveAt)
	if r.Error != nil {
		return fmt.Errorf("leader: insert: %w", r.Error)
	}
	if r.RowsAffected == 0 {
		return errState
	}
	return s.noteTx(tx, Leader{}, l, m)
}

// Leave ends what the human behind a member is at a brand, by his own wish; an
// application that waits is taken back by it. Again changes nothing. He keeps what he
// earned. Who leaves while he is suspended waits before he may apply again, as one who
// was refused does. Faults: NotFound leader_not_found, member_not_found; Conflict
// leader_state.
func (s *Store) Leave(ctx context.Context, brandID, memberID id.ID) (Leader, error) {
	var l Leader
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		family, err := s.Members.FamilyTx(tx, memberID)
		if err != nil {
			return err
		}
		var rows []Leader
		if err := tx.Where("brand_id = ? AND member_id IN ?", brandID, family).Find(&rows).Error; err != nil {
			return fmt.Errorf("leader: leave: %w", err)
		}
		first, there := pick(rows)
		if !there {
			return errUnknown
		}
		p, err := programme(tx, brandID)
		if err != nil {
			return err
		}
		for i := range rows { // all of the human's: the next one must not step in
			r := rows[i]
			if r.State == Left || r.State == Refused {
				continue
			}
			set := map[string]any{"reason": ""}
			if r.State == Suspended {
				set["may_apply_at"] = s.after(p)
			}
			if err := s.moveTx(tx, &r, Left, Move{ByKind: BySelf, ByID: memberID, Reason: "本人退出", Told: toldNothing}, set); err != nil {
				return err
			}
			if r.ID == first.ID {
				first = r
			}
		}
		l = first
		return nil
	})
	return l, err
}

// after is when somebody who is refused now may apply again.
func (s *Store) after(p Programme) clock.Instant {
	return s.DB.Now().Add(time.Duration(p.ReapplyDays) * 24 * time.Hour)
}
