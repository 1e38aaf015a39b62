package rights

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"gorm.io/gorm"

	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/member"
)

// Ask is a new request.
type Ask struct {
	MemberID   id.ID
	Kind       string
	Channel    string            // consent's channels h5, mini, operator
	OperatorID id.ID             // who asks on his behalf, for the channel operator
	Fields     map[string]string // what to correct: field of the profile -> value
	Evidence   consent.Evidence  // of a restriction
}

// limits of a correction.
const (
	maxFields = 20
	maxValue  = 400
)

func (a Ask) check() error {
	switch {
	case a.Kind != Export && a.Kind != Correct && a.Kind != Erase && a.Kind != Restrict:
		return fault.NewInvalid("request_kind", "请选择要行使的权利").With("field", "kind")
	case a.Channel != consent.H5 && a.Channel != consent.Mini && a.Channel != consent.Operator || (a.Channel == consent.Operator) != (a.OperatorID != 0):
		return fault.NewInvalid("request_malformed", "请求内容不对")
	case (a.Kind == Correct) != (len(a.Fields) > 0) || len(a.Fields) > maxFields:
		return fault.NewInvalid("request_fields", "请填写要更正的内容").With("field", "fields")
	}
	for k, v := range a.Fields {
		if k == "" || len(k) > 32 || utf8.RuneCountInString(v) > maxValue || !utf8.ValidString(v) {
			return fault.NewInvalid("request_fields", "要更正的内容太长或格式不对").With("field", "fields")
		}
	}
	return nil
}

func detailPlace(requestID id.ID) string { return "rights:" + requestID.String() }

// Ask records a request; while one of the same kind is open that one is returned.
// Faults: Invalid request_kind, request_malformed, request_fields; NotFound
// member_not_found.
func (s *Store) Ask(ctx context.Context, a Ask) (Request, error) {
	if err := a.check(); err != nil {
		return Request{}, err
	}
	root, err := s.rootOf(ctx, a.MemberID)
	if err != nil {
		return Request{}, err
	}
	now := s.DB.Now()
	r := Request{ID: s.DB.NewID(), MemberID: a.MemberID, Kind: a.Kind, State: Requested, OpenKey: root.String() + ":" + a.Kind, Channel: a.Channel,
		OperatorID: a.OperatorID, Detail: []byte{}, DueAt: workingDays(now, s.Terms.AnswerDays), CreatedAt: now}
	if len(a.Fields) > 0 {
		text, err := json.Marshal(a.Fields)
		if err != nil {
			return Request{}, fmt.Errorf("rights: fields: %w", err)
		}
		r.Detail = s.Box.Seal(detailPlace(r.ID), text)
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&r).Error; err != nil {
			return err
		}
		if a.OperatorID != 0 || a.Kind == Correct {
			return nil // somebody looks at it first
		}
		// Whoever asks for himself has shown who he is: WeChat logged him in.
		return s.approveTx(ctx, tx, &r, 0, a.Evidence)
	})
	if db.IsDuplicate(err) {
		return s.openOf(ctx, r.OpenKey)
	}
	if err != nil {
		return Request{}, fmt.Errorf("rights: ask: %w", err)
	}
	s.Outbox.Nudge()
	return s.Get(ctx, r.ID)
}

// rootOf is the member that stands for a human who is still there.
func (s *Store) rootOf(ctx context.Context, memberID id.ID) (id.ID, error) {
	m, err := s.Members.Get(ctx, memberID)
	if err != nil {
		return 0, err
	}
	if m.State == member.Erased {
		return 0, errNobody
	}
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return 0, err
	}
	return family[0], nil
}

