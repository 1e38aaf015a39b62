package identity

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Events that may show that two keys are one human's. Each is something a server of
// ours or WeChat's saw; the word of a browser is none.
const (
	WeChatLogin   = "wechat_login"   // WeChat's server answered a login
	WeChatPush    = "wechat_push"    // WeChat's server told of a follower: he did nothing with us yet
	PhoneVerified = "phone_verified" // WeChat's server gave the number the user chose
	CRMImport     = "crm_import"     // an operator imported a file
	WeComCallback = "wecom_callback" // WeCom's server told of a contact
	PartnerEvent  = "partner_event"  // a partner's signed call
	ByOperator    = "operator"       // an operator said so, with a reason
)

// Evidence is what shows that a key is a person's (证据).
type Evidence struct {
	Event     string `json:"event"`
	By        id.ID  `json:"by"`         // the operator; 0: nobody, a server's event
	Channel   string `json:"channel"`    // h5, mini, callback, import, admin, open
	ConsentID id.ID  `json:"consent_id"` // the consent row it happened under; 0: the contract needs none
	Ref       id.ID  `json:"ref_id"`     // the row it comes from: an import, a notice
	Note      string `json:"note"`       // at most 200 characters
	With      Key    `json:"-"`          // the key by which the person was there, when one was
}

// trusted says which kinds an event may link; an event that is not here links nothing.
// An operator and his file may name any kind: they answer for it.
func trusted(event, kind string) bool {
	switch event {
	case WeChatLogin, WeChatPush:
		return kind == OpenID || kind == UnionID
	case PhoneVerified:
		return kind == Phone
	case WeComCallback:
		return kind == ExternalUserID || kind == UnionID
	case PartnerEvent:
		return kind != OpenID && kind != UnionID && kind != ExternalUserID
	case CRMImport, ByOperator:
		return true
	}
	return false
}

// eventTitle is the event in a sentence: "通过…".
func eventTitle(event string) string {
	return map[string]string{WeChatLogin: "微信登录", WeChatPush: "公众号关注推送", PhoneVerified: "手机号验证", CRMImport: "客户资料导入", WeComCallback: "企业微信回调",
		PartnerEvent: "合作方上报", ByOperator: "人工操作"}[event]
}

func (e Evidence) check(kind string) error {
	if !trusted(e.Event, kind) {
		return fault.NewInvalid("evidence_malformed", "这类事件不能作为关联依据").With("event", e.Event).With("kind", kind)
	}
	if e.Event == ByOperator && (e.By == 0 || e.Note == "") {
		return fault.NewInvalid("reason_missing", "请填写原因").With("field", "reason")
	}
	return nil
}

// Edge is one piece of evidence as it is kept. Rows are never changed.
type Edge struct {
	ID         id.ID         `json:"id"`
	PersonID   id.ID         `json:"person_id"`
	KeyNo      int64         `json:"-"`
	Kind       string        `json:"kind"`
	Scope      string        `json:"scope"`
	Value      string        `json:"-"`
	OtherKind  string        `json:"other_kind"`
	OtherScope string        `json:"other_scope"`
	OtherValue string        `json:"-"`
	Event      string        `json:"event"`
	Strong     bool          `json:"strong"`
	At         clock.Instant `json:"at"`
	ActorID    id.ID         `json:"actor_id"`
	Channel    string        `json:"channel"`
	ConsentID  id.ID         `json:"consent_id"`
	RefID      id.ID         `json:"ref_id"`
	Note       string        `json:"note"`
	Revokes    id.ID         `json:"revokes"`
}

// TableName names the table for GORM.
func (Edge) TableName() string { return "identity_edge" }

// Key is the key that was seen.
func (e Edge) Key() Key { return Key{Kind: e.Kind, Scope: e.Scope, Value: e.Value} }

// Other is the key it was seen with; empty when it was seen with the person alone.
func (e Edge) Other() Key { return Key{Kind: e.OtherKind, Scope: e.OtherScope, Value: e.OtherValue} }

// number is a short name of a key for the index.
func (n name) number() int64 {
	h := sha256.Sum256([]byte(n.kind + "\x00" + n.scope + "\x00" + n.value))
	return int64(binary.BigEndian.Uint64(h[:8]) >> 1)
}

const edgeColumns = "id, person_id, key_no, kind, scope, value, other_kind, other_scope, other_value, event, strong, at, actor_id, channel, consent_id, ref_id, note, revokes"

func (s *Store) newEdge(person id.ID, k, with Key, e Evidence) Edge {
	return Edge{ID: s.db.NewID(), PersonID: person, KeyNo: k.name().number(), Kind: k.Kind, Scope: k.Scope, Value: k.Value,
		OtherKind: with.Kind, OtherScope: with.Scope, OtherValue: with.Value, Event: e.Event, Strong: e.Event != CRMImport && e.Event != PartnerEvent,
		At: s.db.Now(), ActorID: e.By, Channel: clip(e.Channel, 16), ConsentID: e.ConsentID, RefID: e.Ref, Note: clip(e.Note, 200)}
}

// putEdges writes evidence with many rows in a statement.
func (s *Store) putEdges(ctx context.Context, tx *gorm.DB, edges []Edge) error {
	for part := range slices.Chunk(edges, s.perInsert(18)) {
		rows := db.NewRows("identity_edge", edgeColumns)
		for _, e := range part {
			rows.Add(e.ID, e.PersonID, e.KeyNo, e.Kind, e.Scope, e.Value, e.OtherKind, e.OtherScope, e.OtherValue, e.Event, e.Strong, e.At,
				e.ActorID, e.Channel, e.ConsentID, e.RefID, e.Note, e.Revokes)
		}
		if _, err := rows.Insert(ctx, tx, ""); err != nil {
			return fmt.Errorf("identity: evidence: %w", err)
		}
	}
	return nil
}

// noteEdge writes that a key was seen with a person again, once per event: the second
// of a kind is no new evidence, and a table that grew with every login would be a log.
func (s *Store) noteEdge(ctx context.Context, tx *gorm.DB, person id.ID, k, with Key, e Evidence) error {
	var there []int
	err := tx.Raw("SELECT 1 FROM identity_edge WHERE key_no = ? AND person_id = ? AND event = ? AND revokes = 0 LIMIT 1", k.name().number(), person, e.Event).Scan(&there).Error
	if err != nil {
		return fmt.Errorf("identity: evidence: %w", err)
	}
	if len(there) > 0 {
		return nil
	}
	return s.putEdges(ctx, tx, []Edge{s.newEdge(person, k, with, e)})
}

// anchor is the key a person is best known by: what new evidence is tied to.
func (ks kinds) anchor(keys []Key, not name) Key {
	var best Key
	for _, k := range keys {
		if k.name() != not && (best.Kind == "" || ks[k.Kind].near > ks[best.Kind].near) {
			best = k
		}
	}
	return best
}
