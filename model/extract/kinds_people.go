package extract

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"siyu/model/fault"
	"siyu/model/operator"
)

func leaderStates() map[string]string {
	return map[string]string{"applied": "待审核", "approved": "待签约", "active": "合作中", "suspended": "已暂停", "left": "已退出", "refused": "未通过"}
}

func leaderRoles() map[string]string {
	return map[string]string{"leader": "群主", "clerk": "导购", "staff": "员工"}
}

func memberStates() map[string]string {
	return map[string]string{"active": "正常", "blocked": "已停用", "erased": "已注销"}
}

func groupStates() map[string]string {
	return map[string]string{"open": "可加人", "full": "已满", "expired": "群码过期", "closed": "已关闭"}
}

func channels() map[string]string {
	return map[string]string{"scan": "扫码验证", "campaign": "活动领取", "follow": "关注公众号", "referral": "推荐", "order": "下单", "login": "登录", "crm": "会员资料导入", "other": "其他"}
}

// peopleKinds are lists of members, leaders and communities.
func peopleKinds() []kind {
	return []kind{
		{name: "members", title: "会员", permission: operator.MemberRead, table: "member", made: "created_at",
			filters: []filter{word("state", "t.state = ?", memberStates()), {name: "joined_from", sql: "t.created_at >= ?", read: aMoment}, {name: "joined_until", sql: "t.created_at < ?", read: aMoment}},
			columns: []column{{"会员编号", "t.id", number}, {"本人编号", "CASE WHEN t.root_id <> 0 THEN t.root_id ELSE t.person_id END", number}, {"状态", "t.state", words(memberStates())}, {"成为会员时间", "t.created_at", moment},
				{"手机号(已脱敏)", "t.person_id", text}, {"来源", "(SELECT MIN(o.channel) FROM profile_origin o WHERE o.member_id = t.id AND o.at = (SELECT MIN(f.at) FROM profile_origin f WHERE f.member_id = t.id))", words(channels())},
				{"等级", "(SELECT MAX(s.level) FROM tier_standing s WHERE s.member_id = t.id)", count}},
			fill: maskedPhones("members")},
		{name: "leaders", title: "大C(群主、导购、员工)", permission: operator.LeaderRead, table: "leader", made: "created_at", join: brandName,
			filters: []filter{ofBrand(), word("state", "t.state = ?", leaderStates()), word("role", "t.role = ?", leaderRoles()), {name: "level", sql: "t.level = ?", read: someText}, {name: "name", sql: "t.name LIKE ? ESCAPE '!'", read: part}},
			columns: []column{{"编号", "t.id", number}, {"品牌", "b.name", text}, {"会员编号", "t.member_id", number}, {"姓名", "t.name", text}, {"身份", "t.role", words(leaderRoles())}, {"状态", "t.state", words(leaderStates())}, {"等级", "t.level", count},
				{"地区", "t.region", text}, {"社群情况", "t.community", text}, {"手机号(已脱敏)", "t.phone_hash", text}, {"门店", "t.shop_name", text}, {"工号", "t.employee_no", text}, {"签署协议版本", "t.signed_version", count},
				{"申请时间", "t.created_at", moment}, {"合作开始", "t.active_at", moment}, {"最近变更", "t.changed_at", moment}, {"原因", "t.reason", text}},
			fill: leaderPhones},
		{name: "groups", title: "社群", permission: operator.GroupRead, table: "community", made: "created_at",
			join:    brandName + " LEFT JOIN leader l ON l.id = t.leader_id",
			filters: []filter{ofBrand(), {name: "leader_id", sql: "t.leader_id = ?"}, word("state", "t.state = ?", groupStates()), word("kind", "t.kind = ?", map[string]string{"wechat": "", "wecom": ""}), {name: "name", sql: "t.name LIKE ? ESCAPE '!'", read: part}},
			columns: []column{{"社群编号", "t.id", number}, {"品牌", "b.name", text}, {"群名", "t.name", text}, {"类型", "t.kind", words(map[string]string{"wechat": "微信群", "wecom": "企业微信群"})}, {"群主", "l.name", text},
				{"省", "t.province", text}, {"市", "t.city", text}, {"人数", "t.size", count}, {"人数上限", "t.capacity", count}, {"活码已分配", "t.pending", count}, {"状态", "t.state", words(groupStates())}, {"原因", "t.reason", text},
				{"人数更新时间", "t.size_at", moment}, {"群码到期", "t.qr_expires_at", moment}, {"建立时间", "t.created_at", moment}}},
	}
}

// columnOf finds a column by its head.
func columnOf(name, head string) int {
	for _, k := range kinds() {
		for i, c := range k.columns {
			if k.name == name && c.title == head {
				return i
			}
		}
	}
	return -1
}

const phoneHead = "手机号(已脱敏)"

// maskedPhones puts the masked numbers in the place of the persons who have them.
func maskedPhones(kind string) func(ctx context.Context, s *Store, rows []row) error {
	return func(ctx context.Context, s *Store, rows []row) error {
		return maskPhones(ctx, s, rows, columnOf(kind, phoneHead))
	}
}

func maskPhones(ctx context.Context, s *Store, rows []row, at int) error {
	persons := make([]string, len(rows))
	for i, r := range rows {
		persons[i] = r.cells[at].String
	}
	var keys []struct{ PersonID, Value string }
	if len(persons) > 0 {
		err := s.DB.Read(ctx).Raw("SELECT person_id, value FROM identity_key WHERE person_id IN ? AND kind = 'phone' ORDER BY person_id, created_at, value", persons).Scan(&keys).Error
		if err != nil {
			return err
		}
	}
	hashes := make([]string, len(keys))
	for i, k := range keys {
		hashes[i] = k.Value
	}
	numbers, err := s.Phones.Masked(ctx, hashes)
	if err != nil {
		return err
	}
	of := map[string][]string{}
	for _, k := range keys {
		if n := numbers[k.Value]; n != "" {
			of[k.PersonID] = append(of[k.PersonID], n)
		}
	}
	for _, r := range rows {
		r.cells[at] = sql.NullString{String: strings.Join(of[r.cells[at].String], " "), Valid: true}
	}
	return nil
}

