// Package poster draws invitations (邀请海报): a leader's or member's shown name and his
// code on a template of the brand, as SVG or PNG.
//
// It owns the tables poster_template, poster_version, poster_default and poster_picture.
// A template is live or retired; its layouts are versions that are only added to.
//
// Promises:
//
//   - The same layout, values and fonts give the same bytes; they are kept by a digest of
//     these, within a bound of memory.
//   - Names are hostile input: whatever one holds, the drawing stays valid, keeps its
//     layout and shows that something could not be drawn.
//   - A code is black on white with its quiet zone, on whole pixels, and nothing is drawn
//     over it.
//   - A layout without the legal line, or with words that promise something for sharing,
//     following or for how many people one brings, cannot be saved.
package poster

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/lawful"
)

// Kinds of slot.
const (
	Panel    = "panel"    // a plain area, rounded by RadiusPx
	Title    = "title"    // of the poster
	Subtitle = "subtitle" // of the poster
	Words    = "words"    // any other fixed text
	Legal    = "legal"    // what the law wants to be said; every layout has one
	Name     = "name"     // the inviter's shown name
	Initial  = "initial"  // the first character of that name on a disc
	QR       = "qr"       // the code; every layout has exactly one
	Product  = "product"  // a picture
)

// Alignments of a text in its slot.
const (
	Left   = "left"
	Center = "center"
	Right  = "right"
)

// Slot is one area of a layout, in pixels from the top left corner. Slots are drawn in
// their order. A text is made smaller until it fits, down to 60 percent, and then cut.
type Slot struct {
	Kind string `json:"kind"`
	X    int    `json:"x"`
	Y    int    `json:"y"`
	W    int    `json:"w"`
	H    int    `json:"h"`
	// Text of a text slot; {brand}, {name} and {role} are filled in, \n ends a line.
	Text      string `json:"text,omitempty"`
	SizePx    int    `json:"size_px,omitempty"`
	Align     string `json:"align,omitempty"` // left
	Bold      bool   `json:"bold,omitempty"`
	Color     string `json:"color,omitempty"` // of the text: #RRGGBB or #RRGGBBAA
	Fill      string `json:"fill,omitempty"`  // of a panel or disc
	FillTo    string `json:"fill_to,omitempty"`
	RadiusPx  int    `json:"radius_px,omitempty"`
	PictureID id.ID  `json:"picture_id,omitempty"`
}

// Layout is one version of a template. The background is From, a gradient down to To
// where To is given, and over it the picture where one is given.
type Layout struct {
	WidthPx   int    `json:"width_px"`
	HeightPx  int    `json:"height_px"`
	From      string `json:"from"`
	To        string `json:"to,omitempty"`
	PictureID id.ID  `json:"picture_id,omitempty"`
	Slots     []Slot `json:"slots"`
}

// Values fill a layout.
type Values struct {
	Brand  string
	Name   string // as it may be shown to strangers
	Role   string // zh-CN, e.g. 群主
	QRText string // printable ASCII, in practice an address
	// Drawn is a code that somebody else drew (ReadCode), in place of QRText.
	Drawn *Picture `json:",omitempty"`
}

// Limits of a layout.
const (
	minSide  = 480
	maxSide  = 2400
	maxArea  = 4_500_000
	maxSlots = 32
	maxText  = 120
	maxQR    = 200
	// A code under a fifth of the width is not read from a photo of a poster.
	qrShare  = 5
	minQR    = 200
	minText  = 12
	legalPer = 60 // a legal line is at least a sixtieth of the width high
)

var colorForm = regexp.MustCompile(`^#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})$`)

func bad(field, format string, args ...any) error {
	return fault.Invalidf("poster_layout", format, args...).With("field", field)
}

func (s Slot) isText() bool {
	return slices.Contains([]string{Title, Subtitle, Words, Legal, Name}, s.Kind)
}

// Check says what is wrong with a layout. Faults: Invalid poster_layout, poster_words.
func (l Layout) Check() error {
	switch {
	case min(l.WidthPx, l.HeightPx) < minSide || max(l.WidthPx, l.HeightPx) > maxSide || l.WidthPx*l.HeightPx > maxArea:
		return bad("width_px", "海报边长应为 %d 到 %d 像素，总面积不超过 %d 万像素", minSide, maxSide, maxArea/10000)
	case !colorForm.MatchString(l.From) || l.To != "" && !colorForm.MatchString(l.To):
		return bad("from", "背景颜色应写作 #RRGGBB")
	case len(l.Slots) == 0 || len(l.Slots) > maxSlots:
		return bad("slots", "版块应为 1 到 %d 个", maxSlots)
	}
	count := map[string]int{}
	qr := -1
	for i, s := range l.Slots {
		if err := s.check(l); err != nil {
			return err
		}
		if count[s.Kind]++; s.Kind == QR {
			qr = i
		}
	}
	if count[QR] != 1 {
		return bad("slots", "海报上应恰好有一个二维码")
	}
	if count[Legal] == 0 {
		return bad("slots", "海报上须有说明佣金由谁承担、推荐人能看到什么的小字（legal）")
	}
	for _, s := range l.Slots[qr+1:] {
		if s.overlaps(l.Slots[qr]) {
			return bad("slots", "二维码上面不能再放别的版块")
		}
	}
	return nil
}

