package admin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
)

// The data scope (数据范围): an operator may be confined to some brands. What he names by
// an id is looked up before his request runs, and belongs to his brands or is not there;
// a list needs a brand of his; what belongs to the whole house is not his at all. People
// belong to the house: one person buys of several brands, and ONE-ID joins him over them.
//
// A first word of a path that is not in this table is refused to confined operators: a new
// area is closed to them until somebody has thought of it.
func scopes() map[string]scope {
	return map[string]scope{
		"me": {free: true}, "logout": {free: true}, "poster-builtins": {free: true}, "consent-purposes": {free: true},
		"brands":   {brand: true},
		"accounts": {table: "account"}, "apikeys": {table: "api_key"}, "batches": {table: "batch"}, "batch-requests": {table: "batch_request", or: "batch"}, "batch-alarms": {}, "territories": {table: "territory"}, "diversions": {table: "diversion"}, "provinces": {free: true}, "campaigns": {table: "campaign"}, "campaign-approvals": {},
		"claims": {table: "claim"}, "codes": {}, "codes/decode": {free: true}, "scans": {}, "commission/accruals": {table: "commission_accrual"}, "commission/rules": {table: "commission_rule"},
		"commission/statements": {table: "commission_statement"}, "commission/owed": {}, "home": {}, "exports": {table: "export"}, "fraud/cases": {table: "fraud_case"},
		"group-alarms": {table: "community_alarm"}, "group-capacity": {}, "group-templates": {table: "community_template"}, "groups": {table: "community"},
		"keywords": {table: "keyword_reply"}, "leader-candidates": {table: "leader_candidate"}, "leader-materials": {table: "leader_material"},
		"leader-tasks": {table: "leader_task"}, "leaders": {table: "leader"}, "live-codes": {table: "live_code"}, "payouts": {table: "payout"},
		"poster-pictures": {table: "poster_picture"}, "posters": {table: "poster_template"}, "products": {table: "product"}, "wecom-ways": {table: "wecom_way"},
		"withdrawals": {table: "withdrawal"}, "reconcile/days": {table: "recon_day"}, "reconcile/items": {table: "recon_item"}, "balances": {table: "account"}, "payout-summary": {}, "tags": {table: "tag"}, "segments": {table: "segment"}, "segment-lists": {table: "segment_list"}, "tag-categories": {table: "tag_category"}, "tag-templates": {}, "holdout": {}, "pushes": {table: "push"},

		"reach": {}, "reach/words": {free: true}, "reach/people": house,

		"extracts": {asks: true}, "jobs": {asks: true}, "search": {asks: true}, "trails": {asks: true},

		// The house's: people, the operators, the book, what everybody did.
		"members": house, "identity": house, "rights": house, "imports": house, "import-mappings": house, "profile-fields": house, "events": house, "referral": house,
		"points": house, "tiers": house, "data-map": house, "operators": house, "roles": house, "audit": house, "ledger": house, "overview": house,
		"reports": house,
	}
}

// scope is what confines the routes under one word.
type scope struct {
	free  bool   // there is nothing of a brand
	brand bool   // :id is a brand
	table string // :id is a row of this table; without :id a brand must be named
	or    string // or else of this one: a batch made directly has no application
	asks  bool   // the handler finds out which brand it is about and asks within
	all   bool   // for operators of every brand only
}

var house = scope{all: true}

var (
	errScope  = fault.New(fault.Forbidden, "brand_scope", "这里是全公司的数据，您的账号只能查看指定品牌，请联系管理员")
	errBrand  = fault.New(fault.Forbidden, "brand_scope", "这个品牌不在您的数据范围内，请联系管理员")
	errNeeds  = fault.NewInvalid("brand_id", "请先选择品牌").With("field", "brand_id")
	errTwice  = fault.NewInvalid("bad_field", "同一个参数只能写一次")
	errUnseen = fault.New(fault.NotFound, "not_found", "没有找到")
)

// named are the fields that name an object whose brand must be the operator's.
func named() map[string]string {
	return map[string]string{"product_id": "product", "product_ids": "product", "other_product_ids": "product", "batch_id": "batch", "batch_ids": "batch", "campaign_id": "campaign",
		"account_id": "account", "leader_id": "leader", "community_id": "community", "group_id": "community", "rule_id": "commission_rule",
		"live_code_id": "live_code", "picture_id": "poster_picture", "template_id": "community_template",
		"segment_id": "segment", "list_id": "segment_list"}
}

// namedOn are the fields that name something else on a route than everywhere else.
func namedOn() map[string]map[string]string {
	return map[string]map[string]string{Base + "/brands/:id/poster": {"template_id": "poster_template"}}
}

// tableOf is the table whose row a field of a route names, "" for none.
func tableOf(route, name string) string {
	if table, there := namedOn()[route][name]; there {
		return table
	}
	return named()[name]
}

