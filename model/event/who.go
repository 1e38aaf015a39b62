package event

import (
	"context"
	"slices"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
)

var (
	errStranger = fault.New(fault.NotFound, "person_unknown", "找不到这个人")
	errKeys     = fault.NewInvalid("bad_item", "person：应有 1 到 5 个标识").With("path", "person")
)

// Find is who is meant by lists of keys, by their members, and makes nobody: it is for what
// partners say of people whom we know. Each that names nobody, or not one, has a fault:
// Invalid bad_item; NotFound person_unknown; Conflict person_ambiguous, person_shared.
func (in *Intake) Find(ctx context.Context, lists [][]PersonKey) ([]id.ID, []error, error) {
	members, faults := make([]id.ID, len(lists)), make([]error, len(lists))
	items, of := make([]identity.Item, 0, len(lists)), make([]int, 0, len(lists))
	for i, keys := range lists {
		hidden, err := in.hide(keys)
		if err != nil {
			faults[i] = errKeys
			if len(keys) > 0 && len(keys) <= personKeys {
				faults[i] = fault.NewInvalid("bad_item", fault.Of(err).Text).With("path", "person")
			}
			continue
		}
		items, of = append(items, itemOf(hidden...)), append(of, i)
	}
	persons := make([]id.ID, len(lists))
	if _, err := in.look(ctx, items, of, persons, faults, errStranger); err != nil {
		return nil, nil, err
	}
	known, err := in.members.Known(ctx, slices.DeleteFunc(slices.Clone(persons), func(p id.ID) bool { return p == 0 }))
	if err != nil {
		return nil, nil, err
	}
	for i, p := range persons {
		switch m, there := known[p]; {
		case faults[i] != nil:
		case !there:
			faults[i] = errStranger
		default:
			members[i] = m.ID
		}
	}
	return members, faults, nil
}
