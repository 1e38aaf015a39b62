package main

import (
	"context"
	"testing"

	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/rule"
	"siyu/model/segment"
	"siyu/model/tag"
)

// What a push is made of stays as long as it is not over: its segment is not archived, and
// who changes a tag is told of the push, also when a segment looks at it through another.
func TestPushesHoldWhatTheyAreMadeOf(t *testing.T) {
	w, ctx := startTown(t, nil), context.Background()
	e, brandID := w.env, w.demo.brand.ID
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	g, err := e.Tags.Ask(ctx, tag.Request{BrandID: brandID, Class: tag.Basic, Name: "重点", Kind: tag.Fact, Purpose: "圈选重点会员", IntendedUse: "触达", OwnerID: 1, RefreshMinutes: 1440, ReviewDays: 90, IdleDays: 90, ByID: 1})
	must(err)
	segmentOf := func(name string, n rule.Node) segment.Segment {
		t.Helper()
		s, err := e.Segments.Create(ctx, segment.Draft{BrandID: brandID, Name: name, Tree: rule.Tree{V: rule.Version, Root: n}}, 1)
		must(err)
		return s
	}
	inner := segmentOf("有标签的", rule.Node{All: []rule.Node{{Tag: &rule.Tag{ID: g.ID, Op: rule.Has}}}})
	outer := segmentOf("外层", rule.Node{All: []rule.Node{{Segment: &rule.Ref{ID: inner.ID}}}})
	form := push.Form{BrandID: brandID, Name: "镜片", Purpose: reach.Marketing, SegmentID: outer.ID, Timing: push.Now}
	must(e.Pushes.CheckAudience(ctx, form))
	p, err := e.Pushes.Create(ctx, form, 1)
	must(err)
	refused := func(err error, code string) {
		t.Helper()
		if err == nil || fault.Of(err).Code != code {
			t.Errorf("%v, want %s", err, code)
		}
	}
	_, err = e.Segments.Archive(ctx, outer.ID, outer.Rev)
	refused(err, "segment_meant")
	uses, err := e.pushesOnTag(ctx, g.ID)
	if err != nil || len(uses) != 1 || uses[0].Kind != "push" || uses[0].ID != p.ID || !uses[0].Live {
		t.Errorf("%+v %v", uses, err)
	}

	other, err := e.Brands.Create(ctx, brand.Brand{Slug: "other", Name: "别家", CodeHost: "other.example.cn"})
	must(err)
	list, err := e.Segments.CreateRoster(ctx, segment.Roster{BrandID: brandID, Name: "老客户", ByID: 1})
	must(err)
	for _, f := range []push.Form{{SegmentID: outer.ID}, {ListID: list.ID}, {SegmentID: 12345}, {ListID: 12345}} {
		f.BrandID = other.ID
		if err := e.Pushes.CheckAudience(ctx, f); err == nil || fault.KindOf(err) == fault.Internal {
			t.Errorf("%+v: %v", f, err)
		}
	}
	must(e.Pushes.CheckAudience(ctx, push.Form{BrandID: brandID, ListID: list.ID}))
	for said, f := range map[string]push.Form{"在品牌选定的人群里": {SegmentID: outer.ID}, "有品牌给您的标签": {SegmentID: inner.ID}, "在品牌选定的名单里": {ListID: list.ID}} {
		f.BrandID = brandID
		frozen, err := e.Pushes.Audience.Freeze(ctx, push.Push{Form: f})
		if must(err); frozen.Sentence != said { // members read it
			t.Errorf("%s, want %s", frozen.Sentence, said)
		}
	}
	must(e.Pushes.Delete(ctx, p.ID))
	_, err = e.Segments.Archive(ctx, outer.ID, outer.Rev)
	must(err)
	refused(e.Pushes.CheckAudience(ctx, form), "segment_archived")
	if uses, err := e.pushesOnTag(ctx, g.ID); err != nil || len(uses) != 0 {
		t.Errorf("%+v %v", uses, err)
	}
}
