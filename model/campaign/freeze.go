package campaign

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/money"
)

// Frozen is everything of a campaign that a second person approves. Its JSON is what the
// approval's hash binds, so fields are added at the end only.
type Frozen struct {
	Name         string        `json:"name"`
	FromAt       clock.Instant `json:"from_at"`
	UntilAt      clock.Instant `json:"until_at"`
	Organiser    string        `json:"organiser"`
	Rules        string        `json:"rules"`
	Wishing      string        `json:"wishing"`
	AccountID    id.ID         `json:"account_id"`
	CapMemberDay int           `json:"cap_member_day"`
	CapMember    int           `json:"cap_member"`
	CapTotal     int64         `json:"cap_total"`
	MinLevel     int           `json:"min_level"`
	Codes        int64         `json:"codes"`
	Tiers        []Tier        `json:"tiers"`
	Scopes       []Scope       `json:"scopes"`
}

func freeze(c Campaign) Frozen {
	return Frozen{Name: c.Name, FromAt: c.FromAt, UntilAt: c.UntilAt, Organiser: c.Organiser, Rules: c.Rules, Wishing: c.Wishing, AccountID: c.AccountID,
		CapMemberDay: c.CapMemberDay, CapMember: c.CapMember, CapTotal: c.CapTotal, MinLevel: c.MinLevel, Codes: c.Codes, Tiers: c.Tiers, Scopes: c.Scopes}
}

// seal is the canonical text and its hash.
func (f Frozen) seal() (content []byte, hash string, err error) {
	content, err = json.Marshal(f)
	if err != nil {
		return nil, "", fmt.Errorf("campaign: freeze: %w", err)
	}
	sum := sha256.Sum256(content)
	return content, hex.EncodeToString(sum[:]), nil
}

// Changed is one field that differs from what was approved before.
type Changed struct {
	Field  string `json:"field"` // "name", "tiers.2.winners", ...
	Before string `json:"before"`
	After  string `json:"after"`
}

// Bases of a comparison.
const (
	BaseApproved = "approved" // this campaign as it was approved last
	BaseSource   = "source"   // the campaign that it was copied from
)

// Dossier is what the second person looks at.
type Dossier struct {
	Approval    Approval   `json:"approval"`
	Frozen      Frozen     `json:"frozen"`    // exactly what was submitted
	Intact      bool       `json:"intact"`    // the draft of now is still that
	Base        string     `json:"base"`      // what Changes compares with; "" = with nothing, it is the first time
	Changes     []Changed  `json:"changes"`   // since the base
	History     []Approval `json:"history"`   // all askings, newest first
	Policy      Policy     `json:"policy"`    // of now
	Needed      bool       `json:"needed"`    // what the draft may give away needs a second person
	SpendFen    money.Fen  `json:"spend_fen"` // of the draft of now
	SpendPoints int64      `json:"spend_points"`
}

// DossierOf reads the newest asking of a campaign with what it changes. Without an asking
// the approval is zero and Frozen is the draft of now. Needed is said of who looks; 0 is
// anybody.
func (s *Store) DossierOf(ctx context.Context, campaignID, by id.ID) (Dossier, error) {
	q := s.db.Read(ctx)
	c, err := s.Get(ctx, campaignID)
	if err != nil {
		return Dossier{}, err
	}
	w := worstOf(c.Tiers)
	out := Dossier{Changes: []Changed{}, History: []Approval{}, SpendFen: w.Fen, SpendPoints: w.Points}
	if out.Policy, err = policyOf(q, c.BrandID); err != nil {
		return out, err
	}
	held, before, err := s.bounds(q, c, w, by)
	if err != nil {
		return out, err
	}
	out.Needed = held.Needs(w, before)
	if err := q.Where("campaign_id = ?", campaignID).Order("created_at DESC, id DESC").Limit(100).Find(&out.History).Error; err != nil {
		return out, fmt.Errorf("campaign: approvals: %w", err)
	}
	_, hash, err := freeze(c).seal()
	if err != nil {
		return out, err
	}
	if len(out.History) == 0 {
		out.Frozen, out.Intact = freeze(c), true
		return out, nil
	}
	for i := range out.History {
		f, err := out.History[i].open()
		if err != nil {
			return out, err
		}
		if i == 0 {
			out.Frozen = f
		}
	}
	out.Approval = out.History[0]
	out.Intact = out.Approval.Hash == hash
	base, kind, err := s.base(ctx, c, out.History[1:])
	if err != nil || kind == "" {
		return out, err
	}
	out.Base, out.Changes = kind, compare(base, out.Frozen)
	return out, nil
}

