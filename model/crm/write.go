package crm

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"slices"

	"gorm.io/gorm"

	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/phone"
	"siyu/model/points"
	"siyu/model/profile"
)

// Outcomes of a row.
const (
	RowNew      = "new"      // made a person
	RowOld      = "old"      // recognised one
	RowConflict = "conflict" // names two; nothing written
	RowBad      = "bad"      // cannot be right; nothing written
	RowUndone   = "undone"
	RowKept     = "kept" // undone as far as the person is only a row
)

// wrote is what a row added, for whoever takes it back.
type wrote struct {
	Keys   [][3]string `json:"keys,omitempty"` // kind, scope, value
	New    bool        `json:"new,omitempty"`
	Points int64       `json:"points,omitempty"`
	Agreed bool        `json:"agreed,omitempty"`
	Said   bool        `json:"said,omitempty"` // values of the profile, or an origin
}

func hash(k identity.Key) uint64 {
	h := fnv.New64a()
	for _, s := range []string{k.Kind, "\x00", k.Scope, "\x00", k.Value} {
		_, _ = h.Write([]byte(s)) // never fails
	}
	return h.Sum64()
}

// write does a page and says how many of its rows: it stops in front of a row that
// contradicts an earlier one of the same page, so that the database knows both persons
// when that row's turn comes. All is in one transaction with the progress, but for
// reviews of conflicts: those are the same however often they are opened.
func (j *turn) write(ctx context.Context, page []record) (int, error) {
	good, items := usable(page)
	plan, found, err := j.planned(ctx, items)
	if err != nil {
		return 0, err
	}
	crowd, clean := newCrowd(), make([]*record, 0, len(good))
	kept := make([]identity.Item, 0, len(good))
	for n, k := range found {
		if crowd.add(plan.Usable(n), k) != conflict {
			clean, kept = append(clean, good[n]), append(kept, items[n])
			continue
		}
		if k.Err == nil && len(k.Others) == 0 && len(plan.Usable(n)) > 0 {
			page = page[:slices.IndexFunc(page, func(r record) bool { return r.no == good[n].no })]
			good = good[:n]
			break
		}
		good[n].problems = []Problem{{Reason: whyConflict(k)}}
		j.count(conflict, k)
		for _, other := range k.Others {
			key := identity.Key{Kind: other.Kind, Scope: other.Scope, Value: other.Value}
			out, err := j.People.Link(ctx, k.PersonID, key, j.evidence())
			if err != nil {
				return 0, j.fail(err)
			}
			if out.State == identity.InReview {
				good[n].problems[0].Reason += reviewed
			}
		}
	}
	j.i.BadRows += int64(len(page) - len(good))
	j.i.DoneRows += int64(len(page))
	if len(kept) < len(items) {
		if plan, _, err = j.planned(ctx, kept); err != nil {
			return 0, err
		}
	}
	set, base := map[string]any{}, j.i
	return len(page), j.guarded(ctx, set, func(tx *gorm.DB) error {
		// Runs again when the engine asks for it: everything it counts begins anew.
		j.i.NewRows, j.i.OldRows, j.i.ConflictRows, j.i.ByKey = base.NewRows, base.OldRows, base.ConflictRows, ByKey{}
		for k, n := range base.ByKey {
			j.i.ByKey[k] = n
		}
		found, err := plan.WriteTx(ctx, tx)
		if err != nil {
			return err
		}
		if err := j.rowsTx(ctx, tx, page, clean, found); err != nil {
			return err
		}
		return tx.Model(&row{}).Where("id = ?", j.i.ID).Updates(j.counts()).Error
	})
}

