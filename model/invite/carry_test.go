package invite

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"time"

	"siyu/model/brand"
	"siyu/model/id"
	"siyu/model/poster"
)

// weixin makes codes, or does not.
type weixin struct {
	s       *street
	refuses error
	lives   time.Duration
	picture []byte
	asked   []string
}

func (w *weixin) SceneQR(_ context.Context, accountID id.ID, scene string, life time.Duration) (string, time.Duration, error) {
	w.asked = append(w.asked, scene)
	if accountID != w.s.account.ID || life != 30*24*time.Hour {
		w.s.t.Errorf("asked of %d for %s", accountID, life)
	}
	return "http://weixin.qq.com/q/" + string(rune('a'+len(w.asked))), w.lives, w.refuses
}

func (w *weixin) MiniCode(_ context.Context, _ id.ID, scene string) ([]byte, error) {
	w.asked = append(w.asked, scene)
	return w.picture, w.refuses
}

// choose says which code the brand's invitations carry.
func (s *street) choose(code string) {
	s.t.Helper()
	if _, err := s.Posters.Choose(ctx, s.brand.ID, poster.Choice{Builtin: "dawn", Code: code}, 1); err != nil {
		s.t.Fatal(err)
	}
}

func (s *street) carries(m id.ID) Carried {
	s.t.Helper()
	o, err := s.Offer(ctx, s.brand.ID, m)
	if err != nil {
		s.t.Fatal(err)
	}
	return *o.Carries
}

func (s *street) svg(m id.ID) string {
	s.t.Helper()
	img, err := s.Poster(ctx, s.brand.ID, m, poster.SVG)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(img.Body)
}

func square(side int) []byte {
	img := image.NewGray(image.Rect(0, 0, side, side))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * 7)
	}
	img.SetGray(0, 0, color.Gray{Y: 1})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestCarried(t *testing.T) {
	each(t, func(t *testing.T, s *street) {
		wang := s.person("wang")
		w := &weixin{s: s, lives: 30 * 24 * time.Hour, picture: square(430)}
		s.Maker = w
		link := "https://public.test/r/" + s.token(wang)
		t.Run("a link by default, and WeChat is not asked", func(t *testing.T) {
			if c := s.carries(wang); c.Kind != poster.Link || c.Text != link || c.Note != "" || len(w.asked) != 0 {
				t.Errorf("%+v %q", c, w.asked)
			}
		})
		t.Run("an official account's code is asked for once", func(t *testing.T) {
			s.choose(poster.Official)
			first := s.carries(wang)
			if first.Kind != poster.Official || first.Text == "" || first.ExpiresAt != s.clk.Now().Add(w.lives) || first.Note != "" {
				t.Fatalf("%+v", first)
			}
			s.clk.Advance(27*24*time.Hour - time.Second)
			if c := s.carries(wang); c.Text != first.Text || len(w.asked) != 1 || w.asked[0] != s.token(wang) {
				t.Errorf("%+v %q", c, w.asked)
			}
		})
		t.Run("it is renewed when less than three days are left, and kept where WeChat refuses", func(t *testing.T) {
			old := s.carries(wang)
			s.clk.Advance(2 * time.Second)
			w.refuses = errors.New("errcode 45009")
			if c := s.carries(wang); c.Text != old.Text || c.Note != "" {
				t.Errorf("%+v", c)
			}
			w.refuses = nil
			s.clk.Advance(time.Hour)
			if c := s.carries(wang); c.Text == old.Text || c.ExpiresAt != s.clk.Now().Add(w.lives) || s.rows("invite_code") != 1 {
				t.Errorf("%+v", c)
			}
		})
		t.Run("a refusal is a link that says so, and WeChat is left alone for a minute", func(t *testing.T) {
			li, before := s.person("li"), len(w.asked)
			w.refuses = errors.New("errcode 48001")
			for range 3 {
				if c := s.carries(li); c.Kind != poster.Link || !strings.HasSuffix(c.Text, "/r/"+s.token(li)) || !strings.Contains(c.Note, "公众号") {
					t.Errorf("%+v", c)
				}
			}
			if len(w.asked) != before+1 {
				t.Errorf("asked %d times", len(w.asked)-before)
			}
			w.refuses = nil
			s.clk.Advance(time.Minute)
			if c := s.carries(li); c.Kind != poster.Official || c.Note != "" {
				t.Errorf("%+v", c)
			}
		})
		t.Run("an answer without a life or a text is none", func(t *testing.T) {
			w.lives = 0
			if c := s.carries(s.person("zhao")); c.Kind != poster.Link {
				t.Errorf("%+v", c)
			}
			w.lives = 30 * 24 * time.Hour
		})
		t.Run("without a mini program the link says so", func(t *testing.T) {
			s.choose(poster.Mini)
			if c := s.carries(wang); c.Kind != poster.Link || !strings.Contains(c.Note, "小程序") {
				t.Errorf("%+v", c)
			}
		})
		if _, err := s.Brands.SaveAccount(ctx, brand.Account{BrandID: s.brand.ID, Kind: brand.Mini, AppID: "wxmini", Name: "老井会员", CallbackSlug: "mini-main"}, brand.Secrets{AppSecret: "s", Token: "token"}); err != nil {
			t.Fatal(err)
		}
		t.Run("a picture that is none is a refusal", func(t *testing.T) {
			w.picture = []byte(`{"errcode":0}`)
			if c := s.carries(wang); c.Kind != poster.Link || c.Note == "" {
				t.Errorf("%+v", c)
			}
			w.picture = square(430)
			s.clk.Advance(time.Minute)
		})
		t.Run("a mini program's code is in the poster, and asked for once", func(t *testing.T) {
			before := len(w.asked)
			drawn := s.svg(wang)
			s.clk.Advance(1000 * 24 * time.Hour)
			if c := s.carries(wang); c.Kind != poster.Mini || c.ExpiresAt != 0 || c.Text != "" || len(w.asked) != before+1 {
				t.Errorf("%+v %q", c, w.asked)
			}
			if !strings.Contains(drawn, "base64,"+base64.StdEncoding.EncodeToString(s.carries(wang).picture)) {
				t.Error("the poster does not show WeChat's picture")
			}
			if s.svg(s.person("li")) == drawn {
				t.Error("one poster for two people")
			}
		})
	})
}
