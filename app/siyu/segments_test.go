package main

import (
	"context"
	"testing"

	"siyu/model/consent"
	"siyu/model/id"
	"siyu/model/reach"
	"siyu/model/rule"
	"siyu/model/segment"
)

// Who scans is among the brand's people within seconds; what he did counts once he allows
// it, stops counting when he takes that back, and somebody is told that he came and left.
func TestSegmentsStory(t *testing.T) {
	w, ctx := startTown(t, nil), context.Background()
	g := w.demo.shelf[0]
	brandID := w.demo.brand.ID
	claimed := rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{
		{Did: &rule.Did{What: rule.Bought, Op: rule.Gte, Values: []int64{1}, WithinDays: 30}}, {Attr: &rule.Attr{Name: rule.Follows, Op: rule.Known}}}}}
	seg, err := w.env.Segments.Create(ctx, segment.Draft{BrandID: brandID, Name: "最近买过的粉丝", Tree: claimed}, 1)
	if err != nil {
		t.Fatal(err)
	}
	ann := w.phone(t, "ann", "青岛")
	if err := w.sim.Follow("ann", demoOfficial); err != nil {
		t.Fatal(err)
	}
	ann.claim(ann.scan(w.token(t, g, 1)))
	size := func(t *testing.T, tree rule.Tree) segment.Funnel {
		f, err := w.env.Segments.Size(ctx, brandID, tree, segment.Plan{Purpose: reach.Marketing, Uses: []reach.Use{{Channel: reach.SMS}}})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	eventually(t, "one of the brand's people, who allows nothing", func() bool {
		f := size(t, rule.Everybody())
		return f.People == 1 && f.Matched == 1 && len(f.Left) == 1 && f.Left[0].Reason == reach.NoConsent
	})
	if f := size(t, claimed); f.Asked != 0 || f.Matched != 0 || !f.Profiling {
		t.Errorf("judged by what he did without having been asked: %+v", f)
	}
	var member id.ID
	if err := w.env.DB.Read(ctx).Raw("SELECT member_id FROM claim").Scan(&member).Error; err != nil || member == 0 {
		t.Fatal(member, err)
	}
	agree := func(given bool) {
		if _, err := w.env.Consents.Put(ctx, consent.Consent{MemberID: member, Purpose: consent.Profiling, Given: given, Channel: consent.H5}); err != nil {
			t.Fatal(err)
		}
	}
	moves := func() (n int) {
		list, err := w.env.Segments.MovesOf(ctx, []id.ID{member}, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list { // the demo has segments of its own
			if m.SegmentID == seg.ID {
				n++
			}
		}
		return n
	}
	eventually(t, "a first look at the segment", func() bool {
		now, err := w.env.Segments.Nows(ctx, []id.ID{seg.ID})
		return err == nil && now[seg.ID].Version == 1
	})
	agree(true)
	eventually(t, "in the segment", func() bool { return size(t, claimed).Matched == 1 })
	if _, err := w.env.Segments.Look(ctx, seg.ID); err != nil || moves() != 1 {
		t.Errorf("he came in: %d moves, %v", moves(), err)
	}
	agree(false)
	eventually(t, "out of it", func() bool { return size(t, claimed).Matched == 0 })
	var kept int
	if err := w.env.DB.Read(ctx).Raw("SELECT COUNT(*) FROM segment_act").Scan(&kept).Error; err != nil || kept != 0 {
		t.Errorf("%d acts after he took it back, %v", kept, err)
	}
	if _, err := w.env.Segments.Look(ctx, seg.ID); err != nil || moves() != 0 {
		t.Errorf("%d moves are kept after he took it back, %v", moves(), err)
	}
}