// rowsTx writes what the rows say of the persons they were found to be.
func (j *turn) rowsTx(ctx context.Context, tx *gorm.DB, page []record, clean []*record, found []identity.Resolved) error {
	var persons []id.ID
	for _, f := range found {
		if f.Err == nil && len(f.Others) == 0 {
			persons = append(persons, f.PersonID)
		}
	}
	members, err := j.Members.OfAllTx(ctx, tx, persons)
	if err != nil {
		return err
	}
	lines := db.NewRows("crm_row", "import_id, row_no, outcome, person_id, member_id, wrote")
	w := gifts{turn: j, agreedNew: map[id.ID]bool{}}
	for n, f := range found {
		r := clean[n]
		var did wrote
		for _, k := range f.Attached {
			did.Keys = append(did.Keys, [3]string{k.Kind, k.Scope, k.Value})
		}
		m := members[f.PersonID]
		outcome := RowOld
		switch {
		case f.Err != nil || len(f.Others) > 0: // a login was faster than we
			outcome, m = RowConflict, 0
			r.problems = []Problem{{Reason: "这些编号属于不同的人，或超出一个人的数量"}}
			j.i.ConflictRows++
		case f.New:
			outcome = RowNew
			j.count(fresh, f)
		default:
			j.count(known, f)
		}
		if m != 0 {
			w.add(r, m, f.New, &did)
		}
		text, err := json.Marshal(did)
		if err != nil {
			return err
		}
		lines.Add(j.i.ID, r.no, outcome, f.PersonID, m, string(text))
	}
	if err := w.put(ctx, tx); err != nil {
		return err
	}
	if _, err := lines.Insert(ctx, tx, ""); err != nil {
		return j.fail(err)
	}
	return j.putProblemsTx(ctx, tx, j.i.ID, page)
}

// gifts collects what the rows of a page give to other contexts.
type gifts struct {
	*turn
	numbers   []phone.Number
	values    []profile.Value
	origins   []profile.Origin
	earnings  []points.Earning
	firsts    []consent.Consent // of members made on this page
	answers   []consent.Consent // of others
	agreedNew map[id.ID]bool
}

func (w *gifts) add(r *record, m id.ID, isNew bool, did *wrote) {
	key := "crm:" + w.i.ID.String() + ":" + id.ID(r.no).String()
	did.New = isNew
	w.numbers = append(w.numbers, r.numbers...)
	for _, v := range r.values {
		v.MemberID = m
		w.values = append(w.values, v)
		did.Said = true
	}
	if isNew {
		w.origins = append(w.origins, profile.Origin{MemberID: m, Channel: profile.FromCRM, EventKey: key, BrandID: w.i.BrandID, Scene: w.i.Source, RefID: w.i.ID, At: w.DB.Now()})
		did.Said = true
	}
	if r.points > 0 {
		w.earnings = append(w.earnings, points.Earning{Key: key, BrandID: w.i.BrandID, MemberID: m, Points: r.points, Memo: "会员积分导入：" + clip(w.i.Source, 40)})
		did.Points = r.points
	}
	if !r.agreed {
		return
	}
	did.Agreed = true
	for _, p := range w.i.Mapping.Consents {
		c := consent.Consent{MemberID: m, Purpose: p, PolicyVersion: elsewhere, Given: true, Channel: consent.Import, Evidence: consent.Evidence{OperatorID: w.i.CreatedBy, Note: evidenceNote(w.i)}}
		if isNew {
			w.firsts, w.agreedNew[m] = append(w.firsts, c), true
		} else if !w.agreedNew[m] { // a second row of somebody made on this page says nothing new
			w.answers = append(w.answers, c)
		}
	}
}

// elsewhere is the version of a text that was not ours.
const elsewhere = "import"

// evidenceNote tells where an imported agreement is kept; its beginning names the import.
func evidenceNote(i Import) string { return "导入 " + i.ID.String() + "：" + i.Mapping.Evidence }

func (w *gifts) put(ctx context.Context, tx *gorm.DB) error {
	if _, err := w.Phones.PutAllTx(ctx, tx, w.numbers); err != nil {
		return err
	}
	if err := w.Profiles.PutImportedTx(ctx, tx, w.i.ID, w.values); err != nil {
		return err
	}
	if len(w.origins) > 0 {
		if err := w.Profiles.OriginsTx(ctx, tx, w.origins); err != nil {
			return err
		}
	}
	if err := w.Points.EarnAllTx(ctx, tx, w.earnings); err != nil {
		return err
	}
	if err := w.Consents.PutFirstTx(ctx, tx, w.firsts); err != nil {
		return err
	}
	for _, c := range w.answers {
		last, err := w.Consents.Newest(tx, c.MemberID, c.Purpose)
		if err != nil {
			return err
		}
		if last.ID != 0 && last.Channel != consent.Import { // what he said to us himself is newer than any file
			continue
		}
		if _, err := w.Consents.PutTx(ctx, tx, c); err != nil {
			return err
		}
	}
	return nil
}
