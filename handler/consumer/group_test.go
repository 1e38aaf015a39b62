package consumer

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"siyu/model/claim/claimtest"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/seal"
)

// oneLeader plays the leaders: number 7 leads.
type oneLeader struct {
	*member.Store
	brand id.ID
}

func (w *oneLeader) Leader(_ context.Context, leaderID id.ID) (group.Leader, error) {
	if leaderID != 7 {
		return group.Leader{}, fault.New(fault.NotFound, "leader_not_found", "没有这位群主")
	}
	return group.Leader{ID: 7, BrandID: w.brand, MemberID: 70, Name: "王姐", Active: true}, nil
}

func (*oneLeader) Leaders(context.Context, id.ID, id.ID, int) ([]group.Leader, error) {
	return nil, nil
}

func (*oneLeader) CountLeaders(context.Context, id.ID) (int, bool, error) {
	return 0, false, nil
}

func (*oneLeader) ActiveAmong(context.Context, id.ID, []id.ID) (map[id.ID]bool, error) {
	return nil, nil
}

func (*oneLeader) Circle(context.Context, id.ID, id.ID) (group.Circle, error) {
	return group.Circle{}, nil
}

func (*oneLeader) Brought(context.Context, id.ID, id.ID, int) ([]group.Person, error) {
	return nil, nil
}

func (*oneLeader) ActiveSince(context.Context, []id.ID, clock.Instant) (int, error) { return 0, nil }

func (*oneLeader) Cities(context.Context, []id.ID) (map[id.ID]string, error) { return nil, nil }

func newGroups(d *db.DB, box *seal.Box, members *member.Store, brandID id.ID) *group.Store {
	w := &oneLeader{members, brandID}
	return group.New(group.Deps{DB: d, Box: box, Leaders: w, Referrals: w, People: w})
}

const joinText = "https://weixin.qq.com/g/AwYAAJoinMe0123456789abcdefghijklmnop"

