package reach

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// followed is how long after a push a refusal is counted as an answer to it, when the person
// did not use the push's own link.
const followed = 72 * time.Hour

// Last is the push that reached somebody last.
type Last struct {
	PushID  id.ID
	BrandID id.ID
	Channel string
}

// movedTx notes that a human's mind changed.
func (s *Store) movedTx(ctx context.Context, tx *gorm.DB, w Wish, family []id.ID) error {
	last := Last{PushID: w.PushID, BrandID: w.BrandID, Channel: w.PushChannel}
	if last.PushID == 0 && s.Told != nil {
		var err error
		if last, err = s.Told(ctx, tx, w, family, w.At.Add(-followed)); err != nil {
			return err
		}
	}
	of := w.BrandID
	if of == 0 { // about all brands: whose push it answered
		of = last.BrandID
	}
	return tx.Exec("INSERT INTO reach_optout_move (member_id, brand_id, topic, channel, at, refused, source, push_id, push_channel, counted_for, day_no) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
		w.MemberID, w.BrandID, w.Topic, w.Channel, w.At, w.Refused, w.Source, last.PushID, last.Channel, of, clock.DayOf(w.At)).Error
}

// OptOuts are how many people of a brand refused messages, day by day (退订). Each time that
// somebody changed his mind counts; who refuses at present is in Summary.
type OptOuts struct {
	From   clock.Day     `json:"from"`
	Until  clock.Day     `json:"until"` // its last day
	Out    int64         `json:"out"`
	Back   int64         `json:"back"` // who want them again
	Days   []OptDay      `json:"days"` // every day of the span
	Kinds  []OptKind     `json:"kinds"`
	Pushes []OptOfPush   `json:"pushes"` // those after which most refused
	AsOf   clock.Instant `json:"as_of"`
}

// OptDay is one day.
type OptDay struct {
	Day  clock.Day `json:"day"`
	Out  int64     `json:"out"`
	Back int64     `json:"back"`
}

// OptKind is what was refused, and where.
type OptKind struct {
	AllBrands bool   `json:"all_brands"` // the wish is about every brand
	Topic     string `json:"topic"`      // "": all offers
	Channel   string `json:"channel"`    // "": all channels
	Source    string `json:"source"`     // h5, mini, link, operator
	Out       int64  `json:"out"`
	Back      int64  `json:"back"`
}

// OptOfPush is a push with those who refused after it.
type OptOfPush struct {
	PushID id.ID  `json:"push_id"`
	Name   string `json:"name"`
	Out    int64  `json:"out"`
}

const (
	optDays   = 366
	optPushes = 10
	optShown  = 100
)

