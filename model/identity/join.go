package identity

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/fault"
	"siyu/model/id"
)

// A rule says when a key that names two persons joins them without a person deciding.
// Both sides have something the other has not, so a wrong join gives one human the
// other's money: the rules are few, and each says why it is safe.
type rule struct {
	name       string
	event      string // the evidence
	kind       string // the key that names both
	confidence int
	consent    bool   // only under the consent to match old records; without it an operator decides
	why        string // zh-CN, shown with the merge
}

// Automatic rules. All of them ask that one side is quiet: it never logged in nor
// showed a phone, so it claimed nothing, holds no money and cannot object; it is an
// entry in a file or an address book until its owner comes.
func automatic() []rule {
	return []rule{
		{"returning_customer", PhoneVerified, Phone, 95, true, "微信验证的手机号与导入的客户资料一致，该资料的主人此前从未登录：老客户回来了"},
		{"known_unionid", WeChatLogin, UnionID, 95, false, "微信登录返回的 UnionID 把一位会员与一份从未登录过的资料（仅关注或导入）连在一起"},
		{"known_unionid", WeChatPush, UnionID, 95, false, "微信告知的关注者 UnionID 与会员一致，其中一方从未登录"},
		{"wecom_contact", WeComCallback, UnionID, 90, false, "企业微信返回的 UnionID 与会员一致，外部联系人此前从未登录"},
		{"wecom_contact", WeComCallback, ExternalUserID, 90, false, "同一外部联系人，其中一方此前从未登录"},
	}
}

// Confidence of reviews, by what was seen: what to look at first.
func suspicion(event, kind string) (name string, confidence int) {
	switch {
	case event == WeChatLogin || event == WeChatPush:
		return "two_accounts", 70 // WeChat itself names both
	case event == PhoneVerified:
		return "same_phone", 60 // families share phones
	case event == WeComCallback:
		return "same_contact", 70
	case event == CRMImport && kind == Phone:
		return "import_phone", 50
	case event == ByOperator:
		return "operator_link", 60
	}
	return "import_key", 40
}

// RuleTitle explains a rule in zh-CN; a name that is none explains nothing.
func RuleTitle(name string) string {
	for _, r := range automatic() {
		if r.name == name {
			return r.why
		}
	}
	return map[string]string{
		"operator":      "操作员确认是同一个人",
		"two_accounts":  "微信在一次登录中返回的两个编号分属两个会员",
		"same_phone":    "两个都登录过的会员验证了同一手机号，可能是同一人，也可能是家人共用",
		"same_contact":  "企业微信外部联系人与另一会员相同，双方都登录过",
		"import_phone":  "导入资料的手机号属于另一会员",
		"import_key":    "导入资料的一行里，不同的编号分属不同的会员",
		"operator_link": "操作员关联的编号已属于另一会员",
	}[name]
}

// ruling is what the rules say to one case.
type ruling struct {
	rule       string
	confidence int
	automatic  bool
}

// pair is two components as a decision sees them.
type pair struct {
	people []human         // of both
	keys   []Key           // of both
	side   map[id.ID]id.ID // person -> root of his component
}

func readPair(tx *gorm.DB, a, b id.ID) (pair, error) {
	people, err := familyOf(tx, a, b)
	if err != nil {
		return pair{}, err
	}
	p := pair{people: people, side: map[id.ID]id.ID{}}
	for _, h := range people {
		p.side[h.ID] = h.root()
	}
	p.keys, err = keysOf(tx, idsOf(people))
	return p, err
}

// quiet says whether nobody of a component ever acted himself.
func (p pair) quiet(root id.ID) bool {
	for _, k := range p.keys {
		if p.side[k.PersonID] == root && (k.Event == WeChatLogin || k.Event == PhoneVerified || k.SeenAt != 0) {
			return false
		}
	}
	return true
}

// excess finds a kind of which these keys are more than one human may have.
func (ks kinds) excess(keys []Key) (Kind, bool) {
	count := map[[2]string]int{}
	for _, k := range keys {
		kind := ks[k.Kind]
		at := [2]string{k.Kind, k.Scope}
		if count[at]++; kind.Most > 0 && count[at] > kind.Most {
			return kind, true
		}
	}
	return Kind{}, false
}

func errFull(k Kind) error {
	return fault.New(fault.Conflict, "identity_full", fmt.Sprintf("一个人最多绑定 %d 个%s", k.Most, k.Title)).With("kind", k.Kind).With("most", k.Most)
}

// judge applies the rules to a key that names persons of two components.
func (ks kinds) judge(p pair, a, b id.ID, kind string, e Evidence) ruling {
	r := ruling{}
	r.rule, r.confidence = suspicion(e.Event, kind)
	if _, over := ks.excess(p.keys); over {
		r.confidence = min(r.confidence, 20) // two of what a human has one of
		return r
	}
	if !p.quiet(a) && !p.quiet(b) || len(p.people) > familyMost {
		return r
	}
	for _, x := range automatic() {
		if x.event == e.Event && x.kind == kind && (!x.consent || e.ConsentID != 0) {
			return ruling{x.name, x.confidence, true}
		}
	}
	return r
}

