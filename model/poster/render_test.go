package poster

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	xdraw "golang.org/x/image/draw"

	"siyu/model/code/picture"
	"siyu/model/fault"
	"siyu/model/id"
)

const address = "https://q.laojing.cn/r/0123456789ABCDEFGHJKMNPQRS"

var someone = Values{Brand: "老井啤酒", Name: "王小丽", Role: "群主", QRText: address}

// fonts are the machine's: scripts/test installs one.
func fonts(t *testing.T) *Fonts {
	t.Helper()
	f, err := FindFonts("")
	if err != nil || f == nil {
		t.Fatalf("no font with Chinese characters (scripts/test installs one): %v", err)
	}
	return f
}

func noPhotos(context.Context, []id.ID) (map[id.ID]Picture, error) { return nil, nil }

func render(t *testing.T, r *Renderer, l Layout, v Values, format string) Image {
	t.Helper()
	img, err := r.Render(context.Background(), l, v, format, noPhotos)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// zbar reads a picture with a reader that shares nothing with what drew it.
func zbar(t *testing.T, body []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "poster.png")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("zbarimg", "--quiet", "--raw", path).Output()
	if err != nil {
		t.Fatalf("zbarimg: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func pixels(t *testing.T, body []byte) image.Image {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func half(t *testing.T, body []byte) []byte {
	t.Helper()
	img := pixels(t, body)
	small := image.NewRGBA(image.Rect(0, 0, img.Bounds().Dx()/2, img.Bounds().Dy()/2))
	xdraw.ApproxBiLinear.Scale(small, small.Bounds(), img, img.Bounds(), xdraw.Src, nil)
	var b bytes.Buffer
	if err := png.Encode(&b, small); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPNG(t *testing.T) {
	r := NewRenderer(fonts(t))
	for _, b := range Builtins() {
		t.Run(b.Key+" is read at poster size and at half of it", func(t *testing.T) {
			img := render(t, r, b.Layout, someone, PNG)
			if size := pixels(t, img.Body).Bounds().Size(); img.Kind != "image/png" || size != image.Pt(b.Layout.WidthPx, b.Layout.HeightPx) {
				t.Errorf("%s of %v", img.Kind, size)
			}
			if got := zbar(t, img.Body); got != address {
				t.Errorf("reads %q", got)
			}
			if got := zbar(t, half(t, img.Body)); got != address {
				t.Errorf("half reads %q", got)
			}
			if got, err := picture.Decode(img.Body); err != nil || got != address {
				t.Errorf("zxing reads %q %v", got, err)
			}
		})
	}
	t.Run("the longest text that is allowed is still read", func(t *testing.T) {
		v := someone
		v.QRText = "https://q.laojing.cn/r/" + strings.Repeat("a", maxQR-23)
		if got := zbar(t, render(t, r, dawn(), v, PNG).Body); got != v.QRText {
			t.Errorf("reads %q", got)
		}
	})
	t.Run("the name is drawn", func(t *testing.T) {
		other := someone
		other.Name = "李大壮"
		if bytes.Equal(render(t, r, pine(), someone, PNG).Body, render(t, r, pine(), other, PNG).Body) {
			t.Error("two names look the same")
		}
	})
	t.Run("what the font does not have is shown as a box", func(t *testing.T) {
		none, box := someone, someone
		none.Name, box.Name = "王", "王\U0001F37A"
		a, b := pixels(t, render(t, r, pine(), none, PNG).Body), pixels(t, render(t, r, pine(), box, PNG).Body)
		differ := 0
		for y := 290; y < 366; y++ {
			for x := 120; x < 960; x++ {
				if a.At(x, y) != b.At(x, y) {
					differ++
				}
			}
		}
		if differ < 200 {
			t.Errorf("only %d pixels of the name differ", differ)
		}
	})
	t.Run("without a font the reason is said and SVG still works", func(t *testing.T) {
		bare := NewRenderer(nil)
		_, err := bare.Render(context.Background(), dawn(), someone, PNG, noPhotos)
		if f := fault.Of(err); err == nil || f.Kind != fault.Unavailable || f.Code != "poster_font" || !strings.Contains(f.Text, "SIYU_FONT") {
			t.Errorf("%v", err)
		}
		if img := render(t, bare, dawn(), someone, SVG); len(img.Body) == 0 {
			t.Error("empty SVG")
		}
	})
}

// hostile names are what people and attackers call themselves.
var hostile = []string{
	`<script>alert(1)</script>`, `"/><image href="x" onerror="x">`, `</text></svg>`, `]]><!ENTITY x>`, "&amp;&#x3c;&lt;", `'onload='`,
	"\u202e\u202d\u2066evil\u2069", "\u200b\u200d\ufeff\u2060", "مرحبا بالعالم", "שלום", strings.Repeat("长", 5000), strings.Repeat("W", 5000),
	"Z̴̡̛̳͇a͍l̷g͔o̸̢" + strings.Repeat("\u0301", 4000), "👨‍👩‍👧‍👦🍺🏴󠁧󠁢󠁥󠁮󠁧󠁿", "\x00\x01\x1b\x7f", "\xff\xfe\xc3\x28", "\ue000\U000f0000\U0010ffff", "𠮷𰻝", "", "   ", "{name}{name}", "a\nb\r\nc",
}

func TestHostileNames(t *testing.T) {
	r := NewRenderer(fonts(t))
	for i, name := range hostile {
		for _, b := range Builtins() {
			v := Values{Brand: name, Name: name, Role: name, QRText: address}
			img := render(t, r, b.Layout, v, SVG)
			texts := svgTexts(t, img.Body)
			for _, text := range texts {
				if strings.ContainsAny(text, "\u202e\u202d\u2066\u2069\u200b\u200d\ufeff\x00\x1b") {
					t.Errorf("name %d on %s: %q", i, b.Key, text)
				}
			}
			if len(texts) < 6 {
				t.Errorf("name %d on %s: only %d texts are left", i, b.Key, len(texts))
			}
			if len(img.Body) > 40_000 {
				t.Errorf("name %d on %s: %d bytes", i, b.Key, len(img.Body))
			}
		}
		v := someone
		v.Name, v.Brand = name, name
		if got := zbar(t, render(t, r, dawn(), v, PNG).Body); got != address {
			t.Errorf("name %d: the code reads %q", i, got)
		}
	}
}

// svgTexts parses an SVG strictly and returns its texts; nothing but plain drawing may be
// in it.
func svgTexts(t *testing.T, body []byte) []string {
	t.Helper()
	allowed := " svg rect text path linearGradient stop image clipPath "
	var out []string
	in := ""
	for d := xml.NewDecoder(bytes.NewReader(body)); ; {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("not XML: %v", err)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			in = e.Name.Local
			if !strings.Contains(allowed, " "+in+" ") {
				t.Errorf("element %s", in)
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "data:image/") {
					t.Errorf("attribute %s=%s", a.Name.Local, a.Value)
				}
			}
		case xml.CharData:
			if in == "text" && strings.TrimSpace(string(e)) != "" {
				out = append(out, string(e))
			}
		case xml.EndElement:
			in = ""
		case xml.Directive, xml.ProcInst, xml.Comment:
			t.Errorf("%T in the drawing", e)
		}
	}
}

func TestSVG(t *testing.T) {
	img := render(t, NewRenderer(nil), dawn(), someone, SVG)
	t.Run("says what the layout says", func(t *testing.T) {
		all := strings.Join(svgTexts(t, img.Body), "")
		for _, want := range []string{"王小丽", "老井啤酒 · 群主，邀请您加入", "佣金", "王"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s is missing in %s", want, all)
			}
		}
	})
	t.Run("its code is read when it is drawn by another program", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "poster.svg")
		if err := os.WriteFile(path, img.Body, 0o600); err != nil {
			t.Fatal(err)
		}
		body, err := exec.Command("rsvg-convert", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := zbar(t, body); got != address {
			t.Errorf("reads %q", got)
		}
	})
}

