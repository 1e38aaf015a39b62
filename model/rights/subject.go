package rights

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gorm.io/gorm"

	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
)

// subject is everything one human is known by, under all of his members.
type subject struct {
	members, persons []id.ID
	keys             []identity.Key
	values           []string // of keys, and openids that were paid
	lists            map[string]any
}

// subjectOf reads it. What is added meanwhile is not in it: an erasure first ends the
// member, so that nothing is.
func (s *Store) subjectOf(tx *gorm.DB, memberID id.ID) (subject, error) {
	families, err := member.Families(tx, []id.ID{memberID})
	if err != nil {
		return subject{}, err
	}
	who := subject{members: families[memberID]}
	if len(who.members) == 0 {
		return subject{}, errNobody
	}
	var openids, heard []string
	var numbers []int64
	var accounts []id.ID
	for _, q := range []struct {
		into any
		stmt string
		args []any
	}{
		{&who.persons, "SELECT person_id FROM member WHERE id IN ?", []any{who.members}},
		{&openids, "SELECT DISTINCT openid FROM payout WHERE member_id IN ?", []any{who.members}},
		{&accounts, "SELECT id FROM account WHERE kind = 'official'", nil},
	} {
		if err := tx.Raw(q.stmt, q.args...).Scan(q.into).Error; err != nil {
			return subject{}, fmt.Errorf("rights: subject: %w", err)
		}
	}
	if err := tx.Where("person_id IN ?", who.persons).Order("kind, scope, value").Find(&who.keys).Error; err != nil {
		return subject{}, fmt.Errorf("rights: subject: %w", err)
	}
	if err := tx.Raw("SELECT DISTINCT key_no FROM identity_edge WHERE person_id IN ?", who.persons).Scan(&numbers).Error; err != nil {
		return subject{}, fmt.Errorf("rights: subject: %w", err)
	}
	var phones []string
	for _, k := range who.keys {
		who.values = append(who.values, k.Value)
		switch k.Kind {
		case identity.OpenID:
			openids = append(openids, k.Value)
		case identity.ExternalUserID:
			heard = append(heard, k.Value)
		case identity.Phone:
			phones = append(phones, k.Value)
		}
	}
	// A number that he gave as a leader, unless somebody else is known by it.
	var given []string
	if err := tx.Raw(`SELECT DISTINCT phone_hash FROM leader WHERE member_id IN ? AND phone_hash <> ''
		AND NOT EXISTS (SELECT 1 FROM identity_key k WHERE k.kind = ? AND k.value = leader.phone_hash AND k.person_id NOT IN ?)
		AND NOT EXISTS (SELECT 1 FROM leader o WHERE o.phone_hash = leader.phone_hash AND o.member_id NOT IN ?)`,
		who.members, identity.Phone, who.persons, who.members).Scan(&given).Error; err != nil {
		return subject{}, fmt.Errorf("rights: subject: %w", err)
	}
	phones = distinct(append(phones, given...))
	openids = distinct(openids)
	for _, o := range openids {
		if len(o) >= 8 { // a shorter text would be found in what is not his
			heard = append(heard, o)
		}
	}
	who.values = distinct(append(who.values, openids...))
	scopes, names := make([]string, len(who.members)), make([]string, len(who.members))
	for i, m := range who.members {
		scopes[i], names[i] = "member:"+m.String(), `"`+m.String()+`"`
	}
	who.lists = map[string]any{"members": who.members, "persons": who.persons, "openids": openids, "heard": heard, "phones": phones,
		"keys": numbers, "accounts": accounts, "scopes": scopes, "names": names}
	return who, nil
}

func distinct(list []string) []string {
	slices.Sort(list)
	list = slices.Compact(list)
	return slices.DeleteFunc(list, func(s string) bool { return s == "" || strings.HasPrefix(s, tombPrefix) })
}

var contains = regexp.MustCompile(`contains\((\w+), @(\w+)\)`)

// condition is a table's where with the lists filled in.
func (who subject) condition(where string) (string, map[string]any) {
	args := who.lists
	where = contains.ReplaceAllStringFunc(where, func(call string) string {
		m := contains.FindStringSubmatch(call)
		texts, _ := who.lists[m[2]].([]string)
		either := []string{"@never = 1"} // also names something when there is nothing to look for
		args["never"] = 0
		for i, text := range texts {
			name := fmt.Sprintf("%s_%d", m[2], i)
			args[name] = text
			either = append(either, "INSTR("+m[1]+", @"+name+") > 0")
		}
		return "(" + strings.Join(either, " OR ") + ")"
	})
	return where, args
}

const tombPrefix = "erased_"

// tomb is what stands in the place of a value: the same for every table of one erasure,
// so that the rows still belong together, another for the next erasure of the same
// human, and nothing that can be turned back.
func (s *Store) tomb(requestID id.ID, value string) string {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte("tomb\x00" + requestID.String() + "\x00" + value))
	return tombPrefix + base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:18])
}

// erase does one table's line and says how many rows it concerned.
func (s *Store) erase(ctx context.Context, tx *gorm.DB, t table, who subject, requestID id.ID, found map[string][]id.ID) (int64, error) {
	if t.by != "" {
		return 0, nil // its owner did it
	}
	where, args := who.condition(t.where)
	if t.slow {
		where, args = "id IN @found", map[string]any{"found": found[t.name]}
	}
	if !t.drop && t.set == nil && t.tomb == nil {
		return 0, nil
	}
	exec := func(stmt string, extra map[string]any) (int64, error) {
		all := make(map[string]any, len(args)+len(extra))
		for _, m := range []map[string]any{args, extra} {
			for k, v := range m {
				all[k] = v
			}
		}
		r := tx.WithContext(ctx).Exec(stmt, all)
		return r.RowsAffected, r.Error
	}
	if t.drop {
		return exec("DELETE FROM "+t.name+" WHERE "+where, nil)
	}
	var most int64
	for _, column := range t.tomb {
		for _, v := range who.values {
			n, err := exec("UPDATE "+t.name+" SET "+column+" = @tomb WHERE ("+where+") AND "+column+" = @value", map[string]any{"tomb": s.tomb(requestID, v), "value": v})
			if err != nil {
				return 0, err
			}
			most += n
		}
	}
	if len(t.set) == 0 {
		return most, nil
	}
	var assign []string
	extra := map[string]any{}
	for column, v := range t.set {
		assign = append(assign, column+" = @set_"+column)
		extra["set_"+column] = v
	}
	slices.Sort(assign)
	n, err := exec("UPDATE "+t.name+" SET "+strings.Join(assign, ", ")+" WHERE "+where, extra)
	return max(most, n), err
}

// findSlow looks for the rows that no index finds, without a lock and outside of any
// transaction.
func (s *Store) findSlow(ctx context.Context, who subject) (map[string][]id.ID, error) {
	out := map[string][]id.ID{}
	for _, t := range register() {
		if !t.slow || t.set == nil && t.tomb == nil && !t.drop {
			continue
		}
		where, args := who.condition(t.where)
		var ids []id.ID
		if err := s.DB.Read(ctx).Raw("SELECT id FROM "+t.name+" WHERE "+where, args).Scan(&ids).Error; err != nil {
			return nil, fmt.Errorf("rights: look for %s: %w", t.name, err)
		}
		out[t.name] = ids
	}
	return out, nil
}
