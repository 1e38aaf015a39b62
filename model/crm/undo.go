package crm

import (
	"context"
	"encoding/json"
	"slices"

	"gorm.io/gorm"

	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
)

// uses are where it shows that something else has happened to a member than a row of a
// file. Who is in none of them, and has no key left, was never more than that row. What
// takes a key of WeChat's to happen (a scan, following) is there for an import of keys.
var uses = []struct{ table, where string }{
	{"claim", "member_id IN ?"}, {"scan", "member_id IN ?"}, {"event", "member_id IN ?"},
	{"profile_value", "member_id IN ?"}, {"profile_skip", "member_id IN ?"}, {"profile_reward", "member_id IN ?"},
	{"profile_origin", "member_id IN ?"}, {"profile_move", "member_id IN ?"},
	{"consent", "member_id IN ? AND channel <> 'import'"}, {"rights_request", "member_id IN ?"},
}

// ledgers name a member by two columns. Points given by the import itself count too:
// their entries stay for ever, and an account needs its owner.
const ledgers = `SELECT credit_owner FROM ledger_entry WHERE credit_owner IN ? AND credit_kind = 'member'
	UNION SELECT debit_owner FROM ledger_entry WHERE debit_owner IN ? AND debit_kind = 'member'`

// doneRow is a line of crm_row that is to be taken back.
type doneRow struct {
	RowNo    int64
	Outcome  string
	PersonID id.ID
	MemberID id.ID
	Wrote    string

	did wrote
}

// undo takes back what the rows wrote, the last first: a person whom an early row made
// and a later one enriched is taken apart in that order.
func (j *turn) undo(ctx context.Context) error {
	for before := int64(1) << 62; ; {
		var rows []doneRow
		err := j.DB.Read(ctx).Raw(`SELECT row_no, outcome, person_id, member_id, wrote FROM crm_row WHERE import_id = ? AND row_no < ? AND outcome IN ?
			ORDER BY row_no DESC LIMIT ?`, j.i.ID, before, []string{RowNew, RowOld, RowConflict}, j.page).Scan(&rows).Error
		if err != nil {
			return j.fail(err)
		}
		if len(rows) == 0 {
			break
		}
		before = rows[len(rows)-1].RowNo
		for n := range rows {
			if err := json.Unmarshal([]byte(rows[n].Wrote), &rows[n].did); err != nil {
				return j.fail(err)
			}
		}
		if err := j.step("before undo"); err != nil {
			return err
		}
		if err := j.takeBack(ctx, rows); err != nil {
			return err
		}
		if err := j.step("after undo"); err != nil {
			return err
		}
	}
	return j.guarded(ctx, map[string]any{"state": Undone, "done_rows": 0, "finished_at": j.DB.Now()}, nil)
}

func (j *turn) takeBack(ctx context.Context, rows []doneRow) error {
	for _, r := range rows {
		if r.did.Points == 0 {
			continue
		}
		key := "crm:" + j.i.ID.String() + ":" + id.ID(r.RowNo).String()
		_, err := j.Accounts.Reverse(ctx, key+":undo", r.MemberID, key, 0, "撤销会员积分导入")
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return j.fail(err)
		}
	}
	kept := j.i.KeptRows
	err := j.guarded(ctx, map[string]any{}, func(tx *gorm.DB) error {
		stay, err := j.takeBackTx(ctx, tx, rows)
		if err != nil {
			return err
		}
		kept = j.i.KeptRows + int64(len(stay))
		undone := make([]int64, 0, len(rows))
		for _, r := range rows {
			if !slices.Contains(stay, r.RowNo) {
				undone = append(undone, r.RowNo)
			}
		}
		for outcome, list := range map[string][]int64{RowUndone: undone, RowKept: stay} {
			for part := range slices.Chunk(list, 500) {
				if err := tx.Exec("UPDATE crm_row SET outcome = ?, wrote = '{}' WHERE import_id = ? AND row_no IN ?", outcome, j.i.ID, part).Error; err != nil {
					return err
				}
			}
		}
		return tx.Exec("UPDATE crm_import SET kept_rows = ?, done_rows = CASE WHEN done_rows > ? THEN done_rows - ? ELSE 0 END WHERE id = ?",
			kept, len(rows), len(rows), j.i.ID).Error
	})
	if err == nil {
		j.i.KeptRows = kept
	}
	return err
}

