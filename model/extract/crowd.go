package extract

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/segment"
)

// crowdKinds are the people of a segment (人群) and of a fixed list (名单), as they were when
// the list began. They tell of each no more than the list of members does. They are of one
// brand and yet not for who is confined to brands: he may not see members by number.
func crowdKinds() []kind {
	columns := func(of string) []column {
		return []column{{"会员编号", "t.id", number}, {"状态", "t.state", words(memberStates())}, {phoneHead, "t.person_id", text},
			{"等级", "(SELECT MAX(s.level) FROM tier_standing s WHERE s.member_id = t.id AND s.brand_id = g.brand_id)", count}, {"成为会员时间", "t.created_at", moment}, {of, "g.name", text}}
	}
	return []kind{
		{name: "segment_people", title: "人群成员", permission: operator.MemberRead, also: operator.SegmentRead, table: "member", made: "created_at",
			join: " CROSS JOIN segment g", fixed: "t.state <> 'erased'", filters: []filter{{name: "segment_id", sql: "g.id = ?", must: true}},
			columns: columns("人群"), fill: maskedPhones("segment_people"), next: nextOfCrowd,
			crowd: func(ctx context.Context, s *Store, x Extract) (segment.Frozen, error) {
				return freeze(ctx, x, "segment_id", s.Segments.Freeze)
			}},
		{name: "list_people", title: "名单成员", permission: operator.MemberRead, also: operator.SegmentRead, table: "member", made: "created_at",
			join: " CROSS JOIN segment_list g", fixed: "t.state <> 'erased'", filters: []filter{{name: "list_id", sql: "g.id = ?", must: true}},
			columns: columns("名单"), fill: maskedPhones("list_people"), next: nextOfCrowd,
			crowd: func(ctx context.Context, s *Store, x Extract) (segment.Frozen, error) {
				return freeze(ctx, x, "list_id", s.Segments.FreezeRoster)
			}},
	}
}

func freeze(ctx context.Context, x Extract, filter string, of func(context.Context, id.ID) (segment.Frozen, error)) (segment.Frozen, error) {
	from, err := id.Parse(x.Filter[filter])
	if err != nil {
		return segment.Frozen{}, badField(filter, "不是编号")
	}
	f, err := of(ctx, from)
	if t := new(fault.Fault); errors.As(err, &t) && t.Kind == fault.NotFound { // trying again would find it no more
		return f, badField(filter, t.Text)
	}
	return f, err
}

// crowdPart is some of the people of a list, in the order of their numbers. It lies sealed
// among the parts, with numbers below 0 and of no file, until the list is written, is
// cancelled or fails.
type crowdPart struct {
	Derived bool    `json:"derived"` // known by what people did: only of those who allow profiling
	People  []id.ID `json:"people"`
	Last    bool    `json:"last"`
}

// beginCrowd notes who is in the list, all at once: whatever changes afterwards, and however
// often the writing is interrupted, it is about these people as of then.
func (s *Store) beginCrowd(ctx context.Context, k kind, x Extract) error {
	f, err := k.crowd(ctx, s, x)
	if err != nil {
		return err
	}
	if f.Count > MaxRows {
		return errTooMany
	}
	people := slices.Sorted(f.People.Each())
	var sealed [][]byte
	for at := 0; at == 0 || at < len(people); at += s.window {
		until := min(at+s.window, len(people))
		body, err := packCrowd(crowdPart{f.People.Derived(), people[at:until], until == len(people)})
		if err != nil {
			return err
		}
		sealed = append(sealed, s.Box.Seal(place(x.ID, -1-len(sealed)), body))
	}
	return s.DB.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Model(&Extract{}).Where("id = ? AND total < 0 AND state = ?", x.ID, Waiting).
			Updates(map[string]any{"state": Running, "total": len(people), "started_at": f.AsOf, "moved_at": s.DB.Now()})
		if r.Error != nil || r.RowsAffected == 0 { // another worker began, or somebody cancelled
			return r.Error
		}
		for i, body := range sealed {
			if err := tx.Exec("INSERT INTO extract_part (extract_id, part, file_no, body) VALUES (?,?,0,?)", x.ID, -1-i, body).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

func packCrowd(p crowdPart) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	err := errors.Join(json.NewEncoder(z).Encode(p), z.Close())
	return b.Bytes(), err
}

// crowdPart reads what beginCrowd noted.
func (s *Store) crowdPart(ctx context.Context, extractID id.ID, n int) (p crowdPart, err error) {
	var sealed []byte
	if err := s.DB.Read(ctx).Raw("SELECT body FROM extract_part WHERE extract_id = ? AND part = ?", extractID, -1-n).Row().Scan(&sealed); err != nil {
		return p, fmt.Errorf("people %d: %w", n, err)
	}
	plain, err := s.Box.Open(place(extractID, -1-n), sealed)
	if err != nil {
		return p, fmt.Errorf("people %d: %w", n, err)
	}
	z, err := gzip.NewReader(bytes.NewReader(plain))
	if err != nil {
		return p, fmt.Errorf("people %d: %w", n, err)
	}
	return p, json.NewDecoder(z).Decode(&p)
}

// nextOfCrowd reads the next of the people who were noted. Who was erased since is left out,
// and, where what people did decided, who takes his consent to that back.
func nextOfCrowd(ctx context.Context, s *Store, k kind, x Extract) (batch, error) {
	n := 0 // parts that were written
	if x.AfterKey != "" {
		var err error
		if n, err = strconv.Atoi(x.AfterKey); err != nil {
			return batch{}, fault.NewInvalid("extract_cursor", "导出的进度损坏，请重新导出")
		}
	}
	p, err := s.crowdPart(ctx, x.ID, n)
	if err != nil {
		return batch{}, err
	}
	b := batch{seen: len(p.People), after: strconv.Itoa(n + 1), last: p.Last}
	people := p.People
	if p.Derived {
		if people, err = s.Segments.Allowing(ctx, people); err != nil {
			return batch{}, err
		}
	}
	if len(people) == 0 {
		return b, nil
	}
	where, args, err := k.where(x)
	if err != nil {
		return batch{}, err
	}
	rows, err := s.rows(ctx, k, "t.id IN ?"+where+" ORDER BY t.id", append([]any{people}, args...)...)
	if err != nil {
		return batch{}, err
	}
	if err := k.fill(ctx, s, rows); err != nil {
		return batch{}, err
	}
	for _, r := range rows {
		b.lines = append(b.lines, cells(k.columns, r.cells))
	}
	return b, nil
}

// forgetCrowd deletes the notes of who is in a list.
func forgetCrowd(tx *gorm.DB, extractID id.ID) error {
	return tx.Exec("DELETE FROM extract_part WHERE extract_id = ? AND part < 0", extractID).Error
}