// approveTx lets a request go on: it is worked on when its time has come.
func (s *Store) approveTx(ctx context.Context, tx *gorm.DB, r *Request, by id.ID, e consent.Evidence) error {
	now := s.DB.Now()
	set := map[string]any{"state": Approved, "decided_at": now, "decided_by": by, "start_at": now}
	switch r.Kind {
	case Erase:
		set["start_at"] = now.Add(s.Terms.Rest)
	case Restrict:
		// Nothing to wait for: processing stops with this commit.
		for _, purpose := range []string{consent.Profiling, consent.Marketing, consent.CRMMatch} {
			c := consent.Consent{MemberID: r.MemberID, Purpose: purpose, Channel: r.Channel, Evidence: e}
			if _, err := s.Consents.PutTx(ctx, tx, c); err != nil {
				return err
			}
		}
		set["state"], set["finished_at"], set["open_key"] = Done, now, r.ID.String()
	}
	moved, err := s.move(tx, r.ID, []string{Requested}, set)
	if err != nil || !moved {
		return first(err, errState)
	}
	if set["state"] == Done {
		return nil
	}
	start := r.StartAt
	if r.Kind == Erase {
		start = now.Add(s.Terms.Rest)
	}
	_, err = s.Outbox.PutTx(ctx, tx, Task, r.ID, start)
	return err
}

func first(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// move is the guarded step between states.
func (s *Store) move(tx *gorm.DB, requestID id.ID, from []string, set map[string]any) (bool, error) {
	u := tx.Model(&Request{}).Where("id = ? AND state IN ?", requestID, from).Updates(set)
	return u.RowsAffected == 1, u.Error
}

// end is what a request has when it is over, whatever its state.
func (s *Store) end(requestID id.ID, state, answer string) map[string]any {
	return map[string]any{"state": state, "answer": answer, "open_key": requestID.String(), "finished_at": s.DB.Now(), "detail": []byte{}}
}

// Approve lets an operator's request, or a correction, go on; identity is checked
// outside. A correction is done at once. Faults: NotFound request_not_found; Forbidden
// second_person; Conflict request_state; those of the Corrector.
func (s *Store) Approve(ctx context.Context, requestID, by id.ID, reason string) (Request, error) {
	r, err := s.Get(ctx, requestID)
	if err != nil {
		return Request{}, err
	}
	if r.State != Requested {
		return Request{}, errState
	}
	if r.OperatorID == by && by != 0 {
		return Request{}, fault.New(fault.Forbidden, "second_person", "自己登记的请求须由另一位操作员核实")
	}
	if r.Kind == Correct {
		fields, err := s.Fields(r)
		if err != nil {
			return Request{}, err
		}
		// Writing a field twice is harmless; a state that says done before it is would not be.
		if s.Correct != nil {
			if err := s.Correct(ctx, r.MemberID, fields, by, reason); err != nil {
				return Request{}, err
			}
		}
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		if r.Kind == Correct {
			set := s.end(r.ID, Done, "已更正")
			set["decided_at"], set["decided_by"] = s.DB.Now(), by
			moved, err := s.move(tx, r.ID, []string{Requested}, set)
			if err == nil && !moved {
				err = errState
			}
			return err
		}
		return s.approveTx(ctx, tx, &r, by, consent.Evidence{OperatorID: by, Note: "个人信息权利请求 " + r.ID.String()})
	})
	if err != nil {
		return Request{}, fmt.Errorf("rights: approve: %w", err)
	}
	s.Outbox.Nudge()
	return s.Get(ctx, requestID)
}

// Refuse ends a request with a reason that the person reads (art. 50 asks for one).
// Faults: Invalid reason_missing; NotFound request_not_found; Conflict request_state.
func (s *Store) Refuse(ctx context.Context, requestID, by id.ID, reason string) (Request, error) {
	if n := utf8.RuneCountInString(reason); n < 2 || n > 400 {
		return Request{}, fault.NewInvalid("reason_missing", "请填写拒绝的理由，2 到 400 个字，申请人会看到").With("field", "reason")
	}
	set := s.end(requestID, Refused, reason)
	set["decided_at"], set["decided_by"] = s.DB.Now(), by
	return s.finish(ctx, requestID, set)
}

