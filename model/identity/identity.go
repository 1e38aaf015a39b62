// Package identity knows which ids belong to one human (祖ID, ONE-ID). WeChat gives
// the same human another openid in every account, and one unionid over the accounts
// that share an open platform; shops add phones, card numbers and old customer numbers.
//
// It owns the tables person, identity_key, identity_kind, identity_edge,
// identity_review, identity_merge and identity_blocked.
//
// A person is an atom: what keys make, one member, for ever. A human is a component of
// persons, named by its root (the oldest). Merging writes a merge row and sets
// person.root_id; it moves nothing, so that undoing it restores everything by
// construction: roots are computed anew from the merges that stand.
//
// Promises:
//   - One key names one person; two first logins at once make one person.
//   - A key joins a person only when one of the two sides is new. When a key names a
//     second known person, a rule that is declared safe joins them, or an operator
//     decides; what each of them claimed and was paid never silently becomes somebody
//     else's. What an operator decided is not decided again by a rule.
//   - No human has more keys of a kind than declared.
//   - Keys come from events that a server saw (Evidence), and every joined key leaves
//     a row of evidence that is never changed.
//   - A key that many people share joins nobody.
package identity

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// Login is what WeChat said about who is there. It must come from WeChat's server,
// never from the client.
type Login struct {
	AppID   string
	OpenID  string
	UnionID string // may be empty
}

func (l Login) wellFormed() bool {
	return appForm.MatchString(l.AppID) && keyForm.MatchString(l.OpenID) && (l.UnionID == "" || keyForm.MatchString(l.UnionID))
}

func (l Login) open() Key  { return Key{Kind: OpenID, Scope: l.AppID, Value: l.OpenID} }
func (l Login) union() Key { return Key{Kind: UnionID, Value: l.UnionID} }

// evidence of a login ties the unionid to the openid that WeChat named with it.
func (l Login) evidence() Evidence {
	return Evidence{Event: WeChatLogin, Channel: "wechat", With: l.open()}
}

// Store knows people.
type Store struct {
	db        *db.DB
	followers []Follower
}

// New makes a store.
func New(d *db.DB) *Store { return &Store{db: d} }

// seenEvery is how exact the last use of a key is known: a login a day writes once.
const seenEvery = 24 * time.Hour

// Resolve returns the person behind a login and makes one for a new human. It is the
// person of the openid; who else is the same human, Family says.
// Faults: Invalid login_malformed.
func (s *Store) Resolve(ctx context.Context, l Login) (id.ID, error) {
	if !l.wellFormed() {
		return 0, errLogin
	}
	// Whoever loses a race starts again and then finds what the winner wrote. A new
	// transaction is needed for that: under REPEATABLE READ the old one does not see it.
	for range 5 {
		open, union, err := s.find(ctx, l)
		if err != nil {
			return 0, err
		}
		if open.PersonID != 0 && (l.UnionID == "" || union.PersonID != 0) {
			if union.PersonID != 0 && union.PersonID != open.PersonID {
				if err := s.disagree(ctx, l, open.PersonID, union.PersonID); err != nil {
					return 0, err
				}
			}
			return open.PersonID, s.seen(ctx, open)
		}
		person, err := s.add(ctx, l, open.PersonID, union.PersonID)
		if err == nil && person != 0 {
			return person, nil
		}
		if err != nil && !db.IsDuplicate(err) {
			return 0, fmt.Errorf("identity: %w", err)
		}
	}
	return 0, errBusy
}

var errLogin = fault.NewInvalid("login_malformed", "登录信息格式不对")

// Meet returns the person of an openid that WeChat told of without a login: a follower.
// Until he logs in he holds nothing, so a login that names his openid with the unionid
// of a member joins the two by a rule. Fault: Invalid login_malformed.
func (s *Store) Meet(ctx context.Context, appID, openID string) (id.ID, error) {
	l := Login{AppID: appID, OpenID: openID}
	if !l.wellFormed() {
		return 0, errLogin
	}
	out, err := s.ResolveMany(ctx, []Item{{Keys: []Key{l.open()}}}, Evidence{Event: WeChatPush, Channel: "callback"})
	if err != nil {
		return 0, err
	}
	if out[0].Err != nil || out[0].PersonID == 0 { // an openid that an operator blocked is still its owner's
		return s.Resolve(ctx, l)
	}
	return out[0].PersonID, nil
}

func (s *Store) find(ctx context.Context, l Login) (open, union Key, err error) {
	q := s.db.Read(ctx).Where("kind = ? AND scope = ? AND value = ?", OpenID, l.AppID, l.OpenID)
	if l.UnionID != "" {
		q = q.Or("kind = ? AND scope = '' AND value = ?", UnionID, l.UnionID)
	}
	var keys []Key
	if err := q.Find(&keys).Error; err != nil {
		return open, union, fmt.Errorf("identity: find: %w", err)
	}
	for _, k := range keys {
		if k.Kind == OpenID {
			open = k
		} else {
			union = k
		}
	}
	return open, union, nil
}

