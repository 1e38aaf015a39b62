package segment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/event"
	"siyu/model/id"
	"siyu/model/product"
	"siyu/model/rule"
	"siyu/model/segment"
)

// world is a database of random people, and beside it the same facts in plain slices. What
// is true of a rule it finds by looking at every fact of every person, sharing nothing
// with what it checks.
type world struct {
	*testing.T
	d   *db.DB
	clk *clock.Fake
	r   *rand.Rand
	s   *segment.Store

	members []id.ID
	root    map[id.ID]id.ID
	joined  map[id.ID]clock.Instant
	acts    []fact
	agreed  []answer
	tags    []tagValue
	kept    map[id.ID]map[string]bool // members -> lists, keys, levels ...: "list:3", "key:phone"
	number  map[string]map[id.ID]int64
	bound   map[id.ID]id.ID // referee -> referrer
	origin  map[id.ID][]answer
	birth   map[id.ID][]answer
	trees   map[id.ID]rule.Tree
	seq     int
	late    []id.ID // products that orders name already and nobody has registered
	// dir has what bitmaps are kept in; restored and spared are how often a store began with
	// it, and the facts it did not have to read.
	dir              string
	restored, spared int
}

type fact struct {
	member, brand, event id.ID
	line                 int
	what                 string
	product              id.ID
	quantity, fen        int64
	at                   clock.Instant
	province             string
	seen                 bool // an event that is no act
	gtin                 string
}

type answer struct {
	member      id.ID
	key, source string
	given       bool
	at          clock.Instant
	no          int
}

type tagValue struct {
	tag, member id.ID
	value       string
	score       int64
	since       clock.Instant
	until       clock.Instant
}

const brandID, otherBrand = id.ID(1), id.ID(2)

func newWorld(t *testing.T, d *db.DB, clk *clock.Fake, seed uint64, people int) *world {
	w := &world{T: t, d: d, clk: clk, r: rand.New(rand.NewPCG(seed, 7)), s: segment.New(d), root: map[id.ID]id.ID{}, joined: map[id.ID]clock.Instant{},
		kept: map[id.ID]map[string]bool{}, number: map[string]map[id.ID]int64{"tier_level": {}, "leader": {}, "depth": {}}, bound: map[id.ID]id.ID{},
		origin: map[id.ID][]answer{}, birth: map[id.ID][]answer{}, trees: map[id.ID]rule.Tree{}}
	w.s.UseReach(&open{w: w})
	w.put("account", row{"id": 11, "brand_id": 1, "kind": "official", "app_id": "wxo"})
	w.put("account", row{"id": 12, "brand_id": 1, "kind": "mini", "app_id": "wxm", "callback_slug": "m"})
	w.put("account", row{"id": 13, "brand_id": 2, "kind": "official", "app_id": "wxother", "callback_slug": "x"})
	for i := 1; i <= 3; i++ {
		w.put("product", row{"id": 20 + i, "brand_id": 1, "gtin": fmt.Sprintf("0690123456789%d", i)})
		w.put("tag", row{"id": 30 + i, "brand_id": 1, "name": fmt.Sprint(i), "state": "running", "profiling": i / 3})
		w.put("segment_list", row{"id": 40 + i, "brand_id": 1})
	}
	w.late = []id.ID{24, 25, 26}
	w.put("tag", row{"id": 39, "brand_id": 2, "name": "other", "state": "running"})
	for i := range people {
		m := id.ID(1000 + 7*i)
		at := clk.Now().Add(-time.Duration(w.r.IntN(200*24)) * time.Hour)
		w.members, w.root[m], w.joined[m], w.kept[m] = append(w.members, m), m, at, map[string]bool{}
		w.put("member", row{"id": m, "person_id": 100000 + int(m), "state": "active", "created_at": at})
	}
	return w
}

// open is a ledger that says which channels are open to whom.
type open struct {
	ledger
	w *world
}

func (o *open) Open(_ context.Context, _ id.ID, people []id.ID) (map[id.ID][]string, error) {
	out := map[id.ID][]string{}
	for _, p := range people {
		if list := o.w.values(p, "reach"); len(list) > 0 {
			out[p] = list
		}
	}
	return out, nil
}

func (o *open) Opens(ctx context.Context, brandID id.ID, yield func(channel string, people []id.ID) error) error {
	for _, p := range o.w.members {
		if o.w.root[p] != p {
			continue
		}
		for _, c := range o.w.values(p, "reach") {
			if err := yield(c, []id.ID{p}); err != nil {
				return err
			}
		}
	}
	return nil
}

