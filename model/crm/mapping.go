package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/profile"
)

// What a column may be. "profile:{field}" is a field of the profile.
const (
	ToPhone   = "key:phone"
	ToCRM     = "key:crm"  // customer number within the import's source
	ToCard    = "key:card" // card number within the import's source
	ToUnionID = "key:unionid"
	ToOpenID  = "key:openid" // of the mapping's app
	ToPoints  = "points"     // opening balance, a whole number
	ToConsent = "consent"    // yes or no, to the mapping's purposes
	toProfile = "profile:"
)

// Column says what one column of the file is.
type Column struct {
	Column string `json:"column"` // its name in the first row
	To     string `json:"to"`     // "" is left out
}

// Mapping says what a file means (列对应关系).
type Mapping struct {
	Columns  []Column `json:"columns"`
	AppID    string   `json:"app_id"`   // of the openids
	Consents []string `json:"consents"` // purposes that "yes" in the consent column agrees to
	Evidence string   `json:"evidence"` // where that agreement is kept: the paper form, the page
}

var keyKinds = map[string]string{ToPhone: identity.Phone, ToCRM: identity.CRM, ToCard: identity.Card, ToUnionID: identity.UnionID, ToOpenID: identity.OpenID}

// check holds a mapping against a file's columns (nil: a template, of no file yet) and
// the fields there are.
func (m *Mapping) check(columns []string, fields []profile.Field) error {
	bad := func(format string, args ...any) error { return fault.Invalidf("import_mapping", format, args...) }
	used, keys := map[string]bool{}, 0
	if len(m.Columns) == 0 || len(m.Columns) > maxColumns {
		return bad("请设置列的对应关系")
	}
	for _, c := range m.Columns {
		field, isField := strings.CutPrefix(c.To, toProfile)
		// What is sensitive comes with the agreement to it, or not at all.
		known := isField && slices.ContainsFunc(fields, func(f profile.Field) bool {
			return f.Name == field && f.Active && (f.Purpose == "" || slices.Contains(m.Consents, f.Purpose))
		})
		switch {
		case c.Column == "" || columns != nil && !slices.Contains(columns, c.Column):
			return bad("文件中没有“%s”这一列", clip(c.Column, 20)).(*fault.Fault).With("column", c.Column)
		case used["column "+c.Column]:
			return bad("“%s”列设置了两次", clip(c.Column, 20))
		case c.To == "":
			continue
		case used[c.To]:
			return bad("有两列对应同一项")
		case keyKinds[c.To] != "":
			keys++
		case c.To == ToPoints || c.To == ToConsent || known:
		default:
			return bad("“%s”列的对应项不对", clip(c.Column, 20)).(*fault.Fault).With("column", c.Column)
		}
		used["column "+c.Column], used[c.To] = true, true
	}
	if keys == 0 {
		return bad("至少要有一列是编号：手机号、客户编号、会员卡号、UnionID 或 OpenID")
	}
	if used[ToOpenID] != (m.AppID != "") || len(m.AppID) > 64 {
		return bad("导入 OpenID 时，请填写它所属的 AppID")
	}
	m.Evidence = strings.TrimSpace(m.Evidence)
	if used[ToConsent] != (len(m.Consents) > 0) || used[ToConsent] && m.Evidence == "" || utf8.RuneCountInString(m.Evidence) > 150 {
		return bad("导入授权时，请选择授权目的，并说明授权凭证存放在哪里（150 字内）")
	}
	for _, p := range m.Consents {
		if known, ok := consent.PurposeOf(p); !ok || known.Needed {
			return bad("授权目的不对")
		}
	}
	return nil
}

// SetMapping says what a received file means. Faults: Invalid import_mapping, Conflict
// import_state.
func (s *Store) SetMapping(ctx context.Context, importID id.ID, m Mapping) (Import, error) {
	i, err := s.Get(ctx, importID)
	if err != nil {
		return Import{}, err
	}
	fields, err := s.Profiles.Fields(ctx)
	if err != nil {
		return Import{}, err
	}
	if err := m.check(i.Columns, fields); err != nil {
		return Import{}, err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return Import{}, err
	}
	// What an earlier dry run said was said of another mapping.
	return s.move(ctx, importID, []string{Received, Checked}, map[string]any{"state": Received, "mapping": string(text)}, false)
}

// words are names of columns as people write them.
var words = map[string][]string{
	ToPhone: {"手机", "电话", "联系方式", "联系号码", "mobile", "phone"}, ToCRM: {"客户编号", "客户号", "会员编号", "会员号", "会员id", "客户id", "crm"}, ToCard: {"卡号", "card"},
	ToUnionID: {"unionid"}, ToOpenID: {"openid"}, ToPoints: {"积分", "points"}, ToConsent: {"同意", "授权", "consent"},
	toProfile + "nickname": {"昵称", "姓名", "称呼"}, toProfile + profile.Birthday: {"生日", "出生", "birthday"}, toProfile + "gender": {"性别", "gender"},
	toProfile + "province": {"省份", "所在省"}, toProfile + "city": {"城市", "所在市"}, toProfile + "household": {"家庭人数", "家庭人口"},
}

