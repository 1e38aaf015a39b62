package poster

import (
	"bytes"
	"context"
	"image"
	imagecolor "image/color"
	"image/jpeg"
	"image/png"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/id"
)

const (
	brandA = id.ID(1)
	brandB = id.ID(2)
	worker = id.ID(9)
)

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

// photoOf is a picture of one colour.
func photoOf(t *testing.T, w, h int, c imagecolor.Color, asPNG bool) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.Set(i%w, i/w, c)
	}
	var b bytes.Buffer
	var err error
	if asPNG {
		err = png.Encode(&b, img)
	} else {
		err = jpeg.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTemplates(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := New(d, NewRenderer(nil))
		made := func(t *testing.T, brandID id.ID, name string) Template {
			t.Helper()
			l := dawn()
			m, err := s.Create(ctx, Template{BrandID: brandID, Name: name, Layout: &l}, worker)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		t.Run("a new brand has the first built-in template", func(t *testing.T) {
			c, err := s.Chosen(ctx, brandA)
			if err != nil || c.TemplateID != 0 || c.Builtin != "dawn" {
				t.Fatalf("%+v %v", c, err)
			}
			if img, err := s.Poster(ctx, brandA, someone, SVG); err != nil || !bytes.Contains(img.Body, []byte("王小丽")) {
				t.Fatal(err)
			}
		})
		t.Run("a change is a new version, and the old one stays to be looked at", func(t *testing.T) {
			m := made(t, brandA, "秋季")
			clk.Advance(time.Minute)
			next := *m.Layout
			next.Slots = append([]Slot(nil), next.Slots...)
			next.slot(Title).Text = "新标题"
			changed, err := s.Update(ctx, Template{ID: m.ID, Name: "秋季二", Version: 1, Layout: &next}, worker)
			if err != nil || changed.Version != 2 || changed.BrandID != brandA {
				t.Fatalf("%+v %v", changed, err)
			}
			if _, err := s.Update(ctx, Template{ID: m.ID, Name: "迟到", Version: 1, Layout: &next}, worker); code(err) != "poster_changed" {
				t.Errorf("a change over another: %v", err)
			}
			got, err := s.Get(ctx, m.ID, 0)
			if err != nil || got.Name != "秋季二" || got.Version != 2 || got.Layout.slot(Title).Text != "新标题" {
				t.Errorf("%+v %v", got, err)
			}
			old, err := s.Get(ctx, m.ID, 1)
			if err != nil || old.Layout.slot(Title).Text == "新标题" {
				t.Errorf("%+v %v", old, err)
			}
			if list, err := s.Versions(ctx, m.ID); err != nil || len(list) != 2 || list[0].Version != 2 || list[0].ByID != worker {
				t.Errorf("%+v %v", list, err)
			}
			if _, err := s.Get(ctx, m.ID, 3); code(err) != "poster_not_found" {
				t.Errorf("%v", err)
			}
		})
		t.Run("what is chosen is what people get, and it cannot be retired", func(t *testing.T) {
			m := made(t, brandA, "选用")
			for range 2 { // twice is no fault
				if _, err := s.Choose(ctx, brandA, Choice{TemplateID: m.ID}, worker); err != nil {
					t.Fatal(err)
				}
			}
			if c, err := s.Chosen(ctx, brandA); err != nil || c.TemplateID != m.ID || c.Builtin != "" {
				t.Errorf("%+v %v", c, err)
			}
			if _, err := s.Retire(ctx, m.ID); code(err) != "poster_in_use" {
				t.Errorf("retired: %v", err)
			}
			if c, err := s.Chosen(ctx, brandA); err != nil || c != (Choice{TemplateID: m.ID, Code: Link}) {
				t.Error(c, err)
			}
			if _, err := s.Choose(ctx, brandA, Choice{Builtin: "pine", Code: Official}, worker); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if got, err := s.Retire(ctx, m.ID); err != nil || got.State != Retired {
					t.Fatalf("%+v %v", got, err)
				}
			}
			if _, err := s.Choose(ctx, brandA, Choice{TemplateID: m.ID}, worker); code(err) != "poster_not_found" {
				t.Errorf("a retired one was chosen: %v", err)
			}
			if _, err := s.Update(ctx, Template{ID: m.ID, Name: "x", Version: 1, Layout: m.Layout}, worker); code(err) != "poster_changed" {
				t.Errorf("a retired one was changed: %v", err)
			}
		})
		t.Run("a brand gets at nothing of another's", func(t *testing.T) {
			m := made(t, brandA, "甲")
			if _, err := s.Choose(ctx, brandB, Choice{Builtin: "pine", Code: "ticket"}, worker); code(err) != "poster_carries" {
				t.Error(err)
			}
			for _, c := range []Choice{{TemplateID: m.ID}, {}, {Builtin: "none"}, {TemplateID: m.ID, Builtin: "dawn"}} {
				if _, err := s.Choose(ctx, brandB, c, worker); code(err) != "poster_not_found" {
					t.Errorf("%+v: %v", c, err)
				}
			}
			p, err := s.AddPicture(ctx, brandA, "图", photoOf(t, 20, 20, imagecolor.White, false), worker)
			if err != nil {
				t.Fatal(err)
			}
			l := dawn()
			l.PictureID = p.ID
			if _, err := s.Create(ctx, Template{BrandID: brandB, Name: "乙", Layout: &l}, worker); code(err) != "poster_picture_not_found" {
				t.Errorf("another brand's picture: %v", err)
			}
			if list, err := s.List(ctx, brandB, 0, 10); err != nil || len(list) != 0 {
				t.Errorf("%+v %v", list, err)
			}
		})
		t.Run("bad input changes nothing", func(t *testing.T) {
			l := dawn()
			for want, m := range map[string]Template{"poster_name": {BrandID: brandB, Name: " ", Layout: &l}, "poster_layout": {BrandID: brandB, Name: "x"}} {
				if _, err := s.Create(ctx, m, worker); code(err) != want {
					t.Errorf("%s: %v", want, err)
				}
			}
			if _, err := s.Update(ctx, Template{ID: 404, Name: "x", Version: 1, Layout: &l}, worker); code(err) != "poster_not_found" {
				t.Error(err)
			}
			if _, err := s.Retire(ctx, 404); code(err) != "poster_not_found" {
				t.Error(err)
			}
		})
		t.Run("a brand's templates have an end", func(t *testing.T) {
			for range maxTemplates {
				made(t, brandB, "很多")
			}
			l := dawn()
			if _, err := s.Create(ctx, Template{BrandID: brandB, Name: "再一个", Layout: &l}, worker); code(err) != "posters_full" {
				t.Fatal(err)
			}
		})
	})
}

