package consumer

import (
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/gin-gonic/gin"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

// The page put together from pieces is the page that the template makes, for every
// reason, and what must be escaped goes through the template.
func TestUnknownCodesGetTheSamePageFromPieces(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	s := newSite(t, dbtest.Open(t, db.SQLite, clk), clk, claimtest.Setup{})
	page := func(target, text string, show func(c *gin.Context)) string {
		w := httptest.NewRecorder()
		c, _ := gin.CreateTestContext(w)
		c.Request = httptest.NewRequest("GET", target, nil)
		c.Params = gin.Params{{Key: "token", Value: text}}
		show(c)
		if w.Code != 200 {
			t.Errorf("%s: status %d", target, w.Code)
		}
		return w.Body.String()
	}
	for _, reason := range []string{"malformed", "unknown_slot", "forged", "not_issued", "gtin_mismatch"} {
		for _, target := range []string{"/q/x", "/q/x?reported=1"} {
			for _, text := range []string{"0123456789ABCDEF", "abc", codeMark} {
				quick := page(target, text, func(c *gin.Context) { s.h.showUnknown(c, visit{}, reason) })
				slow := page(target, text, func(c *gin.Context) { s.h.showScan(c, 200, visit{}, unknownCode(reason), "") })
				if quick != slow {
					t.Errorf("%s %s %s: the pages differ:\n%s\n%s", reason, target, text, bare(quick), bare(slow))
				}
			}
		}
	}
	if lettersOnly(`"><script>`) || lettersOnly("") || lettersOnly("a b") || lettersOnly("码") {
		t.Error("what needs escaping passed as letters")
	}
	evil := s.phone("lin").send("GET", "/q/%22%3E%3Cscript%3E", "")
	if regexp.MustCompile(`"><script>`).MatchString(evil.Body.String()) {
		t.Error("a code's text reached the page as it is")
	}
	evil.says(t, 200, "未查询到此码")
}
