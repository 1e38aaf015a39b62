// Package tag keeps facts about people under names that operators chose (标签), and who has
// them.
//
// It owns the tables tag, tag_category, tag_version, tag_value, tag_person, tag_seen,
// tag_run, tag_stat, tag_score and tag_feed. A tag is requested (需求) with a purpose, an owner and an intended use, built
// (生成), sent in and approved by somebody else (审批), runs (执行) on its refresh schedule, is
// reviewed from time to time, and retired (淘汰). What a running tag means changes by a new
// version, which is approved as the first was; until then the old one counts.
//
// Three kinds: a fact (事实标签) is said of a person, or is in an event; a rule (规则标签) is
// computed from conditions; a model's (模型标签) is written from outside, with score and
// version.
//
// Promises:
//
//   - A person is a human (祖ID). What was given to a member stays under that member; what
//     is computed is computed for the human and stands under his root. Joining and parting
//     gives what computing anew would give.
//   - An event moves the tags that it touches as soon as it is told; computing everybody
//     anew gives the same.
//   - What is made of behaviour exists only for people who allow profiling, and is deleted
//     in the transaction that takes that back.
//   - Nothing that was computed from older facts is written over what was computed from
//     newer ones (tag_person).
package tag

import (
	"encoding/json"
	"slices"
	"strings"

	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/rule"
)

// Kinds.
const (
	Fact  = "fact"  // 事实标签
	Rule  = "rule"  // 规则标签
	Model = "model" // 模型标签
)

// Classes are the first level of the tree (标签五类).
const (
	Basic       = "basic"       // 基本
	Social      = "social"      // 社会
	Consumption = "consumption" // 消费
	Activity    = "activity"    // 活动
	Interest    = "interest"    // 兴趣
)

// Classes lists them with their names in zh-CN.
func Classes() []Class {
	return []Class{{Basic, "基本属性"}, {Social, "社会属性"}, {Consumption, "消费行为"}, {Activity, "活动参与"}, {Interest, "兴趣偏好"}}
}

// Class is one of the five.
type Class struct {
	Key  string `json:"key"`
	Name string `json:"name"`
}

// States.
const (
	Requested = "requested" // 需求
	Built     = "built"     // 已生成, not sent in yet
	Pending   = "pending"   // 待审批
	Running   = "running"   // 运行中
	Retired   = "retired"   // 已下线
)

// Sources: where the values of a tag come from.
const (
	Manual  = "manual"  // a person gives and takes it
	Profile = "profile" // a field of the member's profile
	Event   = "event"   // the newest event of a type
	Rules   = "rule"
	Scores  = "model"
)

// Tag is one of a brand's.
type Tag struct {
	ID          id.ID    `json:"id"`
	BrandID     id.ID    `json:"brand_id"`
	Class       string   `json:"class"`
	CategoryID  id.ID    `json:"category_id"` // 0: directly under the class
	Name        string   `json:"name"`
	Kind        string   `json:"kind"`
	Purpose     string   `json:"purpose"`      // what it is for
	IntendedUse string   `json:"intended_use"` // where it will be used
	OwnerID     id.ID    `json:"owner_id"`     // the operator who answers for it
	ByID        id.ID    `json:"by_id"`        // who asked for it
	State       string   `json:"state"`
	Sensitive   bool     `json:"sensitive" gorm:"column:is_sensitive"`
	Roles       []string `json:"roles" gorm:"serializer:json"` // may see and use it; none: every role
	// Profiling: its values are made of behaviour, so they need that consent.
	Profiling      bool          `json:"profiling"`
	TTLDays        int           `json:"ttl_days" gorm:"column:ttl_days"` // a value ends so long after it was given; 0: never
	RefreshMinutes int           `json:"refresh_minutes"`                 // everybody is computed anew so often; 0: by events only
	ReviewDays     int           `json:"review_days"`                     // it is to be looked at so often
	IdleDays       int           `json:"idle_days"`                       // unused so long, it proposes its own end
	Version        int           `json:"version"`                         // of the definition that counts; 0: none yet
	Rev            int64         `json:"rev"`                             // grows with each change; an edit names the one it saw
	People         int64         `json:"people"`                          // humans who have it, as of CountedAt
	CountedAt      clock.Instant `json:"counted_at"`
	UsedAt         clock.Instant `json:"used_at"` // last seen in use
	ReviewedAt     clock.Instant `json:"reviewed_at"`
	RefreshAt      clock.Instant `json:"refresh_at"` // next computation of everybody; none: never
	Proposal       string        `json:"proposal"`   // why it should be retired; "": it should not
	CreatedAt      clock.Instant `json:"created_at"`
	ChangedAt      clock.Instant `json:"changed_at"`
}

// TableName names the table for GORM.
func (Tag) TableName() string { return "tag" }

// Version is what a tag means.
type Version struct {
	TagID      id.ID         `json:"tag_id"`
	Version    int           `json:"version"`
	Definition Definition    `json:"definition" gorm:"serializer:json"`
	State      string        `json:"state"` // draft, pending, approved, rejected
	ByID       id.ID         `json:"by_id"`
	CreatedAt  clock.Instant `json:"created_at"`
	// Of a draft or pending one they say who sent the text before it back, when and why.
	DecidedBy id.ID         `json:"decided_by"`
	DecidedAt clock.Instant `json:"decided_at"`
	Note      string        `json:"note"`
}

