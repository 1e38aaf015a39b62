package points

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/ledger"
)

// exactLots is up to how many living lots a liability is added up while somebody waits.
const exactLots = 20_000

// Liability is what a brand owes its members in points. Of a brand with many lots it is
// what the daily round found (At says when); otherwise it is of this moment.
// Fault: Invalid brand_id.
func (a *Accounts) Liability(ctx context.Context, brandID id.ID) (Liability, error) {
	if brandID == 0 {
		return Liability{}, fault.NewInvalid("brand_id", "请先选择品牌").With("field", "brand_id")
	}
	var lots int64
	err := a.db.Read(ctx).Raw("SELECT COUNT(*) FROM (SELECT 1 FROM points_lot WHERE brand_id = ? AND live = 1 LIMIT ?) AS few", brandID, exactLots+1).Scan(&lots).Error
	if err != nil {
		return Liability{}, fmt.Errorf("points: liability: %w", err)
	}
	if lots > exactLots {
		var kept []string
		if err := a.db.Read(ctx).Raw("SELECT body FROM points_liability WHERE brand_id = ?", brandID).Scan(&kept).Error; err != nil {
			return Liability{}, fmt.Errorf("points: liability: %w", err)
		}
		if len(kept) > 0 {
			var out Liability
			if err := json.Unmarshal([]byte(kept[0]), &out); err != nil {
				return Liability{}, fmt.Errorf("points: liability: %w", err)
			}
			return out, nil
		}
	}
	out, err := a.addUp(ctx, brandID)
	if err == nil && lots > exactLots {
		err = a.keepLiability(ctx, out)
	}
	return out, err
}

// keepLiabilities adds up every brand with points, for Liability.
func (a *Accounts) keepLiabilities(ctx context.Context) error {
	var brands []id.ID
	if err := a.db.Read(ctx).Raw("SELECT DISTINCT brand_id FROM points_lot").Scan(&brands).Error; err != nil {
		return fmt.Errorf("points: liabilities: %w", err)
	}
	for _, b := range brands {
		out, err := a.addUp(ctx, b)
		if err == nil {
			err = a.keepLiability(ctx, out)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *Accounts) keepLiability(ctx context.Context, l Liability) error {
	body, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("points: liability: %w", err)
	}
	return a.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("INSERT INTO points_liability (brand_id, at, body) VALUES (?, ?, ?)"+a.db.Once("brand_id"), l.BrandID, l.At, string(body)).Error; err != nil {
			return err
		}
		return tx.Exec("UPDATE points_liability SET at = ?, body = ? WHERE brand_id = ? AND at < ?", l.At, string(body), l.BrandID, l.At).Error
	})
}

// addUp reads every living lot of a brand and its side of the book.
func (a *Accounts) addUp(ctx context.Context, brandID id.ID) (Liability, error) {
	out := Liability{BrandID: brandID, At: a.db.Now(), Months: []Month{}, BreakageBP: -1}
	var sums []struct {
		ExpiresAt                  clock.Instant
		Available, Pending, Frozen int64
	}
	err := a.db.Read(ctx).Raw(`SELECT expires_at, SUM(available) AS available, SUM(pending) AS pending, SUM(frozen) AS frozen
		FROM points_lot WHERE brand_id = ? AND live = 1 GROUP BY expires_at ORDER BY expires_at`, brandID).Scan(&sums).Error
	if err != nil {
		return Liability{}, fmt.Errorf("points: liability: %w", err)
	}
	var mortal int64
	for _, s := range sums {
		month := ""
		if s.ExpiresAt != forever {
			month = clock.DayOf(s.ExpiresAt - 1).Text()[:7]
			mortal += s.Available + s.Pending
		}
		if n := len(out.Months); n == 0 || out.Months[n-1].Month != month {
			out.Months = append(out.Months, Month{Month: month})
		}
		m := &out.Months[len(out.Months)-1]
		m.Available, m.Pending, m.Frozen = m.Available+s.Available, m.Pending+s.Pending, m.Frozen+s.Frozen
		out.Available, out.Pending, out.Frozen = out.Available+s.Available, out.Pending+s.Pending, out.Frozen+s.Frozen
	}
	book, err := a.ledger.Balances(ctx, ledger.Points, []id.ID{brandID}, ledger.Issue, ledger.Spent, ledger.Expired)
	if err != nil {
		return Liability{}, err
	}
	out.Issued, out.Spent, out.Expired = -book[ledger.Issue], book[ledger.Spent], book[ledger.Expired]
	if ended := out.Spent + out.Expired; ended > 0 {
		out.BreakageBP = out.Expired * 10_000 / ended
		out.Estimated = mortal * out.BreakageBP / 10_000
	}
	var lots int64
	if err := a.db.Read(ctx).Raw("SELECT COALESCE(SUM(amount), 0) FROM points_lot WHERE brand_id = ? AND source NOT LIKE 'loan:%'", brandID).Scan(&lots).Error; err != nil {
		return Liability{}, fmt.Errorf("points: liability: %w", err)
	}
	gave, err := a.ledger.Gave(ctx, ledger.Points, ledger.Account{Kind: ledger.Issue, Owner: brandID})
	if err != nil {
		return Liability{}, err
	}
	out.Unfolded = gave - lots
	return out, nil
}
