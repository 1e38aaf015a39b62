package consumer

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"testing"

	"siyu/app/h5"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

// policyDigests are the texts that a version named. Whoever changes the text adds a line,
// and never changes one: what people have read stays named by what they were shown.
var policyDigests = map[string]string{
	"2026-11-22.2": "d0e73ac6e00ad514",
}

func TestAPrivacyTextHasAVersionOfItsOwn(t *testing.T) {
	text, err := fs.ReadFile(h5.Files, "templates/privacy.html")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	if got := hex.EncodeToString(sum[:8]); policyDigests[PolicyVersion] != got {
		t.Errorf("the privacy text has changed: give consumer.PolicyVersion a new value, with %q here", got)
	}
}

func TestThePrivacyPageSpeaksOfReferrers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		s.phone("lin").get("/privacy").says(t, 200, "版本 "+PolicyVersion, "推荐人和他的上级只能看到打码的信息", "设备摘要", "骗取佣金", "/me/invite#referrer", "不需要推荐人同意")
	})
}
