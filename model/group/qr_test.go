package group_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"siyu/model/clock"
	"siyu/model/code/picture"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/group"
	"siyu/model/seal"
)

// qr is a picture of a code, as a PNG.
func qr(t *testing.T, content string) []byte {
	t.Helper()
	return must(picture.Single(content, 400))(t)
}

// bomb is a PNG of w times h pixels whose data are zeros: tiny, and huge once unpacked.
func bomb(t *testing.T, w, h uint32) []byte {
	t.Helper()
	out := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(name string, body []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
		out = append(append(out, name...), body...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[len(out)-len(body)-4:]))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	chunk("IHDR", append(head, 8, 0, 0, 0, 0))
	var z bytes.Buffer
	zw := must(zlib.NewWriterLevel(&z, 9))(t)
	zeros := make([]byte, 1<<20)
	for left := min(int64(h)*(int64(w)+1), 300<<20); left > 0; left -= int64(len(zeros)) {
		must(zw.Write(zeros[:min(left, int64(len(zeros)))]))(t)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	chunk("IDAT", z.Bytes())
	chunk("IEND", nil)
	return out
}

func TestPictures(t *testing.T) {
	clk := clock.NewFake(dbtest.Start)
	w := newWorld(t, dbtest.Open(t, db.SQLite, clk), clk)
	const good = "https://weixin.qq.com/g/AwYAAABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdef"
	t.Run("a PNG and a photographed JPEG give the text", func(t *testing.T) {
		if got := must(w.ReadPicture(w.ctx, group.WeChat, qr(t, good)))(t); got != good {
			t.Fatal(got)
		}
		plain := must(png.Decode(bytes.NewReader(qr(t, good))))(t)
		photo := image.NewRGBA(image.Rect(0, 0, 900, 1600)) // a screenshot with the code in it
		for y := range 1600 {
			for x := range 900 {
				c := color.RGBA{200, 220, 235, 255}
				if in := image.Pt(x-250, y-600); in.In(plain.Bounds()) {
					r, _, _, _ := plain.At(in.X, in.Y).RGBA()
					c = color.RGBA{uint8(r >> 8), uint8(r >> 8), uint8(r >> 8), 255}
				}
				photo.Set(x, y, c)
			}
		}
		var b bytes.Buffer
		if err := jpeg.Encode(&b, photo, &jpeg.Options{Quality: 60}); err != nil {
			t.Fatal(err)
		}
		if got := must(w.ReadPicture(w.ctx, group.WeChat, b.Bytes()))(t); got != good {
			t.Fatal(got)
		}
	})
	t.Run("what is no join code of such a group is refused with the reason", func(t *testing.T) {
		for content, says := range map[string]string{
			"https://u.wechat.com/abcdef": "个人", "https://evil.test/g/AwYAA": "weixin.qq.com/g/", "https://weixin.qq.com/r/xyz": "公众号",
			"http://weixin.qq.com/g/AwYAA": "https", "https://weixin.qq.com/g/": "weixin.qq.com/g/", "https://weixin.qq.com.evil.test/g/AwYAA": "weixin.qq.com/g/",
			"https://user@weixin.qq.com/g/AwYAA": "https", "https://weixin.qq.com:8443/g/AwYAA": "https", "你好": "https", "javascript:alert(1)": "https",
			"https://work.weixin.qq.com/gm/abc": "企业微信", "https://weixin.qq.com/g/" + strings.Repeat("A", 400): "https",
		} {
			_, err := w.ReadPicture(w.ctx, group.WeChat, qr(t, content))
			wants(t, err, "qr_foreign")
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", content, err)
			}
		}
		if got := must(w.ReadPicture(w.ctx, group.WeCom, qr(t, "https://work.weixin.qq.com/gm/abc")))(t); got == "" {
			t.Fatal("a customer group's own code")
		}
		_, err := w.ReadPicture(w.ctx, group.WeCom, qr(t, "https://work.weixin.qq.com/ca/abc"))
		wants(t, err, "qr_foreign")
	})
	t.Run("hostile pictures are refused before they are unpacked", func(t *testing.T) {
		noise := make([]byte, 4<<20)
		fill := rand.NewChaCha8([32]byte{})
		_, _ = fill.Read(noise)
		var gif = append([]byte("GIF89a"), noise[:100]...)
		for name, body := range map[string][]byte{
			"nothing": nil, "text": []byte("hello"), "gif": gif, "svg": []byte("<svg xmlns='http://www.w3.org/2000/svg'/>"),
			"zip bomb": bomb(t, 16000, 16000), "wide": bomb(t, 1<<31-1, 1), "tall": bomb(t, 1, 1<<31-1), "overflow": bomb(t, 1<<31-1, 1<<31-1), "empty": bomb(t, 0, 0),
			"too many bytes": append(qr(t, good), noise...), "cut": qr(t, good)[:200], "head only": qr(t, good)[:33], "JPEG head only": {0xff, 0xd8, 0xff, 0xe0},
			"JPEG noise": append([]byte{0xff, 0xd8, 0xff}, noise[:1000]...),
		} {
			if len(body) > group.MaxPicture && name != "too many bytes" {
				t.Fatalf("%s has %d bytes: it tests the wrong limit", name, len(body))
			}
			_, err := w.ReadPicture(w.ctx, group.WeChat, body)
			wants(t, err, "qr_picture")
		}
	})
	t.Run("a picture as large as is allowed, without a code, ends in a refusal", func(t *testing.T) {
		_, err := w.ReadPicture(w.ctx, group.WeChat, bomb(t, 3600, 3600))
		wants(t, err, "qr_picture")
	})
	t.Run("what is drawn again reads as what was uploaded", func(t *testing.T) {
		dir := t.TempDir()
		save := func(name string, body []byte) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, body, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		svg := save("code.svg", must(group.DrawSVG(good, 40))(t))
		if out, err := exec.Command("rsvg-convert", "--dpi-x", "300", "--dpi-y", "300", "-o", svg+".png", svg).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		for _, path := range []string{save("code.png", must(group.Draw(good, 8))(t)), svg + ".png"} {
			out, err := exec.Command("zbarimg", "--quiet", "--raw", "--set", "disable", "--set", "qrcode.enable", path).Output()
			if err != nil || strings.TrimSpace(string(out)) != good {
				t.Fatalf("%v %s", err, out)
			}
		}
	})
}

func FuzzReadPicture(f *testing.F) {
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Add([]byte{0xff, 0xd8, 0xff, 0xe0})
	if one, err := picture.Single("https://weixin.qq.com/g/AwYAA", 100); err == nil {
		f.Add(one)
	}
	box, err := seal.Parse(seal.NewKey())
	if err != nil {
		f.Fatal(err)
	}
	w := group.New(group.Deps{Box: box}) // pictures are read without a database
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := w.ReadPicture(t.Context(), group.WeChat, body)
		if err == nil && !strings.HasPrefix(got, "https://weixin.qq.com/g/") {
			t.Fatal(got)
		}
	})
}
