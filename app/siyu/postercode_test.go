package main

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/poster"
)

// TestPosterCodes: the brand chooses what its people's posters carry; each kind is saved
// from the page that shows it and scanned by others.
func TestPosterCodes(t *testing.T) {
	w := startTown(t, nil)
	b := openTab(t, startChromium(t), "http://"+w.cfg.SimAddr+"/sim/phone", 1280, 900)
	s := &leaderStory{town: w, t: t, b: b, home: w.cfg.PublicURL, poster: filepath.Join(t.TempDir(), "海报.png")}
	s.becomesLeader()
	b.taps("关闭网页")

	t.Run("an official account's code: following binds, a second scan says why not", func(t *testing.T) {
		s.carries(poster.Official)
		text := s.saved("/leader/poster", "公众号的二维码", "有效至")
		if !strings.HasPrefix(text, "http://weixin.qq.com/q/") {
			t.Fatalf("the poster says %q", text)
		}
		s.scans("小乙")
		b.clicks("关注", ".sheet button")
		b.sees("您扫的是「阿甲」", "关注不会得到奖励")
		s.waits("小乙 is brought by the push", "SELECT COUNT(*) FROM referral_binding WHERE state = 'active' AND channel = 'wechat' AND consented = 0", 1)
		b.taps("返回")
		s.scans("小乙") // he follows by now: SCAN
		// The first greeting may still be on the screen; that there were two says that the
		// picture was read while it was he who held the phone.
		s.waits("WeChat tells of the second scan", "SELECT COUNT(*) FROM notice WHERE source = 'oa'", 2)
		b.sees("您扫的是「阿甲」")
		b.taps("返回")
		s.scans("小甲") // the leader himself
		b.clicks("关注", ".sheet button")
		s.waits("his own scan is an event", "SELECT COUNT(*) FROM event WHERE type = ?", 1, event.NotReferred)
		var why event.Event
		if err := s.env.DB.Read(context.Background()).Where("type = ?", event.NotReferred).Take(&why).Error; err != nil || !strings.Contains(string(why.Body), `"referral_self"`) {
			t.Errorf("%s, %v", why.Body, err)
		}
		s.waits("and nobody else is bound", "SELECT COUNT(*) FROM referral_binding", 1)
		b.taps("返回")
	})
	t.Run("a member's own page shows the same", func(t *testing.T) {
		b.taps("小丙")
		if text := s.saved("/me/invite", "公众号会告诉他", "海报有效至"); !strings.HasPrefix(text, "http://weixin.qq.com/q/") {
			t.Fatalf("the poster says %q", text)
		}
		s.waits("each code is kept once", "SELECT COUNT(*) FROM invite_code", 2)
	})
	t.Run("a mini program's code opens it with the token", func(t *testing.T) {
		s.carries(poster.Mini)
		b.taps("小甲")
		s.saved("/leader/poster", "小程序码")
		s.scans("小丙")
		b.sees("晒足坊会员", s.leadersToken())
		b.taps("知道了")
	})
	t.Run("where WeChat refuses, the poster carries the link and says so", func(t *testing.T) {
		s.carries(poster.Official)
		s.sim.SetQuota(demoOfficial, "/cgi-bin/qrcode/create", 0)
		b.taps("小乙")
		if text := s.saved("/me/invite", "微信暂时没有生成公众号二维码"); !strings.HasPrefix(text, s.home+"/r/") {
			t.Fatalf("the poster says %q", text)
		}
		s.scans("小丙")
		b.sees("邀请您加入", "推荐人可能得到佣金")
	})
}

// carries chooses the code on the brand's posters.
func (s *leaderStory) carries(code string) {
	s.t.Helper()
	s.office().call("PUT", "/brands/"+s.demo.brand.ID.String()+"/poster", `{"builtin":"dawn","code":"`+code+`"}`, nil)
}

// saved keeps the poster of a page and returns what a scanner of another make reads.
func (s *leaderStory) saved(path string, says ...string) string {
	s.t.Helper()
	s.b.visits(s.home + path)
	s.b.sees(says...)
	s.b.saves("邀请海报", s.poster)
	s.b.taps("关闭网页")
	out, err := exec.Command("zbarimg", "-q", "--raw", s.poster).Output()
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// scans lets somebody photograph the poster.
func (s *leaderStory) scans(who string) {
	s.t.Helper()
	s.b.taps(who)
	s.b.taps("扫一扫")
	s.b.taps("从相册选图片")
	s.b.picks(s.poster)
}

// leadersToken is the leader's token.
func (s *leaderStory) leadersToken() string {
	s.t.Helper()
	var leaderID id.ID
	if err := s.env.DB.Read(context.Background()).Raw("SELECT member_id FROM leader").Scan(&leaderID).Error; err != nil {
		s.t.Fatal(err)
	}
	o, err := s.env.Invites.Mine(context.Background(), s.demo.brand.ID, leaderID)
	if err != nil {
		s.t.Fatal(err)
	}
	return o.Token
}

// TestALiveCodeIsAtHand: whoever plays with the demo finds the way into a community among
// the codes to scan, at each start.
func TestALiveCodeIsAtHand(t *testing.T) {
	w := startTown(t, nil)
	if err := w.demo.groups(context.Background(), w.env); err != nil { // as the next start does
		t.Fatal(err)
	}
	b := openTab(t, startChromium(t), "http://"+w.cfg.SimAddr+"/sim/phone", 375, 780)
	b.taps("扫一扫")
	b.taps("社群活码")
	b.sees(demoGroup)
	codes, err := w.env.Groups.Codes(context.Background(), w.demo.brand.ID, 0, 10)
	if err != nil || len(codes) != 1 {
		t.Errorf("%d live codes, %v", len(codes), err)
	}
}
