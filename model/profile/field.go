package profile

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/fault"
	"siyu/model/id"
)

// Kinds of field.
const (
	Text    = "text"
	Number  = "number"  // 0 to 999
	Date    = "date"    // of the past: 1990-05-04
	Choice  = "choice"  // one of the choices
	Choices = "choices" // some of them
)

// Field is one thing that can be known of a member (档案字段).
type Field struct {
	Name      string        `json:"name"`
	BrandID   id.ID         `json:"brand_id"` // who thanks with points; none: nobody
	Title     string        `json:"title"`
	Kind      string        `json:"kind"`
	Choices   []string      `json:"choices"`
	Purpose   string        `json:"purpose"`  // sensitive: the consent it needs; "": none of its own
	Question  string        `json:"question"` // "": never asked, can still be filled in
	Why       string        `json:"why"`      // shown beside the question: what it is used for
	Points    int64         `json:"points"`   // for the first answer
	PlaceNo   int           `json:"place_no"` // questions are asked in this order
	Active    bool          `json:"active"`
	BuiltIn   bool          `json:"built_in"`
	ChangedAt clock.Instant `json:"changed_at"`
}

// Birthday is the field that also tells whether a person is a child.
const Birthday = "birthday"

// Limits.
const (
	maxValue  = 100  // characters of a text
	maxPoints = 1000 // of one field: a thank-you, not a price
	adultAge  = 14   // below it the parents must agree, and we do not ask them
)

var provinces = []string{"北京", "天津", "河北", "山西", "内蒙古", "辽宁", "吉林", "黑龙江", "上海", "江苏", "浙江", "安徽", "福建", "江西", "山东", "河南", "湖北",
	"湖南", "广东", "广西", "海南", "重庆", "四川", "贵州", "云南", "西藏", "陕西", "甘肃", "青海", "宁夏", "新疆", "香港", "澳门", "台湾"}

// builtIn are the fields that every company has.
func builtIn() []Field {
	f := func(place int, name, title, kind, question, why string, choices ...string) Field {
		if choices == nil {
			choices = []string{}
		}
		return Field{Name: name, Title: title, Kind: kind, Choices: choices, Question: question, Why: why, PlaceNo: place, Active: true, BuiltIn: true}
	}
	return []Field{
		f(10, "nickname", "昵称", Text, "怎么称呼您？", "用于页面和消息里的称呼"),
		f(20, Birthday, "生日", Date, "您的生日是哪一天？", "用于生日当月的会员礼遇"),
		f(30, "gender", "性别", Choice, "您的性别？", "用于推荐更合适的商品", "男", "女", "不便透露"),
		f(40, "province", "所在省份", Choice, "您常住在哪个省份？", "用于通知附近的活动", provinces...),
		f(50, "city", "所在城市", Text, "您常住在哪个城市？", "用于通知附近的活动"),
		f(60, "household", "家庭人数", Number, "家里一共几口人？", "用于推荐合适的规格"),
	}
}

// fields reads what is declared: built-in ones as the company changed them, then its own.
func (s *Store) fields(tx *gorm.DB) ([]Field, error) {
	var rows []struct {
		Name, Title, Kind, Choices, Purpose, Question, Why string
		BrandID                                            id.ID
		Points                                             int64
		PlaceNo                                            int
		Active                                             bool
		ChangedAt                                          clock.Instant
	}
	if err := tx.Raw("SELECT * FROM profile_field").Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("profile: fields: %w", err)
	}
	out := builtIn()
	for _, r := range rows {
		f := Field{Name: r.Name, BrandID: r.BrandID, Title: r.Title, Kind: r.Kind, Choices: []string{}, Purpose: r.Purpose, Question: r.Question,
			Why: r.Why, Points: r.Points, PlaceNo: r.PlaceNo, Active: r.Active, ChangedAt: r.ChangedAt}
		if err := json.Unmarshal([]byte(r.Choices), &f.Choices); err != nil {
			return nil, fmt.Errorf("profile: choices of %s: %w", r.Name, err)
		}
		if i := slices.IndexFunc(out, func(b Field) bool { return b.Name == f.Name }); i >= 0 {
			f.BuiltIn, f.Kind, f.Choices = true, out[i].Kind, out[i].Choices
			out[i] = f
			continue
		}
		out = append(out, f)
	}
	slices.SortStableFunc(out, func(a, b Field) int { return a.PlaceNo - b.PlaceNo })
	return out, nil
}