// scopeOf finds the line for a route: two words before one.
func scopeOf(path string) scope {
	words := strings.SplitN(strings.TrimPrefix(path, Base+"/"), "/", 3)
	table := scopes()
	if len(words) > 1 {
		if s, there := table[words[0]+"/"+words[1]]; there {
			return s
		}
	}
	if s, there := table[words[0]]; there {
		return s
	}
	return house
}

// openToConfined are the permissions that do something for an operator of some brands: the
// panel shows him nothing that would refuse him.
func (h *Handler) openToConfined() map[string]bool {
	out := map[string]bool{}
	for _, r := range h.Routes() {
		if !scopeOf(r.Path).all {
			out[r.Permission] = true
		}
	}
	delete(out, operator.MemberRead) // people of his brand's tags are members, whom he may not open
	return out
}

// confine refuses what is outside of the session's data scope.
func (h *Handler) confine(c *gin.Context, r web.Route) error {
	o := current(c).Operator
	if !o.Scoped() {
		return nil
	}
	s := scopeOf(r.Path)
	if s.all {
		return errScope
	}
	if s.free {
		return nil
	}
	seen, err := h.confineNames(c)
	if err != nil || s.asks {
		return err
	}
	if !strings.Contains(r.Path, "/:id") {
		if !seen && !isForm(c) && !(s.brand && r.Method == http.MethodGet) { // the list of brands shows his own
			return errNeeds
		}
		return nil
	}
	objectID, err := web.ParamID(c, "id")
	if err != nil {
		return err
	}
	if s.brand {
		return within(c, objectID)
	}
	brandID, err := h.Insight.BrandOf(c.Request.Context(), s.table, objectID)
	if s.or != "" && fault.KindOf(err) == fault.NotFound {
		brandID, err = h.Insight.BrandOf(c.Request.Context(), s.or, objectID)
	}
	if err == nil && !o.Sees(brandID) {
		err = errUnseen
	}
	return err
}

func isForm(c *gin.Context) bool { return strings.HasPrefix(c.ContentType(), "multipart/") }

// confineForm is confine for the texts of a form, which are read after the guard; body is
// what web.Upload made of them.
func (h *Handler) confineForm(c *gin.Context, body []byte) error {
	if !current(c).Operator.Scoped() || !isForm(c) || scopeOf(c.FullPath()).free {
		return nil
	}
	seen, err := h.confineBody(c, body)
	if err == nil && !seen && c.Param("id") == "" {
		err = errNeeds
	}
	return err
}

// within tells whether a brand is in the data scope of who asks; handlers that find out
// themselves which brand they are about call it.
func within(c *gin.Context, brandID id.ID) error {
	if !current(c).Operator.Sees(brandID) {
		return errBrand
	}
	return nil
}

// confineNames looks at every id in the query and the body; seen says that one of them was
// a brand.
func (h *Handler) confineNames(c *gin.Context) (seen bool, err error) {
	for name, values := range c.Request.URL.Query() {
		for _, v := range values {
			if err := h.confineName(c, name, v, &seen); err != nil {
				return seen, err
			}
		}
		if len(values) > 1 { // which of them counts is for the handler to say, and not seen here
			return seen, errTwice.With("field", name)
		}
	}
	if c.Request.Method == http.MethodGet || isForm(c) {
		return seen, nil
	}
	body, err := web.Body(c)
	if err != nil {
		return seen, err
	}
	inBody, err := h.confineBody(c, body)
	return seen || inBody, err
}

func (h *Handler) confineBody(c *gin.Context, body []byte) (seen bool, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return false, nil // nothing, or the handler says what is wrong with it
	}
	err = h.confineValue(c, "", v, &seen)
	return seen, err
}

func (h *Handler) confineValue(c *gin.Context, name string, v any, seen *bool) error {
	switch x := v.(type) {
	case map[string]any:
		for k, inner := range x {
			if err := h.confineValue(c, k, inner, seen); err != nil {
				return err
			}
		}
	case []any:
		for _, inner := range x {
			if err := h.confineValue(c, name, inner, seen); err != nil {
				return err
			}
		}
	case json.Number:
		return h.confineName(c, name, x.String(), seen)
	case string:
		return h.confineName(c, name, x, seen)
	}
	return nil
}

func (h *Handler) confineName(c *gin.Context, name, value string, seen *bool) error {
	// Field names of a body match without regard to case (encoding/json).
	name = strings.ToLower(name)
	table := tableOf(c.FullPath(), name)
	if table == "" && name != "brand_id" || value == "" || value == "0" {
		return nil
	}
	objectID, err := id.Parse(value)
	if err != nil {
		return nil // it names nothing; the handler says so
	}
	if name == "brand_id" {
		*seen = true
		return within(c, objectID)
	}
	brandID, err := h.Insight.BrandOf(c.Request.Context(), table, objectID)
	if err == nil && !current(c).Operator.Sees(brandID) {
		err = errUnseen
	}
	// What is written says by its parts whose it is; a list does not: it may not know them.
	*seen = *seen || c.Request.Method != http.MethodGet
	return err
}