// add writes the keys that are missing, and the person when both are. At most one
// of open and union is set. A duplicate means that somebody else was faster; a person
// of 0 means that the login must be looked at again.
func (s *Store) add(ctx context.Context, l Login, open, union id.ID) (person id.ID, err error) {
	if open == 0 && union == 0 { // the usual first login: nobody else can know this person yet
		err = s.db.InTx(ctx, func(tx *gorm.DB) error {
			keys := []Key{l.open()}
			if l.UnionID != "" {
				keys = append(keys, l.union())
			}
			person, err = s.create(ctx, tx, l, keys)
			return err
		})
		return person, err
	}
	owner, k := union, l.open()
	if open != 0 {
		owner, k = open, l.union()
	}
	ks, err := s.declared(ctx)
	if err != nil {
		return 0, err
	}
	err = s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		person = owner
		err := s.attach(ctx, tx, ks, owner, k, l.evidence())
		if codeOf(err) == "identity_full" {
			// A second unionid, or a second openid in one app: WeChat says that these are
			// two people. Each has his own person; the next look makes it a review.
			person = 0
			_, err = s.create(ctx, tx, l, []Key{k})
		}
		return err
	})
	return person, err
}

// create makes a person of new keys that one login named.
func (s *Store) create(ctx context.Context, tx *gorm.DB, l Login, keys []Key) (id.ID, error) {
	now := s.db.Now()
	person := s.db.NewID()
	if err := tx.Exec("INSERT INTO person (id, created_at) VALUES (?, ?)", person, now).Error; err != nil {
		return 0, err
	}
	rows := db.NewRows("identity_key", keyColumns)
	for _, k := range keys {
		rows.Add(k.Kind, k.Scope, k.Value, person, now, WeChatLogin, s.seenAt(k, now))
	}
	if _, err := rows.Insert(ctx, tx, ""); err != nil {
		return 0, err
	}
	if len(keys) < 2 {
		return person, nil // nothing was joined: the key's own row says how it came
	}
	return person, s.putEdges(ctx, tx, []Edge{s.newEdge(person, keys[1], keys[0], l.evidence())})
}

const keyColumns = "kind, scope, value, person_id, created_at, event, seen_at"

// seenAt: an openid is used by whoever logs in with it; other keys are only named.
func (s *Store) seenAt(k Key, now clock.Instant) clock.Instant {
	if k.Kind == OpenID {
		return now
	}
	return 0
}

// attach gives a new key to a person, if his human may have one more of its kind. It
// locks the component. Faults: NotFound person_not_found; Conflict identity_full. A
// duplicate means that the key is somebody's by now.
func (s *Store) attach(ctx context.Context, tx *gorm.DB, ks kinds, person id.ID, k Key, e Evidence) error {
	roots, err := s.lock(ctx, tx, person)
	if err != nil {
		return err
	}
	people, err := familyOf(tx, roots[person])
	if err != nil {
		return err
	}
	keys, err := keysOf(tx, idsOf(people))
	if err != nil {
		return err
	}
	if kind, over := ks.excess(append(keys, k)); over {
		return errFull(kind)
	}
	now := s.db.Now()
	rows := db.NewRows("identity_key", keyColumns)
	seen := clock.Instant(0)
	if e.Event == WeChatLogin {
		seen = s.seenAt(k, now)
	}
	rows.Add(k.Kind, k.Scope, k.Value, person, now, e.Event, seen)
	if _, err := rows.Insert(ctx, tx, ""); err != nil {
		return err
	}
	with := e.With
	if with.Kind == "" || with.name() == k.name() { // a new openid comes with the unionid that the person is known by
		with = ks.anchor(ofPerson(keys, person), k.name())
	}
	return s.putEdges(ctx, tx, []Edge{s.newEdge(person, k, with, e)})
}

// seen remembers the day of a key's last use.
func (s *Store) seen(ctx context.Context, k Key) error {
	now := s.db.Now()
	if now.Sub(k.SeenAt) < seenEvery {
		return nil
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE identity_key SET seen_at = ? WHERE kind = ? AND scope = ? AND value = ? AND seen_at < ?", now, k.Kind, k.Scope, k.Value, now).Error
	})
	if err != nil {
		return fmt.Errorf("identity: seen: %w", err)
	}
	return nil
}

// disagree handles a login whose two ids name different persons.
func (s *Store) disagree(ctx context.Context, l Login, person, other id.ID) error {
	roots, err := rootsOf(s.db.Read(ctx), []id.ID{person, other})
	if err != nil || roots[person] == roots[other] {
		return err
	}
	// Most logins of such a person find it decided, or in the queue, already.
	p, err := readPair(s.db.Read(ctx), roots[person], roots[other])
	if err != nil {
		return err
	}
	if old, err := s.decided(s.db.Read(ctx), p); err != nil || old.State != "" {
		return err
	}
	ks, err := s.declared(ctx)
	if err != nil {
		return err
	}
	return s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		roots, err := s.lock(ctx, tx, person, other)
		if err != nil || roots[person] == roots[other] {
			return err
		}
		_, err = s.contest(ctx, tx, ks, roots, person, other, l.union(), l.evidence())
		return err
	})
}

// Keys lists what persons are known by, oldest first.
func (s *Store) Keys(ctx context.Context, persons ...id.ID) ([]Key, error) {
	return keysOf(s.db.Read(ctx), persons)
}

// OpenIDOf is the person's openid in one app, the newest if a person ever has two,
// "" if none.
func (s *Store) OpenIDOf(ctx context.Context, personID id.ID, appID string) (string, error) {
	var k Key
	err := s.db.Read(ctx).Where("person_id = ? AND kind = ? AND scope = ?", personID, OpenID, appID).Order("created_at DESC, value").Take(&k).Error
	if err != nil && !db.IsNotFound(err) {
		return "", fmt.Errorf("identity: openid: %w", err)
	}
	return k.Value, nil
}