// leaderPhones puts the masked numbers in the place of their hashes.
func leaderPhones(ctx context.Context, s *Store, rows []row) error {
	at := columnOf("leaders", phoneHead)
	var hashes []string
	for _, r := range rows {
		if h := r.cells[at].String; h != "" {
			hashes = append(hashes, h)
		}
	}
	numbers, err := s.Phones.Masked(ctx, hashes)
	if err != nil {
		return err
	}
	for _, r := range rows {
		r.cells[at] = sql.NullString{String: numbers[r.cells[at].String], Valid: true}
	}
	return nil
}

// otherKinds are lists of codes that were flagged, and of acts of operators.
func otherKinds() []kind {
	return []kind{
		{name: "flagged", title: "扫码异常的码", permission: operator.ScanRead, table: "code_sight", made: "flagged_at",
			join: " LEFT JOIN batch k ON k.id = t.batch_id LEFT JOIN product p ON p.id = k.product_id LEFT JOIN brand b ON b.id = k.brand_id", fixed: "t.flagged_at > 0",
			filters: []filter{{name: "brand_id", sql: "k.brand_id = ?"}, {name: "batch_id", sql: "t.batch_id = ?"}},
			columns: []column{{"发现时间", "t.flagged_at", moment}, {"批次编号", "t.batch_id", number}, {"序号", "t.serial", count}, {"品牌", "b.name", text}, {"商品", "p.name", text}, {"码批次", "k.name", text}, {"异常", "t.flag_reason", text},
				{"首次扫码", "t.first_at", moment}, {"首次城市", "t.first_city", text}, {"会员扫码次数", "t.scans", count}, {"非首扫者次数", "t.others", count}, {"未登录次数", "t.anonymous", count}, {"最近扫码", "t.last_at", moment}, {"最近城市", "t.last_city", text}},
			next: nextFlagged, count: countFlagged},
		{name: "audit", title: "操作记录", permission: operator.AuditRead, table: "audit", made: "created_at",
			filters: []filter{{name: "actor_id", sql: "t.actor_id = ?"}, {name: "object_id", sql: "t.object_id = ?"}, {name: "object", sql: "t.object = ?", read: someText},
				{name: "action", sql: "t.action = ?", read: someText}, {name: "outcome", sql: "t.outcome = ?", read: someText}},
			columns: []column{{"编号", "t.id", number}, {"时间", "t.created_at", moment}, {"操作人", "t.actor", text}, {"IP", "t.ip", text}, {"操作", "t.action", text}, {"对象", "t.object", text}, {"对象编号", "t.object_id", number},
				{"变更前", "t.before_json", text}, {"变更后", "t.after_json", text}, {"原因", "t.reason", text}, {"结果", "t.outcome", text}, {"请求编号", "t.request_id", text}}},
	}
}

// nextFlagged walks the codes that were flagged by the moment of that, which is indexed;
// they have no ids.
func nextFlagged(ctx context.Context, s *Store, k kind, x Extract) (batch, error) {
	where, args, err := k.where(x)
	if err != nil {
		return batch{}, err
	}
	at, batchID, serial := int64(x.CreatedAt), int64(0), int64(0)
	if x.AfterKey != "" {
		if _, err := fmt.Sscanf(x.AfterKey, "%d:%d:%d", &at, &batchID, &serial); err != nil {
			return batch{}, fault.NewInvalid("extract_cursor", "导出的进度损坏，请重新导出")
		}
	}
	var keys []struct{ FlaggedAt, BatchID, Serial int64 }
	err = s.DB.Read(ctx).Raw(`SELECT flagged_at, batch_id, serial FROM code_sight WHERE flagged_at > 0 AND flagged_at <= ? AND (flagged_at < ? OR batch_id < ? OR batch_id = ? AND serial < ?)
		ORDER BY flagged_at DESC, batch_id DESC, serial DESC LIMIT ?`, at, at, batchID, batchID, serial, s.window).Scan(&keys).Error
	if err != nil {
		return batch{}, err
	}
	b := batch{seen: len(keys), after: x.AfterKey, last: len(keys) < s.window}
	if len(keys) == 0 {
		return b, nil
	}
	last := keys[len(keys)-1]
	b.after = fmt.Sprintf("%d:%d:%d", last.FlaggedAt, last.BatchID, last.Serial)
	bounds := []any{at, at, batchID, batchID, serial, last.FlaggedAt, last.FlaggedAt, last.BatchID, last.BatchID, last.Serial}
	rows, err := s.rows(ctx, k, `t.flagged_at <= ? AND (t.flagged_at < ? OR t.batch_id < ? OR t.batch_id = ? AND t.serial < ?)
		AND t.flagged_at >= ? AND (t.flagged_at > ? OR t.batch_id > ? OR t.batch_id = ? AND t.serial >= ?)`+where+" ORDER BY t.flagged_at DESC, t.batch_id DESC, t.serial DESC", append(bounds, args...)...)
	for _, r := range rows {
		b.lines = append(b.lines, cells(k.columns, r.cells))
	}
	return b, err
}

func countFlagged(ctx context.Context, s *Store, _ Extract) (n int64, err error) {
	err = s.DB.Read(ctx).Raw("SELECT COUNT(*) FROM code_sight WHERE flagged_at > 0").Scan(&n).Error
	return n, err
}
