// Package find answers the one search field of the panel (全局搜索, Ctrl+K): a few words or
// numbers in, at most a handful of things of each kind out.
//
// It owns no table and reads those of other contexts. Every question is by a primary key,
// a unique key or the beginning of an indexed name; only tables of goods, tags, segments and
// pushes, of which a brand has hundreds, are looked through for a word. So an answer takes milliseconds, whatever
// is asked for, and at no size of the house a table is read whole.
package find

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/phone"
	"siyu/model/tag"
)

// Kinds of what is found.
const (
	Member     = "member"
	Leader     = "leader"
	Group      = "group"
	Product    = "product"
	Batch      = "batch"
	Campaign   = "campaign"
	Payout     = "payout"
	Withdrawal = "withdrawal"
	Operator   = "operator"
	Tag        = "tag"
	Segment    = "segment"
	Push       = "push"
	Code       = "code" // found by the caller: a token is arithmetic, not SQL
)

// each is how many of one kind are shown.
const each = 5

// Hit is one thing that was found.
type Hit struct {
	Kind     string `json:"kind"`
	ID       id.ID  `json:"id"`
	Title    string `json:"title"`
	Subtitle string `json:"subtitle"` // masked
	State    string `json:"state"`
	BrandID  id.ID  `json:"brand_id"`
}

// Query is what is looked for, as Read understood it.
type Query struct {
	Text   string       // as typed, full-width signs made plain
	ID     id.ID        // where it is a number that may be an id
	Phone  phone.Number // where it is a whole telephone number
	Tail   string       // four digits
	Number string       // the end of a member's number: six digits
	OpenID string       // what may be an openid or unionid
	GTIN   string
}

// Person tells whether it may name a person by his telephone: that is audited.
func (q Query) Person() bool { return q.Tail != "" || q.Phone != (phone.Number{}) }

var (
	fourDigits = regexp.MustCompile(`^[0-9]{4}$`)
	gtinForm   = regexp.MustCompile(`^[0-9]{8,14}$`)
	openIDForm = regexp.MustCompile(`^[A-Za-z0-9_-]{20,64}$`)
)

// MaxText is the longest text that is looked for, in bytes: a code's whole address fits.
const MaxText = 300

// Read understands what was typed: full-width signs are taken for plain ones, spaces
// around do not count. Fault: Invalid search_text, for nothing or too much.
func Read(text string) (Query, error) {
	text = strings.TrimSpace(plain(text))
	if text == "" || len(text) > MaxText || !utf8.ValidString(text) {
		return Query{}, fault.NewInvalid("search_text", "请输入要搜索的内容，最多 300 字节").With("field", "q")
	}
	q := Query{Text: text}
	if v, err := id.Parse(text); err == nil && len(text) >= 5 {
		q.ID = v
	}
	if fourDigits.MatchString(text) {
		q.Tail = text
	}
	if id.IsTail(text) {
		q.Number = text
	}
	if n, err := phone.Parse(text); err == nil {
		q.Phone = n
	}
	if gtinForm.MatchString(text) {
		q.GTIN = fmt.Sprintf("%014s", text)
	}
	if openIDForm.MatchString(text) {
		q.OpenID = text
	}
	return q, nil
}

// plain makes half-width signs of full-width ones (U+FF01 to U+FF5E, U+3000).
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '！' && r <= '～':
			return r - '！' + '!'
		case r == '\u3000':
			return ' '
		}
		return r
	}, s)
}

// Store finds.
type Store struct {
	db     *db.DB
	phones *phone.Book
}

// New makes a store.
func New(d *db.DB, phones *phone.Book) *Store { return &Store{d, phones} }

// Scope is whose search it is.
type Scope struct {
	Brands []id.ID  // none: all
	Roles  []string // some tags are for some roles only
}

// Find looks for one kind, as far as the scope reaches.
func (s *Store) Find(ctx context.Context, kind string, q Query, of Scope) ([]Hit, error) {
	var out []Hit
	var err error
	switch kind {
	case Member:
		out, err = s.members(ctx, q)
	default:
		out, err = s.things(ctx, kind, q, of)
	}
	if err != nil {
		return nil, fmt.Errorf("find: %s: %w", kind, err)
	}
	return out, nil
}

// thing is how one kind is found: its columns, and a condition for each way to name it.
// The conditions are joined by UNION: an OR over several keys would use none of them.
type thing struct {
	sql   string
	brand string // SQL of the brand, for the data scope
	ways  func(q Query) []way
}

