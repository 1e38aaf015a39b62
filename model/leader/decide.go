package leader

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// Decision is an operator's act on a leader. Reason is shown to the person.
type Decision struct {
	LeaderID id.ID
	By       id.ID // operator
	Reason   string
}

func (d Decision) move(told int) Move {
	return Move{ByKind: ByOperator, ByID: d.By, Reason: strings.TrimSpace(d.Reason), Told: told}
}

// reasoned says whether there is a reason to be shown. Fault: Invalid leader_reason.
func (d Decision) reasoned() error {
	if between(strings.TrimSpace(d.Reason), 2, 200) != nil {
		return fault.NewInvalid("leader_reason", "请写明理由（2 到 200 字），会告知本人").With("field", "reason")
	}
	return nil
}

// decide runs a guarded move from one of some states.
func (s *Store) decide(ctx context.Context, leaderID id.ID, from []string, do func(tx *gorm.DB, l *Leader) error) (Leader, error) {
	var l Leader
	err := s.DB.InTx(ctx, func(tx *gorm.DB) (err error) {
		if l, err = get(tx, leaderID); err != nil {
			return err
		}
		if !slices.Contains(from, l.State) {
			return errState.With("state", l.State)
		}
		return do(tx, &l)
	})
	if err != nil {
		return Leader{}, err
	}
	return l, nil
}

// Approve accepts an application. Who signed the newest agreement with it is active at
// once, the others when they sign. Faults: Conflict leader_state,
// leader_agreement_missing; NotFound leader_not_found.
func (s *Store) Approve(ctx context.Context, d Decision) (Leader, error) {
	return s.decide(ctx, d.LeaderID, []string{Applied}, func(tx *gorm.DB, l *Leader) error {
		a, err := newest(tx, l.BrandID)
		if err != nil {
			return err
		}
		signed := l.SignedVersion >= a.Version
		told := toldDue
		if signed { // told of the next step
			told = toldNothing
		}
		if err := s.moveTx(tx, l, Approved, d.move(told), map[string]any{"reason": "", "may_apply_at": 0}); err != nil {
			return err
		}
		if s.Deepen != nil {
			if err := s.Deepen(ctx, tx, l.MemberID, "leader:"+l.ID.String(), s.DB.Now()); err != nil {
				return err
			}
		}
		if !signed {
			return nil
		}
		return s.activateTx(ctx, tx, l, Move{ByKind: ByOperator, ByID: d.By, Reason: "申请时已签署协议"})
	})
}

// Refuse turns an application down. One that was approved meanwhile is not refused any
// more (of two operators at once, one is told so), but ended. Faults: Invalid
// leader_reason; Conflict leader_state; NotFound leader_not_found.
func (s *Store) Refuse(ctx context.Context, d Decision) (Leader, error) {
	if err := d.reasoned(); err != nil {
		return Leader{}, err
	}
	return s.decide(ctx, d.LeaderID, []string{Applied}, func(tx *gorm.DB, l *Leader) error {
		p, err := programme(tx, l.BrandID)
		if err != nil {
			return err
		}
		return s.moveTx(tx, l, Refused, d.move(toldDue), map[string]any{"reason": strings.TrimSpace(d.Reason), "may_apply_at": s.after(p)})
	})
}

// Suspend stops somebody from bringing people. Faults as Refuse.
func (s *Store) Suspend(ctx context.Context, d Decision) (Leader, error) {
	if err := d.reasoned(); err != nil {
		return Leader{}, err
	}
	return s.decide(ctx, d.LeaderID, []string{Active}, func(tx *gorm.DB, l *Leader) error {
		return s.moveTx(tx, l, Suspended, d.move(toldDue), map[string]any{"reason": strings.TrimSpace(d.Reason)})
	})
}

// Resume ends a suspension. Faults: Conflict leader_state; NotFound leader_not_found.
func (s *Store) Resume(ctx context.Context, d Decision) (Leader, error) {
	return s.decide(ctx, d.LeaderID, []string{Suspended}, func(tx *gorm.DB, l *Leader) error {
		return s.moveTx(tx, l, Active, d.move(toldDue), map[string]any{"reason": ""})
	})
}

// End makes somebody leave, by an operator's decision. Faults as Refuse.
func (s *Store) End(ctx context.Context, d Decision) (Leader, error) {
	if err := d.reasoned(); err != nil {
		return Leader{}, err
	}
	return s.decide(ctx, d.LeaderID, []string{Approved, Active, Suspended}, func(tx *gorm.DB, l *Leader) error {
		p, err := programme(tx, l.BrandID)
		if err != nil {
			return err
		}
		return s.moveTx(tx, l, Left, d.move(toldDue), map[string]any{"reason": strings.TrimSpace(d.Reason), "may_apply_at": s.after(p)})
	})
}

