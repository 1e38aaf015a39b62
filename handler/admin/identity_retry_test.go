package admin_test

import (
	"context"
	"fmt"
	"time"

	"siyu/model/id"
	"siyu/model/identity"
)

// identityKeyed makes two cases, two merges, two shared keys and people for them.
func (o *office) identityKeyed() map[string]retry {
	o.t.Helper()
	c, ctx, people := crowd{o.site, o.t}, context.Background(), o.deps.Identities
	made := 0
	comes := func() (person, memberID id.ID) {
		made++
		return c.comes(fmt.Sprintf("wxRetry%d", made), "o", "")
	}
	review := func() id.ID {
		o.clk.Advance(time.Millisecond)
		a, _ := comes()
		b, _ := comes()
		number := fmt.Sprintf("1391000%04d", made)
		c.shows(a, number, 0)
		return c.shows(b, number, 0).ReviewID
	}
	merge := func() id.ID {
		a, _ := comes()
		b, _ := comes()
		m, err := people.Merge(ctx, a, b, identity.Evidence{Event: identity.ByOperator, By: 1, Note: "x"})
		if err != nil {
			o.t.Fatal(err)
		}
		return m.ID
	}
	_, a := comes()
	_, b := comes()
	blocked, err := people.Block(ctx, identity.Key{Kind: identity.CRM, Value: "shared"}, 1, "x")
	if err != nil {
		o.t.Fatal(err)
	}
	pair := `{"member_id":"` + a.String() + `","other_member_id":"` + b.String() + `","reason":"`
	return map[string]retry{
		"POST /members/:id/block":           {"/members/" + a.String() + "/block", `{"reason":"刷单"}`, `{"reason":"多次刷单"}`},
		"POST /members/:id/unblock":         {"/members/" + b.String() + "/unblock", `{"reason":"查清了"}`, `{"reason":"已查清"}`},
		"POST /identity/reviews/:id/merge":  {"/identity/reviews/" + review().String() + "/merge", `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /identity/reviews/:id/refuse": {"/identity/reviews/" + review().String() + "/refuse", `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /identity/merges":             {"/identity/merges", pair + `a"}`, pair + `b"}`},
		"POST /identity/merges/:id/undo":    {"/identity/merges/" + merge().String() + "/undo", `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /identity/kinds":              {"/identity/kinds", `{"kind":"old_no","title":"旧号","most":1,"scope_rule":"none"}`, `{"kind":"old_no2","title":"旧号","most":1,"scope_rule":"none"}`},
		"PUT /identity/kinds":               {"/identity/kinds", `{"kind":"phone","most":3}`, `{"kind":"phone","most":4}`},
		"DELETE /identity/blocked-keys/:id": {"/identity/blocked-keys/" + blocked.ID.String(), ``, `{}`},
	}
}

// identityExempts: a shared key is somebody's number.
func (o *office) identityExempts() []exempt {
	return []exempt{{"POST /identity/blocked-keys", "/identity/blocked-keys", `{"kind":"crm","key":"desk","reason":"前台"}`, ""}}
}
