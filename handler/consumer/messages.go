package consumer

import (
	"context"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

// Wishes is what people say of messages; model/reach fits.
type Wishes interface {
	OptOut(ctx context.Context, w reach.Wish) error
	OptIn(ctx context.Context, w reach.Wish) error
	Preferences(ctx context.Context, brandID, memberID id.ID) ([]reach.Wish, error)
}

// Told is what people were sent; model/push fits.
type Told interface {
	ForMember(ctx context.Context, family []id.ID) ([]push.Received, error)
}

// messageRoutes: what somebody is sent, why, and how he stops it.
func (h *Handler) messageRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/me/messages", Permission: "member", Summary: "消息设置：退订与最近收到的消息", Handler: h.messagesPage},
		{Method: "POST", Path: "/me/messages", Permission: "member", Summary: "退订或恢复一类消息(表单)", Handler: h.wishForm},
		{Method: "GET", Path: "/me/messages/:delivery", Permission: "member", Summary: "为什么收到这条消息", Handler: h.whyPage},
		{Method: "GET", Path: "/l/:token/stop", Permission: "public", Summary: "消息里的退订链接(不用登录)", Handler: h.stopPage},
		{Method: "POST", Path: "/l/:token/stop", Permission: "public", Summary: "凭消息里的链接退订或恢复(表单)", Handler: h.stopForm},
		{Method: "GET", Path: "/api/v1/messages", Permission: "member", Summary: "小程序消息设置", Handler: web.Answer(h.apiMessages)},
		{Method: "PUT", Path: "/api/v1/messages", Permission: "member", Summary: "小程序退订或恢复一类消息", Handler: web.Once(h.Replays, h.Sessions.Owner, http.StatusOK, h.apiWish)},
		{Method: "GET", Path: "/api/v1/messages/received", Permission: "member", Summary: "小程序最近收到的消息与原因", Handler: web.Answer(h.apiReceived)},
	}
}

// myMessages is how somebody is reached, as he sees it.
type myMessages struct {
	// Agrees: offers come only with his agreement (consent.Marketing), refused or not.
	Agrees  bool       `json:"agrees"`
	Refused bool       `json:"refused"` // all offers of every brand
	Brands  []myBrand  `json:"brands"`
	Recent  []received `json:"recent"` // newest first, at most ten
}

type myBrand struct {
	ID       id.ID    `json:"brand_id"`
	Name     string   `json:"name"`
	Refused  bool     `json:"refused"` // all offers of the brand
	Channels []myWish `json:"channels"`
	Topics   []myWish `json:"topics"`
}

// myWish is one switch.
type myWish struct {
	Key     string `json:"key"`
	Title   string `json:"title"`
	Refused bool   `json:"refused"`
}

// received is a message as who got it is told of it. The name that operators gave the push
// is theirs.
type received struct {
	ID      id.ID         `json:"id"`
	BrandID id.ID         `json:"brand_id"`
	Brand   string        `json:"brand"`
	At      clock.Instant `json:"at"`
	Channel string        `json:"channel"`
	Way     string        `json:"way"` // the channel, zh-CN
	Topic   string        `json:"topic"`
	Offer   bool          `json:"offer"` // marketing, and not a notice of his own things
	Why     string        `json:"why"`
}

// shownBrands is up to how many brands are shown to somebody who never heard of them.
const shownBrands, brandsMost = 3, 50

// offerChannels can be refused one by one. Notices come by template, and only notices.
var offerChannels = [...]string{reach.Custom, reach.Subscribe, reach.Mass, reach.WeCom, reach.SMS}

func (h *Handler) received(c *gin.Context, s web.Session) ([]received, error) {
	ctx := c.Request.Context()
	family, err := h.Members.Family(ctx, s.Member)
	if err != nil {
		return nil, err
	}
	list, err := h.Told.ForMember(ctx, family)
	if err != nil {
		return nil, err
	}
	out := make([]received, 0, len(list))
	for _, r := range list {
		b, err := h.brands.Get(ctx, r.BrandID)
		if err != nil {
			return nil, err
		}
		out = append(out, received{r.DeliveryID, r.BrandID, b.Name, r.At, r.Channel, push.ChannelName(r.Channel), r.Topic, r.Purpose == reach.Marketing, r.Why})
	}
	return out, nil
}

func (h *Handler) myMessages(c *gin.Context, s web.Session) (out myMessages, err error) {
	ctx := c.Request.Context()
	out.Brands = []myBrand{}
	if out.Agrees, err = h.Consents.Given(ctx, s.Member, consent.Marketing); err != nil {
		return out, err
	}
	got, err := h.received(c, s)
	if err != nil {
		return out, err
	}
	out.Recent = got[:min(10, len(got))]
	brands, err := h.Brands.List(ctx, 0, brandsMost)
	if err != nil {
		return out, err
	}
	for _, b := range brands {
		wishes, err := h.Wishes.Preferences(ctx, b.ID, s.Member)
		if err != nil {
			return out, err
		}
		m, known := brandOf(b, got, wishes)
		out.Refused = out.Refused || refuses(wishes, 0, "", "")
		if known || len(brands) <= shownBrands && b.ArchivedAt == 0 {
			out.Brands = append(out.Brands, m)
		}
	}
	return out, nil
}

