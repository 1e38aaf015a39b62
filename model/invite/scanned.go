package invite

import (
	"context"
	"errors"
	"fmt"

	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/follow"
	"siyu/model/referral"
)

// Scanned binds who scanned a QR code of an official account that carries a referral's
// token as its scene (follow.Store.OnScene). Other scenes mean nothing here. Whoever
// cannot be bound is left as he is: he only scanned a picture, and nobody tells him of an
// error. Why is kept as an event (event.NotReferred) for whoever asks later.
func (s *Store) Scanned(ctx context.Context, f follow.Follower) error {
	code, err := s.Referrals.ByToken(ctx, f.Scene)
	if refused(err) {
		return nil
	}
	if err != nil {
		return err
	}
	account, err := s.Brands.Account(ctx, f.AccountID)
	if err != nil || account.BrandID != code.BrandID {
		return err
	}
	// Bound through it before, or ended something since: this is a repeated or a late
	// report, and a person's own decision outweighs an older scan.
	list, err := s.Referrals.Bindings(ctx, code.BrandID, referral.Filter{MemberID: f.MemberID, Limit: db.MaxPage})
	if err != nil {
		return err
	}
	for _, b := range list {
		if b.BoundAt == f.ChangedAt && b.CodeID == code.ID || b.EndedAt >= f.ChangedAt {
			return nil
		}
	}
	_, err = s.Referrals.Bind(ctx, referral.Contact{BrandID: code.BrandID, Token: f.Scene, MemberID: f.MemberID, Channel: referral.WeChat, At: f.ChangedAt})
	if !refused(err) {
		return err
	}
	_, err = s.Events.Put(ctx, []event.Event{{Key: fmt.Sprintf("unreferred:%d:%d:%d", code.ID, f.MemberID, f.ChangedAt), Type: event.NotReferred,
		BrandID: code.BrandID, MemberID: f.MemberID, Channel: event.WeChat, At: f.ChangedAt,
		Body: event.Body(map[string]any{"reason": fault.Of(err).Code, "code_id": code.ID, "account_id": f.AccountID})}})
	return err
}

// refused says that an error is an answer, not trouble.
func refused(err error) bool {
	var f *fault.Fault
	if !errors.As(err, &f) {
		return false
	}
	switch f.Kind {
	case fault.Invalid, fault.Forbidden, fault.NotFound, fault.Conflict:
		return true
	}
	return false
}
