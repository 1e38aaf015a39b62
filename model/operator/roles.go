package operator

import "slices"

// Roles (角色). Making an activity and letting it spend money are two people's work:
// operations writes it, the approver publishes it. The file of a print order and its
// password go through two hands as well.
const (
	Admin      = "admin"      // 管理员
	Operations = "operations" // 运营
	Approver   = "approver"   // 审批
	Finance    = "finance"    // 财务
	Support    = "support"    // 客服
	Analyst    = "analyst"    // 分析
	Legal      = "legal"      // 法务
)

// Permissions. Each route of the back office names one of them.
const (
	BrandRead       = "brand:read"
	BrandWrite      = "brand:write"
	AccountRead     = "account:read"
	AccountWrite    = "account:write" // secrets of WeChat accounts
	ProductRead     = "product:read"
	ProductWrite    = "product:write"
	CodeRead        = "code:read"
	CodeWrite       = "code:write"      // batches, activation, voiding, recall
	CodeApprove     = "code:approve"    // applications for batches, never one's own
	CodeSample      = "code:sample"     // the picture of a single code
	DiversionWrite  = "diversion:write" // sales territories; decisions about diverted goods
	ReportWrite     = "report:write"    // what was done about consumers' reports
	KeyWrite        = "key:write"       // rotation of code keys
	ExportRead      = "export:read"
	ExportWrite     = "export:write"
	ExportDownload  = "export:download"
	ExportPassword  = "export:password"
	CampaignRead    = "campaign:read"
	CampaignWrite   = "campaign:write"
	CampaignPublish = "campaign:publish" // publish, pause, resume, end: money moves
	CampaignApprove = "campaign:approve" // the second person
	CampaignPolicy  = "campaign:policy"  // up to how much one person publishes
	ScanRead        = "scan:read"        // abnormal codes, consumers' reports
	ClaimRead       = "claim:read"
	PayoutRead      = "payout:read"
	PayoutWrite     = "payout:write"
	LedgerRead      = "ledger:read"
	ReconRead       = "recon:read"
	ReconWrite      = "recon:write" // days against WeChat's bill, reasons for differences, alarms of balances
	AuditRead       = "audit:read"
	HealthRead      = "health:read"
	ReplyRead       = "reply:read"
	ReplyWrite      = "reply:write"
	PointsRead      = "points:read"
	PointsWrite     = "points:write"   // rules
	PointsAdjust    = "points:adjust"  // give, take, freeze; above a limit only ask
	PointsApprove   = "points:approve" // the second person
	TierRead        = "tier:read"
	TierWrite       = "tier:write"
	ProfileRead     = "profile:read"
	ProfileWrite    = "profile:write" // corrections for a member, and what is asked
	ImportRead      = "import:read"
	ImportWrite     = "import:write"
	ImportUndo      = "import:undo" // takes a whole file of people back
	ConsentRead     = "consent:read"
	RightsRead      = "rights:read"
	RightsWrite     = "rights:write" // what members ask of their data: approve, refuse
	PhoneReveal     = "phone:reveal" // a number in clear, with a reason
	MemberRead      = "member:read"
	MemberBlock     = "member:block" // stops somebody from earning, and lets him again
	IdentityRead    = "identity:read"
	IdentityMerge   = "identity:merge" // joins and parts people: points and packets change hands
	IdentityWrite   = "identity:write" // kinds of key, shared keys
	DataMapRead     = "datamap:read"   // numbers, nobody's data
	EventRead       = "event:read"     // timelines and purchases of members
	EventReplay     = "event:replay"   // what partners sent and could not be placed
	APIKeyRead      = "apikey:read"
	APIKeyWrite     = "apikey:write" // who may report through the open API
	GroupRead       = "group:read"
	GroupWrite      = "group:write" // communities, live codes, templates
	ReferralRead    = "referral:read"
	ReferralWrite   = "referral:write"  // rules; changes of who brought whom
	ReferralExport  = "referral:export" // lists of people, by alias
	LeaderRead      = "leader:read"
	LeaderWrite     = "leader:write"   // programme, agreement, tasks, materials
	LeaderApprove   = "leader:approve" // decisions about people
	FraudRead       = "fraud:read"
	FraudDecide     = "fraud:decide" // referrals that look wrong: commission waits for it
	WeComRead       = "wecom:read"   // contacts and groups of WeCom, rounds
	WeComWrite      = "wecom:write"  // starts rounds
	PosterRead      = "poster:read"
	PosterWrite     = "poster:write" // what invitations look like and say
	QuietWrite      = "quiet:write"  // when people are not disturbed
	HomeRead        = "home:read"    // numbers of the day, and what waits for oneself
	HomeWrite       = "home:write"   // targets, first steps
	ExtractMake     = "extract:make" // takes lists out that he may read
	JobAll          = "job:all"      // everybody's long jobs, and the house's
	TaskRetry       = "task:retry"   // wake-ups that fail
	OperatorRead    = "operator:read"
	OperatorWrite   = "operator:write"

	TagRead      = "tag:read"
	TagWrite     = "tag:write"   // asks for tags, builds them
	TagApprove   = "tag:approve" // the second person
	SegmentRead  = "segment:read"
	SegmentWrite = "segment:write"
	ReachRead    = "reach:read"  // who may be reached, and why not
	ReachWrite   = "reach:write" // caps, holidays, control groups, quotas
	PushRead     = "push:read"
	PushWrite    = "push:write"   // drafts
	PushApprove  = "push:approve" // the second person
	PushSend     = "push:send"    // tests, schedules, starts, pauses and stops: people hear of it

	WithdrawalRead    = "withdrawal:read"
	WithdrawalApprove = "withdrawal:approve" // commission leaves the house, with its tax
	WithdrawalPolicy  = "withdrawal:policy"  // limits, tax, who pays

	CommissionRead    = "commission:read"
	CommissionWrite   = "commission:write"   // rules as drafts, settlement days
	CommissionPublish = "commission:publish" // rules come into force: money is earned
	CommissionLegal   = "commission:legal"   // records legal opinions
	CommissionClaw    = "commission:claw"    // takes back what somebody earned
)

