package push

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// maxTesters of one brand, and of one test.
const maxTesters = 50

// Tester is somebody on a brand's white list (测试白名单): only these are sent tests.
type Tester struct {
	BrandID   id.ID         `json:"brand_id" gorm:"primaryKey"`
	MemberID  id.ID         `json:"member_id" gorm:"primaryKey"`
	Name      string        `json:"name"`
	ByID      id.ID         `json:"by_id"`
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Tester) TableName() string { return "push_tester" }

// Testers lists a brand's, oldest first.
func (s *Store) Testers(ctx context.Context, brandID id.ID) ([]Tester, error) {
	out := []Tester{}
	if err := s.DB.Read(ctx).Where("brand_id = ?", brandID).Order("created_at, member_id").Limit(maxTesters).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("push: testers: %w", err)
	}
	return out, nil
}

// AddTester puts a member on the list; again, his name is changed. Faults: Invalid
// tester_name; NotFound member_unknown; Exhausted testers_many.
func (s *Store) AddTester(ctx context.Context, t Tester) (Tester, error) {
	t.Name = strings.TrimSpace(t.Name)
	if n := utf8.RuneCountInString(t.Name); n < 1 || n > 20 {
		return t, fault.NewInvalid("tester_name", "请写明是谁(1 到 20 字)").With("field", "name")
	}
	t.CreatedAt = s.DB.Now()
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		var there, many int64
		err := tx.Raw("SELECT COUNT(*) FROM member WHERE id = ?", t.MemberID).Scan(&there).Error
		if err == nil {
			err = tx.Raw("SELECT COUNT(*) FROM push_tester WHERE brand_id = ? AND member_id <> ?", t.BrandID, t.MemberID).Scan(&many).Error
		}
		switch {
		case err != nil:
			return err
		case there == 0:
			return fault.New(fault.NotFound, "member_unknown", "没有这个会员").With("field", "member_id")
		case many >= maxTesters:
			return fault.New(fault.Exhausted, "testers_many", "测试白名单已满，请先移除不用的")
		}
		r := tx.Exec("INSERT INTO push_tester (brand_id, member_id, name, by_id, created_at) VALUES (?,?,?,?,?)"+s.DB.Once("name"), t.BrandID, t.MemberID, t.Name, t.ByID, t.CreatedAt)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		return tx.Exec("UPDATE push_tester SET name = ?, by_id = ? WHERE brand_id = ? AND member_id = ?", t.Name, t.ByID, t.BrandID, t.MemberID).Error
	})
	if err != nil {
		return t, fmt.Errorf("push: tester: %w", err)
	}
	return t, nil
}

// RemoveTester takes a member off the list.
func (s *Store) RemoveTester(ctx context.Context, brandID, memberID id.ID) error {
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM push_tester WHERE brand_id = ? AND member_id = ?", brandID, memberID).Error
	})
	if err != nil {
		return fmt.Errorf("push: tester: %w", err)
	}
	return nil
}

// Test is one test that was sent, with its copies.
type Test struct {
	ID         id.ID         `json:"id"`
	PushID     id.ID         `json:"push_id"`
	Arm        int           `json:"arm"`
	ByID       id.ID         `json:"by_id"`
	CreatedAt  clock.Instant `json:"created_at"`
	Deliveries []Delivery    `json:"deliveries" gorm:"-"`
}

// TableName names the table for GORM.
func (Test) TableName() string { return "push_test" }

