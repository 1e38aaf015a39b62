package campaign_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"siyu/model/campaign"
	"siyu/model/campaign/draw"
	"siyu/model/fault"
)

// FuzzParseTerms: terms that are read bind every byte, and a draw over them answers or
// refuses, whatever numbers they hold. Anybody may paste terms into siyu draw verify.
func FuzzParseTerms(f *testing.F) {
	good := "siyu-draw-1\ncampaign 7\ncodes 10\nscope 9 1-10 draws from 0\ntier 1 cash winners 3 min 100 max 300 total 600 points 0\ntier 2 nothing winners 7 min 0 max 0 total 0 points 0\n"
	for _, s := range []string{good, strings.ReplaceAll(good, "\n", "\r\n"), strings.Replace(good, "codes 10", "codes 9223372036854775807", 1),
		strings.Replace(good, "winners 3", "winners -3", 1), strings.Replace(good, "1-10", "10-1", 1), strings.Replace(good, "from 0", "from -5", 1),
		strings.Replace(good, "total 600", "total 9223372036854775807", 1), "siyu-draw-1\n\n\n\n", good + good,
		strings.Replace(good, "scope", "level 2 \"金卡 \\n会员\"\nscope", 1), strings.Replace(good, "scope", "level 0 \"\"\nscope", 1), strings.Replace(good, "scope", "level 2 `金卡`\nscope", 1)} {
		f.Add(s)
	}
	seed := make([]byte, draw.SeedBytes)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := campaign.ParseTerms(text)
		if err != nil {
			if fault.Of(err).Code != "terms" {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		c.SeedHash = draw.Commit(seed, strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n")+"\n")
		for _, sc := range c.Scopes {
			for _, serial := range []int64{sc.FromSerial, sc.UntilSerial - 1, sc.FromSerial - 1} {
				p, err := campaign.Recompute(c, hex.EncodeToString(seed), sc.BatchID, serial)
				if err == nil && (p.AmountFen < p.Tier.MinFen || p.AmountFen > p.Tier.MaxFen) {
					t.Fatalf("%q: serial %d wins %d outside of its tier %+v", text, serial, p.AmountFen, p.Tier)
				}
				if err != nil && fault.Of(err).Code == "seed_hash" {
					t.Fatalf("%q does not bind its own hash", text)
				}
			}
		}
	})
}