type way struct {
	where string
	arg   any
}

func named(column, text string) way {
	return way{column + " LIKE ? ESCAPE '!'", "%" + like(text) + "%"}
}
func begins(column, text string) way { return way{column + " LIKE ? ESCAPE '!'", like(text) + "%"} }

func like(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)
}

func byID(q Query, more ...way) []way {
	if q.ID != 0 {
		more = append(more, way{"t.id = ?", q.ID})
	}
	return more
}

func things() map[string]thing {
	const leaderTitle = "SELECT t.id, t.name AS title, t.region AS subtitle, t.state, t.brand_id FROM leader t"
	return map[string]thing{
		Product: {"SELECT t.id, t.name AS title, t.gtin AS subtitle, '' AS state, t.brand_id FROM product t", "t.brand_id", func(q Query) []way {
			if q.GTIN != "" {
				return byID(q, way{"t.gtin = ?", q.GTIN}, named("t.name", q.Text))
			}
			return byID(q, named("t.name", q.Text))
		}},
		Batch: {"SELECT t.id, t.name AS title, p.name AS subtitle, '' AS state, t.brand_id FROM batch t LEFT JOIN product p ON p.id = t.product_id", "t.brand_id",
			func(q Query) []way { return byID(q, named("t.name", q.Text)) }},
		Campaign: {"SELECT t.id, t.name AS title, t.organiser AS subtitle, t.state, t.brand_id FROM campaign t", "t.brand_id",
			func(q Query) []way { return byID(q, named("t.name", q.Text)) }},
		Leader: {leaderTitle, "t.brand_id", func(q Query) []way {
			list := byID(q, begins("t.name", q.Text))
			if q.ID != 0 {
				list = append(list, way{"t.member_id = ?", q.ID})
			}
			return list
		}},
		Group: {"SELECT t.id, t.name AS title, t.city AS subtitle, t.state, t.brand_id FROM community t", "t.brand_id",
			func(q Query) []way { return byID(q, begins("t.name", q.Text)) }},
		Payout: {"SELECT t.id, t.bill_no AS title, CAST(t.amount_fen AS CHAR) AS subtitle, t.state, t.brand_id FROM payout t", "t.brand_id", func(q Query) []way {
			return byID(q, way{"t.bill_no = ?", q.Text})
		}},
		Withdrawal: {"SELECT t.id, l.name AS title, CAST(t.amount_fen AS CHAR) AS subtitle, CASE WHEN t.state = 'approved' AND x.state <> 'pending' THEN 'paying' ELSE t.state END AS state, t.brand_id FROM withdrawal t LEFT JOIN leader l ON l.brand_id = t.brand_id AND l.member_id = t.member_id LEFT JOIN payout x ON x.id = t.payout_id", "t.brand_id", func(q Query) []way {
			// Of a payout for a withdrawal, claim_id is the withdrawal's id.
			return byID(q, way{"t.id = (SELECT p.claim_id FROM payout p WHERE p.bill_no = ? AND p.purpose = 'withdrawal')", q.Text})
		}},
		Tag: {"SELECT t.id, t.name AS title, SUBSTR(t.purpose, 1, 40) AS subtitle, t.state, t.brand_id FROM tag t", "t.brand_id",
			func(q Query) []way { return byID(q, named("t.name", q.Text)) }},
		Segment: {"SELECT t.id, t.name AS title, SUBSTR(t.note, 1, 40) AS subtitle, t.state, t.brand_id FROM segment t", "t.brand_id",
			func(q Query) []way { return byID(q, named("t.name", q.Text)) }},
		Push: {"SELECT t.id, t.name AS title, '' AS subtitle, t.state, t.brand_id FROM push t", "t.brand_id",
			func(q Query) []way { return byID(q, named("t.name", q.Text)) }},
		Operator: {"SELECT t.id, t.name AS title, t.login AS subtitle, t.state, 0 AS brand_id FROM operator t", "",
			func(q Query) []way {
				return byID(q, begins("t.name", q.Text), begins("t.login", strings.ToLower(q.Text)))
			}},
	}
}

