package poster

import (
	"image"
	"math"
	"strconv"

	"siyu/model/code/picture"
	"siyu/model/fault"
	"siyu/model/id"
)

// rgba is a colour; the zero value is no colour.
type rgba struct{ r, g, b, a uint8 }

func color(text string, otherwise rgba) rgba {
	if !colorForm.MatchString(text) {
		return otherwise
	}
	n, err := strconv.ParseUint(text[1:], 16, 64)
	if err != nil {
		return otherwise
	}
	if len(text) == 7 {
		n = n<<8 | 0xff
	}
	return rgba{uint8(n >> 24), uint8(n >> 16), uint8(n >> 8), uint8(n)}
}

var (
	black = rgba{0x1a, 0x1a, 0x1a, 0xff}
	white = rgba{0xff, 0xff, 0xff, 0xff}
)

// paint fills an area: one colour, or a gradient from the top down.
type paint struct {
	from, to rgba
	gradient bool
}

func plain(c rgba) paint { return paint{from: c} }

func painted(from, to string, otherwise rgba) paint {
	p := plain(color(from, otherwise))
	if to != "" {
		p.to, p.gradient = color(to, p.from), true
	}
	return p
}

// box is an area in pixels.
type box struct{ x, y, w, h float64 }

func (s Slot) box() box { return box{float64(s.X), float64(s.Y), float64(s.W), float64(s.H)} }

// canvas is what a layout is drawn on.
type canvas interface {
	area(b box, radius float64, p paint)
	// line draws one line of text; x is its left, middle or right by align.
	line(text string, x, baseline, sizePx float64, bold bool, align string, c rgba)
	photo(b box, radius float64, p Picture) error
	// modules draws dark modules of size px from (x, y), which are whole pixels.
	modules(x, y, px int, m *picture.Matrix)
	width(bold bool) measure
}

// compose puts a checked layout on a canvas.
func compose(c canvas, l Layout, v Values, photos map[id.ID]Picture) error {
	full := box{0, 0, float64(l.WidthPx), float64(l.HeightPx)}
	c.area(full, 0, painted(l.From, l.To, white))
	if l.PictureID != 0 {
		if err := photo(c, full, 0, l.PictureID, photos); err != nil {
			return err
		}
	}
	for _, s := range l.Slots {
		if err := drawSlot(c, s, v, photos); err != nil {
			return err
		}
	}
	return nil
}

func drawSlot(c canvas, s Slot, v Values, photos map[id.ID]Picture) error {
	switch {
	case s.isText():
		drawText(c, s, v.fill(s.Text))
	case s.Kind == Panel:
		c.area(s.box(), float64(s.RadiusPx), painted(s.Fill, s.FillTo, white))
	case s.Kind == Initial:
		side := float64(min(s.W, s.H))
		b := box{float64(s.X) + (float64(s.W)-side)/2, float64(s.Y) + (float64(s.H)-side)/2, side, side}
		c.area(b, side/2, painted(s.Fill, s.FillTo, black))
		size := side * 0.5
		c.line(initial(v.Name), b.x+side/2, b.y+side/2+size*middle, size, true, Center, color(s.Color, white))
	case s.Kind == Product:
		return photo(c, s.box(), float64(s.RadiusPx), s.PictureID, photos)
	case s.Kind == QR && v.Drawn != nil:
		side := min(s.W, s.H) // all of it, and square: it has its own quiet zone
		c.area(s.box(), float64(s.RadiusPx), plain(white))
		return c.photo(box{float64(s.X + (s.W-side)/2), float64(s.Y + (s.H-side)/2), float64(side), float64(side)}, 0, *v.Drawn)
	case s.Kind == QR:
		return drawQR(c, s, v.QRText)
	}
	return nil
}

// middle is how far a baseline lies under the middle of a Chinese character, in sizes.
const middle = 0.36

func drawText(c canvas, s Slot, text string) {
	width := c.width(s.Bold)
	ls, size := fit(text, float64(s.SizePx), float64(s.W), float64(s.H), s.Align == Center || s.Kind != Legal, width)
	x := float64(s.X)
	switch s.Align {
	case Center:
		x += float64(s.W) / 2
	case Right:
		x += float64(s.W)
	}
	top := float64(s.Y) + (float64(s.H)-height(len(ls), size))/2
	for i, l := range ls {
		c.line(l, x, top+size/2+size*middle+float64(i)*size*leading, size, s.Bold, s.Align, color(s.Color, black))
	}
}

func photo(c canvas, b box, radius float64, pictureID id.ID, photos map[id.ID]Picture) error {
	p, ok := photos[pictureID]
	if !ok {
		return errPicture
	}
	return c.photo(b, radius, p)
}

// drawQR draws the code on white with its quiet zone. A level that survives a quarter of
// the symbol being lost costs a version or two, which a poster has room for; only where
// modules would become smaller than four pixels is the usual level taken.
func drawQR(c canvas, s Slot, text string) error {
	side := min(s.W, s.H)
	var m picture.Matrix
	var err error
	px := 0
	for _, level := range []picture.Level{picture.Q, picture.M} {
		if m, err = picture.NewEncoder(level).Encode(text); err != nil {
			continue // too long for this level
		}
		if px = side / (m.Size + 2*picture.QuietModules); px >= 4 {
			break
		}
	}
	if err != nil {
		return fault.NewInvalid("poster_code", "二维码内容太长或含不能印的字符").Because(err)
	}
	if px < 3 {
		return fault.NewInvalid("poster_code", "二维码内容太长，这个版式放不下")
	}
	all := (m.Size + 2*picture.QuietModules) * px
	x, y := s.X+(s.W-all)/2, s.Y+(s.H-all)/2
	c.area(s.box(), float64(s.RadiusPx), plain(white))
	c.area(box{float64(x), float64(y), float64(all), float64(all)}, 0, plain(white))
	c.modules(x+picture.QuietModules*px, y+picture.QuietModules*px, px, &m)
	return nil
}

// cover is the part of a picture of some size that fills a box of another shape.
func cover(size image.Point, b box) image.Rectangle {
	w, h := float64(size.X), float64(size.Y)
	if w/h > b.w/b.h {
		w = h * b.w / b.h
	} else {
		h = w * b.h / b.w
	}
	x, y := int(math.Round((float64(size.X)-w)/2)), int(math.Round((float64(size.Y)-h)/2))
	return image.Rect(x, y, x+int(math.Round(w)), y+int(math.Round(h)))
}