func TestPictures(t *testing.T) {
	ctx := context.Background()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		s := New(d, NewRenderer(fonts(t)))
		t.Run("an upload is drawn anew, made smaller and kept once", func(t *testing.T) {
			upload := append(photoOf(t, 3000, 1000, imagecolor.NRGBA{200, 30, 30, 255}, false), []byte("GPS 31.23N 121.47E <script>")...)
			a, err := s.AddPicture(ctx, brandA, "瓶", upload, worker)
			if err != nil || a.WidthPx != 2400 || a.HeightPx != 800 || a.Kind != "image/jpeg" {
				t.Fatalf("%+v %v", a, err)
			}
			if bytes.Contains(a.Body, []byte("GPS")) {
				t.Error("what the file held besides its pixels is kept")
			}
			b, err := s.AddPicture(ctx, brandA, "瓶", upload, worker)
			if err != nil || b.ID != a.ID {
				t.Errorf("%v %v %v", a.ID, b.ID, err)
			}
			got, err := s.Picture(ctx, a.ID)
			if err != nil || !bytes.Equal(got.Body, a.Body) {
				t.Error(err)
			}
			list, err := s.Pictures(ctx, brandA, 0, 10)
			if err != nil || len(list) != 1 || len(list[0].Body) != 0 {
				t.Errorf("%+v %v", list, err)
			}
			if _, err := s.Picture(ctx, 404); code(err) != "poster_picture_not_found" {
				t.Error(err)
			}
		})
		t.Run("what is no picture, too large or a bomb is refused", func(t *testing.T) {
			bomb := photoOf(t, 1, 1, imagecolor.Black, true)
			copy(bomb[16:24], []byte{0x00, 0x01, 0x86, 0xa0, 0x00, 0x01, 0x86, 0xa0}) // claims 100000 by 100000
			for name, body := range map[string][]byte{"empty": nil, "text": []byte("<svg/>"), "large": make([]byte, MaxUpload+1), "bomb": bomb, "cut": photoOf(t, 50, 50, imagecolor.Black, false)[:100]} {
				if _, err := s.AddPicture(ctx, brandA, name, body, worker); code(err) != "poster_picture" {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
		t.Run("background and product picture are drawn, and the code on them is read", func(t *testing.T) {
			red, err := s.AddPicture(ctx, brandB, "底", photoOf(t, 300, 400, imagecolor.NRGBA{180, 20, 20, 255}, false), worker)
			if err != nil {
				t.Fatal(err)
			}
			blue, err := s.AddPicture(ctx, brandB, "瓶", photoOf(t, 100, 100, imagecolor.NRGBA{0, 0, 255, 128}, true), worker)
			if err != nil || blue.Kind != "image/png" {
				t.Fatal(blue.Kind, err)
			}
			l := plainPaper()
			l.PictureID = red.ID
			l.Slots = append(l.Slots, Slot{Kind: Product, X: 700, Y: 20, W: 80, H: 80, PictureID: blue.ID, RadiusPx: 10})
			m, err := s.Create(ctx, Template{BrandID: brandB, Name: "图", Layout: &l}, worker)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Choose(ctx, brandB, Choice{TemplateID: m.ID}, worker); err != nil {
				t.Fatal(err)
			}
			img, err := s.Poster(ctx, brandB, someone, PNG)
			if err != nil || zbar(t, img.Body) != address {
				t.Fatal(err)
			}
			p := pixels(t, img.Body)
			if r, _, b, _ := p.At(20, 700).RGBA(); r>>8 < 150 || b>>8 > 60 {
				t.Errorf("the background is %v", p.At(20, 700))
			}
			if _, _, b, _ := p.At(740, 60).RGBA(); b>>8 < 90 {
				t.Errorf("the product is %v", p.At(740, 60))
			}
			vector, err := s.Poster(ctx, brandB, someone, SVG)
			if err != nil || bytes.Count(vector.Body, []byte("data:image/")) != 2 {
				t.Errorf("%v", err)
			}
			svgTexts(t, vector.Body)
		})
	})
}
