package admin

import (
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/reach"
)

// reachRoutes: who may be reached now, by which channel, and why not.
func (h *Handler) reachRoutes() []web.Route {
	return []web.Route{
		at(get, "/reach", operator.ReachRead, "可达性：品牌的人里，各渠道现在能触达多少，其余为什么不能", web.Answer(h.reachSummary)).
			Asks("brand_id", "purpose?:marketing|service").Gives(reach.Summary{}),
		at(get, "/reach/ways", operator.ReachRead, "触达渠道：今日用量、授权余量、是否暂停", web.Answer(h.reachWays)).Asks("brand_id").Gives([]reach.Way{}),
		at(post, "/reach/ways/resume", operator.ReachWrite, "提前恢复被微信暂停的渠道", h.write("reach.resume", ok, h.resumeReach)).Takes(resumeInput{}).Gives([]reach.Way{}),
		at(get, "/reach/words", Session, "不可达的原因一览", web.Answer(func(*gin.Context) (any, error) { return reach.Words(), nil })).Gives([]reach.Word{}),
		at(get, "/reach/policy", operator.ReachRead, "频控与渠道数值", web.Answer(h.reachPolicy)).Asks("brand_id").Gives(reach.Policy{}),
		at(put, "/reach/policy", operator.ReachWrite, "修改频控与渠道数值(新版本，立即生效)", h.write("reach_policy.save", ok, h.saveReachPolicy, by(reachPolicyNamed))).Takes(reachPolicyInput{}).Gives(reach.Policy{}),
		at(get, "/reach/policies", operator.ReachRead, "频控与渠道数值的历次版本", web.Answer(h.reachPolicies)).Asks("brand_id", "below?").Gives([]reach.Policy{}),
		at(get, "/reach/holidays", operator.ReachRead, "假日日历：这些天不发营销消息", web.Answer(h.reachHolidays)).Asks("brand_id", "year?").Gives(freeDays{}),
		at(put, "/reach/holidays", operator.ReachWrite, "修改一年的假日日历", h.write("reach_holiday.set", ok, h.setReachHolidays, by(holidaysNamed))).Takes(freeDaysInput{}).Gives(freeDays{}),
		at(get, "/reach/optouts", operator.ReachRead, "退订与恢复：按天、按内容渠道和来源、按触达", web.Answer(h.reachOptOuts)).Asks("brand_id", "days?").Gives(reach.OptOuts{}),
		at(get, "/reach/people/:id", operator.ReachRead, "一个会员现在能否触达，逐个渠道的原因、窗口、授权、最近消息和偏好", web.Answer(h.reachPerson)).
			Asks("brand_id", "purpose?:marketing|service").Gives(reach.Person{}),
		at(put, "/reach/people/:id/wishes", operator.ReachWrite, "按会员本人要求登记退订或恢复", h.write("reach_wish.put", ok, h.putReachWish)).Takes(wishInput{}).Gives([]reach.Wish{}),
	}
}

// reachBrand is the brand that a question is about; it exists.
func (h *Handler) reachBrand(c *gin.Context) (id.ID, error) {
	brandID, err := ofHome(c)
	if err == nil {
		_, err = h.Brands.Get(c.Request.Context(), brandID)
	}
	return brandID, err
}

func purposeOf(c *gin.Context) string {
	if p := c.Query("purpose"); p != "" {
		return p
	}
	return reach.Marketing
}

func (h *Handler) reachSummary(c *gin.Context) (any, error) {
	brandID, err := h.reachBrand(c)
	if err != nil {
		return nil, err
	}
	s, err := h.Reach.Summary(c.Request.Context(), brandID, purposeOf(c))
	return h.veil(c).summary(s), err
}

func (h *Handler) reachWays(c *gin.Context) (any, error) {
	brandID, err := h.reachBrand(c)
	if err != nil {
		return nil, err
	}
	list, err := h.Reach.Ways(c.Request.Context(), brandID)
	return h.veil(c).ways(brandID, list), err
}

type resumeInput struct {
	BrandID   id.ID  `json:"brand_id"`
	AccountID id.ID  `json:"account_id"` // none for text messages
	Channel   string `json:"channel"`
	Reason    string `json:"reason"` // what was put right
}

func (h *Handler) resumeReach(c *gin.Context, e *audit.Entry) (any, error) {
	var in resumeInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	if err := h.brandThere(ctx, in.BrandID); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Reason) == "" {
		return nil, fault.NewInvalid("reason_missing", "请填写原因：已经处理了什么").With("field", "reason")
	}
	account := in.AccountID
	if in.Channel == reach.SMS {
		account = in.BrandID
	} else if a, err := h.Brands.Account(ctx, in.AccountID); err != nil {
		return nil, err
	} else if a.BrandID != in.BrandID {
		return nil, errUnseen
	}
	before, err := h.Reach.Ways(ctx, in.BrandID)
	if err != nil {
		return nil, err
	}
	if err := h.Reach.Resume(ctx, account, in.Channel); err != nil {
		return nil, err
	}
	after, err := h.Reach.Ways(ctx, in.BrandID)
	e.ObjectID, e.Before, e.After = account, stoppedOf(before, in), stoppedOf(after, in)
	return h.veil(c).ways(in.BrandID, after), err
}

// stoppedOf is the way that a request is about, for the audit.
func stoppedOf(ways []reach.Way, in resumeInput) any {
	for _, w := range ways {
		if w.Channel == in.Channel && w.AccountID == in.AccountID {
			return map[string]any{"channel": w.Channel, "stopped_until": w.StoppedUntil, "stop_code": w.StopCode}
		}
	}
	return nil
}

