package event

import "maps"

// Kinds of field in a body.
const (
	Text    = "text"
	Integer = "integer"
	Bool    = "boolean"
	Ident   = "id"   // decimal text of one of our ids
	List    = "list" // of objects, by Fields
	Data    = "data" // an object of the partner's own: texts, numbers and booleans
)

// Field is one line of a schema.
type Field struct {
	Name     string
	Kind     string
	Required bool
	Min, Max int64    // characters of a text, value of an integer, items of a list or of data
	Choices  []string // of a text; empty: any
	Fields   []Field  // of a list's items
	Text     string   // zh-CN: what it says
}

const (
	maxFen   = 1_000_000_000_00 // 10 hundred million yuan: more is a mistake
	maxCount = 1_000_000
)

// Schemas returns what the body of each type may hold; anything else in it is refused.
// The open API is documented from the same table.
func Schemas() map[string][]Field { return maps.Clone(schemas) }

func text(name string, max int64, says string) Field {
	return Field{Name: name, Kind: Text, Max: max, Text: says}
}

func whole(name string, min, max int64, says string) Field {
	return Field{Name: name, Kind: Integer, Min: min, Max: max, Text: says}
}

func ident(name, says string) Field { return Field{Name: name, Kind: Ident, Text: says} }

// must marks a field as required.
func must(f Field) Field { f.Required = true; return f }

func of(f Field, choices ...string) Field { f.Choices = choices; return f }

// goods names a product; the two places are where a scan was seen.
var (
	goods = []Field{must(ident("product_id", "商品编号")), must(ident("batch_id", "码批次编号")), must(whole("serial", 1, 1<<40, "码序号"))}
	place = []Field{text("province", 32, "省份"), text("city", 32, "城市")}
	told  = []Field{must(text("message", 64, "消息标识")), ident("account_id", "微信账号编号"), text("title", 100, "标题")}
)

func join(lists ...[]Field) (all []Field) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// schemas is never changed.
var schemas = map[string][]Field{
	Scan: join(goods, []Field{must(text("verdict", 24, "验证结论"))}, place),
	Claim: join(goods, []Field{must(ident("campaign_id", "活动编号")), must(of(text("kind", 8, "奖项类型"), "cash", "points", "nothing")),
		text("prize", 100, "奖项"), must(whole("cash_fen", 0, maxFen, "红包金额(分)")), must(whole("points", 0, maxCount*1000, "积分"))}, place),
	// A refund is an order event of its own whose quantities and amounts are negative.
	Order: {must(text("source", 24, "下单平台")), must(text("order_no", 40, "订单号")), text("refund_no", 24, "退款单号；有则为退款，数量和金额应为负数"),
		must(whole("amount_fen", -maxFen, maxFen, "订单实付(分)，退款为负数")),
		must(Field{Name: "lines", Kind: List, Min: 1, Max: 100, Text: "商品明细", Fields: []Field{text("gtin", 14, "商品条码"), text("sku", 64, "平台商品编号"), text("name", 100, "商品名"),
			must(whole("quantity", -maxCount, maxCount, "数量，退款为负数")), must(whole("amount_fen", -maxFen, maxFen, "金额(分)，退款为负数"))}})},
	Follow:      {must(ident("account_id", "公众号编号")), text("scene", 64, "来源场景")},
	Unfollow:    {must(ident("account_id", "公众号编号"))},
	MessageSent: told,
	MessageLost: join(told, []Field{text("reason", 32, "没有送达的原因(代码)")}),
	MessageOpen: told,
	MessageTap:  join(told, []Field{text("link", 300, "点开的链接")}),
	Referral:    {must(of(text("role", 8, "推荐人或被推荐人"), "referrer", "referee")), ident("other_id", "对方会员编号"), text("scene", 64, "来源")},
	NotReferred: {must(text("reason", 32, "为什么没有登记推荐人(错误代码)")), must(ident("code_id", "推广码编号")), ident("account_id", "公众号编号")},
	Login:       {text("app_id", 64, "应用"), text("scene", 64, "来源")},
	Review:      {must(whole("stars", 1, 5, "星级")), text("gtin", 14, "商品条码"), ident("product_id", "商品编号"), text("order_no", 40, "订单号"), text("text", 1000, "评价内容")},
	Coupon: {must(text("coupon_no", 64, "券码")), must(of(text("act", 8, "动作"), "issue", "redeem", "expire", "void")),
		text("name", 100, "券名"), whole("value_fen", 0, maxFen, "面额(分)"), text("shop", 100, "门店")},
	Custom: {must(text("name", 48, "事件名")), {Name: "data", Kind: Data, Max: 32, Text: "自定义内容：文字(500 字内)、数字或真假"}},
}
