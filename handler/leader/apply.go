package leader

import (
	"context"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/leader"
)

var (
	errNotTicked = fault.NewInvalid("leader_not_agreed", "请先阅读并勾选同意《群主协议》")
	errNotSure   = fault.NewInvalid("leader_not_sure", "请先勾选“我已了解退出的后果”")
)

// standing is where somebody stands in the programme, and what it is.
type standing struct {
	State     string            `json:"state"` // "" never applied, else of model/leader
	Title     string            `json:"title"`
	Text      string            `json:"text"`
	Role      string            `json:"role"`
	Name      string            `json:"name"`
	CanApply  bool              `json:"can_apply"`
	CanSign   bool              `json:"can_sign"`
	CanLeave  bool              `json:"can_leave"`
	Invited   bool              `json:"invited"`
	Questions []leader.Question `json:"questions"`
	Agreement *agreement        `json:"agreement"` // that counts now; null: none
	Brand     string            `json:"brand"`
	Others    []elsewhere       `json:"others"` // brands he leads at besides; ask with ?brand=
}

type agreement struct {
	Version int           `json:"version"`
	Text    string        `json:"text"`
	SHA256  string        `json:"sha256"`
	At      clock.Instant `json:"published_at"`
}

func (h *Handler) standing(c *gin.Context, at *seat) (any, error) {
	ctx := c.Request.Context()
	p, err := h.Leaders.Programme(ctx, at.Brand.ID)
	if err != nil {
		return nil, err
	}
	v := standing{Others: at.Others, Questions: p.Questions, Brand: at.Brand.Name, Role: at.Leader.Role, Name: at.Leader.Name, State: at.Leader.State}
	invitations, err := h.Leaders.Invitations(ctx, at.Member)
	if err != nil {
		return nil, err
	}
	for _, i := range invitations {
		v.Invited = v.Invited || i.BrandID == at.Brand.ID
	}
	a, err := h.Leaders.Agreement(ctx, at.Brand.ID)
	switch {
	case err == nil:
		v.Agreement = &agreement{a.Version, a.Text, a.SHA256, a.CreatedAt}
	case fault.Of(err).Code != "leader_agreement_missing":
		return nil, err
	}
	v.say(at.Leader, p, h.Clock.Now())
	if v.State == leader.Active && v.Agreement != nil {
		signed, err := h.Leaders.Signed(ctx, at.Leader)
		if err != nil {
			return nil, err
		}
		if v.CanSign = !signed; v.CanSign {
			v.Title, v.Text = "协议有更新", "请阅读并签署新版协议。签署之前，新的收益会先保留，暂不结算。"
		}
	}
	return v, nil
}

// say puts the state into words.
func (v *standing) say(l leader.Leader, p leader.Programme, now clock.Instant) {
	open := (p.Version > 0 && p.Open || v.Invited) && v.Agreement != nil
	wait := l.MayApplyAt > now
	switch l.State {
	case leader.Applied:
		v.Title, v.Text, v.CanLeave = "申请审核中", "我们会尽快审核，结果会通知您，也会显示在本页。", true
	case leader.Approved:
		v.Title, v.Text, v.CanSign, v.CanLeave = "申请已通过", "阅读并签署协议后，就可以开始。", v.Agreement != nil, true
	case leader.Active:
		v.Title, v.Text, v.CanLeave = "您的资格有效", "可以从工作台开始。", l.Role == leader.RoleLeader
	case leader.Suspended:
		v.Title, v.Text, v.CanLeave = "资格已暂停", reason(l)+"暂停期间不能邀请新客户，已有收益仍可查看和提现。", l.Role == leader.RoleLeader
	case leader.Refused:
		v.Title, v.Text, v.CanApply = "申请没有通过", reason(l), open && !wait
	case leader.Left:
		v.Title, v.Text, v.CanApply = "您已退出", "已有收益仍可查看和提现。", open && !wait
	default:
		v.CanApply = open
		if v.Title = "还没有开放招募"; !open {
			v.Text = v.Brand + "目前没有招募群主。"
			return
		}
		v.Title, v.Text = "成为"+v.Brand+"群主", "把喜欢这个品牌的人聚在一起，为他们服务。"
	}
	switch {
	case (l.State == leader.Refused || l.State == leader.Left) && wait:
		v.Text += "可以在 " + l.MayApplyAt.Local() + " 之后再次申请。"
	case v.CanApply && l.State != "":
		v.Text += "现在可以再次申请。"
	}
	if v.CanApply && v.Invited {
		v.Title, v.Text = v.Brand+"邀请您成为群主", "您可以先看看要做什么，再决定是否申请。不申请、谢绝都没有任何影响。"
	}
}

