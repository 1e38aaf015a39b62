package poster

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"

	"siyu/model/fault"
	"siyu/model/id"
)

// Formats.
const (
	SVG = "svg"
	PNG = "png"
)

// Image is a drawn poster.
type Image struct {
	Body []byte
	Kind string // media type
	Tag  string // a digest of what it was drawn from
}

const (
	// A poster of usual size is drawn in some tenths of a second on one core, so few at
	// once: claims and scans must not wait for them.
	atOnce    = 2
	keptBytes = 32 << 20
)

// Renderer draws posters and keeps what it drew last. It is safe for concurrent use.
type Renderer struct {
	fonts *Fonts // nil: no PNG
	seats chan struct{}

	mu    sync.Mutex
	kept  map[string]*list.Element
	order *list.List // of Image, the last used first
	bytes int
}

// NewRenderer makes a renderer; without fonts it draws SVG only.
func NewRenderer(fonts *Fonts) *Renderer {
	return &Renderer{fonts: fonts, seats: make(chan struct{}, atOnce), kept: map[string]*list.Element{}, order: list.New()}
}

// errNoFont: an SVG is set in the fonts of whoever opens it, a PNG needs one here.
var errNoFont = fault.New(fault.Unavailable, "poster_font", "服务器上没有中文字体，无法生成 PNG 海报，请改用 SVG，或让管理员安装字体（fonts-noto-cjk）并设置 SIYU_FONT")

// Render draws a layout. The picture bodies that it needs are asked for only when it was
// not drawn before. Faults: Invalid poster_format, poster_code; Unavailable poster_font.
func (r *Renderer) Render(ctx context.Context, l Layout, v Values, format string, photos func(context.Context, []id.ID) (map[id.ID]Picture, error)) (Image, error) {
	switch {
	case format != SVG && format != PNG:
		return Image{}, fault.NewInvalid("poster_format", "格式应为 svg 或 png")
	case format == PNG && r.fonts == nil:
		return Image{}, errNoFont
	}
	if err := v.check(); err != nil {
		return Image{}, err
	}
	tag, err := r.tag(l, v, format)
	if err != nil {
		return Image{}, err
	}
	if img, ok := r.recall(tag); ok {
		return img, nil
	}
	select {
	case r.seats <- struct{}{}:
		defer func() { <-r.seats }()
	case <-ctx.Done():
		return Image{}, fault.New(fault.Unavailable, "poster_busy", "生成海报的人太多，请稍后再试").Because(ctx.Err())
	}
	if img, ok := r.recall(tag); ok { // somebody drew it meanwhile
		return img, nil
	}
	bodies, err := photos(ctx, l.pictures())
	if err != nil {
		return Image{}, err
	}
	img := Image{Tag: tag}
	if format == SVG {
		img.Kind = "image/svg+xml"
		c := &svg{}
		c.begin(l)
		if err := compose(c, l, v, bodies); err != nil {
			return Image{}, err
		}
		img.Body = c.end()
	} else {
		img.Kind = "image/png"
		c := newRaster(l, r.fonts)
		if err := compose(c, l, v, bodies); err != nil {
			return Image{}, err
		}
		if img.Body, err = c.bytes(); err != nil {
			return Image{}, err
		}
	}
	r.keep(img)
	return img, nil
}

// tag names a drawing by all that it depends on.
func (r *Renderer) tag(l Layout, v Values, format string) (string, error) {
	fonts := ""
	if format == PNG {
		fonts = r.fonts.name
	}
	text, err := json.Marshal([]any{l, v, format, fonts})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), nil
}

func (r *Renderer) recall(tag string) (Image, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.kept[tag]
	if !ok {
		return Image{}, false
	}
	r.order.MoveToFront(e)
	return e.Value.(Image), true
}

func (r *Renderer) keep(img Image) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.kept[img.Tag]; ok || len(img.Body) > keptBytes/4 {
		return
	}
	r.kept[img.Tag] = r.order.PushFront(img)
	for r.bytes += len(img.Body); r.bytes > keptBytes; {
		last := r.order.Back()
		old := r.order.Remove(last).(Image)
		delete(r.kept, old.Tag)
		r.bytes -= len(old.Body)
	}
}
