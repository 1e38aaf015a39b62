package admin

import (
	"context"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/referral"
)

// who is shown beside the id of a member, so that an operator who decides about many knows
// whom he decides about: the name and standing under which a leader, clerk or staff
// works, else the end of the member's number, as other people are shown him.
type who struct {
	Name  string `json:"name"`
	Role  string `json:"role"`  // leader, clerk, staff; "" an ordinary member
	State string `json:"state"` // of that role: active, suspended, left …
}

// names makes a look-up for one answer; each human is read once.
func (h *Handler) names(ctx context.Context) func(brandID, memberID id.ID) (who, error) {
	type key struct{ brand, member id.ID }
	known := map[key]who{}
	return func(brandID, memberID id.ID) (who, error) {
		k := key{brandID, memberID}
		if w, ok := known[k]; ok {
			return w, nil
		}
		l, ok, err := h.Leaders.Of(ctx, brandID, memberID)
		if err != nil {
			return who{}, err
		}
		w := who{Name: "会员 …" + memberID.Tail()}
		if ok {
			w = who{l.Name, l.Role, l.State}
		}
		known[k] = w
		return w, nil
	}
}

// namedNode is a node with whose it is.
type namedNode struct {
	referral.Node
	Who who `json:"who"`
}

func (h *Handler) namedNodes(ctx context.Context, nodes []referral.Node) ([]namedNode, error) {
	name := h.names(ctx)
	return each(nodes, func(n referral.Node) (namedNode, error) {
		whose, err := name(n.BrandID, n.MemberID)
		return namedNode{n, whose}, err
	})
}

// namedBinding is a binding with the two people it binds.
type namedBinding struct {
	referral.Binding
	Member   who `json:"member"`
	Referrer who `json:"referrer"`
}

// person is a member with who he is.
type person struct {
	MemberID id.ID `json:"member_id"`
	Who      who   `json:"who"`
}

// leaderNames makes a look-up of leaders' names for one answer; 0 is nobody.
func (h *Handler) leaderNames(ctx context.Context) func(leaderID id.ID) (string, error) {
	known := map[id.ID]string{0: ""}
	return func(leaderID id.ID) (string, error) {
		if name, ok := known[leaderID]; ok {
			return name, nil
		}
		l, err := h.Leaders.Get(ctx, leaderID)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return "", err
		}
		known[leaderID] = l.Name
		return l.Name, nil
	}
}

// each makes what is shown of every row, and ends at the first fault.
func each[T, V any](rows []T, show func(T) (V, error)) ([]V, error) {
	out := make([]V, 0, len(rows))
	for _, r := range rows {
		v, err := show(r)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
