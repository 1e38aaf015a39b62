package group

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// Visitor is who opens a live code: a member, or a browser that carries a key of ours.
type Visitor struct {
	MemberID       id.ID
	Key            string // of a browser without a member; at most 40 characters
	Province, City string // where he seems to be; "" = not known
}

// Answer is what a live code says to one visitor. Without a community it is the fallback.
type Answer struct {
	Code      LiveCode
	Community Community
	OK        bool // there is a community; its QR may be shown
	First     bool // this call took the place; else he had it already
}

// place is where a visitor is sent.
type place struct {
	ID          id.ID
	LiveCodeID  id.ID
	Visitor     string
	MemberID    id.ID
	CommunityID id.ID
	HandedAt    clock.Instant
}

// TableName names the table for GORM.
func (place) TableName() string { return "live_place" }

// errLost is a race lost for one target: the next one may do.
var errLost = errors.New("group: the place was taken")

// errMoved says that another call of the same visitor was faster: look again.
var errMoved = errors.New("group: the visitor has a place")

// Peek says what Resolve would show a visitor who has a place already, and takes none: for
// those of whom it is not known that they are people (a preview, a crawler).
// Fault: NotFound live_code_not_found.
func (s *Store) Peek(ctx context.Context, token string, v Visitor, at clock.Instant) (Answer, error) {
	l, err := s.ByToken(ctx, token)
	if err != nil || l.State != Live {
		return Answer{Code: l}, err
	}
	n, err := s.near(ctx, l, v)
	if err != nil {
		return Answer{}, err
	}
	a, _ := n.sticky(at)
	return a, nil
}

// Resolve sends a visitor to a community: to the one he was sent to before while it
// lives, else to the best that takes newcomers, and takes a place there. Fault: NotFound
// live_code_not_found.
func (s *Store) Resolve(ctx context.Context, token string, v Visitor, at clock.Instant) (Answer, error) {
	l, err := s.ByToken(ctx, token)
	if err != nil || l.State != Live {
		return Answer{Code: l}, err
	}
	// Whoever loses all his races looks again; what filled up meanwhile is then known. More
	// than a few rounds mean that everything changes faster than it can be read.
	for range 4 {
		n, err := s.near(ctx, l, v)
		if err != nil {
			return Answer{}, err
		}
		if a, ok := n.sticky(at); ok {
			return a, nil
		}
		if err := s.note(ctx, n, at); err != nil {
			return Answer{}, err
		}
		list := n.candidates(v, at)
		if len(list) == 0 {
			break
		}
		for _, t := range list {
			c, err := s.hand(ctx, n, t, v, at)
			switch {
			case err == nil:
				return Answer{Code: l, Community: c, OK: true, First: true}, nil
			case errors.Is(err, errLost):
				continue
			case !errors.Is(err, errMoved):
				return Answer{}, fmt.Errorf("group: resolve: %w", err)
			}
			break // his own other tap got a place
		}
	}
	return Answer{Code: l}, s.deadEnd(ctx, l, v, at)
}

// nearby is what a decision needs: read without locks, so only good for choosing.
type nearby struct {
	code    LiveCode
	targets []targetOf
	places  []place // the visitor's, over his family: almost always none or one
}

type targetOf struct {
	Target
	Community Community
}

func (s *Store) near(ctx context.Context, l LiveCode, v Visitor) (nearby, error) {
	n := nearby{code: l}
	ids := []id.ID{0}
	for _, t := range l.Targets {
		ids = append(ids, t.CommunityID)
	}
	var list []Community
	if err := s.db.Read(ctx).Where("id IN ?", ids).Find(&list).Error; err != nil {
		return n, fmt.Errorf("group: targets: %w", err)
	}
	var targets []Target // again: those in l are as old as the first round
	if err := s.db.Read(ctx).Where("live_code_id = ?", l.ID).Order("place_no, id").Find(&targets).Error; err != nil {
		return n, fmt.Errorf("group: targets: %w", err)
	}
	for _, t := range targets {
		if i := slices.IndexFunc(list, func(c Community) bool { return c.ID == t.CommunityID }); i >= 0 {
			n.targets = append(n.targets, targetOf{t, list[i]})
		}
	}
	keys, err := s.keys(ctx, v)
	if err == nil {
		err = s.db.Read(ctx).Where("live_code_id = ? AND visitor IN ?", l.ID, keys).Order("handed_at, id").Find(&n.places).Error
	}
	if err != nil {
		return n, fmt.Errorf("group: places: %w", err)
	}
	return n, nil
}

