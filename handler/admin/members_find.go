package admin

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/find"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/member"
	"siyu/model/phone"
)

// memberRow is a member in the list, with his level at the brand that was named.
type memberRow struct {
	memberLine
	Level     int    `json:"level"` // -1: none
	LevelName string `json:"level_name"`
}

// listMembers answers three questions: who is this (a search by one exact word), who is at
// this level, who is there at all. Each of them reads one index; a level together with
// something else is sifted.
func (h *Handler) listMembers() gin.HandlerFunc {
	plain := counted(func(m memberRow) id.ID { return m.ID }, func(c *gin.Context, p web.Page) ([]memberRow, error) {
		ctx := c.Request.Context()
		brandID, level, err := h.askedLevel(c)
		if err != nil {
			return nil, err
		}
		found, asked, err := h.lookUp(c, p.Limit)
		switch {
		case err != nil || asked:
		case level >= 0:
			var ids []id.ID
			if ids, err = h.Tiers.MembersAt(ctx, brandID, level, p.Before, p.Limit); err == nil {
				found, err = h.Members.Many(ctx, ids)
			}
		default:
			var f member.Filter
			if f, err = memberFilter(c); err == nil {
				f.Before, f.Limit = p.Before, p.Limit
				found, err = h.Members.List(ctx, f)
			}
		}
		if err != nil {
			return nil, err
		}
		return h.memberRows(ctx, brandID, found)
	}, h.countMembers)
	return func(c *gin.Context) {
		sifted := c.Query("state")+c.Query("joined_from")+c.Query("joined_until") != "" || id.IsTail(c.Query("id"))
		if c.Query("level") == "" || !sifted {
			plain(c)
			return
		}
		rows, next, err := h.siftMembers(c)
		if err != nil {
			web.Fail(c, err)
			return
		}
		web.Listed(c, rows, next)
	}
}

// How far one page of a sifted list reads: a few milliseconds for each step, and what was
// not found by then goes on from the cursor.
const (
	siftStep  = 500
	siftSteps = 20
)

// siftMembers pages who is at a level and also in a state or joined in a time. One index
// holds the level and another the rest: it reads along the level where few are, along the
// rest where many are, and keeps what fits the other. How many there are nobody counts.
func (h *Handler) siftMembers(c *gin.Context) (rows []memberRow, next string, err error) {
	ctx := c.Request.Context()
	p, err := web.Paging(c)
	if err != nil {
		return nil, "", err
	}
	brandID, level, err := h.askedLevel(c)
	if err != nil {
		return nil, "", err
	}
	if one, asked, err := h.lookUp(c, p.Limit); err != nil || asked {
		if err == nil {
			rows, err = h.memberRows(ctx, brandID, one)
		}
		return rows, "", err
	}
	f, err := memberFilter(c)
	if err != nil {
		return nil, "", err
	}
	_, many, err := h.Tiers.CountAt(ctx, brandID, level)
	if err != nil {
		return nil, "", err
	}
	read := h.alongLevel(ctx, brandID, level, f)
	if many {
		read = h.alongMembers(ctx, brandID, level, f)
	}
	var found []member.Member
	before := p.Before
	for step := 0; step < siftSteps && len(found) < p.Limit; step++ {
		list, last, err := read(before)
		if err != nil {
			return nil, "", err
		}
		if room := p.Limit - len(found); len(list) > room {
			list, last = list[:room], list[room-1].ID
		}
		found = append(found, list...)
		if before = last; last == 0 {
			break
		}
	}
	if rows, err = h.memberRows(ctx, brandID, found); err == nil && before != 0 {
		next = before.String()
	}
	return rows, next, err
}

// alongLevel makes the step of siftMembers that reads who is at a level: who of the next
// ones fits the filter, and the last that was looked at, 0 at the end.
func (h *Handler) alongLevel(ctx context.Context, brandID id.ID, level int, f member.Filter) func(before id.ID) ([]member.Member, id.ID, error) {
	return func(before id.ID) (fit []member.Member, last id.ID, err error) {
		ids, err := h.Tiers.MembersAt(ctx, brandID, level, before, siftStep)
		if err != nil {
			return nil, 0, err
		}
		if len(ids) == siftStep {
			last = ids[siftStep-1]
		}
		list, err := h.Members.Many(ctx, ids)
		return slices.DeleteFunc(list, func(m member.Member) bool { return !f.Has(m) }), last, err
	}
}

