package admin

import (
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/fault"
	"siyu/model/operator"
	"siyu/model/say"
)

const (
	cookieName = "siyu_admin"
	csrfHeader = "X-CSRF-Token"
	// byItself marks what an open page asks again and again while nobody touches it.
	byItself   = "X-Background"
	keySession = "admin.session"
)

var (
	errSession    = fault.New(fault.Unauthenticated, "not_logged_in", "请先登录")
	errCSRF       = fault.New(fault.Forbidden, "csrf", "请求缺少防伪标记，请刷新页面后重试")
	errPermission = fault.New(fault.Forbidden, "no_permission", "您没有这项权限，请联系管理员")
	errOrigin     = fault.New(fault.Forbidden, "cross_origin", "请从后台页面登录")
	errRate       = fault.New(fault.Throttled, "too_many_requests", "操作过于频繁，请一分钟后再试").With("retry_after_s", 60)
	errLogins     = fault.New(fault.Throttled, "too_many_logins", "登录过于频繁，请稍后再试").With("retry_after_s", 300)
)

// guard stands in front of every route and enforces its line of the table.
func (h *Handler) guard(r web.Route) gin.HandlerFunc {
	writes := r.Method != http.MethodGet
	return func(c *gin.Context) {
		// The panel says which language its operator reads; whatever else a browser prefers is
		// not asked for, and gets Chinese.
		if c.GetHeader("Accept-Language") == "en" {
			c.Request = c.Request.WithContext(say.In(c.Request.Context(), "en"))
		}
		if r.Permission == Public {
			// Nobody's token can be asked for here; a foreign page could still log its
			// visitor in as somebody else.
			if writes && !web.SameOrigin(c.Request, c.Request.Host, h.PublicHost) {
				web.Fail(c, errOrigin)
			}
			return
		}
		s, err := h.session(c)
		switch {
		case err != nil:
			web.Fail(c, err)
		case h.rates.Over(s.Operator.ID.String()):
			web.Fail(c, errRate)
		case writes && !s.CheckCSRF(c.GetHeader(csrfHeader)):
			web.Fail(c, errCSRF)
		case r.Permission != Session && !s.Operator.Can(r.Permission):
			web.Fail(c, errPermission.With("permission", r.Permission))
		case r.Doc.Check(c.Request.URL.Query()) != nil:
			web.Fail(c, r.Doc.Check(c.Request.URL.Query()))
		default:
			h.rates.Hit(s.Operator.ID.String())
			c.Set(keySession, s)
			if err := h.confine(c, r); err != nil {
				web.Fail(c, err)
			}
		}
	}
}

func (h *Handler) session(c *gin.Context) (operator.Session, error) {
	key, ok := h.Cookies.Get(c, cookieName)
	if !ok {
		return operator.Session{}, errSession
	}
	if c.GetHeader(byItself) != "" {
		return h.Operators.Glance(c.Request.Context(), key)
	}
	return h.Operators.Session(c.Request.Context(), key)
}

// me of the guard: behind it a session is always there.
func current(c *gin.Context) operator.Session { return c.MustGet(keySession).(operator.Session) }

type loginInput struct {
	Login    string `json:"login"`
	Password string `json:"password"`
	Code     string `json:"code"` // where the second factor is on
}

func (h *Handler) login(c *gin.Context) {
	var in loginInput
	if err := web.Bind(c, &in); err != nil {
		web.Fail(c, err)
		return
	}
	from := web.ClientNetwork(c)
	if h.tries.Over(from) {
		web.Fail(c, errLogins)
		return
	}
	h.tries.Hit(from) // before the password is looked at: many at once count as many
	s, key, err := h.Operators.Login(c.Request.Context(), operator.Attempt{Login: in.Login, Password: in.Password, Code: in.Code, IP: web.ClientIP(c)})
	if err == nil {
		err = h.Audit.Record(c.Request.Context(), audit.Entry{ActorID: s.Operator.ID, Actor: s.Operator.Login, IP: s.IP,
			RequestID: web.RequestID(c), Action: "operator.login", Object: "operator", ObjectID: s.Operator.ID})
	}
	if err != nil {
		web.Fail(c, err)
		return
	}
	h.Cookies.Set(c, cookieName, key, s.ExpiresAt.Sub(s.CreatedAt))
	web.OK(c, h.describe(s))
}

func (h *Handler) logout(c *gin.Context) {
	if err := h.Operators.Logout(c.Request.Context(), current(c)); err != nil {
		web.Fail(c, err)
		return
	}
	h.Cookies.Clear(c, cookieName)
	web.OK(c, nil)
}

// about is what the panel needs to draw itself for one person.
type about struct {
	Operator    operator.Operator `json:"operator"`
	Permissions []string          `json:"permissions"`
	CSRF        string            `json:"csrf"`
	ExpiresAt   time.Time         `json:"expires_at"`
	IdleS       int64             `json:"idle_s"` // the session ends after so many seconds without a request
	// Under is how few people are not counted for him, and other numbers of people are
	// rounded; 0: he may open members' pages, and every number is exact.
	Under int64 `json:"under"`
}

func (h *Handler) describe(s operator.Session) about {
	can := operator.PermissionsOf(s.Operator.Roles)
	if s.Operator.Scoped() {
		open := h.openToConfined()
		can = slices.DeleteFunc(can, func(p string) bool { return !open[p] })
	}
	out := about{Operator: s.Operator, Permissions: can, CSRF: s.CSRF, ExpiresAt: s.ExpiresAt.Time(), IdleS: int64(h.Operators.Idle().Seconds())}
	if blinded(s.Operator) {
		out.Under = int64(h.FewPeople)
	}
	return out
}

// whoever answers null where nobody is logged in: the panel asks at its start, and a 401
// there would stand in the browser's console as an error.
func (h *Handler) whoever(c *gin.Context) (any, error) {
	s, err := h.session(c)
	if fault.KindOf(err) == fault.Unauthenticated {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return h.describe(s), nil
}

func (h *Handler) me(c *gin.Context) (any, error) { return h.describe(current(c)), nil }