// Cancel takes a request back that nobody works on yet. Faults: NotFound
// request_not_found, also for somebody else's; Conflict request_state.
func (s *Store) Cancel(ctx context.Context, memberID, requestID id.ID) (Request, error) {
	r, err := s.OfMember(ctx, memberID, requestID)
	if err != nil {
		return Request{}, err
	}
	if r.State == Cancelled {
		return r, nil
	}
	return s.finish(ctx, requestID, s.end(requestID, Cancelled, "申请人已撤回"))
}

func (s *Store) finish(ctx context.Context, requestID id.ID, set map[string]any) (Request, error) {
	if _, err := s.Get(ctx, requestID); err != nil {
		return Request{}, err
	}
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		moved, err := s.move(tx, requestID, []string{Requested, Approved}, set)
		if err == nil && !moved {
			err = errState
		}
		return err
	})
	if err != nil {
		return Request{}, fmt.Errorf("rights: end: %w", err)
	}
	return s.Get(ctx, requestID)
}

// Fields opens what a correction asks for. It is empty once the request is over.
func (s *Store) Fields(r Request) (map[string]string, error) {
	out := map[string]string{}
	if len(r.Detail) == 0 {
		return out, nil
	}
	text, err := s.Box.Open(detailPlace(r.ID), r.Detail)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return nil, fmt.Errorf("rights: fields of %d: %w", r.ID, err)
	}
	return out, nil
}

// Get reads one request. Fault: NotFound request_not_found.
func (s *Store) Get(ctx context.Context, requestID id.ID) (Request, error) {
	return s.take(ctx, "id = ?", requestID)
}

// OfMember is Get for its own person. Fault: NotFound request_not_found.
func (s *Store) OfMember(ctx context.Context, memberID, requestID id.ID) (Request, error) {
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return Request{}, err
	}
	return s.take(ctx, "id = ? AND member_id IN ?", requestID, family)
}

func (s *Store) openOf(ctx context.Context, key string) (Request, error) {
	return s.take(ctx, "open_key = ?", key)
}

func (s *Store) take(ctx context.Context, where string, args ...any) (Request, error) {
	var r Request
	err := s.DB.Read(ctx).Where(where, args...).Take(&r).Error
	if db.IsNotFound(err) {
		return Request{}, errUnknown
	}
	if err != nil {
		return Request{}, fmt.Errorf("rights: read: %w", err)
	}
	return r, nil
}

// Mine lists the human's requests, newest first.
func (s *Store) Mine(ctx context.Context, memberID id.ID, limit int) ([]Request, error) {
	family, err := s.Members.Family(ctx, memberID)
	if err != nil {
		return nil, err
	}
	out := []Request{}
	err = db.Page(s.DB.Read(ctx).Where("member_id IN ?", family), "rights_request", 0, limit).Find(&out).Error
	return out, err
}

// List pages requests, newest first; state "" is any. With state "open" it is those that
// wait, the one that is due first at the top, on one page.
func (s *Store) List(ctx context.Context, state string, before id.ID, limit int) ([]Request, error) {
	q, out := s.in(ctx, state), []Request{}
	if state == "open" {
		err := q.Order("due_at, id").Limit(db.MaxPage).Find(&out).Error
		return out, err
	}
	err := db.Page(q, "rights_request", before, limit).Find(&out).Error
	return out, err
}

// Count is how many requests List has of a state, up to db.MaxTotal.
func (s *Store) Count(ctx context.Context, state string) (n int, more bool, err error) {
	return db.Total(s.in(ctx, state))
}

func (s *Store) in(ctx context.Context, state string) *gorm.DB {
	q := s.DB.Read(ctx).Model(&Request{})
	switch state {
	case "":
		return q
	case "open":
		return q.Where("state IN ?", []string{Requested, Approved, Running})
	}
	return q.Where("state = ?", state)
}
