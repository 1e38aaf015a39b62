package leader

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"html/template"
	"io"
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/group"
	"siyu/model/id"
)

var (
	errManyGroups = fault.New(fault.Exhausted, "groups_full", "您当前等级可登记的社群数已满")
	errTemplates  = fault.New(fault.Forbidden, "group_template_level", "您当前等级还不能从模板建群")
	errSize       = fault.NewInvalid("community_size", "请填写群里现在的人数")
)

// community is one of a leader's own groups.
type community struct {
	ID        id.ID         `json:"id"`
	Kind      string        `json:"kind"`
	Name      string        `json:"name"`
	Province  string        `json:"province"`
	City      string        `json:"city"`
	Size      int           `json:"size"`
	SizeAt    clock.Instant `json:"size_at"`
	Capacity  int           `json:"capacity"`
	HasQR     bool          `json:"has_qr"`
	ExpiresAt clock.Instant `json:"qr_expires_at"` // null: never, or there is none
	State     string        `json:"state"`
	StateText string        `json:"state_text"`
	Reason    string        `json:"reason"`
}

func communityOf(c group.Community) community {
	v := community{ID: c.ID, Kind: c.Kind, Name: c.Name, Province: c.Province, City: c.City, Size: c.Size, SizeAt: c.SizeAt, Capacity: c.Capacity,
		HasQR: c.QR != "", State: c.State, Reason: c.Reason}
	if v.HasQR && c.QRExpiresAt < group.Forever {
		v.ExpiresAt = c.QRExpiresAt
	}
	v.StateText = map[string]string{group.Open: "可进群", group.Full: "已满，不再引流", group.Expired: "二维码已失效", group.Closed: "已停用"}[c.State]
	if c.State == group.Open && !v.HasQR || c.State == group.Expired && !v.HasQR {
		v.StateText = "还没有群二维码"
	}
	return v
}

// groupsView is all of a leader's groups, and what new ones may begin with.
type groupsView struct {
	List      []community `json:"list"`
	Limit     int         `json:"limit"` // 0: none
	People    int         `json:"people"`
	Of        int         `json:"of"`
	Advice    string      `json:"advice"`
	Templates []startKit  `json:"templates"`
	Codes     []liveCode  `json:"live_codes"`
	Alarms    []alarm     `json:"alarms"`
}

type startKit struct {
	ID      id.ID  `json:"id"`
	Name    string `json:"name"`
	Welcome string `json:"welcome"`
}

type liveCode struct {
	Name  string `json:"name"`
	URL   string `json:"url"`
	State string `json:"state"`
}

// reach is what the one who asks may touch.
func (at *seat) reach() group.By { return group.By{LeaderID: at.Leader.ID} }

func (h *Handler) groups(c *gin.Context, at *seat) (any, error) {
	ctx := c.Request.Context()
	list, err := h.Groups.List(ctx, group.Filter{BrandID: at.Brand.ID, LeaderID: at.Leader.ID, Limit: web.MaxLimit})
	if err != nil {
		return nil, err
	}
	v := groupsView{List: []community{}, Templates: []startKit{}, Codes: []liveCode{}}
	for _, g := range list {
		v.List = append(v.List, communityOf(g))
	}
	level, err := h.Leaders.LevelOf(ctx, at.Leader)
	if err != nil {
		return nil, err
	}
	v.Limit = level.Groups
	if level.Templates || level.Name == "" {
		kits, err := h.Groups.Templates(ctx, at.Brand.ID, 0, web.MaxLimit)
		if err != nil {
			return nil, err
		}
		for _, k := range kits {
			v.Templates = append(v.Templates, startKit{k.ID, k.Name, k.Welcome})
		}
	}
	codes, err := h.Groups.CodesOf(ctx, at.Leader.ID, 0, web.MaxLimit)
	if err != nil {
		return nil, err
	}
	for _, x := range codes {
		v.Codes = append(v.Codes, liveCode{x.Name, h.PublicURL + "/g/" + x.Token, x.State})
	}
	load, err := h.Groups.LoadOf(ctx, at.Leader.ID)
	if err != nil {
		return nil, err
	}
	v.People, v.Of, v.Advice = load.InGroups, load.Limit, load.Advice
	v.Alarms, err = h.alarms(ctx, at, 0)
	return v, err
}