func (s *Store) base(ctx context.Context, c Campaign, earlier []Approval) (Frozen, string, error) {
	for _, a := range earlier {
		if a.Approved {
			var f Frozen
			err := json.Unmarshal(a.Content, &f)
			return f, BaseApproved, err
		}
	}
	if c.CopiedFrom == 0 {
		return Frozen{}, "", nil
	}
	src, err := s.Get(ctx, c.CopiedFrom)
	if err != nil {
		return Frozen{}, "", err
	}
	return freeze(uncomplete(src)), BaseSource, nil
}

// compare lists the fields that differ, in the order of a wizard.
func compare(a, b Frozen) []Changed {
	out := []Changed{}
	add := func(field, before, after string) {
		if before != after {
			out = append(out, Changed{field, before, after})
		}
	}
	text := func(n int64) string { return strconv.FormatInt(n, 10) }
	add("name", a.Name, b.Name)
	add("from_at", a.FromAt.Local(), b.FromAt.Local())
	add("until_at", a.UntilAt.Local(), b.UntilAt.Local())
	add("codes", text(a.Codes), text(b.Codes))
	add("scopes", scopesText(a.Scopes), scopesText(b.Scopes))
	for i := range max(len(a.Tiers), len(b.Tiers)) {
		add("tiers."+strconv.Itoa(i+1), tierText(a.Tiers, i), tierText(b.Tiers, i))
	}
	was, is := worstOf(a.Tiers), worstOf(b.Tiers)
	add("spend_fen", was.Fen.Yuan(), is.Fen.Yuan())
	add("spend_points", text(was.Points), text(is.Points))
	add("account_id", a.AccountID.String(), b.AccountID.String())
	add("cap_member_day", text(int64(a.CapMemberDay)), text(int64(b.CapMemberDay)))
	add("cap_member", text(int64(a.CapMember)), text(int64(b.CapMember)))
	add("cap_total", text(a.CapTotal), text(b.CapTotal))
	add("min_level", text(int64(a.MinLevel)), text(int64(b.MinLevel)))
	add("organiser", a.Organiser, b.Organiser)
	add("rules", a.Rules, b.Rules)
	add("wishing", a.Wishing, b.Wishing)
	return out
}

func tierText(tiers []Tier, i int) string {
	if i >= len(tiers) {
		return ""
	}
	t := tiers[i]
	out := t.Name + " · " + t.prize() + " × " + strconv.FormatInt(t.Winners, 10)
	if t.Kind == Cash {
		out += " = " + t.TotalFen.Yuan() + " 元"
	}
	if t.Text != "" {
		out += " · " + t.Text
	}
	return out
}

func scopesText(scopes []Scope) string {
	var out string
	for i, s := range scopes {
		if i > 0 {
			out += "；"
		}
		out += "批次 " + s.BatchID.String() + " 序号 " + strconv.FormatInt(s.FromSerial, 10) + "–" + strconv.FormatInt(s.UntilSerial-1, 10)
	}
	return out
}

// Waiting lists a brand's askings that wait for a decision, newest first.
func (s *Store) Waiting(ctx context.Context, brandID, before id.ID, limit int) ([]Approval, error) {
	out := []Approval{}
	err := db.Page(s.db.Read(ctx).Where("brand_id = ? AND state = ?", brandID, Submitted), "campaign_approval", before, limit).Find(&out).Error
	if err != nil {
		return nil, fmt.Errorf("campaign: approvals that wait: %w", err)
	}
	for i := range out {
		if _, err := out[i].open(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// CountWaiting counts what Waiting pages, up to db.MaxTotal.
func (s *Store) CountWaiting(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.db.Read(ctx).Model(&Approval{}).Where("brand_id = ? AND state = ?", brandID, Submitted))
}

// open reads what was frozen and fills in what is told of it.
func (a *Approval) open() (Frozen, error) {
	var f Frozen
	if err := json.Unmarshal(a.Content, &f); err != nil {
		return f, fmt.Errorf("campaign: approval %d: %w", a.ID, err)
	}
	a.CampaignName, a.SpendPoints = f.Name, worstOf(f.Tiers).Points
	return f, nil
}