// key names a visitor in the tables.
func (v Visitor) key() string {
	if v.MemberID != 0 {
		return "m:" + v.MemberID.String()
	}
	return "v:" + v.Key
}

// keys are all names of the human.
func (s *Store) keys(ctx context.Context, v Visitor) ([]string, error) {
	if v.MemberID == 0 {
		return []string{v.key()}, nil
	}
	family, err := s.People.Family(ctx, v.MemberID)
	out := make([]string, len(family))
	for i, m := range family {
		out[i] = Visitor{MemberID: m}.key()
	}
	return out, err
}

// sticky is the community the visitor has a place in, while that lives.
func (n nearby) sticky(at clock.Instant) (Answer, bool) {
	for _, p := range n.places {
		for _, t := range n.targets {
			if t.CommunityID == p.CommunityID && n.code.allows(t.Community) && t.Community.keeps(at) {
				return Answer{Code: n.code, Community: t.Community, OK: true}, true
			}
		}
	}
	return Answer{Code: n.code}, false
}

// candidates are the targets that take newcomers, best first.
func (n nearby) candidates(v Visitor, at clock.Instant) []targetOf {
	var out []targetOf
	for _, t := range n.targets {
		if n.code.allows(t.Community) && t.Community.Takes(at) && (t.MaxHanded == 0 || t.Handed < t.MaxHanded) {
			out = append(out, t)
		}
	}
	slices.SortStableFunc(out, func(a, b targetOf) int { // targets come in the order of the list
		order := 0
		if n.code.RegionFirst {
			order = cmp.Compare(distance(a.Community, v), distance(b.Community, v))
		}
		if order == 0 && n.code.Strategy == Spread {
			order = cmp.Compare(a.Handed, b.Handed)
		}
		return order
	})
	return out
}

// distance is 0 for the visitor's city, 1 for his province, 2 for a community of no
// region, 3 for elsewhere. Where he is not known, all are the same.
func distance(c Community, v Visitor) int {
	switch {
	case v.City == "" && v.Province == "":
		return 0
	case sameArea(v.City, c.City):
		return 0
	case sameArea(v.Province, c.Province) && (c.City == "" || v.City == ""):
		return 1
	case sameArea(v.Province, c.Province):
		return 2
	case c.Province == "" && c.City == "":
		return 3
	}
	return 4
}