// takeBackTx returns the rows whose persons stay.
func (j *turn) takeBackTx(ctx context.Context, tx *gorm.DB, rows []doneRow) (stay []int64, err error) {
	var keys []identity.Key
	var said, agreed, made []id.ID
	memberOf := map[id.ID]id.ID{}
	for _, r := range rows {
		for _, k := range r.did.Keys {
			keys = append(keys, identity.Key{Kind: k[0], Scope: k[1], Value: k[2], PersonID: r.PersonID})
		}
		if r.did.Said {
			said = append(said, r.MemberID)
		}
		if r.did.Agreed {
			agreed = append(agreed, r.MemberID)
		}
		if r.did.New {
			made = append(made, r.PersonID)
			memberOf[r.PersonID] = r.MemberID
		}
	}
	gone, err := j.People.UnlinkAllTx(ctx, tx, keys, j.evidence())
	if err != nil {
		return nil, err
	}
	for part := range slices.Chunk(said, 500) {
		if err := j.Profiles.TakeBackTx(ctx, tx, j.i.ID, part); err != nil {
			return nil, err
		}
	}
	if err := j.disagreeTx(ctx, tx, agreed); err != nil {
		return nil, err
	}
	dropped, err := j.dropTx(ctx, tx, made, memberOf)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.did.New && !dropped[r.PersonID] {
			stay = append(stay, r.RowNo)
		}
	}
	return stay, j.forgetPhonesTx(ctx, tx, gone)
}

// disagreeTx takes back what the file agreed to, unless the person has answered since.
func (j *turn) disagreeTx(ctx context.Context, tx *gorm.DB, members []id.ID) error {
	for _, m := range members {
		for _, p := range j.i.Mapping.Consents {
			last, err := j.Consents.Newest(tx, m, p)
			if err != nil {
				return err
			}
			if !last.Given || last.Channel != consent.Import || last.Note != evidenceNote(j.i) {
				continue
			}
			_, err = j.Consents.PutTx(ctx, tx, consent.Consent{MemberID: last.MemberID, Purpose: p, PolicyVersion: elsewhere, Channel: consent.Import,
				Evidence: consent.Evidence{OperatorID: j.i.CreatedBy, Note: "撤销导入 " + j.i.ID.String()}})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// dropTx deletes persons and members who were nothing but rows of this file.
func (j *turn) dropTx(ctx context.Context, tx *gorm.DB, made []id.ID, memberOf map[id.ID]id.ID) (map[id.ID]bool, error) {
	used := map[id.ID]bool{}
	for part := range slices.Chunk(made, 500) {
		members := make([]id.ID, len(part))
		for n, p := range part {
			members[n] = memberOf[p]
		}
		see := func(query string, args ...any) error {
			var list []id.ID
			if err := tx.Raw(query, args...).Scan(&list).Error; err != nil {
				return j.fail(err)
			}
			for _, m := range list {
				used[m] = true
			}
			return nil
		}
		for _, u := range uses {
			if err := see("SELECT DISTINCT member_id FROM "+u.table+" WHERE "+u.where, members); err != nil {
				return nil, err
			}
		}
		if err := see(ledgers, members, members); err != nil {
			return nil, err
		}
	}
	idle := slices.DeleteFunc(slices.Clone(made), func(p id.ID) bool { return used[memberOf[p]] })
	gone, err := j.People.DropTx(ctx, tx, idle)
	if err != nil {
		return nil, err
	}
	out := make(map[id.ID]bool, len(gone))
	for _, p := range gone {
		out[p] = true
	}
	return out, j.Members.DropTx(ctx, tx, gone)
}

// forgetPhonesTx deletes numbers that are nobody's key any more.
func (j *turn) forgetPhonesTx(ctx context.Context, tx *gorm.DB, gone []identity.Key) error {
	var hashes []string
	for _, k := range gone {
		if k.Kind == identity.Phone {
			hashes = append(hashes, k.Value)
		}
	}
	for part := range slices.Chunk(hashes, 500) {
		args := []any{identity.Phone}
		for _, h := range part {
			args = append(args, h)
		}
		var still []string
		err := tx.Raw("SELECT value FROM identity_key WHERE kind = ? AND scope = '' AND value IN "+db.Marks(len(part)), args...).Scan(&still).Error
		if err != nil {
			return j.fail(err)
		}
		part = slices.DeleteFunc(slices.Clone(part), func(h string) bool { return slices.Contains(still, h) })
		if len(part) == 0 {
			continue
		}
		if _, err := j.Phones.ForgetTx(ctx, tx, part); err != nil {
			return err
		}
	}
	return nil
}
