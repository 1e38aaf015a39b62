package poster

import (
	"strings"
	"testing"

	"siyu/model/fault"
)

// layoutWith is the first built-in layout with a change.
func layoutWith(change func(l *Layout)) Layout {
	l := dawn()
	change(&l)
	return l
}

func (l *Layout) slot(kind string) *Slot {
	for i := range l.Slots {
		if l.Slots[i].Kind == kind {
			return &l.Slots[i]
		}
	}
	return nil
}

func TestLayouts(t *testing.T) {
	t.Run("every built-in layout passes its own rules", func(t *testing.T) {
		seen := map[string]bool{}
		for _, b := range Builtins() {
			if err := b.Layout.Check(); err != nil || seen[b.Key] || b.Name == "" {
				t.Errorf("%s: %v", b.Key, err)
			}
			seen[b.Key] = true
			for _, word := range []string{"佣金", "品牌承担", "打码", "解除"} {
				if !strings.Contains(b.Layout.slot(Legal).Text, word) {
					t.Errorf("%s does not say %s", b.Key, word)
				}
			}
		}
	})
	t.Run("a layout that cannot be used says which field is wrong", func(t *testing.T) {
		for name, c := range map[string]struct {
			field  string
			change func(l *Layout)
		}{
			"too small":           {"width_px", func(l *Layout) { l.WidthPx = 100 }},
			"too large":           {"width_px", func(l *Layout) { l.WidthPx, l.HeightPx = 2400, 2400 }},
			"background":          {"from", func(l *Layout) { l.From = `#fff"/><script>` }},
			"gradient":            {"from", func(l *Layout) { l.To = "url(#x)" }},
			"nothing on it":       {"slots", func(l *Layout) { l.Slots = nil }},
			"too much on it":      {"slots", func(l *Layout) { l.Slots = make([]Slot, 33) }},
			"no code":             {"slots", func(l *Layout) { l.slot(QR).Kind = Panel }},
			"two codes":           {"slots", func(l *Layout) { l.Slots = append(l.Slots, *l.slot(QR)) }},
			"no legal line":       {"slots", func(l *Layout) { l.slot(Legal).Kind = Words }},
			"over the code":       {"slots", func(l *Layout) { l.slot(Legal).Y = 700 }},
			"unknown kind":        {"kind", func(l *Layout) { l.slot(Words).Kind = "script" }},
			"outside":             {"x", func(l *Layout) { l.slot(Legal).X = 400 }},
			"far outside":         {"x", func(l *Layout) { l.slot(Panel).X = -5000 }},
			"no size":             {"x", func(l *Layout) { l.slot(Title).W = 0 }},
			"colour":              {"color", func(l *Layout) { l.slot(Title).Color = "red" }},
			"alignment":           {"align", func(l *Layout) { l.slot(Title).Align = "justify" }},
			"corners":             {"radius_px", func(l *Layout) { l.slot(Panel).RadiusPx = -1 }},
			"tiny text":           {"size_px", func(l *Layout) { l.slot(Words).SizePx = 4 }},
			"text over its slot":  {"size_px", func(l *Layout) { l.slot(Words).SizePx = 400 }},
			"legal line unread":   {"size_px", func(l *Layout) { l.slot(Legal).SizePx = 14 }},
			"no text":             {"text", func(l *Layout) { l.slot(Title).Text = " 　" }},
			"long text":           {"text", func(l *Layout) { l.slot(Title).Text = strings.Repeat("长", 121) }},
			"name without a name": {"text", func(l *Layout) { l.slot(Name).Text = "某人" }},
			"small code":          {"w", func(l *Layout) { l.slot(QR).W = 199 }},
			"picture missing":     {"picture_id", func(l *Layout) { l.slot(Initial).Kind = Product }},
		} {
			err := layoutWith(c.change).Check()
			if f := fault.Of(err); err == nil || f.Code != "poster_layout" || f.Detail["field"] != c.field {
				t.Errorf("%s: %v %v", name, err, f)
			}
		}
	})
	t.Run("an area may run over the edge", func(t *testing.T) {
		if err := layoutWith(func(l *Layout) { l.slot(Panel).X = -100 }).Check(); err != nil {
			t.Error(err)
		}
	})
}

