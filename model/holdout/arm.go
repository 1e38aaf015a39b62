package holdout

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"unicode/utf8"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// Held names the arm of those who get nothing (对照组).
const Held = "held"

// Whole is all of a split, in basis points.
const Whole = 10_000

// Split is how chance divides people, as a push freezes it when it begins.
type Split struct {
	BrandID     id.ID  `json:"brand_id"`
	Version     int    `json:"version"`      // of the brand's settings
	Salt        string `json:"salt"`         // of the universal control group
	UniversalBP int    `json:"universal_bp"` // of 10,000 of the brand's people: no marketing push of the brand
	HeldBP      int    `json:"held_bp"`      // of 10,000 of the others: not this push
	Arms        []Part `json:"arms"`         // who share the rest by their weights

	WindowDays int       `json:"window_days"` // how long what people do counts
	CapFen     money.Fen `json:"cap_fen"`     // more than this of one person is counted as this
}

// Part is one text of several.
type Part struct {
	Name   string `json:"name"` // A, B, ...
	Weight int    `json:"weight"`
}

// Check refuses what does not divide people. Fault: Invalid holdout_split.
func (s Split) Check() error {
	bad := func(text string) error { return fault.NewInvalid("holdout_split", text) }
	names := map[string]bool{Held: true, "": true}
	for _, a := range s.Arms {
		if names[a.Name] || utf8.RuneCountInString(a.Name) > 16 {
			return bad("每个版本要有不同的名称，最多 16 个字符")
		}
		if names[a.Name] = true; a.Weight < 1 || a.Weight > 1000 {
			return bad("版本的份数应在 1 到 1000 之间")
		}
	}
	switch {
	case len(s.Arms) == 0 || len(s.Arms) > 10:
		return bad("应有 1 到 10 个版本")
	case s.UniversalBP < 0 || s.UniversalBP > MostUniversal:
		return bad("全局对照组最多 20%")
	case s.HeldBP < 0 || s.HeldBP > MostHeld:
		return bad("本次对照组最多 50%")
	}
	return nil
}

// Arm says what chance decided for a person (his root member): whether he belongs to the
// brand's universal control group (全局对照组), and his arm in a push: Held, or one of Arms.
// It is a function of its arguments, so every process, every retry and every later look
// says the same. Who is in the universal group stays in it as its share grows, and in every
// push; who is held out of one push is nobody in particular in the next.
func Arm(s Split, pushID, memberID id.ID) (universal bool, arm string) {
	if spot(Whole, "universal", s.Salt, s.BrandID.String(), memberID.String()) < s.UniversalBP {
		return true, Held
	}
	if spot(Whole, "held", pushID.String(), memberID.String()) < s.HeldBP {
		return false, Held
	}
	total := 0
	for _, a := range s.Arms {
		total += a.Weight
	}
	if total <= 0 {
		return false, Held // nothing to send to anybody
	}
	at := spot(total, "arm", pushID.String(), memberID.String())
	for _, a := range s.Arms {
		if at -= a.Weight; at < 0 {
			return false, a.Name
		}
	}
	return false, Held
}

// spot is a place in [0, n) by hash, even to one in 2^40.
func spot(n int, words ...string) int {
	h := sha256.New()
	for _, w := range words {
		h.Write(strconv.AppendInt(nil, int64(len(w)), 10))
		h.Write([]byte{':'})
		h.Write([]byte(w))
	}
	return int(binary.BigEndian.Uint64(h.Sum(nil)) >> 1 % uint64(n))
}

// chances are the shares of a push's people by arm, of those not in the universal group.
func (s Split) chances() map[string]float64 {
	total, out := 0, map[string]float64{Held: float64(s.HeldBP) / Whole}
	for _, a := range s.Arms {
		total += a.Weight
	}
	for _, a := range s.Arms {
		out[a.Name] = (1 - out[Held]) * float64(a.Weight) / float64(total)
	}
	return out
}

// names lists the arms that get something, as the operator ordered them.
func (s Split) names() []string {
	out := []string{}
	for _, a := range s.Arms {
		out = append(out, a.Name)
	}
	return slices.Clip(out)
}