// Role is one line of the table.
type Role struct {
	Key         string   `json:"key"`
	Name        string   `json:"name"` // zh-CN
	Permissions []string `json:"permissions"`
}

// Roles is the table from role to permissions.
func Roles() []Role {
	return []Role{
		{Admin, "管理员", Permissions()},
		{Operations, "运营", []string{TagRead, TagWrite, SegmentRead, SegmentWrite, ReachRead, ReachWrite, PushRead, PushWrite, PushSend, QuietWrite, ExtractMake, HomeRead, HomeWrite, PosterRead, PosterWrite, BrandRead, AccountRead, ProductRead, ProductWrite, CodeRead, CodeWrite, CodeSample, DiversionWrite, ReportWrite, ExportRead, ExportWrite, ExportDownload,
			CampaignRead, CampaignWrite, ScanRead, ClaimRead, PayoutRead, HealthRead, ReplyRead, ReplyWrite, PointsRead, PointsWrite, PointsAdjust, TierRead, TierWrite, ProfileRead, ProfileWrite, ImportRead, ImportWrite, ConsentRead, RightsRead, MemberRead, MemberBlock, IdentityRead, DataMapRead, EventRead, EventReplay, APIKeyRead, WeComRead, WeComWrite, FraudRead, GroupRead, GroupWrite, ReferralRead, ReferralWrite, LeaderRead, LeaderWrite, CommissionRead, CommissionWrite, WithdrawalRead}},
		{Approver, "审批", []string{TagRead, TagApprove, SegmentRead, ReachRead, PushRead, PushApprove, ExtractMake, HomeRead, PosterRead, BrandRead, ProductRead, CodeRead, CodeApprove, ExportRead, ExportPassword, CampaignRead, CampaignPublish, CampaignApprove, ClaimRead, PayoutRead, LedgerRead, ReconRead, AuditRead, PointsRead, PointsApprove, TierRead, ImportRead, ImportUndo, MemberRead, IdentityRead, IdentityMerge, FraudRead, FraudDecide, ReferralRead, ReferralExport, LeaderRead, LeaderApprove, CommissionRead, CommissionPublish, WithdrawalRead, WithdrawalPolicy}},
		{Finance, "财务", []string{ExtractMake, HomeRead, BrandRead, AccountRead, ProductRead, CampaignRead, ClaimRead, PayoutRead, PayoutWrite, LedgerRead, ReconRead, ReconWrite, AuditRead, PointsRead, TierRead, FraudRead, ReferralRead, LeaderRead, CommissionRead, CommissionClaw, WithdrawalRead, WithdrawalApprove}},
		{Support, "客服", []string{TagRead, SegmentRead, ReachRead, PushRead, HomeRead, PosterRead, BrandRead, ProductRead, CodeRead, CampaignRead, ScanRead, ReportWrite, ClaimRead, PayoutRead, ReplyRead, PointsRead, PointsAdjust, TierRead, ProfileRead, ProfileWrite, ConsentRead, RightsRead, RightsWrite, PhoneReveal, MemberRead, MemberBlock, IdentityRead, IdentityMerge, EventRead, WeComRead, GroupRead, ReferralRead, LeaderRead, CommissionRead, WithdrawalRead}},
		{Analyst, "分析", []string{TagRead, SegmentRead, SegmentWrite, ReachRead, PushRead, HomeRead, BrandRead, ProductRead, CodeRead, CampaignRead, ScanRead, ClaimRead, LedgerRead, PointsRead, TierRead, DataMapRead, EventRead, GroupRead, ReferralRead, LeaderRead}},
		{Legal, "法务", []string{ReachRead, PushRead, ExtractMake, HomeRead, BrandRead, ProductRead, AuditRead, CommissionRead, CommissionLegal}},
	}
}