// SetLevel gives a leader a level by hand; it counts until the next monthly review. The
// level he has already changes nothing. Faults: Invalid leader_reason, leader_level;
// Conflict leader_state; NotFound leader_not_found.
func (s *Store) SetLevel(ctx context.Context, d Decision, level int) (Leader, error) {
	if err := d.reasoned(); err != nil {
		return Leader{}, err
	}
	return s.decide(ctx, d.LeaderID, []string{Active, Suspended}, func(tx *gorm.DB, l *Leader) error {
		p, err := programme(tx, l.BrandID)
		if err != nil {
			return err
		}
		if l.Role != RoleLeader || level < 1 || level > len(p.Levels) {
			return fault.Invalidf("leader_level", "只有群主有等级，应为 1 到 %d", len(p.Levels)).With("field", "level")
		}
		if l.Level == level {
			return nil
		}
		return s.moveTx(tx, l, l.State, d.move(toldDue), map[string]any{"level": level, "level_month": month(clock.DayOf(s.DB.Now()))})
	})
}

// Appointment makes a member a clerk or staff.
type Appointment struct {
	BrandID, MemberID id.ID
	Role              string // clerk or staff
	Name              string
	ShopName          string // of a clerk
	EmployeeNo        string
	By                id.ID
	Reason            string
}

// Appoint makes somebody active at once: he is employed, there is nothing to apply for.
// The same appointment again changes nothing. Faults: Invalid leader_input; Conflict
// leader_exists, leader_employee_no (somebody else has the number), leader_state;
// Forbidden leader_member_blocked; NotFound member_not_found.
func (s *Store) Appoint(ctx context.Context, a Appointment) (Leader, error) {
	a.Name, a.ShopName, a.EmployeeNo = strings.TrimSpace(a.Name), strings.TrimSpace(a.ShopName), strings.TrimSpace(a.EmployeeNo)
	shop := 0
	if a.Role == RoleClerk {
		shop = 1
	}
	if a.Role != RoleClerk && a.Role != RoleStaff || between(a.Name, 1, 20) != nil || between(a.ShopName, shop, 40) != nil || between(a.EmployeeNo, 1, 32) != nil {
		return Leader{}, fault.NewInvalid("leader_input", "请填写角色（clerk 或 staff）、姓名（1 到 20 字）、工号（1 到 32 字）；导购还需门店名称（1 到 40 字）")
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
		return Leader{}, fault.New(fault.Forbidden, "leader_member_blocked", "该会员已被停用")
	}
	var l Leader
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		var rows []Leader
		if err := tx.Where("brand_id = ? AND member_id IN ?", a.BrandID, family).Find(&rows).Error; err != nil {
			return fmt.Errorf("leader: appoint: %w", err)
		}
		if old, there := pick(rows); there && old.State != Left && old.State != Refused {
			l = old
			if old.State == Active && old.Role == a.Role && old.Name == a.Name && old.ShopName == a.ShopName && old.EmployeeNo == a.EmployeeNo {
				return nil
			}
			return fault.New(fault.Conflict, "leader_exists", "此人已是该品牌的群主、导购或员工，或正在申请，请先处理").With("leader_id", old.ID)
		}
		var holders int64
		if err := tx.Model(&Leader{}).Where("brand_id = ? AND employee_no = ? AND state IN ? AND member_id NOT IN ?", a.BrandID, a.EmployeeNo, []string{Active, Suspended}, family).
			Count(&holders).Error; err != nil {
			return fmt.Errorf("leader: appoint: %w", err)
		}
		if holders > 0 {
			return fault.New(fault.Conflict, "leader_employee_no", "该工号已属于另一人").With("field", "employee_no")
		}
		return s.appointTx(tx, &l, rows, a)
	})
	return l, err
}

func (s *Store) appointTx(tx *gorm.DB, l *Leader, rows []Leader, a Appointment) error {
	now := s.DB.Now()
	m := Move{ByKind: ByOperator, ByID: a.By, Reason: strings.TrimSpace(a.Reason)}
	if i := slices.IndexFunc(rows, func(r Leader) bool { return r.MemberID == a.MemberID }); i >= 0 {
		*l = rows[i]
		set := map[string]any{"role": a.Role, "name": a.Name, "shop_name": a.ShopName, "employee_no": a.EmployeeNo, "level": 0,
			"region": "", "community": "", "phone_hash": "", "reason": "", "may_apply_at": 0}
		if l.ActiveAt == 0 {
			set["active_at"] = now
		}
		return s.moveTx(tx, l, Active, m, set)
	}
	*l = Leader{ID: s.DB.NewID(), BrandID: a.BrandID, MemberID: a.MemberID, Role: a.Role, State: Active, Rev: 1, Name: a.Name, ShopName: a.ShopName,
		EmployeeNo: a.EmployeeNo, CreatedAt: now, ChangedAt: now, ActiveAt: now}
	return s.insertTx(tx, *l, m)
}