type row map[string]any

// put inserts a row, its other columns empty.
func (w *world) put(table string, r row) {
	w.Helper()
	rows, err := w.d.Read(context.Background()).Raw("SELECT * FROM " + table + " WHERE 1 = 0").Rows()
	if err != nil {
		w.Fatal(err)
	}
	types, _ := rows.ColumnTypes()
	_ = rows.Close()
	var names []string
	var values []any
	for _, c := range types {
		if table == "member" && c.Name() == "tail" { // the database makes it
			continue
		}
		v, there := r[c.Name()]
		if !there {
			if v = 0; strings.Contains(c.DatabaseTypeName(), "CHAR") || strings.Contains(c.DatabaseTypeName(), "TEXT") {
				v = fmt.Sprintf("%s%d", c.Name()[:1], w.seq)
			}
			if w.seq++; strings.Contains(c.DatabaseTypeName(), "BLOB") {
				v = []byte{}
			}
		}
		names, values = append(names, c.Name()), append(values, v)
	}
	w.exec("INSERT INTO "+table+" ("+strings.Join(names, ", ")+") VALUES "+db.Marks(len(names)), values...)
}

func (w *world) exec(stmt string, args ...any) {
	w.Helper()
	if err := w.d.InTx(context.Background(), func(tx *gorm.DB) error { return tx.Exec(stmt, args...).Error }); err != nil {
		w.Fatalf("%s: %v", stmt, err)
	}
}

func (w *world) some() id.ID { return w.members[w.r.IntN(len(w.members))] }

func (w *world) chance(percent int) bool { return w.r.IntN(100) < percent }

func pick[T any](w *world, list ...T) T { return list[w.r.IntN(len(list))] }

func (w *world) ago(days int) clock.Instant {
	return w.clk.Now().Add(-time.Duration(w.r.Int64N(int64(days) * 24 * int64(time.Hour))))
}

// note tells of a change, as those who make it do.
func (w *world) note(parts int, members ...id.ID) {
	w.Helper()
	if err := w.s.Note(context.Background(), parts, members...); err != nil {
		w.Fatal(err)
	}
}

// deed does something random to somebody and tells of it.
func (w *world) deed() {
	w.Helper()
	m := w.some()
	switch w.r.IntN(15) {
	case 0, 1, 2, 3, 4:
		w.happen(m)
	case 5, 6:
		w.answer(m)
	case 7:
		w.tag(m)
	case 8:
		list := pick(w, 41, 42)
		if key := fmt.Sprint("list:", list); !w.kept[m][key] {
			w.kept[m][key] = true
			w.put("segment_list_item", row{"list_id": list, "member_id": m})
			w.note(segment.PartLists, m)
		}
	case 9:
		w.regroup(m)
	case 10:
		w.who(m)
	case 11:
		w.bind(m)
	case 12:
		w.said(m)
	case 13:
		if len(w.late) > 0 && w.chance(3) {
			w.register()
		}
	case 14:
		w.clk.Advance(pick(w, time.Second, time.Minute, 4*time.Minute, 9*time.Hour))
	}
}

func (w *world) happen(m id.ID) {
	typ := pick(w, "scan", "scan", "claim", "order", "order", "order", "review", "login", "follow", "unfollow", "message_clicked", "coupon", "message_sent")
	brand := brandID
	if w.chance(15) {
		brand = otherBrand
	}
	e := event.Event{ID: w.d.NewID(), Type: typ, BrandID: brand, MemberID: m, Channel: "h5", At: w.ago(300)}
	e.Key = fmt.Sprint(typ, e.ID)
	base := fact{member: m, brand: brand, event: e.ID, what: typ, at: e.At, quantity: 1}
	body := map[string]any{}
	switch typ {
	case "scan", "claim":
		base.product, base.province = pick[id.ID](w, 21, 22, 23), pick(w, "上海", "浙江", "")
		body["product_id"], body["province"] = base.product.String(), base.province
	case "coupon":
		base.what = "coupon_redeemed"
		body["act"] = pick(w, "redeem", "issue")
		base.seen = body["act"] == "issue"
	case "message_sent":
		base.seen = true
	}
	var facts []fact
	if typ == "order" {
		var lines []map[string]any
		sign := int64(1)
		if w.chance(20) {
			sign = -1
		}
		for i := range 1 + w.r.IntN(2) {
			f := base
			f.line, f.quantity, f.fen = i, sign*int64(1+w.r.IntN(3)), sign*int64(100*w.r.IntN(300))
			f.gtin = pick(w, "6901234567899", "", "no code") // nobody's
			if n := w.r.IntN(7); n > 0 {
				f.gtin = fmt.Sprintf("690123456789%d", n)
				if p := id.ID(20 + n); brand == brandID && !slices.Contains(w.late, p) {
					f.product = p
				}
			}
			lines = append(lines, map[string]any{"gtin": f.gtin, "quantity": f.quantity, "amount_fen": f.fen})
			facts = append(facts, f)
		}
		body["lines"] = lines
	} else {
		facts = []fact{base}
	}
	e.Body, _ = json.Marshal(body)
	w.acts = append(w.acts, facts...)
	w.put("event", row{"id": e.ID, "event_key": e.Key, "type": typ, "brand_id": brand, "member_id": m, "channel": "h5", "at": e.At, "received_at": e.At, "body": []byte(e.Body)})
	if err := w.s.Consume(context.Background(), []event.Event{e}); err != nil {
		w.Fatal(err)
	}
}

