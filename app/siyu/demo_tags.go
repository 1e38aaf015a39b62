package main

import (
	"context"
	"fmt"

	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/tag"
)

// tags makes three tags that run, so that who looks sees who has one and why: a fact that an
// event gives, a rule, and one that people give. The demo asks for them and its operator
// decides. Everybody is computed when the process works, not here.
func (x *past) tags(ctx context.Context) error {
	const asks = id.ID(1)
	e := x.e
	decides, err := x.operator(ctx)
	if err != nil {
		return err
	}
	approve := func(t tag.Tag) (tag.Tag, error) {
		_, t, err := e.Tags.Decide(ctx, t.ID, t.Rev, true, "演示：口径清楚", decides)
		return t, err
	}
	for _, key := range []string{"province", "active_scanner"} {
		t, err := e.Tags.Add(ctx, tag.Starter{BrandID: x.d.brand.ID, Key: key, OwnerID: decides, ByID: asks})
		if err == nil {
			_, err = approve(t)
		}
		if err != nil {
			return fmt.Errorf("tag %s: %w", key, err)
		}
	}
	t, err := e.Tags.Ask(ctx, tag.Request{BrandID: x.d.brand.ID, Class: tag.Social, Name: "重点维护", Kind: tag.Fact, Purpose: "记住由专人照顾的会员", IntendedUse: "客服备注，从普通促销中排除",
		OwnerID: decides, ReviewDays: 180, IdleDays: 90, ByID: asks})
	if err == nil {
		_, err = e.Tags.Build(ctx, t.ID, t.Rev, tag.Definition{Source: tag.Manual, Choices: []string{"客服", "店长"}}, asks)
	}
	if err == nil {
		_, t, err = e.Tags.Submit(ctx, t.ID, t.Rev+1)
	}
	if err == nil {
		t, err = approve(t)
	}
	for i, m := range x.led {
		if err == nil {
			_, _, err = e.Tags.Give(ctx, tag.Gift{TagID: t.ID, MemberID: m, Value: []string{"客服", "店长"}[i%2], Reason: "演示：经营社群，回复要快", ByID: decides, Roles: []string{operator.Admin}})
		}
	}
	return err
}

// operator is who looks at the demo: the first that there is.
func (x *past) operator(ctx context.Context) (id.ID, error) {
	if err := x.d.operator(ctx, x.p); err != nil {
		return 0, err
	}
	list, err := x.e.Operators.List(ctx, 0, 1)
	if err != nil {
		return 0, err
	}
	if len(list) == 0 {
		return 0, fmt.Errorf("nobody may look at the demo")
	}
	return list[0].ID, nil
}
