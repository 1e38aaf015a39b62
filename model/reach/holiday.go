package reach

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// FreeDay is a day on which a brand sends no offers (假日). The calendar is the brand's
// own: the State Council announces each year's holidays late in the year before.
type FreeDay struct {
	Day  string `json:"day"` // 2026-10-01
	Name string `json:"name"`
}

// Holidays lists a brand's free days of a year, in their order.
func (s *Store) Holidays(ctx context.Context, brandID id.ID, year int) ([]FreeDay, error) {
	var rows []struct {
		DayNo clock.Day
		Name  string
	}
	err := s.DB.Read(ctx).Raw("SELECT day_no, name FROM reach_holiday WHERE brand_id = ? AND day_no BETWEEN ? AND ? ORDER BY day_no", brandID, year*10_000, year*10_000+9999).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("reach: holidays: %w", err)
	}
	out := make([]FreeDay, 0, len(rows))
	for _, r := range rows {
		out = append(out, FreeDay{r.DayNo.Text(), r.Name})
	}
	return out, nil
}

// SetHolidays replaces a brand's free days of a year. Fault: Invalid reach_holiday.
func (s *Store) SetHolidays(ctx context.Context, brandID id.ID, year int, days []FreeDay, operatorID id.ID) ([]FreeDay, error) {
	bad := func(text string) error { return fault.NewInvalid("reach_holiday", text).With("field", "days") }
	if year < 2020 || year > 2100 || len(days) > 120 {
		return nil, bad("年份应为 2020 到 2100，一年最多 120 个假日")
	}
	rows, seen := db.NewRows("reach_holiday", "brand_id, day_no, name, by_id, created_at"), map[clock.Day]bool{}
	for _, d := range days {
		at, err := time.ParseInLocation("2006-01-02", d.Day, clock.Shanghai)
		if err != nil || at.Year() != year {
			return nil, bad("日期应写成 " + fmt.Sprint(year) + "-10-01")
		}
		day := clock.DayOf(clock.From(at))
		if seen[day] || d.Name == "" || utf8.RuneCountInString(d.Name) > 32 {
			return nil, bad("每个假日一行，名称 1 到 32 字")
		}
		seen[day] = true
		rows.Add(brandID, day, d.Name, operatorID, s.DB.Now())
	}
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM reach_holiday WHERE brand_id = ? AND day_no BETWEEN ? AND ?", brandID, year*10_000, year*10_000+9999).Error; err != nil {
			return err
		}
		_, err := rows.Insert(ctx, tx, "")
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reach: holidays: %w", err)
	}
	s.forget(brandID)
	return s.Holidays(ctx, brandID, year)
}
