package push

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"siyu/model/fault"
	"siyu/model/holdout"
	"siyu/model/lawful"
	"siyu/model/reach"
)

// Limits of a form.
const (
	maxUses   = 6
	maxArms   = 5
	whyMost   = 100
	maxLinks  = 5
	maxText   = 600  // characters, of a text as written
	maxField  = 200  // characters, of a template's field
	maxPerSec = 5000 // of one push
	maxPage   = 128  // characters, of a page of a mini program
	maxGoods  = 20   // products that count as its outcome
)

// Variable is what a text may hold in braces.
type Variable struct {
	Key     string `json:"key"`
	Title   string `json:"title"`
	Example string `json:"example"`
}

// Variables is the list of them.
func Variables() []Variable {
	return []Variable{
		{"姓名", "会员资料里的姓名或昵称", "王女士"},
		{"等级", "会员等级", "银卡"},
		{"积分", "可用积分", "320"},
		{"品牌", "品牌名称", "明眸"},
		{Stop, "退订链接：不用登录，点开即可退订", "https://…/l/…"},
	}
}

func known(key string) bool {
	return slices.ContainsFunc(Variables(), func(v Variable) bool { return v.Key == key })
}

// offer are words that make a message marketing, whatever its purpose says: a service
// notice tells of something that the person did or has.
var offer = regexp.MustCompile(`优惠|折扣|[0-9一二三四五六七八九]折|特价|促销|秒杀|满减|立减|抢购|限时|新品|上新|推荐您|爆款|买一送|清仓|福利`)

