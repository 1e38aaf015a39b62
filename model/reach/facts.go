package reach

import (
	"cmp"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/id"
)

// facts are what the tables say of some humans, read at once.
type facts struct {
	ask     Ask
	rules   rules
	apps    []app // of the uses
	humans  map[id.ID]*human
	roots   map[id.ID]id.ID // of every member of theirs
	persons map[id.ID]id.ID // the member of each of their persons
	dropped map[id.ID]bool  // roots of whom nothing more was read: they do not agree
	opens   map[openKey]*contact
	stops   map[key]clock.Instant
	used    map[key]int64 // calls of today
	wants   []want
	// Of everybody: a range of members, or of openids, instead of a list of them, and what
	// was judged of openids before.
	span    *[2]id.ID
	between *[2]string
	bulk    *bulk
	someone *contact
}

// key names a channel of an account.
type key struct {
	account id.ID
	channel string
}

// human is one human.
type human struct {
	root     id.ID
	family   []id.ID
	erased   bool // nobody is left under any of his members
	agrees   bool
	profiled bool               // agrees to profiling; read where the ask says so
	refuses  map[[2]string]bool // topic and channel
	version  int64              // of reach_human; -1: no row
	taken    []taken
	opens    map[id.ID][]*contact // by account
	staff    map[id.ID][]*contact // WeCom, by account
	phones   []contact
	wanted   map[id.ID]bool // wants that name him
	known    []uint8        // by bulk: what was judged of his openids
}

// taken is how many marketing messages somebody got on a day.
type taken struct {
	day     clock.Day
	channel string
	n       int
}

// contact is one openid, or contact of the staff, or telephone number.
type contact struct {
	member    id.ID
	openID    string
	sender    string
	following bool
	changed   clock.Instant // of following
	goneAt    clock.Instant
	blockedAt clock.Instant
	windows   []window
	grants    map[string]int // by template
	counts    map[countKey]int
}

type window struct {
	AccountID id.ID
	OpenID    string `gorm:"column:openid"`
	MemberID  id.ID
	Deed      string
	OpenedAt  clock.Instant
	UntilAt   clock.Instant
	LeftN     int
}

type countKey struct {
	channel string
	period  int32
}

// want is a message to come.
type want struct {
	RefID      id.ID
	AccountID  id.ID
	TemplateID string
	Value      int
	Members    int
}

func monthOf(at clock.Instant) int32 { return int32(clock.DayOf(at)) / 100 }

// load reads the facts for an ask, whose accounts the store knows by now.
func (s *Store) load(tx *gorm.DB, a Ask, members []id.ID) (*facts, error) {
	var rows []memberRow
	if len(members) > 0 {
		if err := tx.Raw(memberColumns+"WHERE id IN ?", members).Scan(&rows).Error; err != nil {
			return nil, fmt.Errorf("reach: members: %w", err)
		}
	}
	return s.read(tx, a, rows, false)
}

// read is load of members that were read already. agreeing: of those who do not agree to
// the ask's purpose nothing more is read, for they are many.
func (s *Store) read(tx *gorm.DB, a Ask, members []memberRow, agreeing bool) (*facts, error) {
	f := &facts{ask: a, humans: map[id.ID]*human{}, roots: map[id.ID]id.ID{}, persons: map[id.ID]id.ID{}, dropped: map[id.ID]bool{}, opens: map[openKey]*contact{}, stops: map[key]clock.Instant{}, used: map[key]int64{}}
	var err error
	if f.rules, err = s.rulesOf(tx, a.BrandID); err != nil {
		return nil, err
	}
	s.mu.Lock()
	for _, u := range a.Uses {
		f.apps = append(f.apps, s.apps[u.AccountID])
	}
	s.mu.Unlock()
	if err := f.families(tx, members); err != nil || len(f.humans) == 0 {
		return f, err
	}
	if a.Purpose == Marketing && !a.Test {
		if err := f.agreements(tx, f.members()); err != nil {
			return nil, fmt.Errorf("reach: %w", err)
		}
		if agreeing {
			f.drop()
		}
	}
	if a.Profiled && !a.Test {
		if err := f.agreed(tx, f.members(), consent.Profiling, func(h *human, given bool) { h.profiled = given }); err != nil {
			return nil, fmt.Errorf("reach: %w", err)
		}
	}
	all := f.members()
	if len(all) == 0 {
		return f, nil
	}
	steps := []func(*gorm.DB, []id.ID) error{f.openIDs, f.channels}
	if !a.Test {
		steps = append(steps, f.wishes)
		if a.Purpose == Marketing {
			steps = append(steps, f.versions, f.messages)
		}
	}
	for _, read := range steps {
		if err := read(tx, all); err != nil {
			return nil, fmt.Errorf("reach: %w", err)
		}
	}
	return f, nil
}

