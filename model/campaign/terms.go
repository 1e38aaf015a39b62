package campaign

import (
	"fmt"
	"strings"

	"siyu/model/campaign/draw"
	"siyu/model/fault"
)

// terms is the canonical text that the seed hash binds: codes, who may take part, and
// tiers in order.
// ParseTerms reads it back; the two must stay inverse for ever, because published
// hashes hang on every byte.
func terms(c Campaign) string {
	var b strings.Builder
	fmt.Fprintf(&b, "siyu-draw-1\ncampaign %d\ncodes %d\n", c.ID, c.Codes)
	if c.MinLevel != 0 { // no line for everybody: hashes that are out there have none
		fmt.Fprintf(&b, "level %d %q\n", c.MinLevel, c.LevelName)
	}
	for _, s := range c.Scopes {
		fmt.Fprintf(&b, "scope %d %d-%d draws from %d\n", s.BatchID, s.FromSerial, s.UntilSerial-1, s.DrawFrom)
	}
	for _, t := range c.Tiers {
		fmt.Fprintf(&b, "tier %d %s winners %d min %d max %d total %d points %d\n", t.Tier, t.Kind, t.Winners, t.MinFen, t.MaxFen, t.TotalFen, t.Points)
	}
	return b.String()
}

// ParseTerms reads the terms that a rules page shows, so that a draw can be recomputed
// by somebody who has only them, the hash and the revealed seed. Faults: Invalid terms.
func ParseTerms(text string) (Campaign, error) {
	var c Campaign
	bad := fault.NewInvalid("terms", "活动条款文本不完整或被改动")
	lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
	if len(lines) < 4 || len(lines) > 4+maxTiers+1+maxScopes*100 || lines[0] != "siyu-draw-1" {
		return c, bad
	}
	for _, line := range lines[1:] {
		var err error
		kind, _, _ := strings.Cut(line, " ")
		switch kind {
		case "campaign":
			_, err = fmt.Sscanf(line, "campaign %d", &c.ID)
		case "codes":
			_, err = fmt.Sscanf(line, "codes %d", &c.Codes)
		case "level":
			_, err = fmt.Sscanf(line, "level %d %q", &c.MinLevel, &c.LevelName)
		case "scope":
			var s Scope
			_, err = fmt.Sscanf(line, "scope %d %d-%d draws from %d", &s.BatchID, &s.FromSerial, &s.UntilSerial, &s.DrawFrom)
			s.UntilSerial++
			c.Scopes = append(c.Scopes, s)
		case "tier":
			var t Tier
			_, err = fmt.Sscanf(line, "tier %d %s winners %d min %d max %d total %d points %d", &t.Tier, &t.Kind, &t.Winners, &t.MinFen, &t.MaxFen, &t.TotalFen, &t.Points)
			c.Tiers = append(c.Tiers, t)
		default:
			return c, bad
		}
		if err != nil {
			return c, bad
		}
	}
	if terms(c) != strings.Join(lines, "\n")+"\n" || !c.numbered() {
		return c, bad
	}
	return c, nil
}

// numbered says whether the scopes number all codes from 0 on without gaps. A draw is
// defined for nothing else: looking up a number that is not there would not end.
func (c Campaign) numbered() bool {
	var n int64
	for _, s := range c.Scopes {
		if s.FromSerial < 1 || s.UntilSerial <= s.FromSerial || s.DrawFrom != n || s.UntilSerial-s.FromSerial > draw.MaxCodes-n {
			return false
		}
		n += s.UntilSerial - s.FromSerial
	}
	return n == c.Codes
}
