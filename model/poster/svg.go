package poster

import (
	"encoding/base64"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"unicode"

	"siyu/model/code/picture"
)

// families are fonts that phones and desks have; whoever opens the drawing sets the text
// in his own.
const families = "'PingFang SC','HarmonyOS Sans SC','MiSans','Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','WenQuanYi Micro Hei',sans-serif"

// svg is a canvas that writes text.
type svg struct {
	b     strings.Builder
	grads int
}

func (s *svg) begin(l Layout) {
	fmt.Fprintf(&s.b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="%s">`, l.WidthPx, l.HeightPx, l.WidthPx, l.HeightPx, families)
}

func (s *svg) end() []byte {
	s.b.WriteString("</svg>\n")
	return []byte(s.b.String())
}

// num writes a length to a tenth of a pixel.
func num(f float64) string { return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64) }

func (c rgba) hex() string { return fmt.Sprintf("#%02x%02x%02x", c.r, c.g, c.b) }

func (c rgba) opacity(attr string) string {
	if c.a == 0xff {
		return ""
	}
	return fmt.Sprintf(` %s="%s"`, attr, strconv.FormatFloat(math.Round(float64(c.a)/255*1000)/1000, 'f', -1, 64))
}

func (s *svg) area(b box, radius float64, p paint) {
	fill := p.from.hex() + `"` + p.from.opacity("fill-opacity")
	if p.gradient {
		s.grads++
		fmt.Fprintf(&s.b, `<linearGradient id="g%d" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="%s"%s/><stop offset="1" stop-color="%s"%s/></linearGradient>`,
			s.grads, p.from.hex(), p.from.opacity("stop-opacity"), p.to.hex(), p.to.opacity("stop-opacity"))
		fill = fmt.Sprintf(`url(#g%d)"`, s.grads)
	}
	round := ""
	if radius > 0 {
		round = ` rx="` + num(min(radius, b.w/2, b.h/2)) + `"`
	}
	fmt.Fprintf(&s.b, `<rect x="%s" y="%s" width="%s" height="%s"%s fill="%s/>`, num(b.x), num(b.y), num(b.w), num(b.h), round, fill)
}

func (s *svg) line(text string, x, baseline, sizePx float64, bold bool, align string, c rgba) {
	anchor, weight := "", ""
	switch align {
	case Center:
		anchor = ` text-anchor="middle"`
	case Right:
		anchor = ` text-anchor="end"`
	}
	if bold {
		weight = ` font-weight="700"`
	}
	// A name in a script from right to left must not move what stands beside it.
	fmt.Fprintf(&s.b, `<text x="%s" y="%s" font-size="%s"%s%s fill="%s"%s direction="ltr" unicode-bidi="bidi-override">%s</text>`,
		num(x), num(baseline), num(sizePx), weight, anchor, c.hex(), c.opacity("fill-opacity"), html.EscapeString(text))
}

func (s *svg) photo(b box, radius float64, p Picture) error {
	clip := ""
	if radius > 0 {
		s.grads++
		fmt.Fprintf(&s.b, `<clipPath id="g%d"><rect x="%s" y="%s" width="%s" height="%s" rx="%s"/></clipPath>`, s.grads, num(b.x), num(b.y), num(b.w), num(b.h), num(radius))
		clip = fmt.Sprintf(` clip-path="url(#g%d)"`, s.grads)
	}
	fmt.Fprintf(&s.b, `<image x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="xMidYMid slice"%s href="data:%s;base64,%s"/>`,
		num(b.x), num(b.y), num(b.w), num(b.h), clip, p.Kind, base64.StdEncoding.EncodeToString(p.Body))
	return nil
}

// modules is one path of horizontal runs.
func (s *svg) modules(x, y, px int, m *picture.Matrix) {
	s.b.WriteString(`<path fill="#000" shape-rendering="crispEdges" d="`)
	for row := range m.Size {
		for col := 0; col < m.Size; {
			n := 0
			for m.Dark(col+n, row) {
				n++
			}
			if n > 0 {
				fmt.Fprintf(&s.b, "M%d %dh%dv%dh-%dz", x+col*px, y+row*px, n*px, px, n*px)
			}
			col += n + 1
		}
	}
	s.b.WriteString(`"/>`)
}

// width guesses: which font draws the text is known only where it is opened. The guess
// is on the wide side, so that lines fit.
func (s *svg) width(bold bool) measure {
	return func(text string, sizePx float64) float64 {
		ems := 0.0
		for _, r := range text {
			switch {
			case unicode.Is(unicode.M, r):
			case r == ' ':
				ems += 0.3
			case wide(r) || r >= 0x1f000:
				ems++
			case unicode.IsUpper(r) || r == '…' || r == '—':
				ems += 0.72
			default:
				ems += 0.58
			}
		}
		if bold {
			ems *= 1.03
		}
		return ems * sizePx
	}
}