// drop forgets those who do not agree, but for that.
func (f *facts) drop() {
	for root, h := range f.humans {
		if !h.agrees {
			delete(f.humans, root)
			f.dropped[root] = true
		}
	}
	for person, m := range f.persons {
		if f.dropped[f.roots[m]] {
			delete(f.persons, person)
		}
	}
}

func (f *facts) members() []id.ID {
	var all []id.ID
	for _, h := range f.humans {
		all = append(all, h.family...)
	}
	slices.Sort(all)
	return all
}

// memberRow is one member, as families are made of them.
type memberRow struct {
	ID, RootID, PersonID id.ID
	State                string
}

func (r memberRow) root() id.ID {
	if r.RootID == 0 {
		return r.ID
	}
	return r.RootID
}

// rootsPer is of how many roots the others are asked for at once. Nearly every member is
// his own root (root_id 0), so by its statistics that index says nothing: MariaDB looks into
// it for a list of fewer than 200, and reads all members for a longer one.
const rootsPer = 150

const memberColumns = "SELECT id, root_id, person_id, state FROM member "

// families finds the humans behind members.
func (f *facts) families(tx *gorm.DB, list []memberRow) error {
	var roots, missing []id.ID
	there := make(map[id.ID]bool, len(list))
	for _, r := range list {
		there[r.ID] = true
	}
	for _, r := range list {
		root := r.root()
		if f.humans[root] != nil {
			continue
		}
		f.humans[root] = &human{root: root, erased: true, refuses: map[[2]string]bool{}, version: -1, opens: map[id.ID][]*contact{}, staff: map[id.ID][]*contact{}}
		if roots = append(roots, root); !there[root] {
			missing = append(missing, root)
		}
	}
	if len(roots) == 0 {
		return nil
	}
	rows := slices.Clone(list)
	if f.span != nil {
		var others []memberRow
		if err := tx.Raw(memberColumns+"WHERE root_id BETWEEN ? AND ? ORDER BY id", f.span[0], f.span[1]).Scan(&others).Error; err != nil {
			return fmt.Errorf("reach: families: %w", err)
		}
		rows, roots = append(rows, slices.DeleteFunc(others, func(r memberRow) bool { return f.humans[r.RootID] == nil })...), nil
	}
	for part := range slices.Chunk(roots, rootsPer) {
		var others []memberRow
		// Unsorted: for ORDER BY id, MariaDB reads all members instead of the index.
		if err := tx.Raw(memberColumns+"WHERE root_id IN ?", part).Scan(&others).Error; err != nil {
			return fmt.Errorf("reach: families: %w", err)
		}
		rows = append(rows, others...)
	}
	if len(missing) > 0 {
		var more []memberRow
		if err := tx.Raw(memberColumns+"WHERE id IN ?", missing).Scan(&more).Error; err != nil {
			return fmt.Errorf("reach: families: %w", err)
		}
		rows = append(rows, more...)
	}
	slices.SortFunc(rows[len(list):], func(a, b memberRow) int { return cmp.Compare(a.ID, b.ID) })
	for _, r := range rows {
		if f.roots[r.ID] != 0 { // read twice: asked for, and of the family of another
			continue
		}
		h := f.humans[r.root()]
		h.family = append(h.family, r.ID)
		f.persons[r.PersonID], f.roots[r.ID] = r.ID, h.root
		h.erased = h.erased && r.State == "erased"
	}
	return nil
}

// among is a condition on members: those of a list, all of which are concerned, or those of
// a range and the ones of the list that are not in it.
func (f *facts) among(column string, all []id.ID) (which string, args []any) {
	if f.span == nil {
		return column + " IN ?", []any{all}
	}
	var beside []id.ID
	for _, m := range all {
		if m < f.span[0] || m > f.span[1] {
			beside = append(beside, m)
		}
	}
	if len(beside) == 0 {
		return column + " BETWEEN ? AND ?", []any{f.span[0], f.span[1]}
	}
	return "(" + column + " BETWEEN ? AND ? OR " + column + " IN ?)", []any{f.span[0], f.span[1], beside}
}

