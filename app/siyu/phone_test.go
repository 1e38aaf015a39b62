package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"siyu/model/brand"
	"siyu/model/code/picture"
)

// TestPhone does what a newcomer does, in a real browser: opens the phone page, takes
// somebody's phone, scans, claims, takes the money. Only the eyes and the finger are
// used; no address is typed but the phone page's.
func TestPhone(t *testing.T) {
	w := startTown(t, nil)
	chromium := startChromium(t)
	for _, size := range []struct {
		name          string
		width, height int64
		user          string
	}{{"phone 375x812", 375, 812, "小甲"}, {"desktop 1280x900", 1280, 900, "小乙"}} {
		t.Run(size.name, func(t *testing.T) {
			b := openTab(t, chromium, "http://"+w.cfg.SimAddr+"/sim/phone", size.width, size.height)
			if size.width < 720 { // there the desk is behind a button
				b.taps("控制台")
				b.taps(size.user)
				b.taps("回到手机")
			} else {
				b.taps(size.user)
			}
			for _, g := range w.demo.shelf {
				t.Run(g.rail, func(t *testing.T) {
					b.t = t
					if g.rail == brand.RailTransfer {
						b.transfer(g)
					} else {
						b.redpack(g)
					}
				})
			}
			t.Run("picture", func(t *testing.T) {
				b.t = t
				b.scansPicture(w, t.TempDir(), 1000+size.width)
			})
			b.t = t
			if b.targets == 0 {
				t.Error("no button of our own pages was tapped")
			}
		})
	}
}

// wins scans bottles from the list until one wins cash; the vinegar does not always.
func (b *tab) wins(g *demoGoods) {
	b.t.Helper()
	for range 20 { // the campaign's daily cap
		b.taps("扫一扫")
		bottle := b.taps(g.name + " 第")
		b.sees("正品 · 首次验证", g.name, "不关注也可领取", "规则与中奖概率")
		b.taps("立即领取")
		b.sees("领取时间")
		if !b.now("积分已存入您的账户") {
			return
		}
		b.taps("关闭网页")
		b.misses(bottle) // it is drunk
	}
	b.t.Fatal("no cash in 20 bottles")
}

// transfer confirms the money in the page.
func (b *tab) transfer(g *demoGoods) {
	b.wins(g)
	b.sees("待确认收款")
	b.taps("去确认收款")
	b.sees("收款人", "请在此前确认")
	b.taps("确认收款")
	b.sees("已到账", "红包已存入您的微信零钱")
	b.titled("已到账 · 晒足坊")
	b.taps("我的积分")
	b.sees("当前可用积分", "扫码积分 "+g.name, "+10")
	b.taps("关闭网页")
	b.taps("钱包")
	b.sees("收到 1 个红包", "已到账")
}

// redpack opens the envelope in the chat and comes back to the code.
func (b *tab) redpack(g *demoGoods) {
	b.wins(g)
	b.sees("红包已发出", "请回到微信聊天")
	b.titled("红包已发出 · 晒足坊")
	b.taps("关闭网页")
	b.taps("微信")
	b.taps("[红包]")
	b.taps("领取红包")
	b.taps("拆开红包")
	b.sees("已存入零钱")
	b.taps("完成")
	b.sees("已领取")
	b.taps("返回")
	b.taps("扫一扫")
	b.taps("已被领过的一瓶")
	b.sees("正品 · 您已验证过", "您已领取", "已到账")
	b.taps("我的红包")
	b.sees("现金红包", g.name, "已到账")
	b.taps("关闭网页")
	b.taps("钱包")
	b.sees("收到 2 个红包")
}

// scansPicture chooses a photograph of a code nobody has seen: each size has its own.
func (b *tab) scansPicture(w *town, dir string, serial int64) {
	g := w.demo.shelf[0]
	png, err := picture.Single(w.demo.url(w.token(b.t, g, serial)), 480)
	if err != nil {
		b.t.Fatal(err)
	}
	file := filepath.Join(dir, "码.png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		b.t.Fatal(err)
	}
	b.taps("扫一扫")
	b.taps("从相册选图片")
	b.picks(file)
	b.sees("正品 · 首次验证", g.name)
}

// titled waits until both the page and the bar above it have this title.
func (b *tab) titled(want string) {
	b.t.Helper()
	var title string
	script := `while (docs()[0][0].title !== args[0] || document.querySelector(".cover .top h2").textContent !== args[0]) await again(); return args[0];`
	if err := b.ask(script, &title, want); err != nil {
		b.lost(fmt.Sprintf("the title is not %q", want), err)
	}
}

// TestPlainBrowser: who scans with a camera sees the verdict and the way to WeChat, also
// with scripts off.
func TestPlainBrowser(t *testing.T) {
	w := startTown(t, nil)
	chromium := startChromium(t)
	url := strings.ToLower(w.demo.url(w.token(t, w.demo.shelf[0], 7)))
	b := openTab(t, chromium, "http"+strings.TrimPrefix(url, "https"), 375, 812)
	b.sees("正品", "用微信扫一扫领红包", w.demo.shelf[0].name)
	if b.now("立即领取") {
		t.Error("a stranger is offered the reward")
	}
	b.taps("举报假货")
	b.taps("提交举报")
	b.sees("举报已收到")
	b.taps("活动规则")
	b.sees("奖项与中奖概率", "种子哈希")
	b.taps("隐私说明")
	b.sees("个人信息的处理者", "不关注公众号、不分享，也能验证和领取")
}