// liveCode makes one group with room for n and a live code that leads there.
func (s *site) liveCode(n int) (group.LiveCode, group.Community) {
	s.t.Helper()
	ctx := context.Background()
	c, err := s.h.Groups.Create(ctx, group.By{}, group.Draft{BrandID: s.Brand.ID, LeaderID: 7, Name: "老井福利群", Capacity: n})
	if err == nil {
		c, err = s.h.Groups.PutQR(ctx, group.By{}, c.ID, group.Join{Text: joinText + c.ID.String()})
	}
	var l group.LiveCode
	if err == nil {
		l, err = s.h.Groups.SaveCode(ctx, 0, group.LiveDraft{BrandID: s.Brand.ID, Name: "海报", FallbackText: "请稍后再来", FallbackQR: "https://work.weixin.qq.com/kfid/kfc1",
			Targets: []group.TargetDraft{{CommunityID: c.ID}}})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return l, c
}

// handed counts the places a live code gave out.
func (s *site) handed(l group.LiveCode) int {
	s.t.Helper()
	now := s.h.Clock.Now()
	st, err := s.h.Groups.Stats(context.Background(), l.ID, now.Add(-24*time.Hour), now.Add(24*time.Hour))
	if err != nil {
		s.t.Fatal(err)
	}
	return st.Total.Handed
}

var shownPicture = regexp.MustCompile(`<img src="data:image/png;base64,([^"]+)"`)

// reads is what a phone reads in the first picture of a page.
func (a answer) reads(t *testing.T) string {
	t.Helper()
	m := shownPicture.FindStringSubmatch(strings.ReplaceAll(a.Body.String(), "&#43;", "+"))
	if m == nil {
		t.Fatalf("no picture: %s", a.Body)
	}
	png, err := base64.StdEncoding.DecodeString(m[1])
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "shown.png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("zbarimg", "--quiet", "--raw", "--set", "disable", "--set", "qrcode.enable", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestLiveCodePage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := newSite(t, d, clk, claimtest.Setup{})
		t.Run("a member sees one group's code, who invites him and what is known of the room", func(t *testing.T) {
			l, c := s.liveCode(50)
			lin := s.phone("lin")
			for _, path := range []string{"/G/" + l.Token, "/g/" + l.Token, "/g/" + strings.ToLower(l.Token)} {
				page := lin.get(path)
				page.says(t, 200, "老井福利群", "王姐 邀请您加入", "长按识别二维码加入", "群人数还没有上报")
				if got := page.reads(t); got != joinText+c.ID.String() {
					t.Fatal(got)
				}
				page.saysNot(t, "红包", "奖励", "积分", "佣金")
			}
			if n := s.handed(l); n != 1 {
				t.Fatalf("%d places for one person", n)
			}
			if _, err := s.h.Groups.ReportSize(context.Background(), group.By{}, c.ID, 20); err != nil {
				t.Fatal(err)
			}
			lin.get("/g/"+l.Token).says(t, 200, "约剩 29 个名额", "上报的人数估算") // one place is on its way
		})
		t.Run("whoever only fetches takes no place", func(t *testing.T) {
			l, _ := s.liveCode(50)
			path := "/g/" + l.Token
			member := s.phone("wu")
			member.get("/packets")
			fetchers := map[string]*phone{"camera": s.phone("a"), "crawler in WeChat's clothes": s.phone("b"), "crawler that keeps cookies": s.phone("c")}
			fetchers["camera"].ua = cameraUA
			fetchers["crawler in WeChat's clothes"].deaf = true
			for name, p := range fetchers {
				for _, q := range []string{"", "?wx=done", "?wx=failed", "?wx=done&asked=1"} {
					for _, method := range []string{"GET", "HEAD"} {
						if a := p.send(method, path+q, ""); strings.Contains(a.Body.String(), "长按识别二维码加入") {
							t.Errorf("%s is shown a group", name)
						}
					}
				}
			}
			member.send("GET", path, "", "Sec-Purpose", "prefetch;prerender")
			member.send("GET", path, "", "X-Purpose", "preview")
			if n := s.handed(l); n != 0 {
				t.Fatalf("%d places were taken", n)
			}
			if member.get(path); s.handed(l) != 1 {
				t.Fatal("opened by hand it takes one")
			}
		})
		t.Run("who is not named by WeChat taps, keeps his place and takes no second one", func(t *testing.T) {
			l, c := s.liveCode(50)
			s.wechat.snapshot = true
			defer func() { s.wechat.snapshot = false }()
			p := s.phone("snap")
			page := p.get("/g/" + l.Token)
			page.says(t, 200, "查看群二维码")
			if s.handed(l) != 0 {
				t.Fatal("looking took a place")
			}
			for range 2 {
				a := p.post(page, "/g/"+l.Token, nil)
				if a.Code != http.StatusSeeOther {
					t.Fatal(a.Code, a.Body)
				}
				shown := p.get(a.Header().Get("Location"))
				shown.says(t, 200, "长按识别二维码加入")
				if got := shown.reads(t); got != joinText+c.ID.String() {
					t.Fatal(got)
				}
			}
			p.get("/g/"+l.Token).says(t, 200, "长按识别二维码加入")
			if n := s.handed(l); n != 1 {
				t.Fatalf("%d places for one browser", n)
			}
			deaf := s.phone("deaf")
			deaf.deaf = true
			page = deaf.send("GET", "/g/"+l.Token+"?wx=failed", "")
			deaf.post(page, "/g/"+l.Token, nil).says(t, http.StatusForbidden, "允许保存浏览数据")
			deaf.post(page, "/g/"+l.Token, url.Values{"form_token": {"forged"}}).says(t, http.StatusForbidden, "页面已过期")
			for range 40 { // a machine with a cookie jar, from one address
				m := s.phone("machine")
				m.ip = "31.7.7.7"
				m.post(m.send("GET", "/g/"+l.Token+"?wx=failed", ""), "/g/"+l.Token, nil)
			}
			if n := s.handed(l); n != 31 {
				t.Fatalf("%d places", n)
			}
		})
		t.Run("outside WeChat it says what to do and takes nothing", func(t *testing.T) {
			l, _ := s.liveCode(50)
			p := s.phone("out")
			p.ua = cameraUA
			p.get("/g/"+l.Token).says(t, 200, "请在微信中打开", "扫一扫")
			p.post(p.get("/q/0123456789ABCDEF"), "/g/"+l.Token, nil).says(t, http.StatusForbidden, "请在微信中打开")
			if n := s.handed(l); n != 0 {
				t.Fatal(n)
			}
		})
		t.Run("without a living group it shows the fallback, and so it does when paused", func(t *testing.T) {
			l, _ := s.liveCode(1)
			s.phone("first").get("/g/" + l.Token)
			late := s.phone("late").get("/g/" + l.Token)
			late.says(t, 200, "暂时没有可以加入的群", "请稍后再来", "长按识别二维码联系客服")
			if got := late.reads(t); got != "https://work.weixin.qq.com/kfid/kfc1" {
				t.Fatal(got)
			}
			if _, err := s.h.Groups.Pause(context.Background(), l.ID); err != nil {
				t.Fatal(err)
			}
			s.phone("first").get("/g/"+l.Token).says(t, 200, "暂时没有可以加入的群")
		})
		t.Run("a forged code is no page", func(t *testing.T) {
			s.phone("x").get("/g/0123456789ABCD").says(t, 404, "这个二维码不是我们发出的")
		})
		t.Run("the mini program gets the same", func(t *testing.T) {
			l, c := s.liveCode(50)
			mini := s.phone("minnie")
			bearer := mini.miniLogin()
			for _, code := range []string{l.Token, "HTTPS://Q.EXAMPLE.CN/G/" + l.Token, "https://q.example.cn/g/" + l.Token + "?from=x"} {
				status, data, fail := mini.api("POST", "/api/v1/group", bearer, map[string]string{"code": code})
				if status != 200 || data["state"] != "join" || data["name"] != c.Name || !strings.HasPrefix(data["qr"].(string), "data:image/png;base64,") {
					t.Fatal(status, data, fail)
				}
			}
			if n := s.handed(l); n != 1 {
				t.Fatal(n)
			}
			if status, _, fail := mini.api("POST", "/api/v1/group", "", map[string]string{"code": l.Token}); status != 401 || fail != "login" {
				t.Fatal(status, fail)
			}
		})
	})
}