// Permissions lists all of them.
func Permissions() []string {
	return []string{BrandRead, BrandWrite, AccountRead, AccountWrite, ProductRead, ProductWrite, CodeRead, CodeWrite, CodeApprove, CodeSample, DiversionWrite, ReportWrite, KeyWrite,
		ExportRead, ExportWrite, ExportDownload, ExportPassword, CampaignRead, CampaignWrite, CampaignPublish, CampaignApprove, CampaignPolicy, ScanRead, ClaimRead,
		PayoutRead, PayoutWrite, LedgerRead, ReconRead, ReconWrite, AuditRead, HealthRead, ReplyRead, ReplyWrite, PointsRead, PointsWrite, PointsAdjust, PointsApprove,
		TierRead, TierWrite, ProfileRead, ProfileWrite, ImportRead, ImportWrite, ImportUndo, ConsentRead, RightsRead, RightsWrite, PhoneReveal, MemberRead, MemberBlock, IdentityRead, IdentityMerge, IdentityWrite, DataMapRead, EventRead, EventReplay, APIKeyRead, APIKeyWrite, CommissionRead, CommissionWrite, CommissionPublish, CommissionLegal, CommissionClaw, WithdrawalRead, WithdrawalApprove, WithdrawalPolicy, LeaderRead, LeaderWrite, LeaderApprove, FraudRead, FraudDecide, GroupRead, GroupWrite, ReferralRead, ReferralWrite, ReferralExport, WeComRead, WeComWrite, PosterRead, PosterWrite, QuietWrite, HomeRead, HomeWrite, ExtractMake, JobAll, TaskRetry, OperatorRead, OperatorWrite,
		TagRead, TagWrite, TagApprove, SegmentRead, SegmentWrite, ReachRead, ReachWrite, PushRead, PushWrite, PushApprove, PushSend}
}

// PermissionsOf joins what roles give, in the order of Permissions.
func PermissionsOf(roles []string) []string {
	out := []string{}
	for _, p := range Permissions() {
		if slices.ContainsFunc(roles, func(r string) bool { return grants(r, p) }) {
			out = append(out, p)
		}
	}
	return out
}

func roleOf(key string) (Role, bool) {
	for _, r := range Roles() {
		if r.Key == key {
			return r, true
		}
	}
	return Role{}, false
}

func grants(role, permission string) bool {
	r, ok := roleOf(role)
	return ok && slices.Contains(r.Permissions, permission)
}