func refuses(list []reach.Wish, brandID id.ID, topic, channel string) bool {
	return slices.ContainsFunc(list, func(w reach.Wish) bool {
		return w.Refused && w.BrandID == brandID && w.Topic == topic && w.Channel == channel
	})
}

// brandOf are the switches of one brand; known: it wrote to him, or he said something.
func brandOf(b brand.Brand, got []received, wishes []reach.Wish) (m myBrand, known bool) {
	m = myBrand{ID: b.ID, Name: b.Name, Refused: refuses(wishes, b.ID, "", ""), Channels: []myWish{}, Topics: []myWish{}}
	for _, ch := range offerChannels {
		m.Channels = append(m.Channels, myWish{ch, push.ChannelName(ch), refuses(wishes, b.ID, "", ch)})
	}
	topic := func(t string) {
		if t != "" && !slices.ContainsFunc(m.Topics, func(w myWish) bool { return w.Key == t }) {
			m.Topics = append(m.Topics, myWish{t, t, refuses(wishes, b.ID, t, "")})
		}
	}
	for _, w := range wishes {
		if w.BrandID == b.ID {
			known = true
			topic(w.Topic)
		}
	}
	for _, r := range got {
		if r.BrandID == b.ID {
			known = true
			topic(r.Topic)
		}
	}
	return m, known
}

// wishInput is one switch, turned. Empty words: of every brand, everything, every way.
type wishInput struct {
	BrandID id.ID  `json:"brand_id"`
	Topic   string `json:"topic"`
	Channel string `json:"channel"`
	Refused *bool  `json:"refused"` // must be said
}

func (h *Handler) wish(c *gin.Context, s web.Session, in wishInput) error {
	if in.Refused == nil {
		return fault.NewInvalid("bad_field", "请选择退订或恢复").With("field", "refused")
	}
	ctx := c.Request.Context()
	if in.BrandID != 0 {
		if _, err := h.brands.Get(ctx, in.BrandID); err != nil {
			return err
		}
	}
	w := reach.Wish{MemberID: s.Member, BrandID: in.BrandID, Topic: in.Topic, Channel: in.Channel, Source: s.Channel}
	if *in.Refused {
		return h.Wishes.OptOut(ctx, w)
	}
	return h.Wishes.OptIn(ctx, w)
}

// apiMessages is GET /api/v1/messages.
func (h *Handler) apiMessages(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	return h.myMessages(c, s)
}

// apiReceived is GET /api/v1/messages/received.
func (h *Handler) apiReceived(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	return h.received(c, s)
}

// apiWish is PUT /api/v1/messages.
func (h *Handler) apiWish(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	var in wishInput
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	if err := h.wish(c, s, in); err != nil {
		return nil, err
	}
	return h.myMessages(c, s)
}

type messagesView struct {
	myMessages
	FormToken string
	Done      bool
}

func (h *Handler) messagesPage(c *gin.Context) {
	s, err := h.Sessions.Present(c)
	v := messagesView{Done: c.Query("done") == "1"}
	if err == nil {
		v.FormToken = h.Sessions.FormToken(&s)
		v.myMessages, err = h.myMessages(c, s)
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	h.Pages.Show(c, http.StatusOK, "messages.html", web.Frame{Title: "消息设置", Body: v})
}

// wishForm turns one switch; the page is shown again and reloading it posts nothing.
func (h *Handler) wishForm(c *gin.Context) {
	s, get, ok := h.posted(c)
	if !ok {
		return
	}
	in := wishInput{Topic: get("topic"), Channel: get("channel")}
	var err error
	if text := get("brand_id"); text != "" && text != "0" {
		in.BrandID, err = id.Parse(text)
	}
	if refused := get("refused") == "1"; refused || get("refused") == "0" {
		in.Refused = &refused
	}
	if err != nil {
		err = fault.NewInvalid("bad_field", "没有这个品牌")
	} else {
		err = h.wish(c, s, in)
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, "/me/messages?done=1")
}

type whyView struct {
	received
	Agrees    bool
	FormToken string
}

// whyPage tells of one message why it came, and stops more of its kind in one tap.
func (h *Handler) whyPage(c *gin.Context) {
	s, err := h.Sessions.Present(c)
	var v whyView
	if err == nil {
		v, err = h.why(c, s)
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	h.Pages.Show(c, http.StatusOK, "why.html", web.Frame{Title: "为什么收到这条消息", Brand: v.Brand, Seal: "消息说明", Body: v})
}

func (h *Handler) why(c *gin.Context, s web.Session) (v whyView, err error) {
	wanted, err := web.ParamID(c, "delivery")
	if err != nil {
		return v, err
	}
	list, err := h.received(c, s)
	if err != nil {
		return v, err
	}
	at := slices.IndexFunc(list, func(r received) bool { return r.ID == wanted })
	if at < 0 {
		return v, fault.New(fault.NotFound, "message_not_found", "没有找到这条消息，或者它是一年以前的")
	}
	v.received, v.FormToken = list[at], h.Sessions.FormToken(&s)
	v.Agrees, err = h.Consents.Given(c.Request.Context(), s.Member, consent.Marketing)
	return v, err
}