// draft is what a leader says of a new group.
type draft struct {
	Name       string `json:"name"`
	Province   string `json:"province"`
	City       string `json:"city"`
	TemplateID id.ID  `json:"template_id"` // null: without
}

func (h *Handler) create(c *gin.Context, at *seat, in draft) (group.Community, error) {
	ctx := c.Request.Context()
	level, err := h.Leaders.LevelOf(ctx, at.Leader)
	if err != nil {
		return group.Community{}, err
	}
	if level.Name != "" {
		// Two registrations at once may pass the limit by one: it is a right, not money.
		list, err := h.Groups.List(ctx, group.Filter{BrandID: at.Brand.ID, LeaderID: at.Leader.ID, Limit: web.MaxLimit})
		if err != nil {
			return group.Community{}, err
		}
		running := 0
		for _, g := range list {
			if g.State != group.Closed {
				running++
			}
		}
		if running >= level.Groups {
			return group.Community{}, errManyGroups
		}
	}
	d := group.Draft{BrandID: at.Brand.ID, LeaderID: at.Leader.ID, Name: in.Name, OwnerName: at.Leader.Name, Province: in.Province, City: in.City}
	if in.TemplateID == 0 {
		return h.Groups.Create(ctx, at.reach(), d)
	}
	if level.Name != "" && !level.Templates {
		return group.Community{}, errTemplates
	}
	return h.Groups.Clone(ctx, at.reach(), in.TemplateID, d)
}

func (h *Handler) createForm(c *gin.Context, at *seat, get func(string) string) (string, error) {
	in := draft{Name: get("name"), Province: get("province"), City: get("city")}
	if t := get("template_id"); t != "" {
		templateID, err := id.Parse(t)
		if err != nil {
			return "", fault.NewInvalid("bad_field", "请重新选择模板")
		}
		in.TemplateID = templateID
	}
	g, err := h.create(c, at, in)
	return "/leader/groups/" + g.ID.String() + "?done=1", err
}

func (h *Handler) apiCreate(c *gin.Context, at *seat) (any, error) {
	var in draft
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	g, err := h.create(c, at, in)
	return communityOf(g), err
}

// groupView is one group with all that its leader looks after.
type groupView struct {
	community
	Picture template.URL `json:"-"` // its join code, drawn anew
	QR      string       `json:"qr"`
	Health  group.Health `json:"health"`
	Kit     kit          `json:"kit"`
	Alarms  []alarm      `json:"alarms"`
}

type kit struct {
	Welcome   string           `json:"welcome"`
	Materials []group.Material `json:"materials"`
	Tasks     []string         `json:"tasks"`
}

func (h *Handler) group(c *gin.Context, at *seat) (any, error) {
	ctx := c.Request.Context()
	groupID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	g, err := h.Groups.Get(ctx, at.reach(), groupID)
	if err != nil {
		return nil, err
	}
	v := groupView{community: communityOf(g), QR: g.QR}
	if v.Health, err = h.Groups.Health(ctx, at.reach(), groupID); err != nil {
		return nil, err
	}
	k, err := h.Groups.Kit(ctx, at.reach(), groupID)
	if err != nil {
		return nil, err
	}
	v.Kit = kit{k.Welcome, k.Materials, k.Tasks}
	if g.QR != "" && !isAPI(c) {
		png, err := group.Draw(g.QR, 6)
		if err != nil {
			return nil, err
		}
		v.Picture = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png))
	}
	v.Alarms, err = h.alarms(ctx, at, groupID)
	return v, err
}

// changed answers a change of a group with the group.
func (h *Handler) changed(c *gin.Context, at *seat, do func(groupID id.ID) error) (any, error) {
	groupID, err := web.ParamID(c, "id")
	if err == nil {
		err = do(groupID)
	}
	if err != nil {
		return nil, err
	}
	return h.group(c, at)
}

// changedForm does the same for a form.
func (h *Handler) changedForm(c *gin.Context, do func(groupID id.ID) error) (string, error) {
	groupID, err := web.ParamID(c, "id")
	if err == nil {
		err = do(groupID)
	}
	return "/leader/groups/" + groupID.String() + "?done=1", err
}

