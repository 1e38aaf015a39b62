package admin

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/profile"
)

// profileRoutes: what members said of themselves.
func (h *Handler) profileRoutes() []web.Route {
	return []web.Route{
		at(get, "/members/:id/profile", operator.ProfileRead, "会员档案：字段、来源、冲突、来源渠道、关系深度", web.Answer(h.getProfile)).Gives(profile.Profile{}),
		at(put, "/members/:id/profile", operator.ProfileWrite, "按本人要求更正档案", h.correctProfile()).Takes(profileInput{}).Gives(profile.Given{}),
		at(get, "/members/:id/profile/history", operator.ProfileRead, "档案的全部记录", web.Answer(h.profileHistory)).Asks("field?", "limit?").Gives([]profile.Value{}),
		at(get, "/profile-fields", operator.ProfileRead, "档案字段", web.Answer(h.profileFields)).Gives([]profile.Field{}),
		at(put, "/profile-fields", operator.ProfileWrite, "新增或修改档案字段", h.write("profile_field.save", ok, h.saveProfileField, by(fieldNamed))).Takes(fieldInput{}).Gives(profile.Field{}),
	}
}

func (h *Handler) getProfile(c *gin.Context) (any, error) { return one(c, h.Profiles.Of) }

const keyValues = "admin.profile_values"

// correction is what the audit sees of a correction: which fields, not what they hold,
// because it outlives the person's erasure. The keyed digest makes the same input the
// same for an Idempotency-Key.
type correction struct {
	Fields []string `json:"fields"`
	Reason string   `json:"reason"`
	Digest string   `json:"digest"`
}

type profileInput struct {
	Values map[string]string `json:"values"`
	Reason string            `json:"reason"`
}

// correctProfile keeps the values themselves out of the body that is audited.
func (h *Handler) correctProfile() gin.HandlerFunc {
	correct := h.write("profile.correct", ok, func(c *gin.Context, e *audit.Entry) (any, error) {
		memberID, err := web.ParamID(c, "id")
		if err != nil {
			return nil, err
		}
		g, err := h.Profiles.Put(c.Request.Context(), profile.Answer{MemberID: memberID, Values: c.MustGet(keyValues).(map[string]string),
			Source: profile.Operator, By: e.ActorID, Reason: e.Reason})
		e.ObjectID, e.After = memberID, g
		return g, err
	})
	return func(c *gin.Context) {
		var in profileInput
		if err := web.Bind(c, &in); err != nil {
			web.Fail(c, err)
			return
		}
		text, err := json.Marshal(in.Values) // sorted by name
		if err != nil {
			web.Fail(c, err)
			return
		}
		body, err := json.Marshal(correction{slices.Sorted(maps.Keys(in.Values)), in.Reason, h.Cookies.Signer.Digest("profile", string(text))})
		if err != nil {
			web.Fail(c, err)
			return
		}
		c.Set(keyValues, in.Values)
		web.Reset(c, body)
		correct(c)
	}
}

func (h *Handler) profileHistory(c *gin.Context) (any, error) {
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	limit, err := web.Limit(c)
	if err != nil {
		return nil, err
	}
	return h.Profiles.History(c.Request.Context(), memberID, c.Query("field"), limit)
}

func (h *Handler) profileFields(c *gin.Context) (any, error) {
	return h.Profiles.Fields(c.Request.Context())
}

type fieldInput struct {
	Name     string   `json:"name"`
	BrandID  id.ID    `json:"brand_id"`
	Title    string   `json:"title"`
	Kind     string   `json:"kind"`
	Choices  []string `json:"choices"`
	Purpose  string   `json:"purpose"`
	Question string   `json:"question"`
	Why      string   `json:"why"`
	Points   int64    `json:"points"`
	PlaceNo  int      `json:"place_no"`
	Active   bool     `json:"active"`
}

func fieldNamed(_ *gin.Context, in fieldInput) (thing, error) {
	return thing{which: map[string]any{"name": in.Name}}, nil
}

func (h *Handler) saveProfileField(c *gin.Context, e *audit.Entry) (any, error) {
	var in fieldInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	all, err := h.Profiles.Fields(c.Request.Context())
	if err != nil {
		return nil, err
	}
	for _, old := range all {
		if old.Name == in.Name {
			e.Before = old
		}
	}
	f, err := h.Profiles.PutField(c.Request.Context(), profile.Field{Name: in.Name, BrandID: in.BrandID, Title: in.Title, Kind: in.Kind, Choices: in.Choices,
		Purpose: in.Purpose, Question: in.Question, Why: in.Why, Points: in.Points, PlaceNo: in.PlaceNo, Active: in.Active})
	e.After = f
	return f, err
}
