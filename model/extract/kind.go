package extract

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
	"siyu/model/segment"
)

// column is one column of a file: its head, the SQL it comes from and how it is shown.
type column struct {
	title string
	sql   string
	show  format
}

// filter is one condition; read makes of what was written the value of sql's question mark, or
// a []any of several. Without read it is an id.
type filter struct {
	name string
	sql  string
	read func(v string) (any, error)
	must bool // without it the list is not written
}

// kind is one list that can be taken out.
type kind struct {
	name       string
	title      string
	permission string // whoever may read the list may take it out, with the permission to take out
	table      string // known as t in SQL
	made       string // its column of the moment a row was made
	join       string
	fixed      string // a condition of its own
	filters    []filter
	columns    []column
	// fill completes rows that SQL alone cannot.
	fill func(ctx context.Context, s *Store, rows []row) error
	// next and count are for tables without ids.
	next  func(ctx context.Context, s *Store, k kind, x Extract) (batch, error)
	count func(ctx context.Context, s *Store, x Extract) (int64, error)
	// crowd is for lists of people who are noted when the list begins (crowd.go); also is the
	// other permission that whoever takes such a list out must have.
	crowd func(ctx context.Context, s *Store, x Extract) (segment.Frozen, error)
	also  string
}

// row is a row as it was read.
type row struct {
	id    id.ID
	cells []sql.NullString // in the order of the columns
}

// Kind is a kind as callers see it.
type Kind struct {
	Name       string   `json:"kind"`
	Title      string   `json:"title"` // zh-CN
	Permission string   `json:"-"`
	Also       string   `json:"-"` // a second permission; "": none
	Whole      bool     `json:"-"` // of no brand: not for who is confined to some
	Columns    []string `json:"columns"`
	Filters    []string `json:"filters"` // names of query parameters, as of the list
}

// Kinds lists what can be taken out.
func Kinds() []Kind {
	var out []Kind
	for _, k := range kinds() {
		v := Kind{Name: k.name, Title: k.title, Permission: k.permission, Also: k.also, Whole: k.brand() == "", Filters: []string{"from", "until"}}
		for _, c := range k.columns {
			v.Columns = append(v.Columns, c.title)
		}
		for _, f := range k.filters {
			v.Filters = append(v.Filters, f.name)
		}
		out = append(out, v)
	}
	return out
}

// KindOf finds one. Fault: Invalid extract_kind.
func KindOf(name string) (Kind, error) {
	if i := slices.IndexFunc(Kinds(), func(k Kind) bool { return k.Name == name }); i >= 0 {
		return Kinds()[i], nil
	}
	return Kind{}, errKind
}

func kindOf(name string) (kind, error) {
	for _, k := range kinds() {
		if k.name == name {
			return k, nil
		}
	}
	return kind{}, errKind
}

func kinds() []kind {
	return slices.Concat(moneyKinds(), peopleKinds(), crowdKinds(), otherKinds(), reconLists())
}

// check looks at what a list is to be narrowed by. Fault: Invalid bad_field.
func (k kind) check(f map[string]string) error {
	for _, x := range k.filters {
		if x.must && f[x.name] == "" {
			return badField(x.name, "必须填写")
		}
	}
	_, _, err := k.where(Extract{Filter: f})
	return err
}

// where makes the condition of an extract's filter.
func (k kind) where(x Extract) (text string, args []any, err error) {
	var b strings.Builder
	if k.fixed != "" {
		b.WriteString(" AND " + k.fixed)
	}
	if x.Brands != "" { // our own: ids with commas
		b.WriteString(" AND " + k.brand() + " IN (" + x.Brands + ")")
	}
	names := make([]string, 0, len(x.Filter))
	for name := range x.Filter {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v := x.Filter[name]
		switch i := slices.IndexFunc(k.filters, func(f filter) bool { return f.name == name }); {
		case name == "from" || name == "until":
			at, err := instant(v)
			if err != nil {
				return "", nil, badField(name, "应为 RFC 3339 时间")
			}
			b.WriteString(" AND t." + k.made + map[string]string{"from": " >= ?", "until": " < ?"}[name])
			args = append(args, at)
		case i < 0:
			return "", nil, badField(name, "不能用来筛选"+k.title)
		default:
			read := k.filters[i].read
			if read == nil {
				read = anID
			}
			value, err := read(v)
			if err != nil {
				return "", nil, badField(name, err.Error())
			}
			b.WriteString(" AND " + k.filters[i].sql)
			if several, ok := value.([]any); ok {
				args = append(args, several...)
			} else {
				args = append(args, value)
			}
		}
	}
	return b.String(), args, nil
}

// brand is the SQL of a row's brand; "" where rows have none.
func (k kind) brand() string {
	for _, f := range k.filters {
		if f.name == "brand_id" {
			return strings.TrimSuffix(f.sql, " = ?")
		}
	}
	return ""
}

func instant(text string) (at clock.Instant, err error) {
	if text == "" {
		return 0, fmt.Errorf("extract: no time")
	}
	err = at.UnmarshalJSON([]byte(`"` + text + `"`))
	return at, err
}

// rows reads the columns of rows that a condition names.
func (s *Store) rows(ctx context.Context, k kind, where string, args ...any) ([]row, error) {
	parts := make([]string, 0, len(k.columns)+1)
	if k.next == nil {
		parts = append(parts, "t.id")
	} else {
		parts = append(parts, "0")
	}
	for _, c := range k.columns {
		parts = append(parts, c.sql)
	}
	found, err := s.DB.Read(ctx).Raw("SELECT "+strings.Join(parts, ", ")+" FROM "+k.table+" t"+k.join+" WHERE "+where, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }() // Err below says what went wrong
	var out []row
	for found.Next() {
		r := row{cells: make([]sql.NullString, len(k.columns))}
		into := []any{&r.id}
		for i := range r.cells {
			into = append(into, &r.cells[i])
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, found.Err()
}

func anID(v string) (any, error) {
	n, err := id.Parse(v)
	if err != nil {
		return nil, errors.New("不是编号")
	}
	return n, nil
}

// oneOf takes the keys of a table only.
func oneOf[T any](table map[string]T) func(v string) (any, error) {
	return func(v string) (any, error) {
		if _, there := table[v]; !there {
			return nil, errors.New("没有这个选项")
		}
		return v, nil
	}
}

func aMoment(v string) (any, error) {
	at, err := instant(v)
	if err != nil {
		return nil, errors.New("应为 RFC 3339 时间")
	}
	return at, nil
}

func someText(v string) (any, error) {
	if len(v) > 64 {
		return nil, errors.New("太长")
	}
	return v, nil
}

// businessDay reads 2026-11-21, or 20261121, as the number that tables hold.
func businessDay(v string) (any, error) {
	n, err := strconv.Atoi(strings.ReplaceAll(v, "-", ""))
	if err != nil || n < 20200101 || n > 99991231 {
		return nil, errors.New("应为 2026-11-21 这样的日期")
	}
	return n, nil
}

// part is for LIKE ? ESCAPE '!'.
func part(v string) (any, error) {
	if len(v) > 64 {
		return nil, errors.New("太长")
	}
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(v) + "%", nil
}

func inYuan(v string) (any, error) {
	fen, err := money.Parse(v)
	if err != nil {
		return nil, err
	}
	return fen, nil
}

func badField(name, why string) error {
	return fault.Invalidf("bad_field", "条件 %s %s", name, why).With("field", name)
}