// SendTest sends one arm to members of the white list, and to nobody else, in any state of
// the push before it begins. Windows, grants and quotas are WeChat's and hold for tests,
// too; consent, caps and quiet hours do not: testers asked for it.
// Faults: Invalid push_incomplete, test_members, test_arm; Conflict push_state.
func (s *Store) SendTest(ctx context.Context, pushID id.ID, arm int, members []id.ID, by id.ID) (Test, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return Test{}, err
	}
	switch {
	case p.State == Running || p.State == Paused || p.State == Done || p.State == Stopped:
		return Test{}, stateFault(p, "发送测试")
	case len(p.Uses) == 0 || len(p.Arms) == 0:
		return Test{}, fault.NewInvalid("push_incomplete", "请先选择渠道并填写内容").With("field", "uses")
	case arm < 0 || arm >= len(p.Arms):
		return Test{}, fault.NewInvalid("test_arm", "没有这个版本").With("field", "arm")
	case len(members) == 0 || len(members) > maxTesters:
		return Test{}, fault.Invalidf("test_members", "请选择 1 到 %d 位测试人员", maxTesters).With("field", "member_ids")
	}
	if err := s.CheckUses(ctx, p.Form); err != nil {
		return Test{}, err
	}
	now := s.DB.Now()
	t := Test{ID: s.DB.NewID(), PushID: pushID, Arm: arm, ByID: by, CreatedAt: now}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&t).Error; err != nil {
			return err
		}
		if err := s.fewTestedTx(tx, p.BrandID, members, now); err != nil {
			return err
		}
		rows := db.NewRows("push_delivery", "id, run_id, member_id, lane, arm, state, reason, channel, use_no, code, tries, take_id, ticket_id, due_at, first_at, moved_at")
		counts := tally{}
		for _, memberID := range members {
			var listed int64
			if err := tx.Raw("SELECT COUNT(*) FROM push_tester WHERE brand_id = ? AND member_id = ?", p.BrandID, memberID).Scan(&listed).Error; err != nil {
				return err
			}
			if listed == 0 {
				return fault.NewInvalid("test_members", "测试只能发给白名单里的人").With("field", "member_ids")
			}
			deliveryID := s.DB.NewID()
			rows.Add(deliveryID, t.ID, memberID, 0, arm, Waiting, "", "", -1, "", 0, deliveryID, 0, now, 0, now)
			counts.add(spot{t.ID, 0, arm, Waiting, "", ""}, 1)
		}
		if _, err := rows.Insert(ctx, tx, ""); db.IsDuplicate(err) {
			return fault.NewInvalid("test_members", "测试人员重复了").With("field", "member_ids")
		} else if err != nil {
			return err
		}
		if err := counts.writeTx(ctx, tx); err != nil {
			return err
		}
		return s.openTx(ctx, tx, pushID, t.ID, 1)
	})
	if err != nil {
		return Test{}, fmt.Errorf("push: test: %w", err)
	}
	s.Outbox.Nudge()
	list, err := s.ofRuns(ctx, p, []id.ID{t.ID})
	t.Deliveries = list[t.ID]
	return t, err
}

// fewTestedTx keeps a white list that is filled anew all day from being an audience: tests
// ask neither for consent nor for a second person. Fault: Exhausted testers_many.
func (s *Store) fewTestedTx(tx *gorm.DB, brandID id.ID, members []id.ID, now clock.Instant) error {
	var n int64
	err := tx.Raw("SELECT COUNT(DISTINCT d.member_id) FROM push_test t JOIN push p ON p.id = t.push_id JOIN push_delivery d ON d.run_id = t.id WHERE p.brand_id = ? AND t.created_at > ? AND d.member_id NOT IN ?",
		brandID, now.Add(-24*time.Hour), members).Scan(&n).Error
	if err == nil && n+int64(len(members)) > maxTesters {
		err = fault.New(fault.Exhausted, "testers_many", fmt.Sprintf("一天内最多给 %d 个人发测试，请用已经测试过的人，或明天再试", maxTesters))
	}
	return err
}

// Tests lists the last tests of a push, newest first.
func (s *Store) Tests(ctx context.Context, pushID id.ID) ([]Test, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return nil, err
	}
	out := []Test{}
	if err := s.DB.Read(ctx).Where("push_id = ?", pushID).Order("created_at DESC, id DESC").Limit(20).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("push: tests: %w", err)
	}
	ids := make([]id.ID, len(out))
	for i, t := range out {
		ids[i] = t.ID
	}
	list, err := s.ofRuns(ctx, p, ids)
	for i := range out {
		if out[i].Deliveries = list[out[i].ID]; out[i].Deliveries == nil {
			out[i].Deliveries = []Delivery{}
		}
	}
	return out, err
}