// loose is a column that no index is to be chosen by beside a range of members: SQLite, which
// has no statistics, prefers any equality.
func (f *facts) loose(column string) string {
	if f.span != nil {
		return "+" + column
	}
	return column
}

func (f *facts) of(member id.ID) *human { return f.humans[f.roots[member]] }

// agreements reads who agrees to offers.
func (f *facts) agreements(tx *gorm.DB, all []id.ID) error {
	return f.agreed(tx, all, consent.Marketing, func(h *human, given bool) { h.agrees = given })
}

// agreed reads who agrees to a purpose: the newest answer of a human counts.
func (f *facts) agreed(tx *gorm.DB, all []id.ID, purpose string, set func(h *human, given bool)) error {
	var rows []struct {
		MemberID id.ID
		Given    bool
	}
	which, args := f.among("member_id", all)
	err := tx.Raw("SELECT member_id, given FROM consent WHERE "+which+" AND purpose = ? ORDER BY at, id", append(args, purpose)...).Scan(&rows).Error
	for _, r := range rows {
		if h := f.of(r.MemberID); h != nil {
			set(h, r.Given)
		}
	}
	return err
}

// wishes reads what people refuse: of each kind the newest wish of a human counts.
func (f *facts) wishes(tx *gorm.DB, all []id.ID) error {
	var rows []optout
	which, args := f.among("member_id", all)
	err := tx.Raw("SELECT member_id, brand_id, topic, channel, refused, at FROM reach_optout WHERE "+which+" AND "+f.loose("brand_id")+" IN (0, ?) ORDER BY at, refused, member_id", append(args, f.ask.BrandID)...).Scan(&rows).Error
	type wish struct {
		root, brand    id.ID
		topic, channel string
	}
	last := map[wish]bool{}
	for _, r := range rows {
		last[wish{f.roots[r.MemberID], r.BrandID, r.Topic, r.Channel}] = r.Refused
	}
	for w, refused := range last {
		if h := f.humans[w.root]; refused && h != nil {
			if h.refuses == nil {
				h.refuses = map[[2]string]bool{}
			}
			h.refuses[[2]string{w.topic, w.channel}] = true
		}
	}
	return err
}

// messages reads how many offers of the brand people got in the last thirty days.
func (f *facts) messages(tx *gorm.DB, all []id.ID) error {
	var rows []struct {
		MemberID id.ID
		DayNo    clock.Day
		Channel  string
		N        int
	}
	from := clock.DayOf(f.ask.At).AddDays(1 - monthDays)
	which, args := f.among("member_id", all)
	err := tx.Raw("SELECT member_id, day_no, channel, COUNT(*) AS n FROM reach_ticket WHERE "+which+" AND day_no >= ? AND "+f.loose("brand_id")+" = ? AND purpose = ? AND state <> ? GROUP BY member_id, day_no, channel",
		append(args, from, f.ask.BrandID, Marketing, Refused)...).Scan(&rows).Error
	if err != nil {
		return err
	}
	for _, r := range rows {
		h := f.of(r.MemberID)
		if h == nil {
			continue
		}
		h.taken = append(h.taken, taken{r.DayNo, r.Channel, r.N})
	}
	return nil
}

// versions reads by what the next message to people is guarded. Before their messages: each
// statement may see what was committed since the one before, and a message that is not
// counted must make the guard refuse.
func (f *facts) versions(tx *gorm.DB, all []id.ID) error {
	if f.span != nil { // nobody takes a place by it
		return nil
	}
	var rows []struct {
		MemberID id.ID
		Version  int64
	}
	err := tx.Raw("SELECT member_id, version FROM reach_human WHERE brand_id = ? AND member_id IN ?", f.ask.BrandID, all).Scan(&rows).Error
	for _, v := range rows {
		if h := f.humans[v.MemberID]; h != nil {
			h.version = v.Version
		}
	}
	return err
}

// accounts of the uses of some channels.
func (f *facts) accounts(channels ...string) (ids []id.ID, byApp map[string]id.ID) {
	byApp = map[string]id.ID{}
	for i, u := range f.ask.Uses {
		if slices.Contains(channels, u.Channel) && !slices.Contains(ids, u.AccountID) {
			ids = append(ids, u.AccountID)
			byApp[f.apps[i].appID] = u.AccountID
		}
	}
	return ids, byApp
}
