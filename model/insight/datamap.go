package insight

import (
	"context"
	"fmt"
	"sync"
	"time"

	"siyu/model/clock"
)

// Owners of a touchpoint's data.
const (
	FirstParty = "first_party" // the brand's own account, code, phone or file
	ThirdParty = "third_party" // reported by somebody else's platform
)

// Signal is one kind of fact that a touchpoint gives.
type Signal struct {
	Signal string        `json:"signal"`
	Title  string        `json:"title"`
	Count  int64         `json:"count"`
	LastAt clock.Instant `json:"last_at"`
}

// Touchpoint is a place where people meet the brand (触点), with the key by which it
// knows them.
type Touchpoint struct {
	ID      string        `json:"id"` // kind and scope: "openid/wx123"
	Title   string        `json:"title"`
	Kind    string        `json:"kind"` // of its key; "" when it has none of its own
	Scope   string        `json:"scope"`
	Owner   string        `json:"owner"`
	Keys    int64         `json:"keys"`   // how many it knows
	People  int64         `json:"people"` // humans among them
	Joined  int64         `json:"joined"` // humans among those who are known at another touchpoint too
	LastAt  clock.Instant `json:"last_at"`
	Signals []Signal      `json:"signals"`

	bit int
}

// Join is how often two touchpoints know the same human.
type Join struct {
	A       string           `json:"a"`
	B       string           `json:"b"`
	People  int64            `json:"people"`
	Percent int              `json:"percent"` // of the humans of the smaller one
	Through map[string]int64 `json:"through"` // unionid, phone, crm, ... : how many by which key
}

// Gap is something the map lacks and what to do about it (数据缺口).
type Gap struct {
	Touchpoint string `json:"touchpoint"`
	Text       string `json:"text"`
	Advice     string `json:"advice"`
}

// Evidence is how often which event joined which kinds of key.
type Evidence struct {
	Kind   string        `json:"kind"`
	Other  string        `json:"other"`
	Event  string        `json:"event"`
	Count  int64         `json:"count"`
	LastAt clock.Instant `json:"last_at"`
}

// DataMap is every touchpoint, what joins them and what is missing (数据地图).
type DataMap struct {
	AsOf        clock.Instant `json:"as_of"`
	TookMs      int64         `json:"took_ms"`
	People      int64         `json:"people"`
	Signals     int64         `json:"signals"` // events of the last thirty days
	Touchpoints []Touchpoint  `json:"touchpoints"`
	Joins       []Join        `json:"joins"`
	Evidence    []Evidence    `json:"evidence"`
	Gaps        []Gap         `json:"gaps"`
	// FirstPartyPercent is the part of all signals that the brand's own touchpoints gave;
	// OwnKeyPercent the part of people known by a key that no platform can take away
	// (phone, customer number, card).
	FirstPartyPercent int `json:"first_party_percent"`
	OwnKeyPercent     int `json:"own_key_percent"`
}

// A map is drawn at most once in freshFor, or as often as it costs a hundredth of the
// time, whichever is less often: it reads every key.
const (
	mapFreshFor = time.Minute
	mapShare    = 100
	mapWindow   = 30 * 24 * time.Hour // signals are counted over it
	placesMost  = 60                  // the masks of crossings end there; a brand has a handful
)

// alive leaves out the keys of people who were erased: a sealed digest is in their place.
const alive = "value NOT LIKE 'erased!_%' ESCAPE '!'"

// mapCache holds the last map.
type mapCache struct {
	mu   sync.Mutex
	last *DataMap
}

// DataMap draws the map from the rows, or returns the one that was drawn last while it
// is fresh (AsOf). Those who ask at once wait for one drawing.
func (s *Store) DataMap(ctx context.Context) (*DataMap, error) {
	s.maps.mu.Lock()
	defer s.maps.mu.Unlock()
	now := s.db.Now()
	if m := s.maps.last; m != nil {
		keep := max(mapFreshFor, time.Duration(m.TookMs)*time.Millisecond*mapShare)
		if age := now.Sub(m.AsOf); age >= 0 && age < keep {
			return m, nil
		}
	}
	m, err := s.drawMap(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("insight: data map: %w", err)
	}
	m.TookMs = s.db.Now().Sub(now).Milliseconds()
	s.maps.last = m
	return m, nil
}