// alongMembers makes the step that reads whom the filter finds, as alongLevel.
func (h *Handler) alongMembers(ctx context.Context, brandID id.ID, level int, f member.Filter) func(before id.ID) ([]member.Member, id.ID, error) {
	return func(before id.ID) (fit []member.Member, last id.ID, err error) {
		f.Before, f.Limit = before, siftStep
		list, err := h.Members.List(ctx, f)
		if err != nil {
			return nil, 0, err
		}
		ids := make([]id.ID, len(list))
		for i, m := range list {
			ids[i] = m.ID
		}
		if len(ids) == siftStep {
			last = ids[siftStep-1]
		}
		levels, err := h.Tiers.LevelsOf(ctx, brandID, ids)
		return slices.DeleteFunc(list, func(m member.Member) bool { at, grew := levels[m.ID]; return !grew || at != level }), last, err
	}
}

func (h *Handler) countMembers(c *gin.Context) (int, bool, error) {
	brandID, level, err := h.askedLevel(c)
	if err != nil {
		return 0, false, err
	}
	found, asked, err := h.findMembers(c, 100)
	if err != nil || asked {
		return len(found), false, err
	}
	if level >= 0 {
		return h.Tiers.CountAt(c.Request.Context(), brandID, level)
	}
	f, err := memberFilter(c)
	if err != nil {
		return 0, false, err
	}
	return h.Members.Count(c.Request.Context(), f)
}

// memberFilter reads what the list is narrowed by.
func memberFilter(c *gin.Context) (f member.Filter, err error) {
	f.State = c.Query("state")
	if v := c.Query("id"); id.IsTail(v) {
		f.Tail = v
	}
	if f.JoinedFrom, err = queryTime(c, "joined_from"); err != nil {
		return f, err
	}
	f.JoinedUntil, err = queryTime(c, "joined_until")
	return f, err
}

// askedLevel is the level that is asked for, -1 for none.
func (h *Handler) askedLevel(c *gin.Context) (brandID id.ID, level int, err error) {
	if brandID, err = web.QueryID(c, "brand_id"); err != nil || c.Query("level") == "" {
		return brandID, -1, err
	}
	if level, err = strconv.Atoi(c.Query("level")); err != nil || level < 0 || brandID == 0 {
		return 0, 0, fault.NewInvalid("bad_field", "按等级筛选需要品牌和等级序号").With("field", "level")
	}
	return brandID, level, nil
}

// memberRows adds levels, where a brand is known.
func (h *Handler) memberRows(ctx context.Context, brandID id.ID, list []member.Member) ([]memberRow, error) {
	lines, err := h.memberLines(ctx, list)
	if err != nil {
		return nil, err
	}
	levels, names := map[id.ID]int{}, []string{}
	if brandID != 0 && len(list) > 0 {
		ids := make([]id.ID, len(list))
		for i, m := range list {
			ids[i] = m.ID
		}
		if levels, err = h.Tiers.LevelsOf(ctx, brandID, ids); err != nil {
			return nil, err
		}
		table, err := h.Tiers.Table(ctx, brandID)
		if err != nil {
			return nil, err
		}
		for _, l := range table.Levels {
			names = append(names, l.Name)
		}
	}
	out := make([]memberRow, len(lines))
	for i, l := range lines {
		out[i] = memberRow{memberLine: l, Level: -1}
		if at := max(levels[l.ID], 0); at < len(names) { // who never grew has the first, as everybody
			out[i].Level, out[i].LevelName = at, names[at]
		}
	}
	return out, nil
}

// lookUp is findMembers for an answer that shows whom it found: by what was asked and who
// was found is audited, also of an answer that finds nobody, whatever page of it is asked
// for. Counting them again is no look-up of its own.
func (h *Handler) lookUp(c *gin.Context, limit int) (found []member.Member, asked bool, err error) {
	found, asked, err = h.findMembers(c, limit)
	by := lookedUpBy(c)
	if err != nil || len(by) == 0 {
		return found, asked, err
	}
	ids := make([]id.ID, len(found))
	for i, m := range found {
		ids[i] = m.ID
	}
	if err := h.noteLookUp(c, find.Member, strings.Join(by, ","), ids); err != nil {
		return nil, asked, err // nobody is looked up unseen
	}
	return found, asked, nil
}

// lookedUpBy names what a person is looked up by that is not the house's own number of him.
func lookedUpBy(c *gin.Context) (by []string) {
	for _, word := range []string{"phone", "phone_tail", "openid", "code", "key"} {
		if c.Query(word) != "" {
			by = append(by, word)
		}
	}
	return by
}