// register puts a product on the brand's shelf that orders may have named before.
func (w *world) register() {
	w.Helper()
	p := w.late[0]
	w.late = w.late[1:]
	gtin := fmt.Sprintf("690123456789%d", p-20)
	w.put("product", row{"id": p, "brand_id": 1, "gtin": "0" + gtin})
	err := w.d.InTx(context.Background(), func(tx *gorm.DB) error {
		return w.s.Registered(context.Background(), tx, product.Product{ID: p, BrandID: brandID, GTIN: "0" + gtin})
	})
	if err != nil {
		w.Fatal(err)
	}
	for i := range w.acts {
		if w.acts[i].gtin == gtin && w.acts[i].brand == brandID {
			w.acts[i].product = p
		}
	}
}

func (w *world) answer(m id.ID) {
	purpose, given := pick(w, "profiling", "profiling", "marketing"), w.chance(70)
	w.clk.Advance(time.Millisecond)
	w.seq++
	a := answer{member: m, key: purpose, given: given, at: w.clk.Now(), no: w.seq}
	w.agreed = append(w.agreed, a)
	err := w.d.InTx(context.Background(), func(tx *gorm.DB) error {
		ctx := context.Background()
		if !given && purpose == "profiling" {
			if err := w.s.Forget(ctx, tx, w.family(m)); err != nil {
				return err
			}
		}
		if err := tx.Exec("INSERT INTO consent (id, member_id, purpose, policy_version, given, channel, at) VALUES (?,?,?,'1',?,'h5',?)", w.d.NewID(), m, purpose, given, a.at).Error; err != nil {
			return err
		}
		return w.s.Answered(ctx, tx, w.family(m))
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) tag(m id.ID) {
	v := tagValue{tag: pick[id.ID](w, 31, 32, 33), member: m, value: pick(w, "a", "b", "c"), score: int64(w.r.IntN(10)), since: w.clk.Now() - clock.Instant(w.r.IntN(3))}
	if w.chance(40) {
		v.until = w.clk.Now().Add(time.Duration(w.r.IntN(60)-10) * time.Hour)
	}
	w.tags = slices.DeleteFunc(w.tags, func(x tagValue) bool { return x.tag == v.tag && x.member == m })
	w.exec("DELETE FROM tag_value WHERE tag_id = ? AND member_id = ?", v.tag, m)
	if w.chance(80) {
		w.tags = append(w.tags, v)
		w.put("tag_value", row{"tag_id": v.tag, "member_id": m, "value": v.value, "score": v.score, "since_at": v.since, "until_at": v.until})
	}
	w.note(segment.PartTags, m)
}

// regroup joins a member with another, or parts him from his family.
func (w *world) regroup(m id.ID) {
	concerned := w.family(m)
	if len(concerned) > 1 {
		for _, x := range concerned {
			w.root[x] = x
		}
	} else {
		other := w.family(w.some())
		concerned = append(concerned, other...)
		root := slices.Min(concerned)
		for _, x := range concerned {
			w.root[x] = root
		}
	}
	for _, x := range concerned {
		root := w.root[x]
		if root == x {
			root = 0
		}
		w.exec("UPDATE member SET root_id = ? WHERE id = ?", root, x)
	}
	w.note(segment.PartAll, concerned...)
}

func (w *world) who(m id.ID) {
	k := w.kept[m]
	switch key := pick(w, "phone", "unionid", "openid_official", "openid_mini", "wecom", "follows", "tier", "leader", "depth", "reach"); key {
	case "tier":
		n := int64(w.r.IntN(4))
		if _, there := w.number["tier_level"][m]; there {
			w.exec("UPDATE tier_standing SET level = ? WHERE member_id = ?", n, m)
		} else {
			w.put("tier_standing", row{"brand_id": 1, "member_id": m, "level": n})
		}
		w.number["tier_level"][m] = n
	case "leader":
		if _, there := w.number["leader"][m]; there {
			delete(w.number["leader"], m)
			w.exec("DELETE FROM leader WHERE member_id = ?", m)
		} else {
			n := int64(w.r.IntN(3))
			w.number["leader"][m] = n
			w.put("leader", row{"id": w.d.NewID(), "brand_id": 1, "member_id": m, "level": n, "state": "active"})
		}
	case "reach":
		channel := "reach:" + pick(w, "custom", "subscribe", "mass", "wecom")
		k[channel] = !k[channel]
	case "depth":
		w.exec("DELETE FROM referral_node WHERE member_id = ?", m)
		delete(w.number["depth"], m)
		if w.chance(30) {
			break
		}
		n := int64(w.r.IntN(4))
		direct := w.r.IntN(2)
		if n > 0 || direct > 0 { // who has nobody above and nobody below is in no tree
			w.number["depth"][m] = n
		}
		w.put("referral_node", row{"brand_id": 1, "member_id": m, "parent_id": n, "path": fmt.Sprint("p", m), "depth": n, "direct": direct})
	case "follows":
		if k["follows:11"] = !k["follows:11"]; k["follows:11"] {
			w.exec("DELETE FROM follower WHERE member_id = ?", m)
			w.put("follower", row{"account_id": 11, "openid": fmt.Sprint("o", m), "member_id": m, "following": 1})
		} else {
			w.exec("UPDATE follower SET following = 0 WHERE member_id = ?", m)
		}
	default:
		if k["key:"+key] {
			break
		}
		k["key:"+key] = true
		kind, scope := key, ""
		switch key {
		case "openid_official":
			kind, scope = "openid", "wxo"
		case "openid_mini":
			kind, scope = "openid", "wxm"
		case "wecom":
			kind, scope = "external_userid", "corp"
		}
		w.put("identity_key", row{"kind": kind, "scope": scope, "value": fmt.Sprint(key, m), "person_id": 100000 + int(m)})
	}
	w.note(segment.PartWho, m)
}

func (w *world) bind(m id.ID) {
	other := w.some()
	if old, there := w.bound[m]; there {
		delete(w.bound, m)
		w.exec("UPDATE referral_binding SET slot = id WHERE member_id = ? AND slot = 0", m)
		w.note(segment.PartWho, m, old)
		return
	}
	w.bound[m] = other
	w.put("referral_binding", row{"id": w.d.NewID(), "brand_id": 1, "member_id": m, "slot": 0, "referrer_id": other, "role": "member", "channel": "h5", "state": "active"})
	w.note(segment.PartWho, m, other)
}

func (w *world) said(m id.ID) {
	w.seq++
	if w.chance(50) {
		a := answer{member: m, key: fmt.Sprintf("1990-%02d-05", 1+w.r.IntN(12)), source: pick(w, "self", "operator", "wecom", "import"), at: w.ago(100), no: w.seq}
		if w.chance(10) {
			a.key = ""
		}
		w.birth[m] = append(w.birth[m], a)
		w.put("profile_value", row{"id": a.no, "member_id": m, "field": "birthday", "value": a.key, "source": a.source, "at": a.at})
	} else {
		a := answer{member: m, key: pick(w, "scan", "order", "login"), at: w.ago(100), no: w.seq}
		if slices.ContainsFunc(w.origin[m], func(o answer) bool { return o.key == a.key }) {
			return
		}
		w.origin[m] = append(w.origin[m], a)
		w.put("profile_origin", row{"member_id": m, "channel": a.key, "event_key": fmt.Sprintf("%09d", a.no), "brand_id": 1, "at": a.at})
	}
	w.note(segment.PartWho, m)
}

func (w *world) family(m id.ID) (list []id.ID) {
	for _, x := range w.members {
		if w.root[x] == w.root[m] {
			list = append(list, x)
		}
	}
	return list
}

// settle lets everything that was noted be derived.
func (w *world) settle() {
	w.Helper()
	for more := true; more; {
		named, err := w.s.Named(context.Background())
		if err == nil {
			more, err = w.s.Refresh(context.Background())
		}
		if err != nil {
			w.Fatal(err)
		}
		more = more || named
	}
}

func keysOf(m map[id.ID]bool) []id.ID { return slices.Sorted(maps.Keys(m)) }