func TestRenderer(t *testing.T) {
	ctx := context.Background()
	t.Run("the same input gives the same bytes, drawn anew or kept", func(t *testing.T) {
		f := fonts(t)
		for _, format := range []string{SVG, PNG} {
			r := NewRenderer(f)
			a, b, c := render(t, r, pine(), someone, format), render(t, r, pine(), someone, format), render(t, NewRenderer(f), pine(), someone, format)
			if !bytes.Equal(a.Body, b.Body) || !bytes.Equal(a.Body, c.Body) || a.Tag != c.Tag || a.Tag == "" {
				t.Errorf("%s differs", format)
			}
		}
	})
	t.Run("a drawing is kept, and what is kept is bounded", func(t *testing.T) {
		r := NewRenderer(nil)
		big := strings.Repeat("x", 1<<20)
		for i := range 100 {
			r.keep(Image{Tag: fmt.Sprint(i), Body: []byte(big)})
		}
		r.keep(Image{Tag: "huge", Body: make([]byte, keptBytes)})
		if _, ok := r.recall("99"); !ok || r.bytes > keptBytes || len(r.kept) != r.order.Len() {
			t.Errorf("%v: %d bytes of %d drawings", ok, r.bytes, len(r.kept))
		}
		if _, ok := r.recall("0"); ok {
			t.Error("the oldest is still there")
		}
		if _, ok := r.recall("huge"); ok {
			t.Error("one drawing may not fill all the room")
		}
	})
	t.Run("many ask at once and each gets his own", func(t *testing.T) {
		r := NewRenderer(fonts(t))
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				v := someone
				v.QRText = fmt.Sprintf("https://q.laojing.cn/r/%d", i%4)
				img, err := r.Render(ctx, plainPaper(), v, PNG, noPhotos)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := picture.Decode(img.Body); err != nil || got != v.QRText {
					t.Errorf("%d reads %q %v", i, got, err)
				}
			})
		}
		wg.Wait()
	})
	t.Run("who has left is not drawn for", func(t *testing.T) {
		r := NewRenderer(nil)
		for range atOnce {
			r.seats <- struct{}{}
		}
		gone, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := r.Render(gone, dawn(), someone, SVG, noPhotos); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%v", err)
		}
	})
	t.Run("what cannot be a code is refused", func(t *testing.T) {
		for _, text := range []string{"", strings.Repeat("a", maxQR+1), "https://例子.中国/r/1"} {
			v := someone
			v.QRText = text
			if _, err := NewRenderer(nil).Render(ctx, dawn(), v, SVG, noPhotos); fault.Of(err) == nil || fault.Of(err).Code != "poster_code" {
				t.Errorf("%q: %v", text, err)
			}
		}
		if _, err := NewRenderer(nil).Render(ctx, dawn(), someone, "pdf", noPhotos); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v", err)
		}
	})
}

func TestFonts(t *testing.T) {
	t.Run("a configured font that is not there or has no Chinese is an error at the start", func(t *testing.T) {
		broken := filepath.Join(t.TempDir(), "broken.ttf")
		if err := os.WriteFile(broken, []byte("not a font"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/nowhere/font.ttc", broken, broken + "," + broken} {
			if _, err := FindFonts(path); err == nil {
				t.Errorf("%s was taken", path)
			}
		}
	})
	t.Run("a configured font is used", func(t *testing.T) {
		f := fonts(t)
		g, err := FindFonts(f.name)
		if err != nil || g.name != f.name {
			t.Errorf("%+v %v", g, err)
		}
	})
}