// note records targets whose join code ended since somebody last looked.
func (s *Store) note(ctx context.Context, n nearby, at clock.Instant) error {
	for _, t := range n.targets {
		c := t.Community
		if t.State == targetLive && c.QR != "" && c.QRExpiresAt <= at && c.State != Closed && c.State != Expired {
			if err := s.expire(ctx, c.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// hand takes a place in one community for a visitor. Locks are taken in one order:
// community, target, place, code.
func (s *Store) hand(ctx context.Context, n nearby, t targetOf, v Visitor, at clock.Instant) (Community, error) {
	var out Community
	err := s.db.InFreshTx(ctx, func(tx *gorm.DB) error {
		// state stands before pending: MySQL assigns from left to right.
		r := tx.Exec(`UPDATE community SET state = CASE WHEN size + pending + 1 >= scan_capacity THEN ? ELSE state END, pending = pending + 1
			WHERE id = ? AND state = ? AND qr <> '' AND qr_expires_at > ? AND size + pending < scan_capacity`, Full, t.CommunityID, Open, at)
		if err := won(r, errLost); err != nil {
			return err
		}
		r = tx.Exec("UPDATE live_target SET handed = handed + 1 WHERE id = ? AND (max_handed = 0 OR handed < max_handed)", t.ID)
		if err := won(r, errLost); err != nil {
			return err
		}
		from, err := s.seat(tx, n, t, v, at)
		if err != nil {
			return err
		}
		hand := Hand{ID: s.db.NewID(), LiveCodeID: n.code.ID, CommunityID: t.CommunityID, Visitor: v.key(), MemberID: v.MemberID, FromID: from, At: at}
		if err := tx.Create(&hand).Error; err != nil {
			return err
		}
		if out, err = get(tx, t.CommunityID); err != nil {
			return err
		}
		return s.after(tx, n, t, out, at)
	})
	return out, err
}

// won says whether a guarded statement did something.
func won(r *gorm.DB, lost error) error {
	if r.Error == nil && r.RowsAffected == 0 {
		return lost
	}
	return r.Error
}

// seat writes where the visitor is sent now, and returns where he was sent before.
func (s *Store) seat(tx *gorm.DB, n nearby, t targetOf, v Visitor, at clock.Instant) (from id.ID, err error) {
	for _, p := range n.places {
		if p.Visitor == v.key() {
			r := tx.Exec("UPDATE live_place SET community_id = ?, handed_at = ? WHERE id = ? AND community_id = ? AND handed_at = ?",
				t.CommunityID, at, p.ID, p.CommunityID, p.HandedAt)
			return p.CommunityID, won(r, errMoved)
		}
		from = p.CommunityID
	}
	r := tx.Exec("INSERT INTO live_place (id, live_code_id, visitor, member_id, community_id, handed_at) VALUES (?,?,?,?,?,?)"+s.db.Once("id"),
		s.db.NewID(), n.code.ID, v.key(), v.MemberID, t.CommunityID, at)
	return from, won(r, errMoved)
}

// after does what a handed-out place brings about: the last one drops the target, and who
// follows a dropped one is written beside the drop.
func (s *Store) after(tx *gorm.DB, n nearby, t targetOf, c Community, at clock.Instant) error {
	if n.code.Waiting > 0 || slices.ContainsFunc(n.targets, func(x targetOf) bool { return x.State == targetDropped }) {
		if err := s.follow(tx, n.code.ID, t.CommunityID, at); err != nil {
			return err
		}
	}
	if c.State == Full {
		return s.drop(tx, c.ID, Full, at)
	}
	if t.MaxHanded == 0 {
		return nil
	}
	var handed int
	if err := tx.Raw("SELECT handed FROM live_target WHERE id = ?", t.ID).Scan(&handed).Error; err != nil || handed < t.MaxHanded {
		return err
	}
	return s.dropOne(tx, targetRef{t.ID, n.code.ID}, t.CommunityID, causeLimit, at)
}

// follow writes who took over from targets that were dropped: whoever gets the first
// visitor after it.
func (s *Store) follow(tx *gorm.DB, codeID, communityID id.ID, at clock.Instant) error {
	r := tx.Exec("UPDATE live_code SET waiting = 0 WHERE id = ? AND waiting > 0", codeID)
	if r.Error != nil || r.RowsAffected == 0 {
		return r.Error
	}
	return tx.Exec("UPDATE live_switch SET next_id = ?, next_at = ? WHERE live_code_id = ? AND kind = ? AND next_id = 0 AND community_id <> ?",
		communityID, at, codeID, SwitchDropped, communityID).Error
}

// deadEnd counts a visitor for whom there is no place, and says so to the operators.
func (s *Store) deadEnd(ctx context.Context, l LiveCode, v Visitor, at clock.Instant) error {
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO live_dead (live_code_id, hour_at, visitor, member_id, at) VALUES (?,?,?,?,?)"+s.db.Once("at"),
			l.ID, at-at%hourMs, v.key(), v.MemberID, at).Error
	})
	if err != nil {
		return fmt.Errorf("group: dead end: %w", err)
	}
	return s.alarmNone(ctx, l.ID)
}

func noneKey(codeID id.ID, round int) string {
	return AlarmNone + ":" + codeID.String() + ":" + strconv.Itoa(round)
}

// LeaderName is how the leader of a community is shown to people; "" when it has none who
// leads now.
func (s *Store) LeaderName(ctx context.Context, c Community) (string, error) {
	if c.LeaderID == 0 {
		return "", nil
	}
	l, err := s.Leaders.Leader(ctx, c.LeaderID)
	if fault.KindOf(err) == fault.NotFound || err == nil && !l.Active {
		return "", nil
	}
	return l.Name, err
}
