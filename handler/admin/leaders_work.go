package admin

import (
	"context"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/id"
	"siyu/model/leader"
)

// namedCandidate is a candidate with whom he is known as.
type namedCandidate struct {
	leader.Candidate
	Who who `json:"who"`
}

func (h *Handler) listCandidates() gin.HandlerFunc {
	return counted(func(x namedCandidate) id.ID { return x.ID }, func(c *gin.Context, p web.Page) ([]namedCandidate, error) {
		brandID, err := ofWhichBrand(c)
		if err != nil {
			return nil, err
		}
		rows, err := h.Leaders.Candidates(c.Request.Context(), brandID, c.Query("state"), p.Before, p.Limit)
		if err != nil {
			return nil, err
		}
		name := h.names(c.Request.Context())
		return each(rows, func(x leader.Candidate) (namedCandidate, error) {
			whose, err := name(x.BrandID, x.MemberID)
			return namedCandidate{x, whose}, err
		})
	}, func(c *gin.Context) (int, bool, error) {
		brandID, err := ofWhichBrand(c)
		if err != nil {
			return 0, false, err
		}
		return h.Leaders.CountCandidates(c.Request.Context(), brandID, c.Query("state"))
	})
}

func (h *Handler) inviteCandidate(c *gin.Context, e *audit.Entry) (any, error) {
	candidateID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	x, err := h.Leaders.Invite(c.Request.Context(), candidateID, e.ActorID)
	e.ObjectID, e.After = candidateID, x
	return x, err
}

func (h *Handler) dismissCandidate(c *gin.Context, e *audit.Entry) (any, error) {
	var in reasonInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	candidateID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	x, err := h.Leaders.Dismiss(c.Request.Context(), candidateID, e.ActorID, in.Reason)
	e.ObjectID, e.After = candidateID, x
	return x, err
}

func (h *Handler) listLeaderTasks() gin.HandlerFunc {
	return ofBrand(func(t leader.Task) id.ID { return t.ID }, h.Leaders.ListTasks, h.Leaders.CountTasks)
}

func (h *Handler) leaderTaskProgress(c *gin.Context) (any, error) {
	return one(c, func(ctx context.Context, taskID id.ID) (leader.Progressed, error) {
		p, err := h.Leaders.TaskProgress(ctx, taskID)
		if err != nil {
			return p, err
		}
		name := h.leaderNames(ctx)
		for i := range p.Notes {
			if p.Notes[i].Name, err = name(p.Notes[i].LeaderID); err != nil {
				return p, err
			}
		}
		return p, nil
	})
}

func (h *Handler) createLeaderTask(c *gin.Context, e *audit.Entry) (any, error) {
	raw, err := web.Body(c)
	if err != nil {
		return nil, err
	}
	t, err := leader.ReadTask(raw)
	if err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), t.BrandID); err != nil {
		return nil, err
	}
	t, err = h.Leaders.PutTask(c.Request.Context(), t, e.ActorID)
	e.ObjectID, e.After = t.ID, t
	return t, err
}

func (h *Handler) updateLeaderTask(c *gin.Context, e *audit.Entry) (any, error) {
	raw, err := web.Body(c)
	if err != nil {
		return nil, err
	}
	t, err := leader.ReadTask(raw)
	if err != nil {
		return nil, err
	}
	if t.ID, err = web.ParamID(c, "id"); err != nil {
		return nil, err
	}
	before, err := h.Leaders.Task(c.Request.Context(), t.ID)
	if err != nil {
		return nil, err
	}
	t, err = h.Leaders.PutTask(c.Request.Context(), t, e.ActorID)
	e.ObjectID, e.Before, e.After = t.ID, before, t
	return t, err
}

// materialInput is what an operator writes.
type materialInput struct {
	BrandID    id.ID  `json:"brand_id"`
	Kind       string `json:"kind"`
	Title      string `json:"title"`
	Text       string `json:"text"`
	PictureURL string `json:"picture_url"`
	MinLevel   int    `json:"min_level"`
}

func (in materialInput) material() leader.Material {
	return leader.Material{BrandID: in.BrandID, Kind: in.Kind, Title: in.Title, Text: in.Text, PictureURL: in.PictureURL, MinLevel: in.MinLevel}
}

func (h *Handler) listMaterials() gin.HandlerFunc {
	return ofBrand(func(m leader.Material) id.ID { return m.ID }, h.Leaders.ListMaterials, h.Leaders.CountMaterials)
}

func (h *Handler) createMaterial(c *gin.Context, e *audit.Entry) (any, error) {
	var in materialInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if _, err := h.Brands.Get(c.Request.Context(), in.BrandID); err != nil {
		return nil, err
	}
	m, err := h.Leaders.PutMaterial(c.Request.Context(), in.material(), e.ActorID)
	e.ObjectID, e.After = m.ID, m
	return m, err
}

func (h *Handler) updateMaterial(c *gin.Context, e *audit.Entry) (any, error) {
	var in materialInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	materialID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	before, err := h.Leaders.Material(c.Request.Context(), materialID)
	if err != nil {
		return nil, err
	}
	m := in.material()
	m.ID = materialID
	m, err = h.Leaders.PutMaterial(c.Request.Context(), m, e.ActorID)
	e.ObjectID, e.Before, e.After = materialID, before, m
	return m, err
}

func (h *Handler) dropMaterial(c *gin.Context, e *audit.Entry) (any, error) {
	materialID, err := web.ParamID(c, "id")
	if err != nil {
		return nil, err
	}
	before, err := h.Leaders.Material(c.Request.Context(), materialID)
	if err != nil {
		return nil, err
	}
	m, err := h.Leaders.DropMaterial(c.Request.Context(), materialID, e.ActorID)
	e.ObjectID, e.Before, e.After = materialID, before, m
	return m, err
}