// Fields lists what can be known, in the order in which it is asked.
func (s *Store) Fields(ctx context.Context) ([]Field, error) { return s.fields(s.DB.Read(ctx)) }

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

func (f *Field) check() error {
	bad := func(field, text string) error {
		return fault.NewInvalid("profile_field", text).With("field", field)
	}
	within := func(s string, most int) bool { return utf8.RuneCountInString(s) <= most }
	f.Title, f.Question, f.Why = strings.TrimSpace(f.Title), strings.TrimSpace(f.Question), strings.TrimSpace(f.Why)
	switch {
	case !nameForm.MatchString(f.Name):
		return bad("name", "字段标识应为小写字母开头的字母、数字、下划线，最多 32 位")
	case f.Title == "" || !within(f.Title, 32):
		return bad("title", "请填写字段名称，最多 32 字")
	case !slices.Contains([]string{Text, Number, Date, Choice, Choices}, f.Kind):
		return bad("kind", "字段类型应为 text、number、date、choice 或 choices")
	case (f.Kind == Choice || f.Kind == Choices) != (len(f.Choices) >= 2) || len(f.Choices) > 50:
		return bad("choices", "选择型字段应有 2 到 50 个选项，其他类型不应有选项")
	case !within(f.Question, 100) || !within(f.Why, 100):
		return bad("question", "问题和用途说明最多 100 字")
	case f.Question != "" && f.Why == "":
		return bad("why", "向会员提问时，请说明用途")
	case f.Points < 0 || f.Points > maxPoints:
		return bad("points", fmt.Sprintf("感谢积分应为 0 到 %d", maxPoints))
	case f.Points > 0 && f.BrandID == 0:
		return bad("brand_id", "赠送积分时，请选择由哪个品牌发放")
	}
	if p, ok := consent.PurposeOf(f.Purpose); f.Purpose != "" && (!ok || p.Needed) {
		return bad("purpose", "没有这个授权目的")
	}
	for i, c := range f.Choices {
		if c = strings.TrimSpace(c); c == "" || !within(c, 20) || strings.ContainsAny(c, "、,，;；") || slices.Contains(f.Choices[:i], c) {
			return bad("choices", "选项应为 1 到 20 字，不重复，不含顿号、逗号和分号")
		}
		f.Choices[i] = c
	}
	return nil
}

var errFieldKind = fault.New(fault.Conflict, "profile_field_kind", "字段的类型、授权目的和内置选项不能修改，请新建字段")

// PutField adds a field or changes how one is asked. Kind and purpose of a field stay
// as they were first declared: answers were given under them.
// Faults: Invalid profile_field, Conflict profile_field_kind.
func (s *Store) PutField(ctx context.Context, f Field) (Field, error) {
	if f.Choices == nil {
		f.Choices = []string{}
	}
	if err := f.check(); err != nil {
		return Field{}, err
	}
	err := s.DB.InFreshTx(ctx, func(tx *gorm.DB) error {
		all, err := s.fields(tx)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(all, func(o Field) bool { return o.Name == f.Name }); i >= 0 {
			old := all[i]
			if old.Kind != f.Kind || old.Purpose != f.Purpose || old.BuiltIn && !slices.Equal(old.Choices, f.Choices) {
				return errFieldKind
			}
			f.BuiltIn = old.BuiltIn
		} else if len(all) >= 60 {
			return fault.NewInvalid("profile_field", "字段太多，最多 60 个")
		}
		choices, err := json.Marshal(f.Choices)
		if err != nil {
			return err
		}
		f.ChangedAt = s.DB.Now()
		r := tx.Exec(`INSERT INTO profile_field (name, brand_id, title, kind, choices, purpose, question, why, points, place_no, active, changed_at)
			VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`+s.DB.Once("name"), f.Name, f.BrandID, f.Title, f.Kind, string(choices), f.Purpose, f.Question, f.Why, f.Points, f.PlaceNo, f.Active, f.ChangedAt)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		// It is there, perhaps declared by another since the look above: what it means is
		// decided by the row alone. The row is locked by now, so it is read as it is.
		var same int64
		if err := tx.Raw("SELECT COUNT(*) FROM profile_field WHERE name = ? AND kind = ? AND purpose = ?", f.Name, f.Kind, f.Purpose).Scan(&same).Error; err != nil {
			return err
		}
		if same == 0 {
			return errFieldKind
		}
		return tx.Exec(`UPDATE profile_field SET brand_id = ?, title = ?, choices = ?, question = ?, why = ?, points = ?, place_no = ?, active = ?, changed_at = ? WHERE name = ?`,
			f.BrandID, f.Title, string(choices), f.Question, f.Why, f.Points, f.PlaceNo, f.Active, f.ChangedAt, f.Name).Error
	})
	if err != nil {
		return Field{}, fmt.Errorf("profile: field %s: %w", f.Name, err)
	}
	return f, nil
}