// Suggest proposes a mapping by the names of the columns; the operator decides.
func Suggest(columns []string, fields []profile.Field) []Column {
	out, used := make([]Column, len(columns)), map[string]bool{}
	for i, c := range columns {
		out[i].Column = c
		low := strings.ToLower(strings.ReplaceAll(c, " ", ""))
		for _, f := range fields {
			if to := toProfile + f.Name; f.Active && f.Title == c && !used[to] {
				out[i].To = to
			}
		}
		for _, to := range []string{ToPhone, ToCRM, ToCard, ToUnionID, ToOpenID, ToPoints, ToConsent, toProfile + "nickname",
			toProfile + profile.Birthday, toProfile + "gender", toProfile + "province", toProfile + "city", toProfile + "household"} {
			if out[i].To == "" && !used[to] && slices.ContainsFunc(words[to], func(w string) bool { return strings.Contains(low, w) }) {
				out[i].To = to
			}
		}
		used[out[i].To] = true
	}
	return out
}

// Template is a mapping that is kept for the next file.
type Template struct {
	ID        id.ID         `json:"id"`
	BrandID   id.ID         `json:"brand_id"`
	Name      string        `json:"name"`
	Mapping   Mapping       `json:"mapping" gorm:"-"`
	ChangedAt clock.Instant `json:"changed_at"`
}

// Templates lists a brand's saved mappings by name.
func (s *Store) Templates(ctx context.Context, brandID id.ID) ([]Template, error) {
	var rows []struct {
		Template
		Mapping string
	}
	if err := s.DB.Read(ctx).Raw("SELECT id, brand_id, name, mapping, changed_at FROM crm_mapping WHERE brand_id = ? ORDER BY name", brandID).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("crm: templates: %w", err)
	}
	out := []Template{}
	for _, r := range rows {
		if err := json.Unmarshal([]byte(r.Mapping), &r.Template.Mapping); err != nil {
			return nil, fmt.Errorf("crm: template %d: %w", r.ID, err)
		}
		out = append(out, r.Template)
	}
	return out, nil
}

// SaveTemplate keeps a mapping under a name, in place of what had that name.
// Faults: Invalid import_mapping, import_name.
func (s *Store) SaveTemplate(ctx context.Context, t Template) (Template, error) {
	if t.Name = strings.TrimSpace(t.Name); t.Name == "" || utf8.RuneCountInString(t.Name) > 100 || t.BrandID == 0 {
		return Template{}, fault.NewInvalid("import_name", "请选择品牌并填写名称，最多 100 字").With("field", "name")
	}
	fields, err := s.Profiles.Fields(ctx)
	if err != nil {
		return Template{}, err
	}
	if err := t.Mapping.check(nil, fields); err != nil {
		return Template{}, err
	}
	text, err := json.Marshal(t.Mapping)
	if err != nil {
		return Template{}, err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		t.ChangedAt = s.DB.Now()
		var old []id.ID
		if err := tx.Raw("SELECT id FROM crm_mapping WHERE brand_id = ? AND name = ?", t.BrandID, t.Name).Scan(&old).Error; err != nil {
			return err
		}
		if len(old) > 0 {
			t.ID = old[0]
			return tx.Exec("UPDATE crm_mapping SET mapping = ?, changed_at = ? WHERE id = ?", string(text), t.ChangedAt, t.ID).Error
		}
		t.ID = s.DB.NewID()
		return tx.Exec("INSERT INTO crm_mapping (id, brand_id, name, mapping, changed_at) VALUES (?,?,?,?,?)", t.ID, t.BrandID, t.Name, string(text), t.ChangedAt).Error
	})
	if db.IsDuplicate(err) {
		return Template{}, fault.New(fault.Conflict, "import_name", "刚刚有人用这个名称保存过，请刷新")
	}
	if err != nil {
		return Template{}, fmt.Errorf("crm: template: %w", err)
	}
	return t, nil
}

// Sample is the first rows of a file, as its operator may see them: numbers and keys
// masked by what the mapping, or else the column's name, says they are.
func (s *Store) Sample(ctx context.Context, importID id.ID, rows int) ([][]string, error) {
	r, err := s.get(ctx, importID)
	if err != nil {
		return nil, err
	}
	out := [][]string{}
	if r.FileGone {
		return out, nil
	}
	i, err := r.show()
	if err != nil {
		return nil, err
	}
	cols := i.Mapping.Columns
	if len(cols) == 0 {
		cols = Suggest(i.Columns, nil)
	}
	to := map[string]string{}
	for _, c := range cols {
		to[c.Column] = c.To
	}
	t, err := s.open(ctx, r)
	if err != nil {
		return nil, err
	}
	if _, err := t.header(); err != nil {
		return nil, err
	}
	for len(out) < rows {
		_, cells, err := t.next()
		if err != nil {
			if errors.As(err, &badRow{}) {
				continue
			}
			break // the end; what is wrong with the file the dry run tells
		}
		line := make([]string, len(i.Columns))
		for n := range line {
			if n < len(cells) {
				line[n] = shown(to[i.Columns[n]], cells[n])
			}
		}
		out = append(out, line)
	}
	return out, nil
}
