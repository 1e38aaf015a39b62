package rights

import "siyu/model/audit"

// The register (个人信息处理记录, art. 55 and 56) says of every table of the database what
// it holds of a person, how his rows are found, and what an erasure leaves. A test reads
// the schema and fails for a table that is in none of the two lists below.

// table is one line.
type table struct {
	name  string
	title string // zh-CN: heads the rows in an export, names them in a proof
	// where finds the rows. @members, @persons, @openids, @phones, @keys, @scopes,
	// @accounts and @names are lists of what the person is known by (subject.go);
	// contains(column, @list) finds texts that hold one of them.
	where string
	hide  []string // columns that do not go out: sealed, internal, or of other people
	// quiet says why rows do not go out at all; "" means that they do.
	quiet string

	// What an erasure does: the owner of the table does it (by), or rows go (drop), or
	// columns get these values (set), or columns that hold one of @values get a keyed
	// tombstone in its place (tomb). Nothing: the rows stay, and keep says why.
	by   string
	drop bool
	set  map[string]any
	tomb []string
	// slow: no index finds the rows. They are looked for by a plain read, which locks
	// nothing, and changed by their ids.
	slow bool
	keep string
}

// Why rows stay.
const (
	keepMoney = "账目与发放记录，依《会计法》《电子商务法》第三十一条至少保存三年；只留内部编号，不再指向任何人"
	keepCode  = "商品码的防伪记录，只有内部编号和省市，不再指向任何人"
	keepProof = "处理合法性的证据（个人信息保护法第十四、六十九条）；只留内部编号"
	keepLink  = "只有内部编号，没有个人信息"
	gone      = audit.ErasedText
)

// ofMember is how most tables know a person.
const ofMember = "member_id IN @members"

