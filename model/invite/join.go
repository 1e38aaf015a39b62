package invite

import (
	"context"

	"siyu/model/id"
	"siyu/model/poster"
	"siyu/model/referral"
)

// Where a person stands towards an invitation.
const (
	Free   = "free"   // he may join, as far as can be told beforehand
	Joined = "joined" // the inviter is his referrer
	Other  = "other"  // somebody else is
	Self   = "self"   // it is his own
)

// Stand says where a member stands towards an invitation, and who his referrer is.
func (s *Store) Stand(ctx context.Context, v Invitation, memberID id.ID) (string, *Referrer, error) {
	same, err := s.Referrals.Members.SameHuman(ctx, memberID, v.Code.MemberID)
	if err != nil || same {
		return Self, nil, err
	}
	r, err := s.referrer(ctx, v.Code.BrandID, memberID)
	if err != nil || r == nil {
		return Free, nil, err
	}
	if same, err = s.Referrals.Members.SameHuman(ctx, r.memberID, v.Code.MemberID); err != nil || same {
		return Joined, r, err
	}
	return Other, r, nil
}

// Contact is a tap on "join". The hashes are keyed; nothing of them leads back.
type Contact struct {
	MemberID   id.ID
	Channel    string // referral.H5 or referral.Mini
	IPHash     string
	DeviceHash string
}

// Join makes the owner of a token the member's referrer. Whoever taps has been shown
// Meaning. Faults: those of referral.Store.Bind.
func (s *Store) Join(ctx context.Context, token string, c Contact) (referral.Binding, error) {
	return s.Referrals.Bind(ctx, referral.Contact{Token: token, MemberID: c.MemberID, Channel: c.Channel, IPHash: c.IPHash, DeviceHash: c.DeviceHash, Consented: true})
}

// Leave ends the member's own relation. Faults: those of referral.Store.Leave.
func (s *Store) Leave(ctx context.Context, brandID, memberID id.ID) error {
	return s.Referrals.Leave(ctx, brandID, memberID)
}

// PosterFormat is what a page shows: PNG, which a phone keeps by a long press, or SVG
// where there is no font.
func (s *Store) PosterFormat() string {
	if s.Posters.HasFont() {
		return poster.PNG
	}
	return poster.SVG
}