// States of an Outcome.
const (
	Attached  = "attached"  // the key was new and is the person's now
	Known     = "known"     // it was his, or his family's, already
	Joined    = "merged"    // it named another person, and a rule joined the two
	InReview  = "in_review" // it names another person; an operator decides
	Declined  = "refused"   // as before, and an operator decided that they are two
	SharedKey = "shared"    // too many people use it: it joins nobody
)

// Outcome is what became of a key.
type Outcome struct {
	State    string
	PersonID id.ID // the root of the human the caller's person is now
	OtherID  id.ID // whom the key belongs to, when that was somebody else
	MergeID  id.ID
	ReviewID id.ID
}

// contest decides about a key of one person that evidence shows with another. The
// caller holds both locks; the components differ.
func (s *Store) contest(ctx context.Context, tx *gorm.DB, ks kinds, roots map[id.ID]id.ID, person, owner id.ID, k Key, e Evidence) (Outcome, error) {
	out := Outcome{PersonID: roots[person], OtherID: owner}
	p, err := readPair(tx, roots[person], roots[owner])
	if err != nil {
		return out, err
	}
	with := e.With
	if with.Kind == "" {
		with = ks.anchor(ofPerson(p.keys, person), k.name())
	}
	if err := s.noteEdge(ctx, tx, person, k, with, e); err != nil {
		return out, err
	}
	if shared, err := s.guardShared(ctx, tx, ks, roots, k); err != nil || shared {
		out.State = SharedKey
		return out, err
	}
	old, err := s.decided(tx, p)
	if err != nil || old.State == Declined {
		out.State, out.ReviewID = old.State, old.ReviewID
		return out, err
	}
	r := ks.judge(p, roots[person], roots[owner], k.Kind, e)
	if !r.automatic {
		if out.State, out.ReviewID = InReview, old.ReviewID; out.ReviewID == 0 {
			out.ReviewID, err = s.review(ctx, tx, r, person, owner, k, e)
		}
		return out, err
	}
	m, err := s.mergeTx(ctx, tx, ks, p, r, person, owner, k, e)
	if err != nil {
		return out, err
	}
	if old.ReviewID != 0 { // a case that waited for what has come now: the consent
		err := tx.Model(&Review{}).Where("id = ? AND state = ?", old.ReviewID, Open).
			Updates(map[string]any{"state": Merged, "merge_id": m.ID, "decided_at": s.db.Now(), "reason": RuleTitle(r.rule)}).Error
		if err != nil {
			return out, fmt.Errorf("identity: review: %w", err)
		}
	}
	now, err := rootsOf(tx, []id.ID{person})
	out.State, out.MergeID, out.PersonID = Joined, m.ID, now[person]
	return out, err
}

func ofPerson(keys []Key, person id.ID) []Key {
	var out []Key
	for _, k := range keys {
		if k.PersonID == person {
			out = append(out, k)
		}
	}
	return out
}

// decided looks whether somebody has decided about these two components already, or is
// about to: a review that crosses from one to the other, or a merge that was undone.
func (s *Store) decided(tx *gorm.DB, p pair) (Outcome, error) {
	persons := idsOf(p.people)
	var reviews []Review
	if err := tx.Where("low_id IN ? AND high_id IN ? AND state <> ?", persons, persons, Merged).Find(&reviews).Error; err != nil {
		return Outcome{}, fmt.Errorf("identity: reviews: %w", err)
	}
	out := Outcome{}
	for _, r := range reviews {
		if p.side[r.LowID] == p.side[r.HighID] {
			continue
		}
		if out.State, out.ReviewID = InReview, r.ID; r.State == Refused {
			out.State = Declined
			return out, nil
		}
	}
	merges, err := mergesOf(tx, persons)
	if err != nil {
		return Outcome{}, err
	}
	for _, m := range merges {
		a, b := p.side[m.PersonID], p.side[m.OtherID]
		if m.State == Undone && a != 0 && b != 0 && a != b {
			return Outcome{State: Declined}, nil
		}
	}
	return out, nil
}

// A key that more people than this use within the window is shared. Three leaves room
// for a couple and a phone number that changed hands.
const (
	sharedMost   = 3
	sharedWindow = 30 * 24 * time.Hour
)

// guardShared blocks a key for joining when too many humans were seen with it.
func (s *Store) guardShared(ctx context.Context, tx *gorm.DB, ks kinds, roots map[id.ID]id.ID, k Key) (bool, error) {
	if !ks[k.Kind].shareable {
		return false, nil
	}
	var seen []id.ID
	err := tx.Raw("SELECT DISTINCT person_id FROM identity_edge WHERE key_no = ? AND at >= ? LIMIT 100", k.name().number(), s.db.Now().Add(-sharedWindow)).Scan(&seen).Error
	if err != nil {
		return false, fmt.Errorf("identity: shared: %w", err)
	}
	humans := map[id.ID]bool{}
	for _, r := range roots {
		humans[r] = true
	}
	if len(seen) > 0 {
		of, err := rootsOf(tx, seen)
		if err != nil {
			return false, err
		}
		for _, r := range of {
			humans[r] = true
		}
	}
	if len(humans) <= sharedMost {
		return false, nil
	}
	return true, s.block(tx, Blocked{Kind: k.Kind, Scope: k.Scope, Value: k.Value, Reason: fmt.Sprintf("30 天内有 %d 个人使用，自动停止用于合并", len(humans))})
}