// register is the list of tables that hold something of a person.
func register() []table {
	return []table{
		// identity and member
		{name: "person", title: "身份", where: "id IN @persons", hide: []string{"version"}, keep: keepLink},
		{name: "member", title: "会员", where: "id IN @members", hide: []string{"tail"}, by: "member", keep: "状态改为已注销；" + keepLink},
		{name: "identity_key", title: "身份标识", where: "person_id IN @persons", tomb: []string{"value"}, keep: "标识换成不可逆的加密摘要，再次扫码即为新会员"},
		{name: "identity_edge", title: "标识的关联依据", where: "person_id IN @persons OR key_no IN @keys", hide: []string{"value", "other_value", "key_no", "note", "actor_id"},
			tomb: []string{"value", "other_value"}, set: map[string]any{"key_no": 0, "note": ""}, keep: keepLink},
		{name: "identity_review", title: "待核实的关联", where: "low_id IN @persons OR high_id IN @persons", quiet: "涉及他人，单独申请核实后告知",
			tomb: []string{"value"}, set: map[string]any{"note": "", "reason": ""}, keep: keepLink},
		{name: "identity_merge", title: "身份合并记录", where: "person_id IN @persons OR other_id IN @persons", hide: []string{"value", "note", "actor_id", "undone_by"},
			tomb: []string{"value"}, set: map[string]any{"note": "", "reason": ""}, keep: keepLink},
		{name: "phone", title: "手机号", where: "hash IN @phones", quiet: "号码见“身份标识”", drop: true},
		{name: "follower", title: "公众号关注", where: "account_id IN @accounts AND openid IN @openids", drop: true},

		{name: "wecom_contact", title: "企业微信联系人", where: ofMember, hide: []string{"way", "asked", "done", "told_at", "seen_round"}, drop: true},
		{name: "wecom_chat_member", title: "企业微信客户群", where: ofMember, hide: []string{"way", "told_at"}, drop: true},

		// what was agreed to and asked for
		{name: "consent", title: "授权记录", where: ofMember, hide: []string{"ip_hash", "operator_id", "note"},
			set: map[string]any{"ip_hash": "", "request_id": "", "note": ""}, keep: keepProof},
		{name: "rights_request", title: "个人信息权利请求", where: ofMember, hide: []string{"detail", "open_key", "operator_id", "decided_by", "proof"},
			set: map[string]any{"detail": []byte{}}, keep: keepProof},
		{name: "rights_file", title: "导出的文件", where: "request_id IN (SELECT id FROM rights_request WHERE member_id IN @members)", quiet: "就是这份文件", drop: true},

		// scans and rewards
		{name: "scan", title: "扫码记录", where: ofMember, hide: []string{"visitor", "window_no", "serial"},
			set: map[string]any{"ip": "", "user_agent": "", "exact_place": ""}, keep: keepCode},
		{name: "code_sight", title: "码的首次验证", where: "first_member IN @members", quiet: "内容见“扫码记录”", slow: true, keep: keepCode},
		{name: "report", title: "举报", where: ofMember, hide: []string{"handled_by"}, set: map[string]any{"note": gone, "token_text": "", "handling": ""}, slow: true, keep: keepCode},
		{name: "claim", title: "领取记录", where: ofMember, hide: []string{"serial"}, keep: keepMoney},
		{name: "payout", title: "红包打款单", where: ofMember, hide: []string{"package_info", "attempts", "review", "next_at"},
			tomb: []string{"openid"}, set: map[string]any{"package_info": ""}, keep: keepMoney},
		{name: "ledger_entry", title: "积分流水", where: "debit_owner IN @members OR credit_owner IN @members", keep: keepMoney},
		{name: "message", title: "发给您的消息", where: ofMember, tomb: []string{"openid"}, set: map[string]any{"text": ""}, slow: true, keep: keepLink},

		// events and what is derived from them
		{name: "event", title: "行为记录", where: ofMember, by: "event", keep: "只留事实编号、类型和时间，防止重复上报"},
		{name: "purchase", title: "购买记录", where: ofMember, by: "event"},
		{name: "purchase_state", title: "购买推算的进度", where: ofMember, quiet: "程序自用的进度", by: "event"},

		// points and tiers
		{name: "points_account", title: "积分账户", where: ofMember, quiet: "程序自用的进度", keep: keepMoney},
		{name: "points_lot", title: "积分批次", where: ofMember, keep: keepMoney},
		{name: "points_earning", title: "积分获得", where: ofMember, keep: keepMoney},
		{name: "points_move", title: "积分变动", where: ofMember, hide: []string{"by_id"}, set: map[string]any{"memo": gone}, keep: keepMoney},
		{name: "points_loan", title: "合并账户间的积分", where: "borrower_id IN @members OR lender_id IN @members", quiet: "内容见“积分流水”", slow: true, keep: keepMoney},
		{name: "points_adjustment", title: "人工积分调整", where: ofMember, hide: []string{"by_id", "decided_by", "note"}, set: map[string]any{"reason": gone, "note": ""}, keep: keepMoney},
		{name: "points_warning", title: "积分到期提醒", where: ofMember, drop: true},
		{name: "tier_growth", title: "成长值", where: ofMember, keep: keepMoney},
		{name: "tier_standing", title: "会员等级", where: ofMember, slow: true, keep: keepLink},

		// profile and imports
		{name: "profile_value", title: "会员资料", where: ofMember, by: "profile"},
		{name: "profile_skip", title: "跳过的问题", where: ofMember, by: "profile"},
		{name: "profile_reward", title: "资料奖励", where: ofMember, by: "profile", keep: "防止重复奖励；" + keepLink},
		{name: "profile_origin", title: "来源", where: ofMember, by: "profile"},
		{name: "profile_move", title: "关系阶段", where: ofMember, by: "profile"},
		{name: "crm_row", title: "导入的客户资料", where: ofMember, hide: []string{"wrote"}, by: "crm", keep: keepLink},

		// pushes
		{name: "push_delivery", title: "营销与服务触达", where: ofMember, hide: []string{"lane", "use_no", "take_id", "ticket_id", "tries"}, keep: "每次触达只发一次的依据；" + keepLink},
		{name: "push_task_copy", title: "等待员工发送的企业微信群发", where: ofMember, hide: []string{"task_id"}, by: "push"},
		{name: "push_click", title: "打开过的触达链接", where: ofMember, drop: true},
		{name: "push_tester", title: "触达测试白名单", where: ofMember, hide: []string{"by_id"}, drop: true},

		// tags
		{name: "segment_act", title: "人群用到的行为", where: "member_id IN @members OR person_id IN @members", hide: []string{"person_id"}, by: "segment"},
		{name: "segment_unnamed", title: "订单里品牌还没有登记的商品", where: ofMember, by: "segment"},
		{name: "segment_state", title: "人群推算的进度", where: ofMember, quiet: "程序自用的进度", by: "segment", keep: keepLink},
		{name: "segment_dirty", title: "待重新推算的会员", where: ofMember, quiet: "程序自用的进度", by: "segment", keep: keepLink},
		{name: "segment_person", title: "您是哪些品牌的用户", where: "person_id IN @members", hide: []string{"number"}, by: "segment", keep: keepLink},
		{name: "segment_list_item", title: "运营名单", where: ofMember, by: "segment"},
		{name: "segment_move", title: "进出人群的记录", where: "person_id IN @members", by: "segment"},
		{name: "tag_value", title: "标签", where: ofMember, hide: []string{"evidence"}, by: "tag"},
		{name: "tag_seen", title: "标签计算过的品牌", where: ofMember, quiet: "程序自用的进度", by: "tag"},
		{name: "tag_person", title: "标签计算的进度", where: ofMember, quiet: "程序自用的进度", by: "tag", keep: keepLink},

		// who may be reached
		{name: "reach_contact", title: "触达状态", where: ofMember, hide: []string{"version"}, drop: true},
		{name: "reach_window", title: "客服消息窗口", where: ofMember, drop: true},
		{name: "reach_grant", title: "订阅消息授权", where: ofMember, drop: true},
		{name: "reach_count", title: "群发次数", where: ofMember, drop: true},
		{name: "reach_human", title: "频控的计数", where: ofMember, quiet: "程序自用的版本号", drop: true},
		{name: "reach_ticket", title: "占用的消息名额", where: ofMember, hide: []string{"delivery_id", "sender", "deed", "window_at"}, drop: true},
		{name: "reach_optout", title: "消息偏好", where: ofMember, hide: []string{"by_id"}, drop: true},
		{name: "reach_optout_move", title: "退订与恢复的经过", where: ofMember, hide: []string{"push_channel", "counted_for"}, drop: true},
		{name: "reach_want_member", title: "预留授权的触达", where: ofMember, quiet: "程序自用：哪次触达预留了授权", drop: true},

		// who brought whom
		{name: "referral_code", title: "推广码", where: ofMember, set: map[string]any{"name": ""}, keep: keepLink},
		{name: "invite_code", title: "邀请海报上的微信码", where: "code_id IN (SELECT id FROM referral_code WHERE member_id IN @members)", hide: []string{"account_id", "picture"}, drop: true},
		{name: "referral_binding", title: "推荐关系", where: ofMember, hide: []string{"slot", "by_id", "ended_by", "ip_hash", "device_hash"},
			set: map[string]any{"ip_hash": "", "device_hash": "", "reason": "", "ended_reason": ""}, keep: keepMoney},
		{name: "referral_node", title: "推荐关系中的位置与计数", where: ofMember, hide: []string{"path"}, keep: keepLink},

		// referrals that were looked at
		{name: "fraud_trace", title: "推荐的安全记录", where: ofMember, quiet: "反作弊用的加密摘要，说明见隐私政策",
			set: map[string]any{"device_hash": "", "ip_hash": ""}, keep: keepLink},
		{name: "fraud_device", title: "登录过的设备", where: ofMember, hide: []string{"device_hash"}, drop: true},
		{name: "fraud_case", title: "推荐核查", where: "referrer_id IN @members", quiet: "涉及他人，单独申请核实后告知", keep: keepProof},
		{name: "fraud_case_member", title: "推荐核查涉及的人", where: ofMember, quiet: "涉及他人，单独申请核实后告知", keep: keepProof},

		// communities and live codes
		{name: "community", title: "您带领的社群", where: "leader_member_id IN @members", hide: []string{"chat_key", "version", "fill_round", "pending"},
			set: map[string]any{"owner_name": ""}, keep: "群是品牌的；" + keepLink},
		{name: "live_place", title: "活码分配到的群", where: ofMember, drop: true},
		{name: "live_hand", title: "活码分配记录", where: ofMember, set: map[string]any{"visitor": "", "member_id": 0}, keep: "只留次数，不再指向任何人"},
		{name: "live_dead", title: "没有分配到群的扫码", where: ofMember, drop: true},

		// leaders
		{name: "leader", title: "群主、导购资格", where: ofMember, hide: []string{"phone_hash", "rev"},
			set: map[string]any{"state": "left", "name": "", "region": "", "community": "", "phone_hash": "", "shop_name": "", "employee_no": "", "reason": ""}, keep: keepLink},
		{name: "leader_move", title: "群主资格的变更", where: ofMember, hide: []string{"by_id", "told"}, set: map[string]any{"reason": gone, "told": 1}, keep: keepProof},
		{name: "leader_signature", title: "签署的群主协议", where: ofMember, hide: []string{"ip_hash"}, set: map[string]any{"ip_hash": ""}, keep: keepProof},
		{name: "leader_candidate", title: "群主候选", where: ofMember, hide: []string{"by_id"}, drop: true},
		{name: "leader_done", title: "群主任务", where: ofMember, set: map[string]any{"note": ""}, keep: keepLink},
		{name: "leader_fact", title: "群主条件所依据的购买", where: ofMember, hide: []string{"referrer_id"}, drop: true},

		// commission. A row names the buyer too, by number only: what he bought is in his own
		// sections, what another earned by it is the other's.
		{name: "commission_accrual", title: "推广佣金", where: "earner_id IN @members", hide: []string{"referee_id", "binding_id", "account_id", "fact_key", "event_key", "event_id", "batch_id", "serial", "checks"},
			keep: keepMoney},
		{name: "commission_claw", title: "佣金追回", where: "earner_id IN @members", hide: []string{"claw_key", "by_id"}, slow: true, keep: keepMoney},
		{name: "commission_statement", title: "佣金结算单", where: "earner_id IN @members", hide: []string{"account_id", "parts", "told_at"}, keep: keepMoney},
		{name: "commission_account", title: "佣金账户", where: ofMember, hide: []string{"moves"}, keep: keepMoney},
		{name: "withdrawal", title: "佣金提现", where: ofMember, hide: []string{"request_key", "account_id", "payout_id", "by_id"}, tomb: []string{"openid"}, keep: keepMoney},

		// what servers and operators wrote down
		{name: "notice", title: "微信推送", where: "contains(body, @heard)", quiet: "微信服务器之间的原文，内容见其他各节", slow: true,
			set: map[string]any{"body": []byte("{}"), "error": ""}, keep: "只留去重编号"},
		{name: "replay", title: "最近请求的回答", where: "scope IN @scopes", quiet: "48 小时内自动删除的重复请求回答", drop: true},
		{name: "audit", title: "操作员的操作", where: "object_id IN @members OR contains(before_json, @names) OR contains(after_json, @names)",
			hide: []string{"actor_id", "actor", "ip", "request_id", "before_json", "after_json", "reason"}, slow: true,
			set: map[string]any{"before_json": "{}", "after_json": "{}", "reason": gone}, keep: "谁在何时做了什么，《个人信息保护法》第五十一条要求的记录；内容已清除"},
	}
}