func (s *Store) things(ctx context.Context, kind string, q Query, of Scope) ([]Hit, error) {
	t, ok := things()[kind]
	if !ok {
		return nil, fmt.Errorf("no such kind")
	}
	scope, scoped := "", []any(nil)
	if len(of.Brands) > 0 && t.brand != "" {
		scope, scoped = " AND "+t.brand+" IN ?", []any{of.Brands}
	}
	if kind == Tag {
		more, args := tag.ForRoles("t.roles", of.Roles)
		scope, scoped = scope+" AND "+more, append(scoped, args...)
	}
	var parts []string
	var args []any
	ways := t.ways(q)
	if kind == Leader && q.Phone != (phone.Number{}) {
		ways = append(ways, way{"t.phone_hash = ?", s.phones.Hash(q.Phone)})
	}
	for i, w := range ways {
		parts = append(parts, fmt.Sprintf("SELECT * FROM (%s WHERE %s%s ORDER BY t.id DESC LIMIT %d) w%d", t.sql, w.where, scope, each, i))
		args = append(append(args, w.arg), scoped...)
	}
	var out []Hit
	if err := s.db.Read(ctx).Raw(strings.Join(parts, " UNION ")+fmt.Sprintf(" LIMIT %d", each), args...).Scan(&out).Error; err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Kind = kind
	}
	return out, nil
}

// members are found by their number or its end, their telephone or an id that WeChat gave them.
func (s *Store) members(ctx context.Context, q Query) ([]Hit, error) {
	g := s.db.Read(ctx)
	var hashes []string
	switch {
	case q.Phone != (phone.Number{}):
		hashes = []string{s.phones.Hash(q.Phone)}
	case q.Tail != "":
		var err error
		if hashes, err = s.phones.ByTail(ctx, q.Tail, each); err != nil {
			return nil, err
		}
	}
	var persons []id.ID
	if len(hashes) > 0 {
		if err := g.Raw("SELECT person_id FROM identity_key WHERE kind = 'phone' AND scope = '' AND value IN ?", hashes).Scan(&persons).Error; err != nil {
			return nil, err
		}
	}
	if q.OpenID != "" {
		// The key of identities begins with kind and scope: every scope is named.
		var scopes []string
		if err := g.Raw("SELECT DISTINCT app_id FROM account").Scan(&scopes).Error; err != nil {
			return nil, err
		}
		var found []id.ID
		err := g.Raw("SELECT person_id FROM identity_key WHERE kind IN ('openid', 'unionid') AND scope IN ? AND value = ?", append(scopes, ""), q.OpenID).Scan(&found).Error
		if err != nil {
			return nil, err
		}
		persons = append(persons, found...)
	}
	var rows []struct {
		ID, PersonID id.ID
		State        string
	}
	where, args := []string{}, []any{}
	if len(persons) > 0 {
		where, args = append(where, "SELECT id, person_id, state FROM member WHERE person_id IN ?"), append(args, persons)
	}
	if q.ID != 0 {
		where, args = append(where, "SELECT id, person_id, state FROM member WHERE id = ?"), append(args, q.ID)
	}
	if q.Number != "" {
		where = append(where, fmt.Sprintf("SELECT * FROM (SELECT id, person_id, state FROM member WHERE tail = ? ORDER BY created_at DESC, id DESC LIMIT %d) w", each))
		args = append(args, id.OfTail(q.Number))
	}
	if len(where) == 0 {
		return nil, nil
	}
	if err := g.Raw(strings.Join(where, " UNION ")+fmt.Sprintf(" LIMIT %d", each), args...).Scan(&rows).Error; err != nil {
		return nil, err
	}
	return s.shown(ctx, rows)
}

// shown masks who was found: the telephone as every list shows it.
func (s *Store) shown(ctx context.Context, rows []struct {
	ID, PersonID id.ID
	State        string
}) ([]Hit, error) {
	persons := make([]id.ID, len(rows))
	for i, r := range rows {
		persons[i] = r.PersonID
	}
	var keys []struct {
		PersonID id.ID
		Value    string
	}
	if len(persons) > 0 {
		if err := s.db.Read(ctx).Raw("SELECT person_id, value FROM identity_key WHERE kind = 'phone' AND person_id IN ?", persons).Scan(&keys).Error; err != nil {
			return nil, err
		}
	}
	hashes := make([]string, len(keys))
	for i, k := range keys {
		hashes[i] = k.Value
	}
	numbers, err := s.phones.Masked(ctx, hashes)
	if err != nil {
		return nil, err
	}
	out := make([]Hit, len(rows))
	for i, r := range rows {
		out[i] = Hit{Kind: Member, ID: r.ID, Title: "会员 …" + r.ID.Tail(), State: r.State}
		for _, k := range keys {
			if k.PersonID == r.PersonID && numbers[k.Value] != "" {
				out[i].Subtitle = numbers[k.Value]
			}
		}
	}
	return out, nil
}