func TestWords(t *testing.T) {
	t.Run("a promise that the law or WeChat forbids is refused with its source", func(t *testing.T) {
		for text, source := range map[string]string{
			"分享到朋友圈领红包":          "微信外部链接内容管理规范",
			"分 享 朋 友 圈 即 可 领 奖":  "微信外部链接内容管理规范",
			"领红包请先转发":            "微信外部链接内容管理规范",
			"关注公众号送 5 元红包":       "微信外部链接内容管理规范",
			"邀请好友一起赚红包":          "微信外部链接内容管理规范",
			"拉10人送一箱":            "禁止传销条例",
			"每发展一位下线奖励20元":       "禁止传销条例",
			"推荐新人得佣金":            "禁止传销条例",
			"团队计酬，上不封顶":          "禁止传销条例",
			"缴纳入门费即可加入":          "禁止传销条例",
			"拉\u200b三人\u200b返现金": "禁止传销条例",
		} {
			err := layoutWith(func(l *Layout) { l.slot(Title).Text = text }).Check()
			if f := fault.Of(err); err == nil || f.Code != "poster_words" || !strings.Contains(f.Text, source) {
				t.Errorf("%s: %v", text, err)
			}
		}
	})
	t.Run("honest words stand", func(t *testing.T) {
		for _, text := range []string{"扫码验真，每瓶有礼", "购买后扫码领红包", "{name}邀请您加入{brand}", "新品上市，推荐新品口味", "关注健康，理性饮酒", "分享快乐时光", disclosure} {
			if err := layoutWith(func(l *Layout) { l.slot(Title).Text = text }).Check(); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	})
}

func TestTidy(t *testing.T) {
	for in, want := range map[string]string{
		"王小丽":                             "王小丽",
		"  王\t小\n丽 ":                      "王 小 丽",
		"\u202e王\u2066小\u200b丽\ufeff":     "王小丽",
		"a\x00b\x1b[31mc":                 "ab[31mc",
		"\xff\xfe":                        "□",
		"\ue000王":                         "□王",
		"👨\u200d👩\u200d👧":                 "👨👩👧",
		"e\u0301\u0302\u0303\u0304\u0305": "e\u0301\u0302",
		"\u0301王":                         "王",
		"一二三四五六七八九十十一十二": "一二三四五六七八九十十一…",
		"": "",
	} {
		if got := tidy(in, 12); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"王小丽": "王", "·小丽": "小", "alice": "A", "": "友", "...": "友", "\u202e": "友"} {
		if got := initial(in); got != want {
			t.Errorf("initial of %q: %q", in, got)
		}
	}
}

func TestFit(t *testing.T) {
	ems := (&svg{}).width(false)
	t.Run("a long text becomes smaller and stays in its box", func(t *testing.T) {
		for n := 1; n < 100; n++ {
			text := strings.Repeat("邀请您，", n)
			ls, size := fit(text, 60, 600, 200, true, ems)
			if height(len(ls), size) > 201 || size > 60 || size < 60*smallest*0.95 {
				t.Fatalf("%d: %d lines of %f", n, len(ls), size)
			}
			for _, l := range ls {
				if ems(l, size) > 601 {
					t.Fatalf("%d: line %q is too long", n, l)
				}
				if strings.HasPrefix(l, "，") {
					t.Fatalf("%d: a line begins with a comma", n)
				}
			}
		}
	})
	t.Run("one endless word is broken", func(t *testing.T) {
		ls, size := fit(strings.Repeat("W", 300), 40, 300, 60, false, ems)
		if last := ls[len(ls)-1]; height(len(ls), size) > 61 || !strings.HasSuffix(last, "…") || ems(last, size) > 301 {
			t.Errorf("%q %f", ls, size)
		}
	})
	t.Run("the layout's own line ends are kept", func(t *testing.T) {
		if ls, _ := fit("每一瓶，\n都查得到来处", 92, 900, 240, true, ems); len(ls) != 2 || ls[0] != "每一瓶，" {
			t.Errorf("%q", ls)
		}
	})
}
