package leader

import (
	"context"
	"net/http"
	"sort"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/leader"
)

var (
	errNotLeader = fault.New(fault.Forbidden, "leader_needed", "您还不是这个品牌的群主或导购")
	errStopped   = fault.New(fault.Forbidden, "leader_suspended", "您的资格已暂停，暂时不能使用工作台。已有收益仍可查看和提现。")
)

// seat is who asks, and at which brand he sits.
type seat struct {
	web.Session
	Brand  brand.Brand
	Leader leader.Leader
	Has    bool   // there is a row of him
	Active bool   // he may bring people now
	Q      string // "?brand=…" when the address chose the brand, else ""
	// Others are the other brands he leads at, or is suspended at.
	Others []elsewhere
}

// elsewhere is another brand of somebody's.
type elsewhere struct {
	BrandID id.ID  `json:"brand_id"`
	Brand   string `json:"brand"`
}

const keySeat = "leader.seat"

func seatOf(c *gin.Context) *seat { return c.MustGet(keySeat).(*seat) }

// guard seats whoever asks and turns away who may not come in. On pages people who are no
// leaders are shown what the programme is, and where they stand in it.
func (h *Handler) guard(r web.Route) gin.HandlerFunc {
	return func(c *gin.Context) {
		at, err := h.seat(c)
		if err == nil && r.Permission == desk && !at.Active {
			err = errNotLeader
			if at.Has && at.Leader.State == leader.Suspended {
				err = errStopped
			}
			if c.Request.Method == http.MethodGet && !isAPI(c) {
				c.Redirect(http.StatusSeeOther, "/leader/apply"+at.Q)
				c.Abort()
				return
			}
		}
		if err != nil {
			h.fail(c, err)
			c.Abort()
			return
		}
		c.Set(keySeat, at)
	}
}

func isAPI(c *gin.Context) bool { return strings.HasPrefix(c.Request.URL.Path, "/api/") }

func (h *Handler) fail(c *gin.Context, err error) {
	if isAPI(c) {
		web.Fail(c, err)
		return
	}
	h.Pages.Fail(c, err, h.Login)
}

func (h *Handler) seat(c *gin.Context) (*seat, error) {
	ctx := c.Request.Context()
	s, err := h.Sessions.Present(c)
	if err != nil {
		return nil, err
	}
	rows, err := h.Leaders.OfMember(ctx, s.Member)
	if err != nil {
		return nil, err
	}
	at := &seat{Session: s}
	brandID, err := web.QueryID(c, "brand")
	switch {
	case err != nil:
		return nil, err
	case brandID != 0:
		at.Q = "?brand=" + brandID.String()
	default:
		if brandID, err = h.brandOf(ctx, s, rows); err != nil {
			return nil, err
		}
	}
	if at.Brand, err = h.Brands.Get(ctx, brandID); err != nil {
		return nil, err
	}
	for _, l := range rows {
		switch {
		case l.BrandID == brandID:
			at.Leader, at.Has = l, true
		case l.State == leader.Active || l.State == leader.Suspended:
			b, err := h.Brands.Get(ctx, l.BrandID)
			if err != nil {
				return nil, err
			}
			at.Others = append(at.Others, elsewhere{b.ID, b.Name})
		}
	}
	if at.Has && at.Leader.State == leader.Active {
		now, err := h.Leaders.Active(ctx, brandID, []id.ID{s.Member})
		if err != nil {
			return nil, err
		}
		_, at.Active = now[s.Member]
	}
	return at, nil
}

// brandOf is the brand of the account through which somebody came, unless he is a leader
// elsewhere only.
func (h *Handler) brandOf(ctx context.Context, s web.Session, rows []leader.Leader) (id.ID, error) {
	kind := brand.Official
	if s.Channel == web.Mini {
		kind = brand.Mini
	}
	a, err := h.Brands.AccountByApp(ctx, kind, s.AppID)
	if err != nil {
		return 0, err
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].ID < rows[j].ID })
	other := id.ID(0)
	for _, l := range rows {
		if l.BrandID == a.BrandID {
			return a.BrandID, nil
		}
		if other == 0 && (l.State == leader.Active || l.State == leader.Suspended) {
			other = l.BrandID
		}
	}
	if other != 0 {
		return other, nil
	}
	return a.BrandID, nil
}