func (s Slot) check(l Layout) error {
	switch {
	case !slices.Contains([]string{Panel, Title, Subtitle, Words, Legal, Name, Initial, QR, Product}, s.Kind):
		return bad("kind", "没有这种版块：%s", tidy(s.Kind, 20))
	case s.W < 1 || s.H < 1 || s.X < 0 || s.Y < 0 || s.X+s.W > l.WidthPx || s.Y+s.H > l.HeightPx:
		if s.Kind == Panel && s.W > 0 && s.H > 0 && s.W <= 2*maxSide && s.H <= 2*maxSide && s.X > -maxSide && s.Y > -maxSide && s.X < l.WidthPx && s.Y < l.HeightPx {
			break // an area may run over the edge: it is only colour
		}
		return bad("x", "版块应在海报之内")
	}
	for _, c := range []string{s.Color, s.Fill, s.FillTo} {
		if c != "" && !colorForm.MatchString(c) {
			return bad("color", "颜色应写作 #RRGGBB 或 #RRGGBBAA")
		}
	}
	switch {
	case s.Align != "" && s.Align != Left && s.Align != Center && s.Align != Right:
		return bad("align", "对齐应为 left、center 或 right")
	case s.RadiusPx < 0 || s.RadiusPx > maxSide:
		return bad("radius_px", "圆角应为 0 到 %d 像素", maxSide)
	case s.isText() && (s.SizePx < minText || s.SizePx > s.H):
		return bad("size_px", "字号应为 %d 像素以上，且不高于版块", minText)
	case s.isText() && (strings.TrimSpace(s.Text) == "" || utf8.RuneCountInString(s.Text) > maxText || !utf8.ValidString(s.Text)):
		return bad("text", "文字应为 1 到 %d 个字", maxText)
	case s.Kind == Name && !strings.Contains(s.Text, "{name}"):
		return bad("text", "姓名版块的文字应含 {name}")
	case s.Kind == Legal && s.SizePx*legalPer < l.WidthPx:
		return bad("size_px", "小字不能小于 %d 像素，否则印出来看不清", (l.WidthPx+legalPer-1)/legalPer)
	case s.Kind == QR && (min(s.W, s.H) < minQR || min(s.W, s.H)*qrShare < l.WidthPx):
		return bad("w", "二维码边长不能小于 %d 像素，也不能小于海报宽度的五分之一", minQR)
	case s.Kind == Product && s.PictureID == 0:
		return bad("picture_id", "商品图版块须选一张图片")
	}
	if s.isText() {
		return wordsOf(s.Text)
	}
	return nil
}

func (s Slot) overlaps(o Slot) bool {
	return s.X < o.X+o.W && o.X < s.X+s.W && s.Y < o.Y+o.H && o.Y < s.Y+s.H
}

// pictures lists what the layout shows, each once.
func (l Layout) pictures() []id.ID {
	var out []id.ID
	for _, p := range append([]id.ID{l.PictureID}, ids(l.Slots)...) {
		if p != 0 && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

func ids(slots []Slot) []id.ID {
	var out []id.ID
	for _, s := range slots {
		if s.Kind == Product {
			out = append(out, s.PictureID)
		}
	}
	return out
}

// ReadLayout parses and checks a layout. Faults: Invalid poster_layout, poster_words.
func ReadLayout(text []byte) (Layout, error) {
	var l Layout
	if err := json.Unmarshal(text, &l); err != nil {
		return l, bad("layout", "版式不是合法的 JSON")
	}
	return l, l.Check()
}

// wordsOf refuses words of a fixed text. Fault: Invalid poster_words.
func wordsOf(text string) error {
	if found, why := lawful.Promise(text); found != "" {
		return fault.Invalidf("poster_words", "海报上不能写“%s”：%s。可以写明购买或扫码验证后的真实权益", found, why).With("field", "text")
	}
	return nil
}

func (v Values) fill(pattern string) string {
	return strings.NewReplacer("{brand}", tidy(v.Brand, 24), "{name}", tidy(v.Name, 12), "{role}", tidy(cmp.Or(v.Role, "会员"), 8)).Replace(pattern)
}

func (v Values) check() error {
	if v.Drawn != nil {
		return nil
	}
	if v.QRText == "" || len(v.QRText) > maxQR {
		return fault.Invalidf("poster_code", "二维码内容应为 1 到 %d 个字符", maxQR)
	}
	return nil
}