func (h *Handler) reachPolicy(c *gin.Context) (any, error) {
	brandID, err := h.reachBrand(c)
	if err != nil {
		return nil, err
	}
	return h.Reach.Policy(c.Request.Context(), brandID)
}

// reachPolicyInput is a policy with its version as it was seen, and why it changes.
type reachPolicyInput struct {
	reach.Policy
	Reason string `json:"reason"`
}

func reachPolicyNamed(_ *gin.Context, in reachPolicyInput) (thing, error) {
	return thing{id: in.BrandID}, nil
}

func (h *Handler) saveReachPolicy(c *gin.Context, e *audit.Entry) (any, error) {
	var in reachPolicyInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	if err := h.brandThere(ctx, in.BrandID); err != nil {
		return nil, err
	}
	before, err := h.Reach.Policy(ctx, in.BrandID)
	if err != nil {
		return nil, err
	}
	after, err := h.Reach.SavePolicy(ctx, in.Policy, e.ActorID)
	e.ObjectID, e.Before, e.After = in.BrandID, before, after
	return after, err
}

func (h *Handler) reachPolicies(c *gin.Context) (any, error) {
	brandID, err := h.reachBrand(c)
	if err != nil {
		return nil, err
	}
	below, err := queryNumber(c, "below")
	if err != nil {
		return nil, err
	}
	return h.Reach.Policies(c.Request.Context(), brandID, int(below), 50)
}

// freeDays are a brand's days without offers in one year.
type freeDays struct {
	Year int             `json:"year"`
	Days []reach.FreeDay `json:"days"`
}

type freeDaysInput struct {
	BrandID id.ID           `json:"brand_id"`
	Year    int             `json:"year"`
	Days    []reach.FreeDay `json:"days"` // all of them
	Reason  string          `json:"reason"`
}

func (h *Handler) reachHolidays(c *gin.Context) (any, error) {
	brandID, err := h.reachBrand(c)
	if err != nil {
		return nil, err
	}
	year, err := queryNumber(c, "year")
	if err != nil {
		return nil, err
	}
	if year == 0 {
		year = int64(clock.DayOf(h.Clock.Now())) / 10_000
	}
	days, err := h.Reach.Holidays(c.Request.Context(), brandID, int(year))
	return freeDays{int(year), days}, err
}

// holidaysNamed are the days of one year, which are changed together.
func holidaysNamed(_ *gin.Context, in freeDaysInput) (thing, error) {
	return thing{in.BrandID, map[string]any{"year": in.Year}}, nil
}

func (h *Handler) setReachHolidays(c *gin.Context, e *audit.Entry) (any, error) {
	var in freeDaysInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	if err := h.brandThere(ctx, in.BrandID); err != nil {
		return nil, err
	}
	before, err := h.Reach.Holidays(ctx, in.BrandID, in.Year)
	if err != nil {
		return nil, err
	}
	after, err := h.Reach.SetHolidays(ctx, in.BrandID, in.Year, in.Days, e.ActorID)
	e.ObjectID, e.Before, e.After = in.BrandID, freeDays{in.Year, before}, freeDays{in.Year, after}
	return freeDays{in.Year, after}, err
}

func (h *Handler) reachPerson(c *gin.Context) (any, error) {
	brandID, err := h.reachBrand(c)
	if err != nil {
		return nil, err
	}
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if blind(c) {
		return nil, errHidden
	}
	return h.Reach.Person(c.Request.Context(), brandID, purposeOf(c), memberID)
}

// reachOptOuts counts who refused messages lately.
func (h *Handler) reachOptOuts(c *gin.Context) (any, error) {
	brandID, err := h.reachBrand(c)
	if err != nil {
		return nil, err
	}
	days, err := queryNumber(c, "days")
	if err != nil {
		return nil, err
	}
	ctx := c.Request.Context()
	out, err := h.Reach.OptOuts(ctx, brandID, int(days))
	for i := range out.Pushes {
		p, err := h.Pushes.Get(ctx, out.Pushes[i].PushID)
		if err != nil {
			return nil, err
		}
		out.Pushes[i].Name = p.Name
	}
	return h.veil(c).optOuts(brandID, out), err
}

// wishInput is what a member told an operator.
type wishInput struct {
	BrandID id.ID  `json:"brand_id"` // none: of all brands
	Topic   string `json:"topic"`    // "": all offers
	Channel string `json:"channel"`  // "": all channels
	Refused bool   `json:"refused"`
	Reason  string `json:"reason"` // how he told
}

func (h *Handler) putReachWish(c *gin.Context, e *audit.Entry) (any, error) {
	var in wishInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	memberID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Reason) == "" {
		return nil, fault.NewInvalid("reason_missing", "请写明会员是怎样提出的").With("field", "reason")
	}
	ctx := c.Request.Context()
	before, err := h.Reach.Preferences(ctx, in.BrandID, memberID)
	if err != nil {
		return nil, err
	}
	w := reach.Wish{MemberID: memberID, BrandID: in.BrandID, Topic: in.Topic, Channel: in.Channel, Source: "operator", ByID: e.ActorID}
	say := h.Reach.OptIn
	if in.Refused {
		say = h.Reach.OptOut
	}
	if err := say(ctx, w); err != nil {
		return nil, err
	}
	after, err := h.Reach.Preferences(ctx, in.BrandID, memberID)
	e.ObjectID, e.Before, e.After = memberID, before, after
	return after, err
}
