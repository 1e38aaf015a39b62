package openapi

import (
	"encoding/json"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/fault"
	"siyu/model/tag"
)

// scoresInput is a body of PUT /tags/:id/scores.
type scoresInput struct {
	Version int               `json:"version" doc:"模型版本，1 到 2147483647，可用日期如 20261122；旧版本不会覆盖新版本，同一版本可以分几次写"`
	Scores  []json.RawMessage `json:"scores" min:"1" max:"1000" items:"Score" doc:"得分，一人一条"`
}

type scoreInput struct {
	Person  []event.PersonKey `json:"person"`
	Score   int               `json:"score"`
	Value   string            `json:"value"`
	Gone    bool              `json:"gone"`
	UntilAt clock.Instant     `json:"until_at"`
}

// scoreOutcomes answer a batch of scores.
type scoreOutcomes struct {
	Results []scoreOutcome `json:"results" doc:"逐条结果，顺序与请求一致"`
	Written int            `json:"written" doc:"已写入或已收回的条数"`
	Same    int            `json:"same" doc:"此前已写过、内容相同的条数"`
	Failed  int            `json:"failed" doc:"没有写入的条数"`
}

type scoreOutcome struct {
	Index  int      `json:"index" doc:"在请求中的序号，从 0 开始"`
	Status string   `json:"status" enum:"written,same,no_consent,older,unknown,bad" doc:"written 已写入；same 此前已写；no_consent 本人未同意个性化，不保存；older 更新的版本已写过，不覆盖；unknown 本品牌没有这个人；bad 内容有误，请改正后重发"`
	Error  *problem `json:"error" doc:"没有写入的原因"`
}

// refusals say why a score was not kept, where the status is all there is to say.
func refusals(status string) *problem {
	switch status {
	case tag.NoConsent:
		return &problem{"no_profiling_consent", "本人未同意个性化，不保存为他计算的得分", ""}
	case tag.Older:
		return &problem{"score_older", "更新的模型版本已写过这个人", ""}
	case tag.Unknown:
		return &problem{"person_unknown", "本品牌没有这个人", "person"}
	}
	return nil
}

// scores writes what a model says into a tag of the key's brand.
func (h *Handler) scores(c *gin.Context, k apikey.Key) (any, error) {
	tagID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	var in scoresInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if len(in.Scores) == 0 || len(in.Scores) > tag.ScoresMost {
		return nil, fault.Invalidf("bad_field", "scores 应有 1 到 %d 条", tag.ScoresMost).With("field", "scores")
	}
	ctx := c.Request.Context()
	t, err := h.Tags.Get(ctx, tagID)
	if err == nil && t.BrandID != k.BrandID { // of another brand: it is not there
		err = fault.New(fault.NotFound, "tag_not_found", "没有这个标签")
	}
	if err != nil {
		return nil, err
	}
	out := scoreOutcomes{Results: make([]scoreOutcome, len(in.Scores))}
	read, people, of := []scoreInput{}, [][]event.PersonKey{}, []int{}
	for i, raw := range in.Scores {
		var x scoreInput
		if err := strict(raw, &x); err != nil {
			out.Results[i] = scoreOutcome{i, tag.Bad, problemOf(fault.Of(err))}
			continue
		}
		read, people, of = append(read, x), append(people, x.Person), append(of, i)
	}
	members, faults, err := h.Intake.Find(ctx, people)
	if err != nil {
		return nil, err
	}
	list, at := []tag.Score{}, []int{}
	for n, x := range read {
		i := of[n]
		if f := fault.Of(faults[n]); f != nil && f.Kind != fault.NotFound {
			out.Results[i] = scoreOutcome{i, tag.Bad, problemOf(f)}
			continue
		}
		list, at = append(list, tag.Score{MemberID: members[n], Score: x.Score, Value: x.Value, Gone: x.Gone, UntilAt: x.UntilAt}), append(at, i)
	}
	from := tag.Writer{Source: tag.ByOpen, KeyID: k.ID, Bad: len(in.Scores) - len(list)}
	results, err := h.Tags.WriteEach(ctx, tagID, from, in.Version, list, false)
	if err != nil {
		return nil, err
	}
	for n, r := range results {
		i := at[n]
		out.Results[i] = scoreOutcome{i, r.Outcome, refusals(r.Outcome)}
		if r.Fault != nil {
			out.Results[i].Error = problemOf(r.Fault)
		}
	}
	for _, r := range out.Results {
		switch r.Status {
		case tag.Written:
			out.Written++
		case tag.Same:
			out.Same++
		default:
			out.Failed++
		}
	}
	return out, nil
}
