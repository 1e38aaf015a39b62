package event

import (
	"context"
	"slices"

	"siyu/model/apikey"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/phone"
)

// PersonKey is one id by which a reporter knows a person. A phone number is hashed as
// soon as it is read; only the hash is looked up and kept.
type PersonKey struct {
	Kind  string `json:"kind"`
	Scope string `json:"scope,omitempty"`
	Value string `json:"value"`
	// hashed says that the value of a phone is the hash already: in a letter.
	hashed bool
}

// graph knows whose a key is (identity.Store).
type graph interface {
	Match(ctx context.Context, items []identity.Item, e identity.Evidence) ([]identity.Resolved, error)
	ResolveMany(ctx context.Context, items []identity.Item, e identity.Evidence) ([]identity.Resolved, error)
	Family(ctx context.Context, person id.ID) ([]id.ID, error)
}

// roll knows the members of persons (member.Store).
type roll interface {
	Get(ctx context.Context, memberID id.ID) (member.Member, error)
	OfMany(ctx context.Context, persons []id.ID) (map[id.ID]id.ID, error)
	Known(ctx context.Context, persons []id.ID) (map[id.ID]member.Member, error)
}

// hasher turns a number into what it is looked up by (phone.Book).
type hasher interface{ Hash(n phone.Number) string }

var (
	errNobody    = fault.New(fault.NotFound, "person_unknown", "找不到这个人，且此密钥不能用这种标识建会员")
	errAmbiguous = fault.New(fault.Conflict, "person_ambiguous", "所给的标识属于不同的人")
	errShared    = fault.New(fault.Conflict, "person_shared", "所给的标识由多人共用，不能确定是谁")
	errPerson    = fault.NewInvalid("event_invalid", "person：应有 1 到 5 个标识").With("path", "person")
)

// personKeys is how many keys one report may name.
const personKeys = 5

// hide replaces numbers by their hashes.
func (in *Intake) hide(keys []PersonKey) ([]PersonKey, error) {
	if len(keys) == 0 || len(keys) > personKeys {
		return nil, errPerson
	}
	keys = slices.Clone(keys)
	for i, k := range keys {
		if k.Kind != identity.Phone || k.hashed {
			continue
		}
		n, err := phone.Parse(k.Value)
		if err != nil {
			return nil, bad("person", "%s", fault.Of(err).Text)
		}
		keys[i] = PersonKey{Kind: identity.Phone, Value: in.phones.Hash(n), hashed: true}
	}
	return keys, nil
}

// whose finds the members that lists of keys name; a nil list asks nothing. Where nobody
// is known, a member is made under the first key whose kind the partner's key may use;
// the other keys are not attached: that two keys are one human's is for stronger evidence
// than an order.
func (in *Intake) whose(ctx context.Context, from apikey.Key, lists [][]PersonKey) ([]id.ID, []error, error) {
	persons, faults := make([]id.ID, len(lists)), make([]error, len(lists))
	var items []identity.Item
	var of []int
	for i, keys := range lists {
		if keys != nil {
			items, of = append(items, itemOf(keys...)), append(of, i)
		}
	}
	unknown, err := in.look(ctx, items, of, persons, faults, errNobody)
	if err != nil {
		return nil, nil, err
	}
	var newItems []identity.Item
	var newOf []int
	for _, i := range unknown {
		if k := slices.IndexFunc(lists[i], func(k PersonKey) bool { return from.Makes(k.Kind, k.Scope) }); k >= 0 {
			faults[i], newItems, newOf = nil, append(newItems, itemOf(lists[i][k])), append(newOf, i)
		}
	}
	if len(newItems) > 0 {
		made, err := in.people.ResolveMany(ctx, newItems, identity.Evidence{Event: identity.PartnerEvent, Channel: Open, Ref: from.ID})
		if err != nil {
			return nil, nil, err
		}
		for n, r := range made {
			persons[newOf[n]], faults[newOf[n]] = r.PersonID, r.Err
		}
	}
	known := slices.DeleteFunc(slices.Clone(persons), func(p id.ID) bool { return p == 0 })
	members, err := in.members.OfMany(ctx, known)
	if err != nil {
		return nil, nil, err
	}
	for i, p := range persons {
		persons[i] = members[p]
	}
	return persons, faults, nil
}

// look writes who is meant by keys, or what is wrong with them, at the places that they are
// of, and says where nobody is known: there the fault is stranger.
func (in *Intake) look(ctx context.Context, items []identity.Item, of []int, persons []id.ID, faults []error, stranger error) (unknown []int, err error) {
	// It writes nothing, so it may ask by any kind, as an import may.
	found, err := in.people.Match(ctx, items, identity.Evidence{Event: identity.CRMImport})
	if err != nil {
		return nil, err
	}
	for n, r := range found {
		i := of[n]
		switch {
		case r.Err != nil:
			faults[i] = r.Err
		case r.PersonID != 0:
			persons[i] = r.PersonID
			if faults[i], err = in.same(ctx, r); err != nil {
				return nil, err
			}
		case r.Shared:
			faults[i] = errShared
		default:
			faults[i], unknown = stranger, append(unknown, i)
		}
	}
	return unknown, nil
}

// same is a fault when keys name different humans.
func (in *Intake) same(ctx context.Context, r identity.Resolved) (found, err error) {
	if len(r.Others) == 0 {
		return nil, nil
	}
	family, err := in.people.Family(ctx, r.PersonID)
	if err != nil {
		return nil, err
	}
	for _, o := range r.Others {
		if !slices.Contains(family, o.PersonID) {
			return errAmbiguous, nil
		}
	}
	return nil, nil
}

func itemOf(keys ...PersonKey) (it identity.Item) {
	for _, k := range keys {
		it.Keys = append(it.Keys, identity.Key{Kind: k.Kind, Scope: k.Scope, Value: k.Value})
	}
	return it
}
