package poster

// Builtin is a template that every brand has.
type Builtin struct {
	Key    string `json:"key"`
	Name   string `json:"name"` // zh-CN
	Layout Layout `json:"layout"`
}

// disclosure is the legal line of the built-in templates: who pays, what it does to the
// reader, what the inviter sees, how one gets out.
const disclosure = "您购买或扫码验证后，推荐人可能得到佣金，由品牌承担，不影响您的价格和奖励。推荐人只能看到打码的信息，您可随时在“我的数据”里解除。"

// Builtins are the templates in the program; the first is what a new brand begins with.
// All are 1080 by 1440: whole on a phone's screen, and an A6 card at 260 dots per inch.
func Builtins() []Builtin {
	return []Builtin{
		{"dawn", "晨光", dawn()},
		{"plain", "素白", plainPaper()},
		{"pine", "松绿", pine()},
	}
}

// BuiltinOf finds one by its key.
func BuiltinOf(key string) (Builtin, bool) {
	for _, b := range Builtins() {
		if b.Key == key {
			return b, true
		}
	}
	return Builtin{}, false
}

func dawn() Layout {
	return Layout{WidthPx: 1080, HeightPx: 1440, From: "#FF8A4C", To: "#E0342F", Slots: []Slot{
		{Kind: Panel, X: 690, Y: -250, W: 640, H: 640, RadiusPx: 320, Fill: "#FFFFFF1F"},
		{Kind: Panel, X: -240, Y: 250, W: 460, H: 460, RadiusPx: 230, Fill: "#FFFFFF14"},
		{Kind: Subtitle, X: 90, Y: 96, W: 900, H: 56, SizePx: 38, Align: Left, Color: "#FFFFFFD9", Text: "{brand}"},
		{Kind: Title, X: 90, Y: 168, W: 900, H: 232, SizePx: 88, Align: Left, Bold: true, Color: "#FFFFFF", Text: "扫一扫，加入我们"},
		{Kind: Panel, X: 60, Y: 440, W: 960, H: 760, RadiusPx: 44, Fill: "#FFFFFF"},
		{Kind: Initial, X: 116, Y: 496, W: 112, H: 112, Fill: "#FF8A4C", FillTo: "#E0342F", Color: "#FFFFFF"},
		{Kind: Name, X: 256, Y: 494, W: 700, H: 64, SizePx: 46, Align: Left, Bold: true, Color: "#2A1A16", Text: "{name}"},
		{Kind: Words, X: 256, Y: 564, W: 700, H: 46, SizePx: 32, Align: Left, Color: "#8A746D", Text: "{brand} · {role}，邀请您加入"},
		{Kind: QR, X: 290, Y: 616, W: 500, H: 500},
		{Kind: Words, X: 140, Y: 1124, W: 800, H: 52, SizePx: 36, Align: Center, Bold: true, Color: "#2A1A16", Text: "微信扫码，或长按识别"},
		{Kind: Legal, X: 90, Y: 1232, W: 900, H: 150, SizePx: 28, Align: Center, Color: "#FFFFFFE6", Text: disclosure},
	}}
}

func plainPaper() Layout {
	return Layout{WidthPx: 1080, HeightPx: 1440, From: "#FBFAF7", Slots: []Slot{
		{Kind: Panel, X: 0, Y: 0, W: 1080, H: 16, Fill: "#1F1F1F"},
		{Kind: Subtitle, X: 90, Y: 110, W: 900, H: 56, SizePx: 38, Align: Left, Color: "#8B867C", Text: "{brand} 会员邀请"},
		{Kind: Title, X: 90, Y: 186, W: 900, H: 240, SizePx: 92, Align: Left, Bold: true, Color: "#1F1F1F", Text: "每一瓶，\n都查得到来处"},
		{Kind: Panel, X: 90, Y: 470, W: 120, H: 8, Fill: "#C8A15A"},
		{Kind: Panel, X: 90, Y: 540, W: 900, H: 616, RadiusPx: 20, Fill: "#FFFFFF"},
		{Kind: QR, X: 100, Y: 598, W: 500, H: 500},
		{Kind: Initial, X: 610, Y: 660, W: 104, H: 104, Fill: "#1F1F1F", Color: "#FBFAF7"},
		{Kind: Name, X: 610, Y: 790, W: 340, H: 64, SizePx: 48, Align: Left, Bold: true, Color: "#1F1F1F", Text: "{name}"},
		{Kind: Words, X: 610, Y: 862, W: 340, H: 48, SizePx: 32, Align: Left, Color: "#8B867C", Text: "{role}，邀请您加入"},
		{Kind: Words, X: 610, Y: 966, W: 340, H: 90, SizePx: 30, Align: Left, Color: "#1F1F1F", Text: "微信扫码，或长按左侧二维码识别"},
		{Kind: Legal, X: 90, Y: 1210, W: 900, H: 160, SizePx: 28, Align: Left, Color: "#8B867C", Text: disclosure},
	}}
}

func pine() Layout {
	return Layout{WidthPx: 1080, HeightPx: 1440, From: "#1E5B45", To: "#0E2F25", Slots: []Slot{
		{Kind: Panel, X: 40, Y: 40, W: 1000, H: 1360, RadiusPx: 36, Fill: "#E9D9A81A"},
		{Kind: Panel, X: 44, Y: 44, W: 992, H: 1352, RadiusPx: 33, Fill: "#174A38", FillTo: "#0E2F25"},
		{Kind: Initial, X: 466, Y: 116, W: 148, H: 148, Fill: "#E9D9A8", Color: "#174A38"},
		{Kind: Name, X: 120, Y: 290, W: 840, H: 76, SizePx: 56, Align: Center, Bold: true, Color: "#FFFFFF", Text: "{name}"},
		{Kind: Subtitle, X: 120, Y: 372, W: 840, H: 50, SizePx: 34, Align: Center, Color: "#BFD3C8", Text: "{brand} · {role}"},
		{Kind: Title, X: 100, Y: 452, W: 880, H: 110, SizePx: 72, Align: Center, Bold: true, Color: "#E9D9A8", Text: "邀您同饮，一起查真伪"},
		{Kind: QR, X: 290, Y: 596, W: 500, H: 500, RadiusPx: 32},
		{Kind: Words, X: 140, Y: 1116, W: 800, H: 50, SizePx: 36, Align: Center, Color: "#FFFFFF", Text: "微信扫码，或长按识别"},
		{Kind: Legal, X: 110, Y: 1200, W: 860, H: 160, SizePx: 27, Align: Center, Color: "#BFD3C8", Text: disclosure},
	}}
}
