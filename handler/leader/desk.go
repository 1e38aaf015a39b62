package leader

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/clock"
	"siyu/model/commission"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/invite"
	"siyu/model/leader"
	"siyu/model/money"
	"siyu/model/poster"
)

// home is the first page of the desk.
type home struct {
	Name      string           `json:"name"`
	Role      string           `json:"role"`
	Level     string           `json:"level"` // "" the programme has none
	NextLevel string           `json:"next_level"`
	Progress  leader.Evidences `json:"progress"`
	Agreement int              `json:"agreement"` // version yet to be signed; 0: none
	Today     commission.Sum   `json:"today"`
	Cycle     string           `json:"cycle"`
	InCycle   commission.Sum   `json:"in_cycle"`
	Frozen    commission.Sum   `json:"frozen"` // with what a case holds
	Waiting   commission.Sum   `json:"waiting"`
	FreeFen   money.Fen        `json:"free_fen"`
	PaidFen   money.Fen        `json:"paid_fen"`
	People    leader.People    `json:"people"`
	Activity  leader.Activity  `json:"activity"`
	Capacity  leader.Capacity  `json:"capacity"`
	Crowd     leader.Crowd     `json:"crowd"`
	Rank      leader.Rank      `json:"rank"`
	Tasks     []task           `json:"tasks"`
	Alarms    []alarm          `json:"alarms"`
}

// Percent of what one person can look after.
func (v home) Percent() int64 {
	if v.Capacity.Of == 0 {
		return 0
	}
	return min(100, v.Capacity.People*100/v.Capacity.Of)
}

func (h *Handler) home(c *gin.Context, at *seat) (any, error) {
	ctx := c.Request.Context()
	x, err := h.Leaders.Home(ctx, at.Leader)
	if err != nil {
		return nil, err
	}
	v := home{Name: at.Leader.Name, Role: at.Leader.Role, Level: x.Level.Name, NextLevel: x.NextLevel, Progress: x.Progress, Agreement: x.Agreement,
		People: x.People, Activity: x.Activity, Capacity: x.Capacity, Crowd: x.Crowd, Rank: x.Rank, Tasks: []task{}}
	sum, err := h.Commission.Summary(ctx, at.Brand.ID, at.Member)
	if err != nil {
		return nil, err
	}
	v.Today, v.Cycle, v.InCycle, v.Frozen, v.Waiting = sum.Today, sum.Cycle.Text(), sum.InCycle, sum.Frozen, sum.Released
	v.Frozen.Fen, v.Frozen.Points = v.Frozen.Fen+sum.Held.Fen, v.Frozen.Points+sum.Held.Points
	a, err := h.Accounts.Of(ctx, at.Brand.ID, at.Member)
	if err != nil {
		return nil, err
	}
	v.FreeFen, v.PaidFen = a.FreeFen(), a.PaidFen
	for _, t := range x.Tasks {
		if t.DoneAt == 0 {
			v.Tasks = append(v.Tasks, taskOf(t))
		}
	}
	v.Alarms, err = h.alarms(ctx, at, 0)
	return v, err
}

// task is one as its leader sees it.
type task struct {
	ID         id.ID         `json:"id"`
	Title      string        `json:"title"`
	Text       string        `json:"text"`
	Due        string        `json:"due"` // 2026-11-30, the last day; "" none
	Overdue    bool          `json:"overdue"`
	LinkURL    string        `json:"link_url"`
	MaterialID id.ID         `json:"material_id"`
	DoneAt     clock.Instant `json:"done_at"`
	Note       string        `json:"note"`
}

func taskOf(t leader.Todo) task {
	v := task{ID: t.ID, Title: t.Title, Text: t.Text, Overdue: t.Overdue, LinkURL: t.LinkURL, MaterialID: t.MaterialID, DoneAt: t.DoneAt, Note: t.Note}
	if t.DueDay != 0 {
		v.Due = t.DueDay.Text()
	}
	return v
}