func (h *Handler) resize(c *gin.Context, at *seat, size int) func(id.ID) error {
	return func(groupID id.ID) error {
		_, err := h.Groups.ReportSize(c.Request.Context(), at.reach(), groupID, size)
		return err
	}
}

func (h *Handler) sizeForm(c *gin.Context, at *seat, get func(string) string) (string, error) {
	n, err := strconv.Atoi(get("size"))
	if err != nil {
		return "", errSize
	}
	return h.changedForm(c, h.resize(c, at, n))
}

func (h *Handler) apiSize(c *gin.Context, at *seat) (any, error) {
	var in struct {
		Size *int `json:"size"`
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	if in.Size == nil {
		return nil, errSize
	}
	return h.changed(c, at, h.resize(c, at, *in.Size))
}

func (h *Handler) putQR(c *gin.Context, at *seat, text string) func(id.ID) error {
	return func(groupID id.ID) error {
		_, err := h.Groups.PutQR(c.Request.Context(), at.reach(), groupID, group.Join{Text: text})
		return err
	}
}

// apiQR takes the text: the mini program reads the picture itself (wx.scanCode).
func (h *Handler) apiQR(c *gin.Context, at *seat) (any, error) {
	var in struct {
		Text string `json:"text"`
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	return h.changed(c, at, h.putQR(c, at, in.Text))
}

// upload is form for one that brings a picture. The picture's digest is part of what makes
// the form once.
func (h *Handler) upload(name, title string, back act, do formAct) gin.HandlerFunc {
	posted := h.form(name, title, back, do)
	return func(c *gin.Context) {
		web.LimitBody(group.MaxPicture + 64<<10)(c)
		err := c.Request.ParseMultipartForm(group.MaxPicture + 64<<10)
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			h.show(c, name, title, back, fault.Invalidf("qr_picture", "图片太大，最多 %d MB", group.MaxPicture>>20), nil)
			return
		case err != nil:
			h.fail(c, fault.NewInvalid("bad_body", "内容没有传完整").Because(err))
			return
		}
		if f, _, err := c.Request.FormFile("picture"); err == nil {
			sum := sha256.New()
			_, err = io.Copy(sum, f)
			if err = errors.Join(err, f.Close()); err != nil {
				h.fail(c, err)
				return
			}
			c.Request.PostForm.Set("picture_sha256", hex.EncodeToString(sum.Sum(nil)))
		}
		posted(c)
	}
}

func (h *Handler) qrForm(c *gin.Context, at *seat, _ func(string) string) (string, error) {
	ctx := c.Request.Context()
	groupID, err := web.ParamID(c, "id")
	if err != nil {
		return "", err
	}
	g, err := h.Groups.Get(ctx, at.reach(), groupID)
	if err != nil {
		return "", err
	}
	f, _, err := c.Request.FormFile("picture")
	if err != nil {
		return "", fault.NewInvalid("qr_picture", "请选择群二维码图片")
	}
	defer f.Close()
	picture, err := io.ReadAll(f)
	if err != nil {
		return "", err
	}
	text, err := h.Groups.ReadPicture(ctx, g.Kind, picture)
	if err != nil {
		return "", err
	}
	return h.changedForm(c, h.putQR(c, at, text))
}

func (h *Handler) stop(c *gin.Context, at *seat, why string) func(id.ID) error {
	return func(groupID id.ID) error {
		_, err := h.Groups.Close(c.Request.Context(), at.reach(), groupID, why)
		return err
	}
}

func (h *Handler) closeForm(c *gin.Context, at *seat, get func(string) string) (string, error) {
	return h.changedForm(c, h.stop(c, at, get("reason")))
}

func (h *Handler) apiClose(c *gin.Context, at *seat) (any, error) {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	return h.changed(c, at, h.stop(c, at, in.Reason))
}

func (h *Handler) reopen(c *gin.Context, at *seat) func(id.ID) error {
	return func(groupID id.ID) error {
		_, err := h.Groups.Reopen(c.Request.Context(), at.reach(), groupID)
		return err
	}
}

func (h *Handler) reopenForm(c *gin.Context, at *seat, _ func(string) string) (string, error) {
	return h.changedForm(c, h.reopen(c, at))
}

func (h *Handler) apiReopen(c *gin.Context, at *seat) (any, error) {
	return h.changed(c, at, h.reopen(c, at))
}
