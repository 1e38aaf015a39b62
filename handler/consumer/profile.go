package consumer

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/fault"
	"siyu/model/profile"
)

// myItem is a field as its owner sees it. What a file or a note of ours says of him is
// shown as such, so that he can put it right.
type myItem struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Kind    string   `json:"kind"`
	Choices []string `json:"choices"`
	Why     string   `json:"why"`
	Value   string   `json:"value"`
	Source  string   `json:"source"` // zh-CN; "" when nothing is known
	Points  int64    `json:"points"` // for a first answer; 0: none, or had already
	Purpose string   `json:"purpose"`
}

// myProfile is all of it.
type myProfile struct {
	Items    []myItem          `json:"items"`
	Question *profile.Question `json:"question"` // nil: nothing is asked at present
}

var sourceTitles = map[string]string{profile.Self: "本人填写", profile.Operator: "客服更正", profile.WeCom: "企业微信备注", profile.Import: "既往会员资料"}

func (h *Handler) myProfile(c *gin.Context) (myProfile, web.Session, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return myProfile{}, web.Session{}, err
	}
	p, err := h.Profiles.Of(c.Request.Context(), s.Member)
	if err != nil {
		return myProfile{}, web.Session{}, err
	}
	out := myProfile{Items: []myItem{}}
	for _, i := range p.Items {
		m := myItem{Name: i.Field.Name, Title: i.Field.Title, Kind: i.Field.Kind, Choices: i.Field.Choices, Why: i.Field.Why, Value: i.Value, Purpose: i.Field.Purpose}
		if i.Value != "" {
			m.Source = sourceTitles[i.Source]
		}
		if !i.Rewarded && i.Field.BrandID != 0 && i.Source != profile.Self {
			m.Points = i.Field.Points
		}
		out.Items = append(out.Items, m)
	}
	out.Question, err = h.Profiles.Next(c.Request.Context(), s.Member)
	return out, s, err
}

// apiProfile is GET /api/v1/profile.
func (h *Handler) apiProfile(c *gin.Context) (any, error) {
	p, _, err := h.myProfile(c)
	return p, err
}

// apiPutProfile is PUT /api/v1/profile.
func (h *Handler) apiPutProfile(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Values map[string]string `json:"values"`
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	return h.Profiles.Put(c.Request.Context(), profile.Answer{MemberID: s.Member, Values: in.Values, Source: profile.Self})
}

// apiSkip is POST /api/v1/profile/skip.
func (h *Handler) apiSkip(c *gin.Context) (any, error) {
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Field string `json:"field"`
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	return gin.H{"field": in.Field}, h.Profiles.Skip(c.Request.Context(), s.Member, in.Field)
}

type profileView struct {
	myProfile
	FormToken string
	Saved     bool
	Points    int64  // that the answer has just brought
	Notice    string // what was wrong with it
	Open      string // the field it was about
}

func (h *Handler) profilePage(c *gin.Context) { h.showProfile(c, http.StatusOK, "", "") }

func (h *Handler) showProfile(c *gin.Context, status int, note, field string) {
	p, s, err := h.myProfile(c)
	if err != nil {
		h.fail(c, err)
		return
	}
	v := profileView{myProfile: p, FormToken: h.Sessions.FormToken(&s), Notice: note, Open: field}
	if status == http.StatusOK {
		v.Saved = c.Query("saved") == "1"
		v.Points, _ = strconv.ParseInt(c.Query("points"), 10, 64)
		v.Points = max(0, min(v.Points, 1000)) // only words on his own screen
	}
	h.Pages.Show(c, status, "profile.html", web.Frame{Title: "我的资料", Body: v})
}

func (h *Handler) profileForm(c *gin.Context) {
	s, get, ok := h.posted(c)
	if !ok {
		return
	}
	field := get("field")
	g, err := h.Profiles.Put(c.Request.Context(), profile.Answer{MemberID: s.Member, Source: profile.Self, Values: map[string]string{field: formValue(c, get)}})
	if f := fault.Of(err); err != nil && (f.Kind == fault.Invalid || f.Code == "profile_consent") {
		h.showProfile(c, web.Status(f), f.Text, field)
		return
	}
	if err != nil {
		h.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/me/profile?"+url.Values{"saved": {"1"}, "points": {strconv.FormatInt(g.Points, 10)}}.Encode())
}

// formValue joins ticked boxes; everything else is one value.
func formValue(c *gin.Context, get func(string) string) string {
	if get("many") == "" {
		return get("value")
	}
	return strings.Join(c.Request.PostForm["value"], "、")
}

func (h *Handler) skipForm(c *gin.Context) {
	s, get, ok := h.posted(c)
	if !ok {
		return
	}
	if err := h.Profiles.Skip(c.Request.Context(), s.Member, get("field")); err != nil {
		h.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/me/profile")
}

// question is what to ask on a page whose own matter is done; nil when nothing is to be
// asked. That it could not be read is no reason to fail the page.
func (h *Handler) question(c *gin.Context, s web.Session) *profile.Question {
	q, err := h.Profiles.Next(c.Request.Context(), s.Member)
	if err != nil {
		web.Note(c, err)
		return nil
	}
	return q
}