// impersonal lists the tables that hold nothing of a person, with the reason.
func impersonal() map[string]string {
	const goods = "品牌、商品、码和活动，不是个人"
	const program = "程序自己的进度和缓存"
	const office = "操作员和合作方，不是消费者"
	const rules = "品牌定的规则"
	const imported = "按导入任务加密保存，逐人的内容在 crm_row；随导入任务到期删除"
	const trees = "推荐关系的锁、核对与导出进度；导出的名单中会员以不可逆的代号出现，到期删除"
	return map[string]string{
		"referral_policy": rules, "referral_tree": trees, "referral_repair": trees, "referral_export": trees, "referral_export_part": trees,
		"referral_fact": "已计入团队计数的事件编号，到期删除",
		"audit_seal":    program, "schema_migration": program, "process_start": program, "cache_version": program, "outbox": program, "wechat_token": program, "account_call": "微信接口的调用次数和错误，只有数量", "quiet_hours": rules, "event_source": program,
		"wecom_sync": program, "wecom_way": "企业微信群活码，是品牌的入口；推荐码只是编号", "wecom_chat": "客户群本身，群里有谁在 wecom_chat_member",
		"tally": "只有数量：扫码、领取、金额、积分、新会员", "tally_recent": "只有数量，十几分钟后并入 tally", "tally_cursor": program,
		"brand_target": rules, "brand_setup": rules,
		"claim_counter": "会员编号和领取次数", "points_round": program, "points_liability": "只有数量：品牌的积分负债", "points_part": "积分批次之间的分摊，只有编号和数量",
		"brand": goods, "account": goods, "product": goods, "code_key": goods, "batch": goods, "code_range": goods, "campaign": goods, "campaign_tier": goods, "campaign_scope": goods,
		"campaign_policy": rules, "campaign_approval": "活动审批：送审的内容、操作员编号、理由", "campaign_tally": "统计到哪里；参与人数只存无法还原的估算草图", "campaign_count": "只有数量：按小时、奖项、省份的领取和打款结果",
		"batch_request": goods, "scan_region": "各省市每天的扫码次数", "region_cursor": program, "territory": goods, "diversion": goods, "diversion_code": "在约定区域外首次验证的码，只有序号和省市",
		"export": goods, "export_part": goods, "export_download": office, "keyword_reply": goods,
		"extract": office, "extract_part": "操作员导出的名单：加密保存，手机号只有掩码，没有 openid，七天后删除；谁在何时为何导出、下载都在操作记录里",
		"operator_view": office, "job_seen": office,
		"operator": office, "operator_session": office, "operator_totp": office, "api_key": office,
		"group_policy": rules, "community_template": rules, "live_code": goods, "live_target": goods, "live_switch": goods,
		"community_kit":   "社群的欢迎语、素材和任务，是品牌的内容",
		"community_alarm": "群的提醒，只有群名和群主的编号",
		"poster_template": rules, "poster_version": rules, "poster_default": rules, "poster_picture": "品牌上传的海报图片，重画后保存，不含文件里的信息",
		"identity_kind": rules, "points_rule": rules, "tier_table": rules, "fraud_policy": rules, "profile_field": rules, "crm_mapping": rules, "consent_text": rules,
		"leader_programme": rules, "leader_agreement": rules, "leader_task": rules, "leader_material": rules, "leader_run": program, "leader_rank": "群主编号和名次，每夜重算",
		"segment": rules, "segment_version": rules, "segment_asked": rules, "segment_list": rules, "segment_brand": program, "segment_change": "刚变动过的会员编号，六小时后删除", "segment_cursor": program, "segment_named": program,
		"segment_now": "人群里有哪些序号，序号只在程序内有意义；撤回或注销后去掉", "segment_snapshot": "人群每天有哪些序号，序号只在程序内有意义；撤回或注销后去掉", "segment_unlink": "等待从历史人群里去掉的序号，去掉即删除",
		"tag": rules, "tag_category": rules, "tag_version": rules, "tag_run": program, "tag_stat": "只有数量：每个标签每天有多少人", "tag_feed": "只有数量：模型每一版写入了多少条", "tag_score": "只有数量：模型标签每个分数段有多少人",
		"commission_rule": rules, "commission_version": rules, "commission_policy": rules, "commission_signoff": "法务意见，签发人是律师",
		"withdrawal_policy": rules, "withdrawal_part": "提现由哪些佣金账户出，只有内部编号", "withdrawal_move": "提现的经过，内容见“佣金提现”",
		"reach_policy": rules, "reach_holiday": rules, "reach_quota": program, "reach_stop": program, "reach_want": program, "reach_summary": "只有数量：各渠道能触达多少人", "reach_seen": "已计入授权的通知，只有不可逆的摘要",
		"holdout_setting": rules, "push": rules, "push_pin": rules, "push_policy": rules, "push_lane": program, "push_task": program, "push_heard": "微信报告的发送结果，只有消息编号和不可逆的摘要，十四天后删除；群发只有数量", "push_tally": "只有数量：每次触达各种结果的人数", "push_minute": "只有数量：每分钟发送的人数", "push_test": office, "push_cost": "触达的花费，是品牌的", "push_report": "触达的效果，只有数量和金额合计",
		"commission_owed": "佣金应付合计，只有金额", "commission_owed_move": "佣金应付的变动，只有金额", "commission_order": program, "commission_refund": "订单号和退回的商品，不指向任何人",
		"identity_blocked": "很多人共用的号码（前台电话等），不属于某一个人；手机号只有加密摘要",
		"event_batch":      "投递中的事件副本，投递完即删", "event_dead": "没有对上任何会员的上报",
		"recon_day": office, "merchant_balance": office, "recon_line": "微信账单的流水，只有单号和金额", "recon_item": "对账差异，只有单号和金额",
		"payout_day": "按日合计", "ledger_trial": program, "ledger_sum": program,
		"crm_import": imported, "crm_file": imported, "crm_error": imported,
	}
}