// Parse brings what a person or a file says into the one form that is stored; "" stays
// "", which means "not said". today is the business day. Faults: Invalid profile_value,
// profile_child.
func (f Field) Parse(raw string, today clock.Day) (string, error) {
	v := strings.Join(strings.Fields(raw), " ")
	bad := func(text string) error {
		return fault.NewInvalid("profile_value", f.Title+text).With("field", f.Name)
	}
	if v == "" {
		return "", nil
	}
	if !utf8.ValidString(v) || utf8.RuneCountInString(v) > maxValue || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", bad("太长或含有不能使用的字符")
	}
	switch f.Kind {
	case Number:
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(v, ".0"), "人"))
		if err != nil || n < 0 || n > 999 {
			return "", bad("应为 0 到 999 的整数")
		}
		return strconv.Itoa(n), nil
	case Date:
		return f.parseDate(v, today)
	case Choice:
		if c, ok := f.choose(v); ok {
			return c, nil
		}
		return "", bad("应为：" + strings.Join(f.Choices, "、"))
	case Choices:
		var some []string
		for _, part := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune("、,，;；|/", r) }) {
			c, ok := f.choose(strings.TrimSpace(part))
			if !ok {
				return "", bad("应从以下选项中选：" + strings.Join(f.Choices, "、"))
			}
			some = append(some, c)
		}
		// In the declared order, so that equal answers are equal texts.
		slices.SortFunc(some, func(a, b string) int { return slices.Index(f.Choices, a) - slices.Index(f.Choices, b) })
		return strings.Join(slices.Compact(some), "、"), nil
	}
	return v, nil
}

// otherWords are how files write the choices of built-in fields.
var otherWords = map[string]map[string]string{
	"gender": {"男": "男", "男性": "男", "先生": "男", "m": "男", "male": "男", "女": "女", "女性": "女", "女士": "女", "小姐": "女", "f": "女", "female": "女",
		"保密": "不便透露", "未知": "不便透露", "不详": "不便透露", "unknown": "不便透露"},
}

var regionTail = strings.NewReplacer("壮族自治区", "", "回族自治区", "", "维吾尔自治区", "", "自治区", "", "特别行政区", "", "省", "", "市", "")

func (f Field) choose(v string) (string, bool) {
	if f.Name == "province" {
		v = regionTail.Replace(v)
	}
	if w, ok := otherWords[f.Name][strings.ToLower(v)]; ok && f.BuiltIn {
		v = w
	}
	return v, slices.Contains(f.Choices, v)
}

var dateForms = []string{"2006-1-2", "2006/1/2", "2006.1.2", "20060102", "2006年1月2日", "2006-1-2 15:04:05", "2006-1-2 15:04", "2006/1/2 15:04:05", "2006/1/2 15:04"}

func (f Field) parseDate(v string, today clock.Day) (string, error) {
	for _, form := range dateForms {
		t, err := time.Parse(form, v)
		if err != nil {
			continue
		}
		day := clock.Day(t.Year()*10000 + int(t.Month())*100 + t.Day())
		if t.Year() < 1900 || day > today {
			break
		}
		// Numbers of the form 20261120 compare as the calendar does: 14 years are 140000.
		if f.Name == Birthday && day+adultAge*10000 > today {
			return "", fault.NewInvalid("profile_child", "未满 14 周岁的儿童信息须由监护人同意，我们不收集，请勿填写").With("field", f.Name)
		}
		return t.Format("2006-01-02"), nil
	}
	return "", fault.NewInvalid("profile_value", f.Title+"应为过去的日期，例如 1990-05-04").With("field", f.Name)
}
