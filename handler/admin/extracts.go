package admin

import (
	"fmt"
	"io"
	"strconv"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/audit"
	"siyu/model/extract"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
)

// extractRoutes: lists that operators take out (导出). Who may read a list and may take
// lists out may take out that list; its file is his own.
func (h *Handler) extractRoutes() []web.Route {
	return []web.Route{
		at(get, "/extracts/kinds", operator.ExtractMake, "可以导出的名单(仅自己有权查看的)", web.Answer(h.extractKinds)).Gives([]extract.Kind{}),
		at(post, "/extracts", operator.ExtractMake, "导出名单(写明原因，后台生成)", h.write("extract.create", created, h.createExtract)).Takes(extractInput{}).Gives(extract.Extract{}),
		at(get, "/extracts/:id", operator.ExtractMake, "名单导出的进度", web.Answer(h.getExtract)).Gives(extract.Extract{}),
		at(post, "/extracts/:id/cancel", operator.ExtractMake, "取消名单导出", h.write("extract.cancel", ok, h.cancelExtract)).Takes(reasonInput{}).Gives(extract.Extract{}),
		at(post, "/extracts/:id/files/:file/ticket", operator.ExtractMake, "取得名单的下载凭证", h.secret("extract.ticket", created, h.extractTicket)).Gives(ticketAnswer{}),
		at(get, "/extracts/:id/files/:file", operator.ExtractMake, "凭证下载名单(限次)", h.downloadExtract).Asks("ticket").File("text/csv"),
	}
}

// mayExtract refuses a list that the operator may not read.
func mayExtract(c *gin.Context, name string) error {
	k, err := extract.KindOf(name)
	if err != nil {
		return err
	}
	for _, need := range []string{k.Permission, k.Also} {
		if need != "" && !current(c).Operator.Can(need) {
			return errPermission.With("permission", need)
		}
	}
	return nil
}

func (h *Handler) extractKinds(c *gin.Context) (any, error) {
	out := []extract.Kind{}
	for _, k := range extract.Kinds() {
		if mayExtract(c, k.Name) == nil && !(k.Whole && current(c).Operator.Scoped()) {
			out = append(out, k)
		}
	}
	return out, nil
}

type extractInput struct {
	Kind   string            `json:"kind"`
	Filter map[string]string `json:"filter"` // query parameters of the list
	Reason string            `json:"reason"`
}

// visibleCrowd refuses the people of a segment or a list that tells of a tag that is not for
// who asks. What is not there is said when the list begins.
func (h *Handler) visibleCrowd(c *gin.Context, in extractInput) error {
	for name, visible := range map[string]func(*gin.Context, id.ID) error{"segment_id": h.visibleSegment, "list_id": h.visibleList} {
		of, err := id.Parse(in.Filter[name])
		if err != nil {
			continue
		}
		if err := visible(c, of); err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
	}
	return nil
}

func (h *Handler) createExtract(c *gin.Context, e *audit.Entry) (any, error) {
	var in extractInput
	if err := web.Bind(c, &in); err != nil {
		return nil, err
	}
	if err := mayExtract(c, in.Kind); err != nil {
		return nil, err
	}
	if err := h.visibleCrowd(c, in); err != nil {
		return nil, err
	}
	x, err := h.Extracts.Ask(c.Request.Context(), extract.Request{Kind: in.Kind, Filter: in.Filter, Reason: in.Reason, By: e.ActorID, Brands: current(c).Operator.BrandIDs})
	e.ObjectID, e.After = x.ID, x
	return x, err
}

// ownExtract reads one that the operator may see: his own, or anybody's with job:all.
func (h *Handler) ownExtract(c *gin.Context) (extract.Extract, error) {
	extractID, err := web.ParamID(c, "id")
	if err != nil {
		return extract.Extract{}, err
	}
	x, err := h.Extracts.Get(c.Request.Context(), extractID)
	o := current(c).Operator
	if err == nil && x.ByID != o.ID && !o.Can(operator.JobAll) {
		return extract.Extract{}, fault.New(fault.NotFound, "extract_unknown", "没有这个导出任务")
	}
	return x, err
}

func (h *Handler) getExtract(c *gin.Context) (any, error) { return h.ownExtract(c) }

func (h *Handler) cancelExtract(c *gin.Context, e *audit.Entry) (any, error) {
	before, err := h.ownExtract(c)
	if err != nil {
		return nil, err
	}
	after, err := h.Extracts.Cancel(c.Request.Context(), before.ID)
	e.Before, e.After = before, after
	return after, err
}

const extractPurpose = "admin extract ticket"

type ticketAnswer struct {
	URL string `json:"url"` // works for a minute, for this operator
}

// extractFile is a file that this operator may take: his own, of a list that he may still
// read. Nobody else's permission reaches it, for the rows were cut to his data scope.
func (h *Handler) extractFile(c *gin.Context) (extract.Extract, int, error) {
	x, err := h.ownExtract(c)
	if err != nil {
		return x, 0, err
	}
	if x.ByID != current(c).Operator.ID {
		return x, 0, fault.New(fault.Forbidden, "extract_other", "只有导出的人可以下载，请自己导出一份")
	}
	if err := mayExtract(c, x.Kind); err != nil {
		return x, 0, err
	}
	if !x.Within(current(c).Operator.BrandIDs) { // it was made when he saw more
		return x, 0, errScope
	}
	if x, err = h.Extracts.Finished(c.Request.Context(), x.ID); err != nil {
		return x, 0, err
	}
	file, err := strconv.Atoi(c.Param("file"))
	if err != nil || file < 1 || file > x.Files {
		return x, 0, fault.New(fault.NotFound, "part_unknown", "没有这个文件")
	}
	return x, file, nil
}

func (h *Handler) extractTicket(c *gin.Context, e *audit.Entry) (any, error) {
	x, file, err := h.extractFile(c)
	if err != nil {
		return nil, err
	}
	e.After = map[string]any{"file": file, "name": x.Name(file)}
	t := h.Cookies.Signer.Sign(extractPurpose, extractTicketFor(c, x.ID, file), ticketLife)
	return ticketAnswer{fmt.Sprintf("%s/extracts/%s/files/%d?ticket=%s", Base, x.ID, file, t)}, nil
}

// extractTicketFor binds a ticket to one file and one operator.
func extractTicketFor(c *gin.Context, extractID id.ID, file int) string {
	return fmt.Sprintf("%d/%d/%d", extractID, file, current(c).Operator.ID)
}

func (h *Handler) downloadExtract(c *gin.Context) {
	x, file, err := h.extractFile(c)
	if err != nil {
		web.Fail(c, err)
		return
	}
	if what, ok := h.Cookies.Signer.Open(extractPurpose, c.Query("ticket")); !ok || what != extractTicketFor(c, x.ID, file) {
		web.Fail(c, fault.New(fault.Forbidden, "ticket", "下载凭证无效或已过期，请重新点击下载"))
		return
	}
	if x, err = h.Extracts.Take(c.Request.Context(), x.ID); err != nil {
		web.Fail(c, err)
		return
	}
	e := audit.Entry{Action: "extract.download", Object: "extract", ObjectID: x.ID, Reason: x.Reason,
		After: map[string]any{"kind": x.Kind, "file": file, "rows": x.Done, "left": max(0, x.MaxDownloads-x.Downloads)}}
	h.attach(c, x.Name(file), e, func(to io.Writer) error { return h.Extracts.File(c.Request.Context(), x, file, to) })
}