func (h *Handler) tasks(c *gin.Context, at *seat) (any, error) {
	list, err := h.Leaders.Tasks(c.Request.Context(), at.Leader)
	if err != nil {
		return nil, err
	}
	out := make([]task, 0, len(list))
	for _, done := range []bool{false, true} { // what is open comes first
		for _, t := range list {
			if (t.DoneAt != 0) == done {
				out = append(out, taskOf(t))
			}
		}
	}
	return out, nil
}

func (h *Handler) done(c *gin.Context, at *seat, note string) (leader.Todo, error) {
	taskID, err := web.ParamID(c, "id")
	if err != nil {
		return leader.Todo{}, err
	}
	return h.Leaders.Done(c.Request.Context(), at.Leader, taskID, note)
}

func (h *Handler) doneForm(c *gin.Context, at *seat, get func(string) string) (string, error) {
	_, err := h.done(c, at, get("note"))
	return "/leader/tasks?done=1", err
}

func (h *Handler) apiDone(c *gin.Context, at *seat) (any, error) {
	var in struct {
		Note string `json:"note"`
	}
	if err := web.BindLoose(c, &in); err != nil {
		return nil, err
	}
	t, err := h.done(c, at, in.Note)
	return taskOf(t), err
}

// material is one without who wrote it.
type material struct {
	ID         id.ID  `json:"id"`
	Kind       string `json:"kind"`
	Title      string `json:"title"`
	Text       string `json:"text"`
	PictureURL string `json:"picture_url"`
}

func (h *Handler) materials(c *gin.Context, at *seat) (any, error) {
	list, err := h.Leaders.Materials(c.Request.Context(), at.Leader)
	out := make([]material, 0, len(list))
	for _, m := range list {
		out = append(out, material{m.ID, m.Kind, m.Title, m.Text, m.PictureURL})
	}
	return out, err
}

// invitation is a leader's own link and poster.
type invitation struct {
	URL    string `json:"url"`
	Poster string `json:"poster_url"`
	Name   string `json:"name"`
	Role   string `json:"role"`
	Open   bool   `json:"open"`
	Count  int64  `json:"count"` // people whom he brought and who still are his
	// Carries is the code on the poster.
	Carries *invite.Carried `json:"carries"`
}

func (h *Handler) invitation(c *gin.Context, at *seat) (any, error) {
	if h.HeldBy != nil { // his own phone is known before it registers others
		if err := h.HeldBy(c.Request.Context(), at.Member, h.Sessions.Device(c)); err != nil {
			return nil, err
		}
	}
	own, err := h.Invites.Offer(c.Request.Context(), at.Brand.ID, at.Member)
	return invitation{own.Link, "/leader/poster.png" + at.Q, own.Me.Name, own.Me.Role, own.Open, own.Brought.People, own.Carries}, err
}

// posterPicture is GET /leader/poster.png. A poster that did not change is not sent again.
func (h *Handler) posterPicture(c *gin.Context) {
	at := seatOf(c)
	img, err := h.Invites.Poster(c.Request.Context(), at.Brand.ID, at.Member, poster.PNG)
	if err != nil {
		h.fail(c, err)
		return
	}
	tag := `"` + img.Tag + `"`
	c.Header("Cache-Control", "private, no-cache")
	c.Header("ETag", tag)
	if c.GetHeader("If-None-Match") == tag {
		c.Status(http.StatusNotModified)
		return
	}
	c.Data(http.StatusOK, img.Kind, img.Body)
}

// alarm is something a leader should do for one of his groups.
type alarm struct {
	ID      id.ID         `json:"id"`
	GroupID id.ID         `json:"group_id"`
	Kind    string        `json:"kind"`
	Text    string        `json:"text"`
	At      clock.Instant `json:"at"`
}

// alarms lists what is open, of one community or (0) of all of a leader.
func (h *Handler) alarms(ctx context.Context, at *seat, communityID id.ID) ([]alarm, error) {
	list, err := h.Groups.Alarms(ctx, group.AlarmFilter{BrandID: at.Brand.ID, LeaderID: at.Leader.ID, CommunityID: communityID, State: group.AlarmOpen, Limit: 20})
	out := make([]alarm, 0, len(list))
	for _, a := range list {
		out = append(out, alarm{a.ID, a.CommunityID, a.Kind, a.Text, a.CreatedAt})
	}
	return out, err
}