// act is what a page shows, and what the mini program gets.
type act func(c *gin.Context, at *seat) (any, error)

// formAct is what a form does; it returns where the browser goes next, without ?brand=.
type formAct func(c *gin.Context, at *seat, get func(string) string) (to string, err error)

// body is what the template of a desk page gets.
type body struct {
	Q         string
	And       string // goes after other parameters of an address: "&brand=…" or ""
	Desk      bool   // the desk's own navigation
	Tab       string
	FormToken string
	Notice    string // a fault that a form ran into
	Done      bool
	Was       map[string]string // what that form held
	Others    []elsewhere
	WeChat    bool // may confirm a transfer: WeChat on a phone
	V         any
}

func (h *Handler) answer(do act) gin.HandlerFunc {
	return web.Answer(func(c *gin.Context) (any, error) { return do(c, seatOf(c)) })
}

func (h *Handler) page(name, title string, do act) gin.HandlerFunc {
	return func(c *gin.Context) { h.show(c, name, title, do, nil, nil) }
}

// show renders a page; with a cause it is the page of a form that was refused.
func (h *Handler) show(c *gin.Context, name, title string, do act, cause error, was map[string]string) {
	at := seatOf(c)
	v, err := do(c, at)
	if err != nil {
		h.fail(c, err)
		return
	}
	b := body{Q: at.Q, And: strings.Replace(at.Q, "?", "&", 1), Desk: at.Active, FormToken: h.Sessions.FormToken(&at.Session), Done: c.Query("done") == "1", Was: was, Others: at.Others, V: v}
	b.Tab, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(c.Request.URL.Path, "/leader"), "/"), "/")
	if strings.HasPrefix(c.Request.URL.Path, "/earnings") {
		b.Tab = "earnings"
	}
	br := web.BrowserOf(c.Request)
	b.WeChat = br.WeChat && br.Phone
	status := http.StatusOK
	if cause != nil {
		f := web.Note(c, cause)
		status, b.Notice, b.Done = web.Status(f), f.Text, false
	}
	frame := web.Frame{Title: title, Brand: at.Brand.Name, Phone: at.Brand.SupportPhone, Sheet: "desk", Seal: seals[at.Leader.Role], Body: b}
	if !at.Active || frame.Seal == "" {
		frame.Seal = "我的推荐"
	}
	if p, ok := v.(interface{ Refresh() int }); ok {
		frame.Refresh = p.Refresh()
	}
	h.Pages.Show(c, status, name, frame)
}

var seals = map[string]string{leader.RoleLeader: "群主工作台", leader.RoleClerk: "导购工作台", leader.RoleStaff: "员工工作台"}

// form posts: once for each form that was shown, however often it is sent. What the person
// can put right shows the page again with his words in it.
func (h *Handler) form(name, title string, back act, do formAct) gin.HandlerFunc {
	return func(c *gin.Context) {
		at := seatOf(c)
		get, err := h.Sessions.Form(c, &at.Session)
		if err != nil {
			h.fail(c, err)
			return
		}
		was, key := map[string]string{}, c.Request.URL.Path
		for _, k := range sorted(c.Request.PostForm) {
			was[k] = get(k)
			key += "\n" + k + "=" + get(k)
		}
		_, to, _, err := h.Replays.Do(c.Request.Context(), h.Sessions.Owner(c), h.Sessions.Cookies.Signer.Digest("desk form", key), nil, func() (int, []byte, error) {
			to, err := do(c, at, get)
			return http.StatusSeeOther, []byte(to), err
		})
		switch fault.KindOf(err) {
		case fault.Invalid, fault.Conflict, fault.Exhausted, fault.Throttled:
			h.show(c, name, title, back, err, was)
			return
		}
		if err != nil {
			h.fail(c, err)
			return
		}
		c.Header("Cache-Control", "no-store")
		c.Redirect(http.StatusSeeOther, withBrand(string(to), at.Q))
	}
}

// withBrand keeps the chosen brand in an address that may have parameters.
func withBrand(to, q string) string {
	if q == "" {
		return to
	}
	if strings.Contains(to, "?") {
		return to + "&" + q[1:]
	}
	return to + q
}

func sorted(form map[string][]string) []string {
	keys := make([]string, 0, len(form))
	for k := range form {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