// pagePath is a page of a mini program as its app.json names it, with a query.
var pagePath = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*(\?[A-Za-z0-9_.~%=&-]*)?$`)

func bad(field, format string, args ...any) error {
	return fault.Invalidf("push_form", format, args...).With("field", field)
}

// tidy cuts spaces and checks what an operator wrote. A draft may be incomplete where
// complete asks for more. Faults: Invalid push_form, unlawful_words.
func (f *Form) tidy() error {
	f.Name, f.Topic, f.Why = strings.TrimSpace(f.Name), strings.TrimSpace(f.Topic), strings.TrimSpace(f.Why)
	n := utf8.RuneCountInString(f.Name)
	switch {
	case f.BrandID == 0:
		return bad("brand_id", "请先选择品牌")
	case n < 1 || n > 40:
		return bad("name", "请填写触达名称(1 到 40 字)")
	case f.Purpose != reach.Marketing && f.Purpose != reach.Service:
		return bad("purpose", "请选择用途：营销或服务通知")
	case f.Topic != "" && !reach.GoodTopic(f.Topic):
		return bad("topic", "主题应为 1 到 20 个汉字、字母或数字")
	case utf8.RuneCountInString(f.Why) > whyMost:
		return bad("why", "“为什么收到”最多 %d 字", whyMost)
	case namesInward(f.Why):
		return bad("why", "“为什么收到”是给会员看的，请不要写标签、人群或名单的名称")
	case f.Worth < 0 || f.Worth > 100:
		return bad("worth", "重要程度应在 0 到 100 之间")
	case f.SegmentID != 0 && f.ListID != 0:
		return bad("segment_id", "人群和名单只能选一个")
	case f.Timing != Now && f.Timing != At && f.Timing != Best:
		return bad("timing", "请选择发送时间：立即、定时或各人最佳时段")
	case f.Timing == Now && f.StartAt != 0:
		return bad("start_at", "立即发送不需要填写时间")
	case f.PerSecond < 0 || f.PerSecond > maxPerSec:
		return bad("per_second", "发送速度应在每秒 0 到 %d 条之间，0 表示按品牌设置", maxPerSec)
	case len(f.ProductIDs) > maxGoods:
		return bad("product_ids", "最多选 %d 个商品来衡量效果", maxGoods)
	case slices.Contains(f.ProductIDs, 0):
		return bad("product_ids", "没有这个商品")
	case f.HeldBP < 0 || f.HeldBP > holdout.MostHeld:
		return bad("held_bp", "对照组最多占一半")
	}
	slices.Sort(f.ProductIDs)
	f.ProductIDs = slices.Compact(f.ProductIDs)
	if err := lawful.Check("why", f.Why); err != nil {
		return err
	}
	if err := f.tidyLinks(); err != nil {
		return err
	}
	return f.tidyBody()
}

func (f *Form) tidyLinks() error {
	if len(f.Links) > maxLinks {
		return bad("links", "最多 %d 个链接", maxLinks)
	}
	for i := range f.Links {
		l := &f.Links[i]
		l.Title, l.URL = strings.TrimSpace(l.Title), strings.TrimSpace(l.URL)
		u, err := url.Parse(l.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || len(l.URL) > 1000 || strings.ContainsFunc(l.URL, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return bad("links", "链接%d 不是完整的网址(以 https:// 开头)", i+1)
		}
		if n := utf8.RuneCountInString(l.Title); n < 1 || n > 40 {
			return bad("links", "请给链接%d 起个名字(1 到 40 字)", i+1)
		}
	}
	return nil
}

func (f *Form) tidyBody() error {
	if len(f.Uses) > maxUses || len(f.Arms) > maxArms {
		return bad("uses", "最多 %d 个渠道、%d 个版本", maxUses, maxArms)
	}
	for i, u := range f.Uses {
		if slices.Contains(f.Uses[:i], u) {
			return bad("uses", "第 %d 个渠道重复了", i+1)
		}
		if err := f.checkUse(u); err != nil {
			return err
		}
	}
	for i := range f.Arms {
		a := &f.Arms[i]
		a.Name = strings.TrimSpace(a.Name)
		if len(a.Contents) != len(f.Uses) {
			return bad("arms", "版本“%s”须为每个渠道填写内容", a.Name)
		}
		for k := range a.Contents {
			if err := f.checkContent(f.Uses[k], a.Name, &a.Contents[k]); err != nil {
				return err
			}
		}
	}
	if len(f.Arms) == 0 {
		return nil
	}
	return f.split(holdout.Settings{BrandID: f.BrandID}).Check()
}

// split is how chance divides the people of this push.
func (f *Form) split(set holdout.Settings) holdout.Split {
	parts := make([]holdout.Part, len(f.Arms))
	for i, a := range f.Arms {
		parts[i] = holdout.Part{Name: a.Name, Weight: a.Weight}
	}
	s := set.Split(parts)
	s.HeldBP = f.HeldBP
	if f.Purpose == reach.Service { // nobody is kept from what concerns his own things
		s.UniversalBP = 0
	}
	return s
}

func (f *Form) checkUse(u reach.Use) error {
	switch u.Channel {
	case reach.Template, reach.Subscribe:
		if u.TemplateID == "" || len(u.TemplateID) > 64 {
			return bad("uses", "请填写模板编号")
		}
		if u.Channel == reach.Template && f.Purpose == reach.Marketing {
			return bad("uses", "微信规定模板消息不能用于营销，请改用订阅消息或客服消息")
		}
	case reach.Custom, reach.Mass, reach.WeCom:
	case reach.SMS:
		return nil
	default:
		return bad("uses", "没有这种渠道：%s", u.Channel)
	}
	if u.AccountID == 0 {
		return bad("uses", "请选择发送的账号")
	}
	return nil
}

func (f *Form) checkContent(u reach.Use, arm string, c *Content) error {
	texts := []string{c.Text}
	if u.Channel == reach.Template || u.Channel == reach.Subscribe {
		texts = nil
		if len(c.Data) == 0 || len(c.Data) > 10 {
			return bad("arms", "版本“%s”的模板须填写 1 到 10 个字段", arm)
		}
		for key, text := range c.Data {
			if key == "" || len(key) > 32 || utf8.RuneCountInString(text) > maxField {
				return bad("arms", "版本“%s”的模板字段 %s 太长", arm, key)
			}
			texts = append(texts, text)
		}
	} else if c.Text = strings.TrimSpace(c.Text); c.Text == "" || utf8.RuneCountInString(c.Text) > maxText {
		return bad("arms", "版本“%s”的文字应为 1 到 %d 字", arm, maxText)
	}
	if c.Page = strings.TrimSpace(c.Page); c.Page != "" && (u.Channel != reach.Subscribe || len(c.Page) > maxPage || !pagePath.MatchString(c.Page)) {
		return bad("arms", "版本“%s”的小程序页面应是订阅消息的页面路径，例如 pages/lens/index?from=push，不以 / 开头，最多 %d 字", arm, maxPage)
	}
	if c.LinkNo < 0 || c.LinkNo > len(f.Links) {
		return bad("arms", "版本“%s”用到的链接%d 还没有填写", arm, c.LinkNo)
	}
	// A commercial text message must tell how to refuse more (通信短信息服务管理规定, art. 20).
	if u.Channel == reach.SMS && f.Purpose == reach.Marketing && !strings.Contains(c.Text, Stop) {
		return bad("arms", "版本“%s”是营销短信，须写明如何退订，请加上 {%s}", arm, Stop)
	}
	for _, text := range texts {
		if err := f.checkText(u, arm, text); err != nil {
			return err
		}
	}
	return checkFields(u, arm, c.Data)
}

func (f *Form) checkText(u reach.Use, arm, text string) error {
	if err := lawful.Check("arms", text); err != nil {
		return err
	}
	if found := offer.FindString(text); found != "" && f.Purpose == reach.Service {
		return fault.Invalidf("service_offer", "版本“%s”写了“%s”：服务通知不能带促销内容，请把用途改为营销", arm, found).With("field", "arms")
	}
	for _, m := range braces.FindAllStringSubmatch(text, -1) {
		no, isLink := linkNo(m[1])
		switch {
		case isLink && m[1] != Stop && (no < 1 || no > len(f.Links)):
			return bad("arms", "版本“%s”用到的链接%d 还没有填写", arm, no)
		case !isLink && !known(m[1]):
			return bad("arms", "版本“%s”的变量 {%s} 不存在，可用：%s", arm, m[1], variableList())
		case Grouped(u.Channel) && (isLink || known(m[1])):
			return bad("arms", "%s是同一份内容发给多人，不能使用变量或个人链接", channelWords[u.Channel])
		}
	}
	return nil
}

func variableList() string {
	var out []string
	for _, v := range Variables() {
		out = append(out, "{"+v.Key+"}")
	}
	return strings.Join(out, " ")
}

// Grouped are channels where one call reaches many with the same words.
func Grouped(channel string) bool { return channel == reach.Mass || channel == reach.WeCom }

// channelWords are the channels in zh-CN.
var channelWords = map[string]string{reach.Custom: "客服消息", reach.Template: "模板消息", reach.Subscribe: "订阅消息", reach.Mass: "公众号群发", reach.WeCom: "企业微信群发", reach.SMS: "短信"}

// ChannelName is a channel in zh-CN.
func ChannelName(channel string) string { return channelWords[channel] }

// complete says what a push still lacks before people may hear of it. Fault: Invalid
// push_incomplete.
func (f Form) complete() error {
	lacks := func(field, text string) error {
		return fault.NewInvalid("push_incomplete", text).With("field", field)
	}
	switch {
	case f.SegmentID == 0 && f.ListID == 0:
		return lacks("segment_id", "请先选择人群或名单")
	case len(f.Uses) == 0:
		return lacks("uses", "请至少选择一个渠道")
	case len(f.Arms) == 0:
		return lacks("arms", "请填写要发送的内容")
	case f.Timing == At && f.StartAt == 0:
		return lacks("start_at", "请选择定时发送的时间")
	}
	return nil
}

// CheckUses refuses ways that cannot work for the brand. Fault: Invalid reach_use.
func (s *Store) CheckUses(ctx context.Context, f Form) error {
	for _, u := range f.Uses {
		if err := s.Reach.CheckUse(ctx, f.BrandID, u); err != nil {
			return err
		}
	}
	return nil
}

// CheckAudience refuses a segment or a list that the brand does not have, or no longer;
// none is no fault of a draft. Faults: those of Audience.Check.
func (s *Store) CheckAudience(ctx context.Context, f Form) error {
	if f.SegmentID == 0 && f.ListID == 0 {
		return nil
	}
	return s.Audience.Check(ctx, f)
}
