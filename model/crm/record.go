package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/phone"
	"siyu/model/profile"
	"siyu/model/spreadsheet"
)

// Problem is one thing that is wrong with a row.
type Problem struct {
	Column string `json:"column"` // "": the row as a whole
	Value  string `json:"value"`  // masked if it is a key
	Reason string `json:"reason"` // zh-CN
}

// record is one row, understood.
type record struct {
	no       int64
	keys     []identity.Key
	numbers  []phone.Number
	values   []profile.Value
	points   int64
	agreed   bool
	problems []Problem
}

// reader understands rows by a mapping.
type reader struct {
	s      *Store
	m      Mapping
	source string
	at     map[string]int // column -> place
	fields map[string]profile.Field
	today  clock.Day
}

func (s *Store) reader(ctx context.Context, i Import) (*reader, error) {
	fields, err := s.Profiles.Fields(ctx)
	if err != nil {
		return nil, err
	}
	if err := i.Mapping.check(i.Columns, fields); err != nil { // a field may be gone by now
		return nil, err
	}
	rd := &reader{s: s, m: i.Mapping, source: i.Source, at: map[string]int{}, fields: map[string]profile.Field{}, today: clock.DayOf(s.DB.Now())}
	for n, c := range i.Columns {
		rd.at[c] = n
	}
	for _, f := range fields {
		rd.fields[f.Name] = f
	}
	return rd, nil
}

// maxPoints of an opening balance: more is a mistake, or an order number in the wrong
// column.
const maxPoints = 10_000_000

// yes and no, as files write them.
var answers = map[string]bool{"是": true, "同意": true, "已授权": true, "y": true, "yes": true, "true": true, "1": true,
	"": false, "否": false, "不同意": false, "未授权": false, "n": false, "no": false, "false": false, "0": false}

// read understands one row. Every problem of the row is found, not only the first.
func (rd *reader) read(no int64, cells []string, broken error) record {
	r := record{no: no}
	if broken != nil {
		r.problems = []Problem{{Reason: broken.Error()}}
		return r
	}
	for _, c := range rd.m.Columns {
		if n := rd.at[c.Column]; c.To != "" && n < len(cells) {
			if reason := rd.cell(&r, c.To, unwrapped(cells[n])); reason != "" {
				r.problems = append(r.problems, Problem{c.Column, shown(c.To, unwrapped(cells[n])), reason})
			}
		}
	}
	if !r.agreed {
		r.values = slices.DeleteFunc(r.values, func(v profile.Value) bool { return rd.fields[v.Field].Purpose != "" })
	}
	if len(r.keys) == 0 && len(r.problems) == 0 {
		r.problems = []Problem{{Reason: "没有可识别的编号"}}
	}
	return r
}

func (rd *reader) cell(r *record, to, v string) (reason string) {
	if field, ok := strings.CutPrefix(to, toProfile); ok {
		value, err := rd.fields[field].Parse(v, rd.today)
		if err != nil {
			return fault.Of(err).Text
		}
		if value != "" {
			r.values = append(r.values, profile.Value{Field: field, Value: value})
		}
		return ""
	}
	switch to {
	case ToConsent:
		yes, known := answers[strings.ToLower(v)]
		r.agreed = yes
		if !known {
			return "应为 是 或 否"
		}
		return ""
	case ToPoints:
		if v == "" {
			return ""
		}
		n, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSuffix(v, ".0"), ",", ""), 10, 64)
		if err != nil || n < 0 || n > maxPoints {
			return fmt.Sprintf("积分应为 0 到 %d 的整数", maxPoints)
		}
		r.points = n
		return ""
	}
	if v == "" {
		return ""
	}
	k := identity.Key{Kind: keyKinds[to], Value: v}
	switch to {
	case ToPhone:
		number, err := phone.Parse(v)
		if err != nil {
			return fault.Of(err).Text
		}
		k.Value, r.numbers = rd.s.Phones.Hash(number), append(r.numbers, number)
	case ToOpenID:
		k.Scope = rd.m.AppID
	case ToCRM, ToCard:
		k.Scope = rd.source
	}
	r.keys = append(r.keys, k)
	return ""
}

// secretive is what may be a telephone, card or identity number, or an openid, in a column
// of which nobody said that it holds such: eleven digits or more, whatever stands between
// them, or twenty letters and digits on end.
var secretive = regexp.MustCompile(`\p{Nd}(?:[ \-.\x{3000}]?\p{Nd}){9,}[ \-.\x{3000}]?[\p{Nd}Xx]|[A-Za-z0-9_\-]{20,}`)

// shown is a cell as people may see it.
func shown(to, v string) string {
	v = strings.TrimSpace(v)
	if keyKinds[to] == "" {
		return clip(secretive.ReplaceAllStringFunc(v, func(s string) string { return shown(ToPhone, s) }), 100)
	}
	r := []rune(v)
	if to == ToPhone && len(r) >= 8 {
		return string(r[:3]) + strings.Repeat("*", len(r)-7) + string(r[len(r)-4:])
	}
	switch {
	case len(r) == 0:
		return ""
	case len(r) < 8:
		return string(r[:1]) + "***"
	}
	return string(r[:3]) + "***" + string(r[len(r)-3:])
}

func errorPlace(importID id.ID, no int64) string { return fmt.Sprintf("crm error:%d:%d", importID, no) }

// putProblemsTx keeps what is wrong with rows, sealed.
func (s *Store) putProblemsTx(ctx context.Context, tx *gorm.DB, importID id.ID, list []record) error {
	rows := db.NewRows("crm_error", "import_id, row_no, sealed")
	for _, r := range list {
		if len(r.problems) == 0 {
			continue
		}
		text, err := json.Marshal(r.problems)
		if err != nil {
			return err
		}
		rows.Add(importID, r.no, s.Box.Seal(errorPlace(importID, r.no), text))
	}
	if _, err := rows.Insert(ctx, tx, ""); err != nil {
		return fmt.Errorf("crm: errors: %w", err)
	}
	return nil
}

// WriteErrors writes the error file: CSV for Excel with row, column, value and reason,
// in the order of the rows. It is that of the dry run until a run has begun.
func (s *Store) WriteErrors(ctx context.Context, importID id.ID, w io.Writer) error {
	out, err := spreadsheet.Begin(w)
	if err != nil {
		return err
	}
	if err := out.Write([]string{"行号", "列名", "原值", "原因"}); err != nil {
		return err
	}
	bad := &badRows{s: s, ctx: ctx, importID: importID}
	for {
		no, list, err := bad.next()
		if err != nil || no == 0 {
			out.Flush()
			return errors.Join(err, out.Error())
		}
		for _, p := range list {
			if err := out.Write([]string{strconv.FormatInt(no, 10), spreadsheet.Plain(p.Column), spreadsheet.Plain(p.Value), spreadsheet.Plain(p.Reason)}); err != nil {
				return err
			}
		}
	}
}