func (s *Store) drawMap(ctx context.Context, now clock.Instant) (*DataMap, error) {
	m := &DataMap{AsOf: now, Touchpoints: []Touchpoint{}, Joins: []Join{}, Evidence: []Evidence{}, Gaps: []Gap{}}
	kinds, err := s.touchpoints(ctx, m, now)
	if err != nil {
		return nil, err
	}
	if err := s.signals(ctx, m, now); err != nil {
		return nil, err
	}
	if err := s.crossings(ctx, m, kinds); err != nil {
		return nil, err
	}
	err = s.db.Read(ctx).Raw(`SELECT kind, other_kind AS other, event, COUNT(*) AS count, MAX(at) AS last_at FROM identity_edge
		WHERE revokes = 0 AND other_kind <> '' GROUP BY kind, other_kind, event ORDER BY COUNT(*) DESC, kind, other_kind, event LIMIT 100`).Scan(&m.Evidence).Error
	if err != nil {
		return nil, err
	}
	m.gaps(now)
	return m, nil
}

// touchpoints lists the places with keys, and returns the bit of each key's place. A
// unionid is no place: it joins places.
func (s *Store) touchpoints(ctx context.Context, m *DataMap, now clock.Instant) (map[[2]string]int, error) {
	var rows []struct {
		Kind, Scope, Event string
		Known, Seen        int64
		LastAt, SeenAt     clock.Instant
	}
	err := s.db.Read(ctx).Raw(`SELECT kind, scope, event, COUNT(*) AS known, MAX(created_at) AS last_at, MAX(seen_at) AS seen_at,
		SUM(CASE WHEN seen_at >= ? THEN 1 ELSE 0 END) AS seen FROM identity_key WHERE `+alive+` GROUP BY kind, scope, event ORDER BY kind, scope, event`, now.Add(-mapWindow)).Scan(&rows).Error
	if err != nil {
		return nil, err
	}
	names, err := s.accountNames(ctx)
	if err != nil {
		return nil, err
	}
	var own []struct{ Kind, Title string }
	if err := s.db.Read(ctx).Raw("SELECT kind, title FROM identity_kind").Scan(&own).Error; err != nil {
		return nil, err
	}
	keyTitles := map[string]string{"wechat_login": "微信登录带来的编号", "wechat_push": "关注带来的编号", "phone_verified": "微信验证的手机号", "crm_import": "导入的编号",
		"wecom_callback": "企业微信带来的编号", "partner_event": "合作方上报的编号", "operator": "人工登记的编号"}
	titles := map[string]string{"openid": "微信应用", "external_userid": "企业微信", "phone": "手机号", "crm": "CRM 客户", "card": "会员卡"}
	for _, k := range own {
		if titles[k.Kind] == "" {
			titles[k.Kind] = k.Title
		}
	}
	bit := map[[2]string]int{}
	for _, r := range rows {
		at := [2]string{r.Kind, r.Scope}
		if _, there := bit[at]; !there {
			if len(bit) >= placesMost {
				break
			}
			bit[at] = len(bit)
			if r.Kind == "unionid" { // no place, but what joins places
				continue
			}
			title := names[r.Scope]
			if title == "" {
				if title = titles[r.Kind]; r.Scope != "" {
					title += "（" + r.Scope + "）"
				}
			}
			m.Touchpoints = append(m.Touchpoints, Touchpoint{ID: r.Kind + "/" + r.Scope, Title: title, Kind: r.Kind, Scope: r.Scope, Owner: FirstParty,
				Signals: []Signal{}, bit: bit[at]})
		}
		if r.Kind == "unionid" {
			continue
		}
		t := &m.Touchpoints[len(m.Touchpoints)-1]
		t.Keys, t.LastAt = t.Keys+r.Known, max(t.LastAt, r.LastAt, r.SeenAt)
		t.Signals = append(t.Signals, Signal{"key_" + r.Event, keyTitles[r.Event], r.Known, r.LastAt})
		if r.Seen > 0 {
			t.Signals = append(t.Signals, Signal{"login", "近 30 天登录过的编号", r.Seen, r.SeenAt})
		}
	}
	return bit, nil
}