func reason(l leader.Leader) string {
	if l.Reason == "" {
		return ""
	}
	return "原因：" + l.Reason + "。"
}

// application is what applying says.
type application struct {
	leader.Answers
	Agree   bool `json:"agree"`
	Version int  `json:"version"` // of the agreement that was read
}

func (h *Handler) apply(c *gin.Context, at *seat, in application) error {
	if !in.Agree || in.Version == 0 {
		return errNotTicked
	}
	_, err := h.Leaders.Apply(c.Request.Context(), leader.Application{BrandID: at.Brand.ID, MemberID: at.Member, Answers: in.Answers,
		AgreedVersion: in.Version, IPHash: h.ipHash(c)})
	return err
}

// ipHash is evidence of a signature; nobody without the key can try out addresses.
func (h *Handler) ipHash(c *gin.Context) string {
	return h.Sessions.Cookies.Signer.Digest("consent ip", web.ClientIP(c))
}

func (h *Handler) applyForm(c *gin.Context, at *seat, get func(string) string) (string, error) {
	in := application{Answers: leader.Answers{Name: get("name"), Region: get("region"), Community: get("community"), Phone: get("phone")},
		Agree: get("agree") == "1", Version: number(get("version"))}
	return "/leader/apply?done=1", h.apply(c, at, in)
}

func (h *Handler) apiApply(c *gin.Context, at *seat) (any, error) {
	var in application
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	return h.after(c, at, h.apply(c, at, in))
}

func (h *Handler) sign(ctx context.Context, at *seat, agree bool, version int, ipHash string) error {
	if !agree || version == 0 {
		return errNotTicked
	}
	_, err := h.Leaders.Sign(ctx, at.Brand.ID, at.Member, version, ipHash)
	return err
}

func (h *Handler) signForm(c *gin.Context, at *seat, get func(string) string) (string, error) {
	return "/leader/apply?done=1", h.sign(c.Request.Context(), at, get("agree") == "1", number(get("version")), h.ipHash(c))
}

func (h *Handler) apiSign(c *gin.Context, at *seat) (any, error) {
	var in struct {
		Agree   bool `json:"agree"`
		Version int  `json:"version"`
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	return h.after(c, at, h.sign(c.Request.Context(), at, in.Agree, in.Version, h.ipHash(c)))
}

func (h *Handler) leave(ctx context.Context, at *seat, sure bool) error {
	if !sure {
		return errNotSure
	}
	_, err := h.Leaders.Leave(ctx, at.Brand.ID, at.Member)
	return err
}

func (h *Handler) leaveForm(c *gin.Context, at *seat, get func(string) string) (string, error) {
	return "/leader/apply?done=1", h.leave(c.Request.Context(), at, get("sure") == "1")
}

func (h *Handler) apiLeave(c *gin.Context, at *seat) (any, error) {
	var in struct {
		Sure bool `json:"sure"`
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	return h.after(c, at, h.leave(c.Request.Context(), at, in.Sure))
}

func (h *Handler) declineForm(c *gin.Context, at *seat, _ func(string) string) (string, error) {
	return "/leader/apply?done=1", h.Leaders.Decline(c.Request.Context(), at.Brand.ID, at.Member)
}

func (h *Handler) apiDecline(c *gin.Context, at *seat) (any, error) {
	return h.after(c, at, h.Leaders.Decline(c.Request.Context(), at.Brand.ID, at.Member))
}

// after is how somebody stands after what he just did.
func (h *Handler) after(c *gin.Context, at *seat, err error) (any, error) {
	if err == nil {
		at.Leader, at.Has, err = h.Leaders.Of(c.Request.Context(), at.Brand.ID, at.Member)
	}
	if err != nil {
		return nil, err
	}
	return h.standing(c, at)
}
