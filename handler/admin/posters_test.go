package admin_test

import (
	"bytes"
	"encoding/json"
	"image"
	imagecolor "image/color"
	"image/png"
	"mime/multipart"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/code/picture"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/operator"
	"siyu/model/poster"
)

func newPosters(t *testing.T, d *db.DB) *poster.Store {
	t.Helper()
	fonts, err := poster.FindFonts("")
	if err != nil || fonts == nil {
		t.Fatalf("no font with Chinese characters (scripts/test installs one): %v", err)
	}
	return poster.New(d, poster.NewRenderer(fonts))
}

// photoForm is an upload of a picture of one colour.
func photoForm(t *testing.T, brand string, grey uint8) string {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 40, 40))
	for i := range img.Pix {
		img.Pix[i] = grey
	}
	var body, b bytes.Buffer
	if err := png.Encode(&body, img); err != nil {
		t.Fatal(err)
	}
	w := multipart.NewWriter(&b)
	_ = w.SetBoundary(boundary)
	_ = w.WriteField("brand_id", brand)
	_ = w.WriteField("name", "瓶身")
	part, err := w.CreateFormFile("file", "bottle.png")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(body.Bytes())
	_ = w.Close()
	return b.String()
}

// postersKeyed are the writes of this area.
func (o *office) postersKeyed() map[string]retry {
	brand := o.brand.ID.String()
	create := `{"brand_id":"` + brand + `","name":"春","from":"pine"}`
	m, old := o.must("POST", "/posters", create), o.must("POST", "/posters", create)
	layout, err := json.Marshal(poster.Builtins()[1].Layout)
	if err != nil {
		o.t.Fatal(err)
	}
	change := `{"name":"夏","version":1,"layout":` + string(layout) + `}`
	return map[string]retry{
		"POST /posters":            {"/posters", create, strings.Replace(create, "pine", "dawn", 1)},
		"PUT /posters/:id":         {"/posters/" + m.ID.String(), change, strings.Replace(change, "夏", "秋", 1)},
		"POST /posters/:id/retire": {"/posters/" + old.ID.String() + "/retire", `{}`, `{"x":1}`},
		"PUT /brands/:id/poster":   {"/brands/" + brand + "/poster", `{"builtin":"plain"}`, `{"builtin":"pine"}`},
		"POST /poster-pictures":    {"/poster-pictures", photoForm(o.t, brand, 10), photoForm(o.t, brand, 200)},
	}
}

