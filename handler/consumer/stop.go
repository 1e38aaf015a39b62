package consumer

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
)

// stopView asks somebody with the link of a message what to stop. It says nothing of who
// got the message nor why: links are passed on.
type stopView struct {
	Path      string
	All       bool // he refuses offers of every brand; only he himself brings those back
	Choices   []stopChoice
	FormToken string
	Done      bool
}

// stopChoice is one switch.
type stopChoice struct {
	What, Title string
	Refused     bool
	His         bool // he said it himself, not by a link: he takes it back himself
}

func (h *Handler) stopPage(c *gin.Context) {
	ctx := c.Request.Context()
	m, err := h.Links.CopyOf(ctx, c.Param("token"))
	if err != nil {
		h.fail(c, err)
		return
	}
	b, err := h.brands.Get(ctx, m.BrandID)
	var wishes []reach.Wish
	if err == nil {
		wishes, err = h.Wishes.Preferences(ctx, m.BrandID, m.MemberID)
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	v := stopView{Path: c.Request.URL.Path, All: refuses(wishes, 0, "", ""), FormToken: h.Sessions.FormToken(h.Sessions.Of(c)), Done: c.Query("done") == "1"}
	if !v.All {
		brand := stopChoice{"brand", b.Name + "的营销消息", refuses(wishes, m.BrandID, "", ""), his(wishes, m.BrandID, "")}
		v.Choices = []stopChoice{brand}
		if m.Topic != "" && !brand.Refused {
			v.Choices = append(v.Choices, stopChoice{"topic", "只退订“" + m.Topic + "”", refuses(wishes, m.BrandID, m.Topic, ""), his(wishes, m.BrandID, m.Topic)})
		}
	}
	c.Header("Referrer-Policy", "no-referrer") // the address is the member's
	h.Pages.Show(c, http.StatusOK, "stop.html", web.Frame{Title: "退订", Brand: b.Name, Phone: b.SupportPhone, Seal: "消息设置", Body: v})
}

// his says whether somebody refuses by a word of his own: links are passed on, and who has
// an old one must not bring back what he stopped.
func his(list []reach.Wish, brandID id.ID, topic string) bool {
	return slices.ContainsFunc(list, func(w reach.Wish) bool {
		return w.Refused && w.BrandID == brandID && w.Topic == topic && w.Channel == "" && w.Source != reach.ByLink
	})
}

// stopForm turns a switch for the one whom the message was sent to. Who has the link may
// stop the messages that it came with, and bring back what a link stopped; nothing else of
// him. Fault beside others: Forbidden wish_his_own.
func (h *Handler) stopForm(c *gin.Context) {
	ctx := c.Request.Context()
	m, err := h.Links.CopyOf(ctx, c.Param("token"))
	var get func(string) string
	if err == nil {
		get, err = h.Sessions.Form(c, h.Sessions.Of(c))
	}
	if err == nil {
		err = h.stop(c, m, get("what"), get("refused"))
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	c.Header("Cache-Control", "no-store")
	c.Redirect(http.StatusSeeOther, c.Request.URL.Path+"?done=1")
}

func (h *Handler) stop(c *gin.Context, m push.Copy, what, refused string) error {
	w := reach.Wish{MemberID: m.MemberID, BrandID: m.BrandID, Source: reach.ByLink, PushID: m.PushID, PushChannel: m.Channel}
	switch {
	case what == "topic" && m.Topic != "":
		w.Topic = m.Topic
	case what != "brand":
		return fault.NewInvalid("bad_field", "请选择要退订的内容")
	}
	switch refused {
	case "1":
		return h.Wishes.OptOut(c.Request.Context(), w)
	case "0":
		wishes, err := h.Wishes.Preferences(c.Request.Context(), m.BrandID, m.MemberID)
		if err != nil {
			return err
		}
		if his(wishes, m.BrandID, w.Topic) {
			return fault.New(fault.Forbidden, "wish_his_own", "这是会员本人退订的，请在微信里打开“消息设置”恢复")
		}
		return h.Wishes.OptIn(c.Request.Context(), w)
	}
	return fault.NewInvalid("bad_field", "请选择退订或恢复")
}