// findMembers answers a search by one exact word; asked is whether there was one. All
// accounts of the human are found with the one that was named. What was found is a
// page that ends, so a search has no next one.
func (h *Handler) findMembers(c *gin.Context, limit int) (found []member.Member, asked bool, err error) {
	ctx := c.Request.Context()
	keys, asked, err := h.askedKeys(c, limit)
	if err != nil {
		return nil, true, err
	}
	var persons []id.ID
	for _, find := range []func(*gin.Context) (id.ID, bool, error){askedID, h.askedCode} {
		memberID, named, err := find(c)
		if err != nil {
			return nil, true, err
		}
		asked = asked || named
		if memberID == 0 {
			continue
		}
		switch m, err := h.Members.Get(ctx, memberID); {
		case err == nil:
			persons = append(persons, m.PersonID)
		case fault.KindOf(err) != fault.NotFound:
			return nil, true, err
		}
	}
	if !asked {
		return nil, false, nil
	}
	owners, err := h.Identities.Owners(ctx, keys)
	if err != nil {
		return nil, asked, err
	}
	persons = append(persons, owners...)
	for _, p := range slices.Clone(persons) {
		family, err := h.Identities.Family(ctx, p)
		if err != nil {
			return nil, asked, err
		}
		persons = append(persons, family...)
	}
	known, err := h.Members.Known(ctx, persons)
	for _, m := range known {
		found = append(found, m)
	}
	slices.SortFunc(found, func(a, b member.Member) int { return int(min(max(b.CreatedAt-a.CreatedAt, -1), 1)) })
	return found[:min(len(found), limit)], asked, err
}

// askedKeys are the keys that are searched for: the end of a number, a whole number, or
// any key by its kind.
func (h *Handler) askedKeys(c *gin.Context, limit int) (keys []identity.Key, asked bool, err error) {
	if tail := c.Query("phone_tail"); tail != "" {
		asked = true
		hashes, err := h.Phones.ByTail(c.Request.Context(), tail, limit)
		if err != nil {
			return nil, true, err
		}
		for _, v := range hashes {
			keys = append(keys, identity.Key{Kind: identity.Phone, Value: v})
		}
	}
	if text := c.Query("phone"); text != "" {
		asked = true
		number, err := phone.Parse(text)
		if err != nil {
			return nil, true, err
		}
		keys = append(keys, identity.Key{Kind: identity.Phone, Value: h.Phones.Hash(number)})
	}
	if v := c.Query("key"); v != "" {
		asked = true
		if c.Query("kind") == "" {
			return nil, true, fault.NewInvalid("bad_field", "请选择编号的类型").With("field", "kind")
		}
		keys = append(keys, identity.Key{Kind: c.Query("kind"), Scope: c.Query("scope"), Value: v})
	}
	if v := c.Query("openid"); v != "" { // of whichever app
		asked = true
		for _, kind := range []string{brand.Official, brand.Mini} {
			apps, err := h.Brands.AccountsOf(c.Request.Context(), kind)
			if err != nil {
				return nil, true, err
			}
			for _, app := range apps {
				keys = append(keys, identity.Key{Kind: identity.OpenID, Scope: app.AppID, Value: v})
			}
		}
		keys = append(keys, identity.Key{Kind: identity.UnionID, Value: v})
	}
	return keys, asked, nil
}

// askedID is a whole number. Its end alone narrows the list instead: several may share it.
func askedID(c *gin.Context) (memberID id.ID, asked bool, err error) {
	if id.IsTail(c.Query("id")) {
		return 0, false, nil
	}
	memberID, err = web.QueryID(c, "id")
	return memberID, memberID != 0, err
}

// askedCode is who claimed a code or, while nobody has, who saw it first.
func (h *Handler) askedCode(c *gin.Context) (memberID id.ID, asked bool, err error) {
	text := c.Query("code")
	if text == "" {
		return 0, false, nil
	}
	ctx := c.Request.Context()
	e, err := h.Codes.Explain(ctx, text)
	if err != nil || e.Batch == nil {
		return 0, true, err
	}
	claimed, there, err := h.Claims.ByCode(ctx, e.Code.BatchID, e.Code.Serial)
	if err != nil || there {
		return claimed.MemberID, true, err
	}
	sight, err := h.Scans.Sight(ctx, e.Code.BatchID, e.Code.Serial)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return 0, true, nil
	}
	return sight.FirstMember, true, err
}