func TestPosters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		brand := o.brand.ID.String()
		marketing := o.as(t, "marketing", operator.Operations)
		t.Run("a template begins as a built-in one, is changed by versions and chosen", func(t *testing.T) {
			var m struct {
				ID      string
				Version int
				Layout  poster.Layout
			}
			marketing.do("POST", "/posters", `{"brand_id":"`+brand+`","name":"秋","from":"dawn"}`).into(t, &m)
			for i, s := range m.Layout.Slots {
				if s.Kind == poster.Title {
					m.Layout.Slots[i].Text = "老井请您来"
				}
			}
			body, _ := json.Marshal(map[string]any{"name": "秋", "version": m.Version, "layout": m.Layout})
			if a := marketing.do("PUT", "/posters/"+m.ID, string(body)); a.Status != 200 {
				t.Fatal(a.Raw)
			}
			if a := marketing.do("PUT", "/posters/"+m.ID, string(body)); a.Status != 409 || a.Error.Code != "poster_changed" {
				t.Error(a.Raw)
			}
			for version, want := range map[string]string{"": "老井请您来", "?version=1": "扫一扫，加入我们"} {
				if a := marketing.do("GET", "/posters/"+m.ID+"/preview"+version, ""); a.Status != 200 || !strings.Contains(a.Raw, want) || a.Header.Get("Content-Type") != "image/svg+xml" {
					t.Errorf("%s: %d %v", version, a.Status, a.Header)
				}
			}
			if a := marketing.do("PUT", "/brands/"+brand+"/poster", `{"template_id":"`+m.ID+`"}`); a.Status != 200 {
				t.Fatal(a.Raw)
			}
			a := marketing.do("GET", "/brands/"+brand+"/poster/preview?format=png", "")
			if text, err := picture.Decode([]byte(a.Raw)); err != nil || text != "https://siyu.test/r/00000000000000000000000000" {
				t.Errorf("%d reads %s %v", a.Status, text, err)
			}
			if a := marketing.do("POST", "/posters/"+m.ID+"/retire", `{}`); a.Status != 409 || a.Error.Code != "poster_in_use" {
				t.Error(a.Raw)
			}
		})
		t.Run("who is confined to a brand chooses its templates and no other's", func(t *testing.T) {
			other := o.must("POST", "/brands", `{"slug":"other","name":"别家","code_host":"q.other.cn"}`)
			p := o.confined(t, "designer", o.brand.ID)
			template := func(who *person, brand string) string {
				var m struct{ ID string }
				who.do("POST", "/posters", `{"brand_id":"`+brand+`","name":"冬","from":"dawn"}`).into(t, &m)
				return m.ID
			}
			own, foreign := template(p, brand), template(o.root, other.ID.String())
			at := "/brands/" + brand + "/poster"
			if a := p.do("PUT", at, `{"template_id":"`+own+`"}`); a.Status != 200 {
				t.Fatal(a.Raw)
			}
			if a := p.do("PUT", at, `{"template_id":"`+foreign+`"}`); a.Status != 404 || a.Error.Code != "not_found" {
				t.Error(a.Raw)
			}
			if a := p.do("PUT", "/brands/"+other.ID.String()+"/poster", `{"template_id":"`+own+`"}`); a.Error.Code != "brand_scope" {
				t.Error(a.Raw)
			}
			var chosen poster.Choice
			if p.do("GET", at, "").into(t, &chosen); chosen.TemplateID.String() != own {
				t.Errorf("%+v", chosen)
			}
		})
		t.Run("unlawful words are refused with the law", func(t *testing.T) {
			l := poster.Builtins()[0].Layout
			l.Slots = append([]poster.Slot(nil), l.Slots...)
			for i, s := range l.Slots {
				if s.Kind == poster.Title {
					l.Slots[i].Text = "拉三人送一箱"
				}
			}
			body, _ := json.Marshal(map[string]any{"brand_id": brand, "name": "违规", "layout": l})
			a := marketing.do("POST", "/posters", string(body))
			if a.Status != 400 || a.Error.Code != "poster_words" || !strings.Contains(a.Error.Message, "禁止传销条例") {
				t.Error(a.Raw)
			}
		})
		t.Run("a picture is kept, shown and not taken from nowhere", func(t *testing.T) {
			var p struct{ ID string }
			marketing.do("POST", "/poster-pictures", photoForm(t, brand, 90)).into(t, &p)
			a := marketing.do("GET", "/poster-pictures/"+p.ID+"/file", "")
			img, _, err := image.Decode(strings.NewReader(a.Raw))
			if err != nil || img.Bounds().Dx() != 40 {
				t.Fatal(a.Status, err)
			}
			if y := imagecolor.GrayModel.Convert(img.At(5, 5)).(imagecolor.Gray).Y; y < 85 || y > 95 {
				t.Error(y)
			}
			if a := marketing.do("POST", "/poster-pictures", strings.Replace(photoForm(t, brand, 9), "\x89PNG", "<svg", 1)); a.Status != 400 || a.Error.Code != "poster_picture" {
				t.Error(a.Raw)
			}
		})
		t.Run("built-in templates are shown for each brand", func(t *testing.T) {
			for _, b := range poster.Builtins() {
				if a := marketing.do("GET", "/brands/"+brand+"/poster/preview?builtin="+b.Key, ""); a.Status != 200 || !strings.Contains(a.Raw, "老井") {
					t.Error(b.Key, a.Status)
				}
			}
			if a := marketing.do("GET", "/brands/"+brand+"/poster/preview?builtin=none", ""); a.Status != 404 {
				t.Error(a.Status)
			}
		})
	})
}
