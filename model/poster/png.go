package poster

import (
	"bytes"
	"image"
	imagecolor "image/color"
	"image/draw"
	"image/png"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/vector"

	"siyu/model/code/picture"
)

// raster is a canvas of pixels.
type raster struct {
	img   *image.RGBA
	fonts *Fonts
	buf   sfnt.Buffer
}

func newRaster(l Layout, fonts *Fonts) *raster {
	return &raster{img: image.NewRGBA(image.Rect(0, 0, l.WidthPx, l.HeightPx)), fonts: fonts}
}

func (r *raster) bytes() ([]byte, error) {
	var b bytes.Buffer
	err := png.Encode(&b, r.img)
	return b.Bytes(), err
}

func (c rgba) source() imagecolor.NRGBA { return imagecolor.NRGBA{R: c.r, G: c.g, B: c.b, A: c.a} }

// shade is a paint as a picture of a box.
type shade struct {
	paint
	top, height float64
}

func (s shade) ColorModel() imagecolor.Model { return imagecolor.NRGBAModel }
func (s shade) Bounds() image.Rectangle      { return image.Rect(-1e9, -1e9, 1e9, 1e9) }

// At mixes by the row only.
func (s shade) At(_, y int) imagecolor.Color {
	if !s.gradient {
		return s.from.source()
	}
	t := min(max((float64(y)+0.5-s.top)/s.height, 0), 1)
	mix := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*t + 0.5) }
	return imagecolor.NRGBA{R: mix(s.from.r, s.to.r), G: mix(s.from.g, s.to.g), B: mix(s.from.b, s.to.b), A: mix(s.from.a, s.to.a)}
}

func (r *raster) area(b box, radius float64, p paint) {
	src := shade{p, b.y, b.h}
	if radius <= 0 { // whole pixels, a row at a time
		whole := image.Rect(int(b.x), int(b.y), int(b.x+b.w), int(b.y+b.h)).Intersect(r.img.Bounds())
		for y := whole.Min.Y; y < whole.Max.Y; y++ {
			draw.Draw(r.img, image.Rect(whole.Min.X, y, whole.Max.X, y+1), image.NewUniform(src.At(0, y)), image.Point{}, draw.Over)
		}
		return
	}
	r.fill(rounded(b, radius), src, b)
}

// path draws an outline with a rasterizer whose origin is the box's corner.
type path func(z *vector.Rasterizer, dx, dy float32)

// fill draws a path that lies within a box.
func (r *raster) fill(p path, src image.Image, b box) {
	bounds := image.Rect(int(b.x)-1, int(b.y)-1, int(b.x+b.w)+2, int(b.y+b.h)+2).Intersect(r.img.Bounds())
	if bounds.Empty() {
		return
	}
	z := vector.NewRasterizer(bounds.Dx(), bounds.Dy())
	p(z, float32(-bounds.Min.X), float32(-bounds.Min.Y))
	z.Draw(r.img, bounds, src, bounds.Min)
}

// rounded is a rectangle with round corners; 0.5523 makes a cubic curve a circle's.
func rounded(b box, radius float64) path {
	return func(z *vector.Rasterizer, dx, dy float32) {
		x, y, w, h := float32(b.x)+dx, float32(b.y)+dy, float32(b.w), float32(b.h)
		q := min(float32(radius), w/2, h/2)
		k := q * (1 - 0.5523)
		z.MoveTo(x+q, y)
		z.LineTo(x+w-q, y)
		z.CubeTo(x+w-k, y, x+w, y+k, x+w, y+q)
		z.LineTo(x+w, y+h-q)
		z.CubeTo(x+w, y+h-k, x+w-k, y+h, x+w-q, y+h)
		z.LineTo(x+q, y+h)
		z.CubeTo(x+k, y+h, x, y+h-k, x, y+h-q)
		z.LineTo(x, y+q)
		z.CubeTo(x, y+k, x+k, y, x+q, y)
		z.ClosePath()
	}
}

func (r *raster) face(bold bool) *face {
	if bold {
		return r.fonts.bold
	}
	return r.fonts.regular
}

