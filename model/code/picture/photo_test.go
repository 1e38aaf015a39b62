package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"siyu/model/fault"
)

// snap is what a phone makes of a code on a bottle: the code turned, of codePx pixels a
// side, somewhere on a sheet of width x height with texture, lit from one side, with the
// sensor's noise, as a JPEG.
func snap(t *testing.T, content string, codePx, width, height int, degrees float64, quality int) []byte {
	t.Helper()
	symbol, err := Single(content, 512)
	if err != nil {
		t.Fatal(err)
	}
	code, err := png.Decode(bytes.NewReader(symbol))
	if err != nil {
		t.Fatal(err)
	}
	sheet := image.NewRGBA(image.Rect(0, 0, width, height))
	rnd := rand.New(rand.NewPCG(1, uint64(degrees)))
	for y := range height {
		for x := range width {
			shade := uint8(150 + rnd.IntN(20) + 30*((x/37+y/53)%2))
			sheet.Set(x, y, color.RGBA{shade, uint8(int(shade) * 4 / 5), uint8(int(shade) * 3 / 5), 255})
		}
	}
	scale := float64(codePx) / 512
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	cx, cy := float64(width)*0.55, float64(height)*0.45
	m := f64.Aff3{scale * cos, -scale * sin, cx - scale*256*(cos-sin), scale * sin, scale * cos, cy - scale*256*(sin+cos)}
	draw.BiLinear.Transform(sheet, m, code, code.Bounds(), draw.Src, nil)
	for y := range height {
		for x := range width {
			c := sheet.RGBAAt(x, y)
			light := 0.55 + 0.45*float64(x)/float64(width)
			dim := func(v uint8) uint8 {
				return uint8(min(max(float64(v)*light+rnd.NormFloat64()*6, 0), 255))
			}
			sheet.SetRGBA(x, y, color.RGBA{dim(c.R), dim(c.G), dim(c.B), 255})
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, sheet, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAPhoneReadsACode(t *testing.T) {
	const content = "HTTPS://Q.LAOJING.CN/Q/0A1B2C3D4E5F6G7H"
	for _, shot := range []struct {
		codePx, width, height int
		degrees               float64
		quality               int
	}{
		{600, 1200, 1600, 0, 80}, {420, 1600, 1200, 17, 70}, {300, 1600, 1200, 45, 60}, {260, 1200, 1600, 93, 60},
		{500, 1500, 2000, 181, 50}, {900, 3000, 4000, 33, 75}, {150, 800, 600, -12, 75}, {200, 400, 300, 8, 80},
	} {
		t.Run(fmt.Sprintf("%d of %dx%d turned by %v", shot.codePx, shot.width, shot.height, shot.degrees), func(t *testing.T) {
			got, err := Photo(snap(t, content, shot.codePx, shot.width, shot.height, shot.degrees, shot.quality))
			if err != nil || got != content {
				t.Fatal(got, err)
			}
		})
	}
	t.Run("a picture without a code, and what is no picture, are said to be so", func(t *testing.T) {
		var blank bytes.Buffer
		if err := png.Encode(&blank, image.NewGray(image.Rect(0, 0, 900, 700))); err != nil {
			t.Fatal(err)
		}
		for _, bad := range [][]byte{blank.Bytes(), []byte("GIF89a"), nil} {
			if _, err := Photo(bad); fault.Of(err).Code != "picture_unreadable" {
				t.Error(err)
			}
		}
	})
}

func TestAFewKilobytesDoNotUnpackToHundredsOfMegabytes(t *testing.T) {
	// Sizes that each side may have, and the product may not: only the head is there, so
	// whoever began to unpack would fail in another way.
	head := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
	body := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 8000), 8000)
	body = append(body, 16, 6, 0, 0, 0) // 16 bits of four colours
	head = binary.BigEndian.AppendUint32(append(head, body...), crc32.ChecksumIEEE(append([]byte("IHDR"), body...)))
	for name, read := range map[string]func([]byte) (string, error){"photo": Photo, "picture": Decode} {
		if _, err := read(head); !strings.Contains(fault.Of(err).Text, "像素以内") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
