package picture

import (
	"bytes"
	"strconv"

	"siyu/model/fault"
)

// MinSideMM and MaxSideMM bound the side of an SVG picture, quiet zone included.
const MinSideMM, MaxSideMM = 5, 1000

const (
	svgHead = `<svg xmlns="http://www.w3.org/2000/svg" width="`
	svgPath = `"/><path fill="#000" d="`
	svgTail = "\"/></svg>\n"
)

// AppendSVG appends the symbol as an SVG of sideMM millimetres a side, quiet zone
// included: one white square and one black path, a rectangle for every horizontal
// run of dark modules. Fault: Invalid picture_side.
func AppendSVG(dst []byte, m *Matrix, sideMM float64) ([]byte, error) {
	if !(sideMM >= MinSideMM && sideMM <= MaxSideMM) { // also refuses NaN
		return dst, fault.Invalidf("picture_side", "码图边长应为 %d 到 %d 毫米", MinSideMM, MaxSideMM)
	}
	side := int64(m.Size + 2*QuietModules)
	dst = append(dst, svgHead...)
	dst = strconv.AppendFloat(dst, sideMM, 'f', -1, 64)
	dst = append(dst, `mm" height="`...)
	dst = strconv.AppendFloat(dst, sideMM, 'f', -1, 64)
	dst = append(dst, `mm" viewBox="0 0 `...)
	dst = strconv.AppendInt(dst, side, 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, side, 10)
	// crispEdges keeps a rasteriser from drawing grey seams between rows.
	dst = append(dst, `" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h`...)
	dst = strconv.AppendInt(dst, side, 10)
	dst = append(dst, 'v')
	dst = strconv.AppendInt(dst, side, 10)
	dst = append(dst, "H0z"...)
	dst = append(dst, svgPath...)
	for r := range m.runs() {
		dst = append(dst, 'M')
		dst = strconv.AppendInt(dst, int64(r.x+QuietModules), 10)
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, int64(r.y+QuietModules), 10)
		dst = append(dst, 'h')
		dst = strconv.AppendInt(dst, int64(r.w), 10)
		dst = append(dst, "v1H"...)
		dst = strconv.AppendInt(dst, int64(r.x+QuietModules), 10)
		dst = append(dst, 'z')
	}
	return append(dst, svgTail...), nil
}

// ParseSVG reads what AppendSVG drew: the drawing operations, not a copy of the
// matrix, so what it returns is what a printer is told to paint. It reads no other
// SVG. Fault: Invalid picture_svg.
func ParseSVG(svg []byte) (Matrix, error) {
	bad := fault.NewInvalid("picture_svg", "不是本系统导出的 SVG 码图")
	_, path, found := bytes.Cut(svg, []byte(svgPath))
	if !found || !bytes.HasPrefix(svg, []byte(svgHead)) || !bytes.HasSuffix(path, []byte(svgTail)) {
		return Matrix{}, bad
	}
	s := scanner{text: path[:len(path)-len(svgTail)]}
	var c canvas
	for len(s.text) > 0 && !s.failed {
		s.expect('M')
		x := s.number()
		s.expect(' ')
		y := s.number()
		s.expect('h')
		w := s.number()
		s.expect('v')
		h := s.number()
		s.expect('H')
		back := s.number()
		s.expect('z')
		if s.failed || h != 1 || back != x || !c.paint(run{x - QuietModules, y - QuietModules, w}) {
			return Matrix{}, bad
		}
	}
	m, ok := c.matrix()
	if !ok {
		return Matrix{}, bad
	}
	return m, nil
}

// scanner reads a path; after the first surprise it only fails.
type scanner struct {
	text   []byte
	failed bool
}

func (s *scanner) expect(c byte) {
	if len(s.text) == 0 || s.text[0] != c {
		s.failed = true
		return
	}
	s.text = s.text[1:]
}

func (s *scanner) number() int {
	n, i := 0, 0
	for i < len(s.text) && i < 4 && s.text[i] >= '0' && s.text[i] <= '9' {
		n = n*10 + int(s.text[i]-'0')
		i++
	}
	s.failed = s.failed || i == 0
	s.text = s.text[i:]
	return n
}
