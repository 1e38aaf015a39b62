package admin

import (
	"encoding/json"
	"slices"

	"siyu/model/audit"
	"siyu/model/holdout"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/tag"
)

// What lies under the veil of pushes and of who may be reached: each number is veiled on its
// own, and what follows from numbers follows from those that are told.

// slack is by how many a number of people that is told may be off.
func (v *veil) slack() int64 { return v.few + (v.few+1)/2 }

// push veils how many people a push has, and the notes that count them.
func (v *veil) push(p push.Push) push.Push {
	if v == nil {
		return p
	}
	return p.Told(func(n int64, what string) int64 { return v.count(n, p.ID, what) })
}

// numbers veils how far a push is.
func (v *veil) numbers(n push.Numbers) push.Numbers {
	if v == nil {
		return n
	}
	return n.Told(func(x int64, what ...any) int64 {
		if what[0] == "people" { // as the push tells it
			return v.count(x, n.PushID, "people")
		}
		return v.count(x, append([]any{n.PushID, "progress"}, what...)...)
	})
}

// estimate tells of people and of money about, for money says how many there are.
func (v *veil) estimate(pushID id.ID, e push.Estimate) push.Estimate {
	if v == nil {
		return e
	}
	return e.Told(func(n int64, way int, what string) int64 { return v.count(n, pushID, "estimate", way, what) })
}

// report veils what came of a push. A group of few would be one person's report.
func (v *veil) report(r holdout.Report) (holdout.Report, error) {
	if v == nil {
		return r, nil
	}
	for _, g := range append([]holdout.Group{r.Held, r.Universal}, r.Arms...) {
		if g.People > 0 && g.People < v.few {
			return holdout.Report{}, errThin
		}
	}
	return r.Told(v.few, v.slack(), func(n int64, of ...any) int64 {
		return v.count(n, append([]any{r.PushID, "report"}, of...)...)
	}), nil
}

// after veils who refused after a push: how many, and no list, for its length is a number.
func (v *veil) after(pushID id.ID, a reach.After) reach.After {
	if v != nil {
		a.People, a.List = v.count(a.People, pushID, "optouts"), []reach.AfterOne{}
	}
	return a
}

// optOuts veils who refused of a brand's people. Kinds and pushes of few are left out.
func (v *veil) optOuts(brandID id.ID, o reach.OptOuts) reach.OptOuts {
	if v == nil {
		return o
	}
	ask := func(n int64, of ...any) int64 { return v.count(n, append([]any{brandID, "optouts"}, of...)...) }
	o.Out, o.Back = ask(o.Out, o.From, o.Until, "out"), ask(o.Back, o.From, o.Until, "back")
	days := slices.Clone(o.Days)
	for i := range days {
		d := &days[i]
		d.Out, d.Back = ask(d.Out, d.Day, "out"), ask(d.Back, d.Day, "back")
	}
	kinds := slices.Clone(o.Kinds)
	for i := range kinds {
		k := &kinds[i]
		of := []any{o.From, o.Until, k.AllBrands, k.Topic, k.Channel, k.Source}
		k.Out, k.Back = ask(k.Out, append(of, "out")...), ask(k.Back, append(of, "back")...)
	}
	pushes := slices.Clone(o.Pushes)
	for i := range pushes {
		pushes[i].Out = v.count(pushes[i].Out, pushes[i].PushID, "optouts", o.From, o.Until)
	}
	o.Days = days
	o.Kinds = slices.DeleteFunc(kinds, func(k reach.OptKind) bool { return k.Out+k.Back == 0 })
	o.Pushes = slices.DeleteFunc(pushes, func(p reach.OptOfPush) bool { return p.Out == 0 })
	return o
}

// summary veils who of a brand may be reached.
func (v *veil) summary(s reach.Summary) reach.Summary {
	if v == nil {
		return s
	}
	s.People = v.count(s.People, s.BrandID, "people") // as a funnel tells it
	s.Reachable = min(s.People, v.count(s.Reachable, s.BrandID, s.Purpose, "reachable"))
	ways := slices.Clone(s.Ways)
	for i := range ways {
		w := &ways[i]
		first, able := w.First, w.Able
		w.First = v.count(first, s.BrandID, s.Purpose, w.Use, "first")
		if w.Able = w.First; able > first {
			w.Able = max(w.First, v.count(able, s.BrandID, s.Purpose, w.Use, "able"))
		}
	}
	reasons := slices.Clone(s.Reasons)
	for i := range reasons {
		reasons[i].People = v.count(reasons[i].People, s.BrandID, s.Purpose, "reason", reasons[i].Code)
	}
	s.Ways, s.Reasons = ways, reasons
	return s
}

// ways veils how many messages went out and may go out by each way: they are people's.
func (v *veil) ways(brandID id.ID, list []reach.Way) []reach.Way {
	if v == nil {
		return list
	}
	list = slices.Clone(list)
	for i := range list {
		w := &list[i]
		w.UsedToday, w.Grants = v.count(w.UsedToday, brandID, w.Use, "used"), v.count(w.Grants, brandID, w.Use, "grants")
	}
	return list
}

// run veils how many people's values a computation moved, and of how many it is.
func (v *veil) run(r tag.Run) tag.Run {
	if v != nil {
		r.Total, r.Done = v.count(r.Total, r.BrandID, "people"), v.count(r.Done, r.ID, "done")
		r.Moved = v.count(r.Moved, r.ID, "moved")
	}
	return r
}

// feed veils of how many people a version of a model spoke, and how it was taken.
func (v *veil) feed(tagID id.ID, f tag.Feed) tag.Feed {
	for name, n := range map[string]*int64{"feed": &f.People, "written": &f.Written, "same": &f.Same, "gone": &f.Gone, "no_consent": &f.NoConsent, "older": &f.Older, "unknown": &f.Unknown, "bad": &f.Bad} {
		*n = v.count(*n, tagID, name, f.Version)
	}
	return f
}

// trail hides numbers of people in entries of the audit: in notes of pushes, too.
func (v *veil) trail(lines []audit.Line) []audit.Line {
	if v == nil {
		return lines
	}
	about := []string{"push", "segment", "segment-list", "tag"}
	counting := []string{"people", "expected", "note", "said", "count", "total", "done", "moved", "wrote"}
	for _, l := range lines {
		for j, c := range l.Changes {
			if slices.Contains(about, l.Object) && slices.Contains(counting, c.Field) {
				l.Changes[j].Before, l.Changes[j].After = json.RawMessage(`"(已隐藏)"`), json.RawMessage(`"(已隐藏)"`)
			}
		}
	}
	return lines
}