// TableName names the table for GORM.
func (Version) TableName() string { return "tag_version" }

// States of a version, beside Pending.
const (
	Draft    = "draft"
	Approved = "approved"
	Rejected = "rejected"
)

// Definition says where values come from. Which fields hold something depends on Source.
type Definition struct {
	Source string `json:"source"`
	// Choices are the values that may be given by hand or by a model; none: the tag is
	// there or not.
	Choices []string `json:"choices"`
	// Field is the profile field, or the field of the event's body whose text becomes the
	// value; "" for an event: that it happened.
	Field     string `json:"field"`
	EventType string `json:"event_type"`
	// Cases are read in their order; the first that matches gives its value.
	Cases []Case `json:"cases"`
}

// Case is one value of a rule's.
type Case struct {
	Value string    `json:"value"` // "": the tag is there
	Tree  rule.Tree `json:"tree"`
}

// Limits.
const (
	maxCases   = 20
	maxChoices = 100
	maxValue   = 32 // bytes: one of these stands in each row of tag_value
	maxDays    = 3660
)

// kindOf is which kind of tag a source makes.
func kindOf(source string) string {
	switch source {
	case Manual, Profile, Event:
		return Fact
	case Rules:
		return Rule
	case Scores:
		return Model
	}
	return ""
}

// computed says whether values follow from something that is kept elsewhere.
func (d Definition) computed() bool {
	return d.Source == Profile || d.Source == Event || d.Source == Rules
}

// uses is what all cases use together.
func (d Definition) uses() (u rule.Uses) {
	for _, c := range d.Cases {
		u = u.Merge(c.Tree.Uses())
	}
	return u
}

// Tags are the tags that the definition is made of.
func (d Definition) Tags() []id.ID { return d.uses().Tags }

// behaviour says whether the definition itself looks at what somebody did; it does not
// know of the tags that it uses.
func (d Definition) behaviour() bool {
	return d.Source == Event || d.Source == Scores || d.uses().Profiling
}

// touched says whether an event of a type may move values. That a message did not arrive takes
// back that it was sent.
func (d Definition) touched(typ string) bool {
	return d.Source == Event && (d.EventType == typ || typ == event.MessageLost && d.EventType == event.MessageSent) || slices.Contains(d.uses().Events, typ)
}

// scheduled says whether values change without an event: with time alone, or with facts that
// nobody tells of.
func (d Definition) scheduled() bool {
	u := d.uses()
	return u.Clock || slices.ContainsFunc(u.Attrs, func(a string) bool {
		return a == rule.Key || a == rule.Consent || a == rule.Leader || a == rule.TierLevel
	})
}

func invalid(field, text string) *fault.Fault {
	return fault.NewInvalid("tag_definition", text).With("field", field)
}

// check looks at a definition alone.
func (d Definition) check(kind string) error {
	switch {
	case kindOf(d.Source) != kind:
		return invalid("source", "取值来源与标签种类不符：事实标签来自人工、档案或行为，规则标签来自条件，模型标签由计算写入")
	case len(d.Choices) > maxChoices || len(d.Cases) > maxCases:
		return invalid("cases", "取值太多：规则最多 20 条，可选值最多 100 个")
	case d.Source == Profile && d.Field == "":
		return invalid("field", "请选择档案字段")
	case d.Source == Event && event.Schemas()[d.EventType] == nil:
		return invalid("event_type", "没有这种行为，请从列表中选择")
	case d.Source == Event && d.Field != "" && !fieldOf(d.EventType, d.Field):
		return invalid("field", "这种行为没有这个字段")
	case d.Source == Rules && len(d.Cases) == 0:
		return invalid("cases", "请至少写一条规则")
	}
	seen := map[string]bool{}
	for _, v := range d.values() {
		switch {
		case strings.TrimSpace(v) != v || len(v) > maxValue:
			return invalid("cases", "取值最多 10 个汉字，前后不能有空格："+v)
		case seen[v]:
			return invalid("cases", "取值重复："+v)
		case v == "" && (d.Source != Rules || len(d.Cases) > 1):
			return invalid("cases", "有几个取值时，每个都要有名字")
		}
		seen[v] = true
	}
	for _, c := range d.Cases {
		if err := c.Tree.Check(); err != nil {
			return err
		}
		if u := c.Tree.Uses(); len(u.Segments)+len(u.Lists) > 0 {
			return invalid("cases", "标签是人群的依据，规则里不能反过来引用人群或名单")
		}
	}
	return nil
}

// values are the values that a definition names.
func (d Definition) values() []string {
	out := slices.Clone(d.Choices)
	for _, c := range d.Cases {
		out = append(out, c.Value)
	}
	return out
}

func fieldOf(typ, name string) bool {
	return slices.ContainsFunc(event.Schemas()[typ], func(f event.Field) bool {
		return f.Name == name && f.Kind != event.List && f.Kind != event.Data
	})
}

// Visible says whether somebody with these roles may see and use the tag.
func (t Tag) Visible(roles []string) bool {
	return len(t.Roles) == 0 || slices.ContainsFunc(roles, func(r string) bool { return r == admin || slices.Contains(t.Roles, r) })
}

// admin sees everything; the name of operator.Admin.
const admin = "admin"

func (d Definition) text() (string, error) {
	b, err := json.Marshal(d)
	if err == nil && len(b) > 60_000 {
		err = invalid("cases", "规则太长，请拆成几个标签")
	}
	return string(b), err
}