// accountNames calls the WeChat accounts by their names.
func (s *Store) accountNames(ctx context.Context) (map[string]string, error) {
	var rows []struct{ Kind, AppID, Name string }
	if err := s.db.Read(ctx).Raw("SELECT kind, app_id, name FROM account WHERE kind IN ('official', 'mini', 'wecom')").Scan(&rows).Error; err != nil {
		return nil, err
	}
	what := map[string]string{"official": "公众号", "mini": "小程序", "wecom": "企业微信"}
	out := map[string]string{}
	for _, r := range rows {
		out[r.AppID] = what[r.Kind] + "“" + r.Name + "”"
	}
	return out, nil
}

// signals counts what was heard in the last thirty days, by the channel that told it.
func (s *Store) signals(ctx context.Context, m *DataMap, now clock.Instant) error {
	var follows []struct {
		AppID     string
		Following int64
		LastAt    clock.Instant
	}
	err := s.db.Read(ctx).Raw(`SELECT account.app_id, COUNT(*) AS following, MAX(follower.changed_at) AS last_at FROM follower JOIN account ON account.id = follower.account_id
		WHERE follower.following = ? GROUP BY account.app_id`, true).Scan(&follows).Error
	if err != nil {
		return err
	}
	for _, f := range follows {
		for i, t := range m.Touchpoints {
			if t.Kind == "openid" && t.Scope == f.AppID {
				m.Touchpoints[i].Signals = append(t.Signals, Signal{"following", "正在关注", f.Following, f.LastAt})
			}
		}
	}
	// Ids hold their time: the events of the window are ranges of the table's own order.
	where, args := s.db.MadeIn(now.Add(-mapWindow), now.Add(time.Second))
	var events []struct {
		Channel, Type string
		Count         int64
		LastAt        clock.Instant
	}
	err = s.db.Read(ctx).Raw("SELECT channel, type, COUNT(*) AS count, MAX(at) AS last_at FROM event WHERE "+where+" GROUP BY channel, type ORDER BY channel, type", args...).Scan(&events).Error
	if err != nil {
		return err
	}
	channels := map[string]string{"code": "一物一码", "open": "合作方接口", "callback": "微信回调", "wechat": "公众号关注与消息", "h5": "网页", "mini": "小程序页面", "import": "资料导入", "admin": "后台登记"}
	titles := map[string]string{"scan": "扫码", "claim": "领取", "order": "订单", "follow": "关注", "unfollow": "取消关注", "message_sent": "消息发送", "message_lost": "消息未送达",
		"message_opened": "消息打开", "message_clicked": "消息点击", "referral": "推荐", "not_referred": "扫了推广码但未登记", "login": "登录", "review": "评价", "coupon": "优惠券", "custom": "自定义事件"}
	var first, all int64
	for _, e := range events {
		at := "channel/" + e.Channel
		if n := len(m.Touchpoints); n == 0 || m.Touchpoints[n-1].ID != at {
			t := Touchpoint{ID: at, Title: channels[e.Channel], Owner: FirstParty, Signals: []Signal{}, bit: placesMost}
			if t.Title == "" {
				t.Title = "渠道 " + e.Channel
			}
			if e.Channel == "open" || channels[e.Channel] == "" {
				t.Owner = ThirdParty
			}
			m.Touchpoints = append(m.Touchpoints, t)
		}
		t := &m.Touchpoints[len(m.Touchpoints)-1]
		t.Signals, t.LastAt = append(t.Signals, Signal{e.Type, titles[e.Type], e.Count, e.LastAt}), max(t.LastAt, e.LastAt)
		if all += e.Count; t.Owner == FirstParty {
			first += e.Count
		}
	}
	m.Signals, m.FirstPartyPercent = all, percent(first, all)
	return nil
}
