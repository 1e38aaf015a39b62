package holdout

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// others names everybody who may get a brand's pushes.
const others = "others"

var errNoGroup = fault.New(fault.Conflict, "universal_none", "这个品牌没有全局对照组，请先在对照组设置里开启")

// Whole is what all marketing pushes of a brand brought together: its universal control
// group against everybody else who was a member when the group was drawn, from then on.
// Each look counts all that happened since, so looks need no window to hold together.
// Faults: Conflict universal_none; Unavailable report_counting.
func (s *Reports) Whole(ctx context.Context, brandID id.ID) (Report, error) {
	p, err := s.wholeOf(s.db.Read(ctx), brandID)
	if err != nil {
		return Report{}, err
	}
	_, there, err := s.keptOf(ctx, p)
	if err != nil {
		return Report{}, err
	}
	if !there { // are there few enough to be counted now?
		some, err := s.people.Everybody(ctx, brandID, p.BeganAt, 0, atOnce+1)
		if err != nil {
			return Report{}, err
		}
		p.People = int64(len(some))
	}
	return s.read(ctx, p, s.everybody(ctx, p))
}

// wholeOf makes a push of all pushes.
func (s *Reports) wholeOf(tx *gorm.DB, brandID id.ID) (Push, error) {
	var versions []Settings
	if err := tx.Where("brand_id = ?", brandID).Order("version DESC").Find(&versions).Error; err != nil {
		return Push{}, fmt.Errorf("holdout: settings: %w", err)
	}
	if len(versions) == 0 || versions[0].UniversalBP == 0 {
		return Push{}, errNoGroup
	}
	// The group as it is began when share and draw became what they are.
	now, began := versions[0], versions[0].CreatedAt
	for _, v := range versions {
		if v.UniversalBP != now.UniversalBP || v.Salt != now.Salt {
			break
		}
		began = v.CreatedAt
	}
	p := Push{ID: brandID, Split: now.Split([]Part{{Name: others, Weight: 1}}), BeganAt: began, whole: true}
	p.Split.HeldBP = 0
	// The cap is for one window, and this is many.
	p.Split.CapFen *= 1 + money.Fen(s.db.Now().Sub(began)/(time.Duration(now.WindowDays)*24*time.Hour))
	return p, nil
}

func (s *Reports) everybody(ctx context.Context, p Push) crowd {
	return func(after id.ID) ([]Place, error) {
		people, err := s.people.Everybody(ctx, p.Split.BrandID, p.BeganAt, after, perRead)
		places := make([]Place, len(people))
		for i, m := range people {
			places[i].MemberID = m
			places[i].Universal, places[i].Arm = Arm(p.Split, 0, m)
		}
		return places, err
	}
}

// runBrands counts the brands whose report is old.
func (s *Reports) runBrands(ctx context.Context) error {
	var brands []id.ID
	if err := s.db.Read(ctx).Raw("SELECT DISTINCT brand_id FROM holdout_setting WHERE universal_bp > 0").Scan(&brands).Error; err != nil {
		return fmt.Errorf("holdout: run: %w", err)
	}
	for _, brandID := range brands {
		p, err := s.wholeOf(s.db.Read(ctx), brandID)
		if errors.Is(err, errNoGroup) {
			continue
		}
		if err != nil {
			return err
		}
		c, there, err := s.keptOf(ctx, p)
		if err != nil {
			return err
		}
		people := int64(0)
		for _, t := range c.Arms {
			people += t.People
		}
		if now := s.db.Now(); !there || now.Sub(c.AsOf) >= due(people, now.Sub(p.BeganAt)) {
			if err := s.keep(ctx, p, s.everybody(ctx, p)); err != nil {
				return err
			}
		}
	}
	return nil
}