// missing is how wide the box of a character is that the font does not have, in sizes.
const missing = 0.9

func (r *raster) width(bold bool) measure {
	f := r.face(bold)
	return func(text string, sizePx float64) float64 {
		ems := 0.0
		for _, c := range text {
			if g, ok := f.glyph(&r.buf, c); ok {
				ems += f.advance(&r.buf, g)
			} else {
				ems += missing
			}
		}
		return ems * sizePx
	}
}

func (r *raster) line(text string, x, baseline, sizePx float64, bold bool, align string, c rgba) {
	switch w := r.width(bold)(text, sizePx); align {
	case Center:
		x -= w / 2
	case Right:
		x -= w
	}
	f, src := r.face(bold), image.NewUniform(c.source())
	for _, ch := range text {
		g, ok := f.glyph(&r.buf, ch)
		if !ok {
			r.hollow(x, baseline, sizePx, src)
			x += missing * sizePx
			continue
		}
		if segments, err := f.font.LoadGlyph(&r.buf, g, f.ppem, nil); err == nil {
			r.fill(outline(segments, x, baseline, sizePx*f.unit/64), src, box{x - sizePx, baseline - 1.5*sizePx, 3 * sizePx, 3 * sizePx})
		} else {
			r.hollow(x, baseline, sizePx, src)
		}
		x += f.advance(&r.buf, g) * sizePx
	}
}

// hollow is the box that stands for a character without a glyph.
func (r *raster) hollow(x, baseline, sizePx float64, src image.Image) {
	line := max(sizePx/16, 1)
	b := box{x + sizePx*0.08, baseline - sizePx*0.78, sizePx * (missing - 0.16), sizePx * 0.82}
	for _, side := range []box{{b.x, b.y, b.w, line}, {b.x, b.y + b.h - line, b.w, line}, {b.x, b.y + line, line, b.h - 2*line}, {b.x + b.w - line, b.y + line, line, b.h - 2*line}} {
		r.fill(rounded(side, 0), src, side)
	}
}

// outline is a glyph whose outline is in 64ths of font units.
func outline(segments sfnt.Segments, x, baseline, scale float64) path {
	return func(z *vector.Rasterizer, dx, dy float32) {
		at := func(s sfnt.Segment, i int) (float32, float32) {
			return float32(x+float64(s.Args[i].X)*scale) + dx, float32(baseline+float64(s.Args[i].Y)*scale) + dy
		}
		for i, s := range segments {
			ax, ay := at(s, 0)
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				if i > 0 {
					z.ClosePath()
				}
				z.MoveTo(ax, ay)
			case sfnt.SegmentOpLineTo:
				z.LineTo(ax, ay)
			case sfnt.SegmentOpQuadTo:
				bx, by := at(s, 1)
				z.QuadTo(ax, ay, bx, by)
			case sfnt.SegmentOpCubeTo:
				bx, by := at(s, 1)
				cx, cy := at(s, 2)
				z.CubeTo(ax, ay, bx, by, cx, cy)
			}
		}
		z.ClosePath()
	}
}

func (r *raster) photo(b box, radius float64, p Picture) error {
	src, err := p.decode()
	if err != nil {
		return err
	}
	to := image.Rect(int(b.x), int(b.y), int(b.x+b.w), int(b.y+b.h))
	from := cover(src.Bounds().Size(), b).Add(src.Bounds().Min)
	if radius <= 0 {
		xdraw.CatmullRom.Scale(r.img, to, src, from, draw.Over, nil)
		return nil
	}
	scaled := image.NewRGBA(to)
	xdraw.CatmullRom.Scale(scaled, to, src, from, draw.Src, nil)
	r.fill(rounded(b, radius), scaled, b)
	return nil
}

func (r *raster) modules(x, y, px int, m *picture.Matrix) {
	for row := range m.Size {
		for col := range m.Size {
			if m.Dark(col, row) {
				draw.Draw(r.img, image.Rect(x+col*px, y+row*px, x+(col+1)*px, y+(row+1)*px), image.Black, image.Point{}, draw.Src)
			}
		}
	}
}
