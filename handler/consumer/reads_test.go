package consumer

import (
	"testing"

	"siyu/model/campaign"
	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
)

// TestReads holds a scan to what the page promises: one read, whoever looks at whatever,
// and a claim to one read for all that are merged.
func TestReads(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{Edit: func(f *campaign.Form) { f.CapMemberDay = 50 }})
		lin, wang, camera := s.phone("lin"), s.phone("wang"), s.phone("camera")
		camera.ua = cameraUA
		lin.get("/q/" + s.token(900)) // logged in, and what is kept for a second is there
		wang.get("/q/" + s.token(901))
		bearer, form := lin.miniLogin(), lin.get("/privacy")
		lin.api("POST", "/api/v1/scan", bearer, map[string]string{"code": s.token(902)})
		claimed := s.token(3)
		lin.claim(3)
		reads := dbtest.Watch(t, d)
		page := func(p *phone, token, says string) func(t *testing.T) {
			return func(t *testing.T) { p.get("/q/"+token+"?wx=done").says(t, 200, says) }
		}
		api := func(token, bearer string) func(t *testing.T) {
			return func(t *testing.T) {
				if status, data, code := lin.api("POST", "/api/v1/scan", bearer, map[string]string{"code": token}); status != 200 {
					t.Error(status, data, code)
				}
			}
		}
		forged := "0000000000000000"
		for _, c := range []struct {
			name string
			most int
			look func(t *testing.T)
		}{
			{"first look", 1, page(lin, s.token(1), "首次验证")},
			{"repeated look", 1, page(lin, s.token(1), "您已验证过")},
			{"somebody else's look", 1, page(wang, s.token(1), "该码已被查验")},
			{"and again", 1, page(wang, s.token(1), "该码已被查验")},
			{"a stranger's look", 1, page(camera, s.token(2), "用微信扫一扫")},
			{"my claimed code", 1, page(lin, claimed, "您已领取")},
			{"somebody else's claimed code", 1, page(wang, claimed, "已于")},
			{"forged", 0, page(lin, forged, "未查询到此码")},
			{"API, first look", 1, api(s.token(4), bearer)},
			{"API, repeated look", 1, api(s.token(4), bearer)},
			{"API, somebody else's code", 1, api(s.token(901), bearer)},
			{"API, my claimed code", 1, api(claimed, bearer)},
			{"API, nobody's look", 1, api(s.token(5), "")},
			{"API, forged", 0, api(forged, bearer)},
			{"claim of a code that nobody saw", 1, func(t *testing.T) {
				if a := lin.post(form, "/q/"+s.token(6)+"/claim", nil); a.Code != 303 {
					t.Error(a.Code, bare(a.Body.String()))
				}
			}},
		} {
			t.Run(c.name, func(t *testing.T) {
				reads.Reset()
				c.look(t)
				if got := reads.Plain(); len(got) != c.most {
					t.Errorf("%d reads, want %d: %q", len(got), c.most, got)
				}
			})
		}
	})
}