// OptOuts counts the last so many days, today included; 0: thirty. Of wishes about all
// brands those count that answered a push of this brand, and those that answered none.
// Fault: Invalid reach_span.
func (s *Store) OptOuts(ctx context.Context, brandID id.ID, days int) (OptOuts, error) {
	now := s.DB.Now()
	if days == 0 {
		days = 30
	}
	if days < 0 || days > optDays {
		return OptOuts{}, fault.Invalidf("reach_span", "最多看 %d 天", optDays)
	}
	until := clock.DayOf(now)
	from := until.AddDays(1 - days)
	out := OptOuts{From: from, Until: until, AsOf: now, Days: []OptDay{}, Kinds: []OptKind{}, Pushes: []OptOfPush{}}
	const where = " FROM reach_optout_move WHERE counted_for IN (0, ?) AND day_no BETWEEN ? AND ?"
	q := s.DB.Read(ctx)
	var rows []struct {
		DayNo clock.Day
		Out   int64 `gorm:"column:out_n"`
		Back  int64 `gorm:"column:back_n"`
	}
	if err := q.Raw("SELECT day_no, SUM(refused) AS out_n, SUM(1 - refused) AS back_n"+where+" GROUP BY day_no", brandID, from, until).Scan(&rows).Error; err != nil {
		return out, fmt.Errorf("reach: opt-outs: %w", err)
	}
	by := map[clock.Day]OptDay{}
	for _, d := range rows {
		by[d.DayNo] = OptDay{d.DayNo, d.Out, d.Back}
		out.Out, out.Back = out.Out+d.Out, out.Back+d.Back
	}
	for d := from; d <= until; d = d.AddDays(1) {
		day := by[d]
		day.Day = d
		out.Days = append(out.Days, day)
	}
	var kinds []struct {
		BrandID                id.ID
		Topic, Channel, Source string
		Out                    int64 `gorm:"column:out_n"`
		Back                   int64 `gorm:"column:back_n"`
	}
	err := q.Raw("SELECT CASE WHEN brand_id = 0 THEN 0 ELSE 1 END AS brand_id, topic, channel, source, SUM(refused) AS out_n, SUM(1 - refused) AS back_n"+where+
		" GROUP BY CASE WHEN brand_id = 0 THEN 0 ELSE 1 END, topic, channel, source ORDER BY out_n DESC, topic, channel, source LIMIT 100", brandID, from, until).Scan(&kinds).Error
	if err != nil {
		return out, fmt.Errorf("reach: opt-outs: %w", err)
	}
	for _, k := range kinds {
		out.Kinds = append(out.Kinds, OptKind{k.BrandID == 0, k.Topic, k.Channel, k.Source, k.Out, k.Back})
	}
	var pushes []struct {
		PushID id.ID
		Out    int64 `gorm:"column:out_n"`
	}
	err = q.Raw("SELECT push_id, COUNT(*) AS out_n FROM reach_optout_move WHERE counted_for = ? AND day_no BETWEEN ? AND ? AND refused = 1 AND push_id <> 0 GROUP BY push_id ORDER BY out_n DESC, push_id DESC LIMIT ?", brandID, from, until, optPushes).Scan(&pushes).Error
	if err != nil {
		return out, fmt.Errorf("reach: opt-outs: %w", err)
	}
	for _, p := range pushes {
		out.Pushes = append(out.Pushes, OptOfPush{PushID: p.PushID, Out: p.Out})
	}
	return out, nil
}

// After are those who refused after a push.
type After struct {
	People int64      `json:"people"` // each once
	List   []AfterOne `json:"list"`   // the newest hundred
}

// AfterOne is one of them.
type AfterOne struct {
	MemberID  id.ID         `json:"member_id"`
	At        clock.Instant `json:"at"`
	AllBrands bool          `json:"all_brands"`
	Topic     string        `json:"topic"`
	Channel   string        `json:"channel"`
	Source    string        `json:"source"`
	Through   string        `json:"through"` // the channel by which the push had reached him
	Back      bool          `json:"back"`    // he wanted them again later
}

// OptOutsAfter are those who refused messages by a push's link, or within three days after
// it reached them.
func (s *Store) OptOutsAfter(ctx context.Context, pushID id.ID) (After, error) {
	out := After{List: []AfterOne{}}
	q := s.DB.Read(ctx)
	if err := q.Raw("SELECT COUNT(DISTINCT member_id) FROM reach_optout_move WHERE push_id = ? AND refused = 1", pushID).Scan(&out.People).Error; err != nil {
		return out, fmt.Errorf("reach: opt-outs after a push: %w", err)
	}
	var rows []struct {
		MemberID, BrandID                   id.ID
		At                                  clock.Instant
		Topic, Channel, Source, PushChannel string
		Later                               int
	}
	err := q.Raw(`SELECT m.member_id, m.brand_id, m.at, m.topic, m.channel, m.source, m.push_channel,
		CASE WHEN EXISTS (SELECT 1 FROM reach_optout_move b WHERE b.member_id = m.member_id AND b.brand_id = m.brand_id AND b.topic = m.topic AND b.channel = m.channel AND b.at > m.at AND b.refused = 0) THEN 1 ELSE 0 END AS later
		FROM reach_optout_move m WHERE m.push_id = ? AND m.refused = 1 ORDER BY m.at DESC, m.member_id DESC LIMIT ?`, pushID, optShown).Scan(&rows).Error
	if err != nil {
		return out, fmt.Errorf("reach: opt-outs after a push: %w", err)
	}
	for _, r := range rows {
		out.List = append(out.List, AfterOne{r.MemberID, r.At, r.BrandID == 0, r.Topic, r.Channel, r.Source, r.PushChannel, r.Later == 1})
	}
	return out, nil
}
