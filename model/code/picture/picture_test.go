package picture

import (
	"bytes"
	"fmt"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/encoder"
	qrcode "github.com/skip2/go-qrcode"

	"siyu/model/fault"
)

const printable = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"

// contents are URLs as printed, and texts of every length and mode.
func contents(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	text := func(from string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = from[r.IntN(len(from))]
		}
		return string(b)
	}
	const symbols = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	out := make([]string, n)
	for i := range out {
		switch i % 5 {
		case 0:
			out[i] = "HTTPS://QR.BRAND.CN/Q/" + text(symbols, 16)
		case 1:
			out[i] = "https://qr.brand.cn/q/" + text(symbols, 16)
		case 2:
			out[i] = "https://qr.brand.cn/01/06901234567892/21/" + text(symbols, 16)
		case 3:
			out[i] = text(alphaSymbols, 1+r.IntN(200))
		case 4:
			out[i] = text(printable, 1+r.IntN(150))
		}
	}
	return out
}

func encode(t testing.TB, e *Encoder, content string) Matrix {
	t.Helper()
	m, err := e.Encode(content)
	if err != nil {
		t.Fatalf("%q: %v", content, err)
	}
	return m
}

func TestBothEncodersDecodeToTheSameText(t *testing.T) {
	e := NewEncoder(M)
	for _, content := range contents(2000) {
		ours := encode(t, e, content)
		if got, err := DecodeMatrix(&ours); err != nil || got != content {
			t.Fatalf("%q: our symbol reads %q, %v", content, got, err)
		}
		q, err := qrcode.New(content, qrcode.Medium)
		if err != nil {
			t.Fatal(err)
		}
		q.DisableBorder = true
		if len(q.Bitmap()) > maxSize {
			t.Fatalf("%q: skip2 needs %d modules", content, len(q.Bitmap()))
		}
		theirs := Matrix{Size: len(q.Bitmap())}
		for y, row := range q.Bitmap() {
			for x, dark := range row {
				if dark {
					theirs.Rows[y] |= 1 << x
				}
			}
		}
		if got, err := DecodeMatrix(&theirs); err != nil || got != content {
			t.Fatalf("%q: skip2's symbol reads %q, %v", content, got, err)
		}
	}
}

// gozxing chooses version, mode and mask by the same rules, module by module: every
// symbol must be identical, at every level and version.
func TestEncoderAgreesWithZxingModuleByModule(t *testing.T) {
	levels := map[Level]decoder.ErrorCorrectionLevel{
		L: decoder.ErrorCorrectionLevel_L, M: decoder.ErrorCorrectionLevel_M,
		Q: decoder.ErrorCorrectionLevel_Q, H: decoder.ErrorCorrectionLevel_H,
	}
	sizes := map[int]bool{}
	for level, theirs := range levels {
		e := NewEncoder(level)
		list := contents(150)
		for n := 1; n < 420; n += 7 {
			list = append(list, strings.Repeat("A1", n)[:n], strings.Repeat("a1", n)[:n])
		}
		for _, content := range list {
			m, err := e.Encode(content)
			if err != nil {
				if fault.Of(err).Code != "picture_long" {
					t.Fatal(err)
				}
				continue
			}
			if strings.Trim(content, "0123456789") == "" {
				continue // zxing would use numeric mode, which we leave out
			}
			want, err := encoder.Encoder_encode(content, theirs, nil)
			if err != nil {
				t.Fatal(err)
			}
			if m.Size != want.GetMatrix().GetWidth() {
				t.Fatalf("%q: %d modules, zxing has %d", content, m.Size, want.GetMatrix().GetWidth())
			}
			for y := range m.Size {
				for x := range m.Size {
					if m.Dark(x, y) != (want.GetMatrix().Get(x, y) == 1) {
						t.Fatalf("%q: module (%d,%d) differs; zxing took mask %d", content, x, y, want.GetMaskPattern())
					}
				}
			}
			sizes[m.Size] = true
		}
	}
	if len(sizes) != maxVersion {
		t.Fatalf("only sizes %v were met", sizes)
	}
}

func TestPenaltyAgreesWithCountingModuleByModule(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 600 {
		n := 17 + 4*(1+i%maxVersion)
		var g grid
		matrix := encoder.NewByteMatrix(n, n)
		matrix.Clear(0)
		bias := 1 + r.IntN(9) // from nearly white to nearly black
		for y := range g.rows(n) {
			for x := range n {
				if r.IntN(10) < bias {
					g.rows(n)[y] |= 1 << x
					matrix.SetBool(x, y, true)
				}
			}
			// Plant what random modules rarely show.
			if r.IntN(4) == 0 {
				at := r.IntN(n - 11)
				for j, c := range "00001011101" {
					g.rows(n)[y] &^= 1 << (at + j)
					g.rows(n)[y] |= uint64(c-'0') << (at + j)
					matrix.SetBool(at+j, y, c == '1')
				}
			}
		}
		want := encoder.MaskUtil_applyMaskPenaltyRule1(matrix) + encoder.MaskUtil_applyMaskPenaltyRule2(matrix) +
			encoder.MaskUtil_applyMaskPenaltyRule3(matrix) + encoder.MaskUtil_applyMaskPenaltyRule4(matrix)
		if got := g.penalty(n); got != want {
			t.Fatalf("case %d, %d modules: penalty %d, want %d", i, n, got, want)
		}
	}
}

func TestEncoderUsesEveryMaskAndTheSmallestVersion(t *testing.T) {
	e := NewEncoder(M)
	masks := map[int]int{}
	for _, content := range contents(500) {
		m := encode(t, e, content)
		// The mask number is in the format bits beside the upper left finder.
		mask := 0
		for i, x := range []int{2, 3, 4} {
			if m.Dark(x, 8) {
				mask |= 4 >> i
			}
		}
		masks[mask^0b101]++ // the format is stored XORed with 101010000010010
	}
	if len(masks) != 8 {
		t.Errorf("masks used: %v", masks)
	}
	for content, size := range map[string]int{
		"HTTPS://QR.BRAND.CN/Q/0123456789ABCDEF": 25, // 38 characters fill version 2
		"https://qr.brand.cn/q/0123456789ABCDEF": 29,
		strings.Repeat("A", 366):                 61,
		strings.Repeat("a", 251):                 61,
	} {
		if m := encode(t, e, content); m.Size != size {
			t.Errorf("%q takes %d modules, want %d", content, m.Size, size)
		}
	}
}

func TestEncoderRefusesWhatItCannotHold(t *testing.T) {
	e := NewEncoder(M)
	for content, code := range map[string]string{
		"":                       "picture_content",
		"\u7801":                 "picture_content",
		"a\nb":                   "picture_content",
		"\xff":                   "picture_content",
		strings.Repeat("A", 367): "picture_long",
		strings.Repeat("a", 252): "picture_long",
	} {
		if _, err := e.Encode(content); err == nil || fault.Of(err).Code != code {
			t.Errorf("%.20q: got %v, want %s", content, err, code)
		}
	}
}

func TestPNGShowsExactlyTheModules(t *testing.T) {
	e := NewEncoder(M)
	buf := []byte("kept")
	for i, content := range contents(120) {
		m := encode(t, e, content)
		px := 1 + i%20
		if i%40 == 39 {
			px = MaxModulePx
		}
		out, err := AppendPNG(buf[:4], &m, px)
		if err != nil || !bytes.HasPrefix(out, []byte("kept")) {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(out[4:]))
		if err != nil {
			t.Fatalf("%d px: %v", px, err)
		}
		side := (m.Size + 2*QuietModules) * px
		if b := img.Bounds(); b.Dx() != side || b.Dy() != side {
			t.Fatalf("%d px: picture is %v, want %d", px, b, side)
		}
		for y := range side {
			for x := range side {
				r, _, _, _ := img.At(x, y).RGBA()
				if want := m.Dark(x/px-QuietModules, y/px-QuietModules) && x >= QuietModules*px && y >= QuietModules*px; (r == 0) != want {
					t.Fatalf("%d px: pixel (%d,%d) is %d", px, x, y, r)
				}
			}
		}
		if i < 60 && px >= 3 {
			if got, err := Decode(out[4:]); err != nil || got != content {
				t.Fatalf("%d px: %q reads %q, %v", px, content, got, err)
			}
		}
	}
	m := encode(t, e, "A")
	for _, px := range []int{0, -1, MaxModulePx + 1} {
		if _, err := AppendPNG(nil, &m, px); err == nil || fault.Of(err).Code != "picture_module" {
			t.Errorf("%d px: got %v", px, err)
		}
	}
}

func TestSVGReadsBackToTheSameMatrix(t *testing.T) {
	e := NewEncoder(M)
	for _, content := range contents(300) {
		m := encode(t, e, content)
		svg, err := AppendSVG(nil, &m, 25.4)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseSVG(svg)
		if err != nil || back != m {
			t.Fatalf("%q: came back as %v, %v", content, back, err)
		}
	}
	m := encode(t, e, "A")
	svg, _ := AppendSVG(nil, &m, 20)
	for name, bad := range map[string]string{
		"nothing":           "",
		"another SVG":       `<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h1"/></svg>`,
		"a run twice":       strings.Replace(string(svg), "zM", "zM4 4h1v1H4zM", 1),
		"outside the frame": strings.Replace(string(svg), "M4 4", "M0 4", 1),
		"a tall run":        strings.Replace(string(svg), "v1H4", "v2H4", 1),
		"cut off":           string(svg[:len(svg)-20]),
	} {
		if got, err := ParseSVG([]byte(bad)); err == nil || fault.Of(err).Code != "picture_svg" {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	for _, side := range []float64{0, -1, 4.9, 1001, nan()} {
		if _, err := AppendSVG(nil, &m, side); err == nil || fault.Of(err).Code != "picture_side" {
			t.Errorf("%v mm: got %v", side, err)
		}
	}
}

func nan() float64 { var zero float64; return zero / zero }

func TestSingleDecodesAndRefuses(t *testing.T) {
	for _, content := range []string{"https://qr.brand.cn/q/0123456789ABCDEF", "\u6bcf\u74f6\u4e00\u7801", strings.Repeat("x", 500)} {
		out, err := Single(content, 512)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(out); err != nil || got != content {
			t.Errorf("%.40q reads %.40q, %v", content, got, err)
		}
	}
	for _, c := range []struct {
		content string
		px      int
		code    string
	}{{"", 256, "picture_content"}, {strings.Repeat("x", 3000), 256, "picture_long"}, {"x", 63, "picture_size"}, {"x", 4097, "picture_size"}} {
		if _, err := Single(c.content, c.px); err == nil || fault.Of(err).Code != c.code {
			t.Errorf("%.10q at %d px: got %v, want %s", c.content, c.px, err, c.code)
		}
	}
}

func TestDecodeRefusesPicturesWithoutACode(t *testing.T) {
	e := NewEncoder(M)
	m := encode(t, e, "A")
	white := Matrix{Size: 21}
	blank, err := AppendPNG(nil, &white, 8)
	if err != nil {
		t.Fatal(err)
	}
	good, err := AppendPNG(nil, &m, 8)
	if err != nil {
		t.Fatal(err)
	}
	huge := append([]byte(nil), good...)
	copy(huge[16:], "\x00\x10\x00\x00\x00\x10\x00\x00") // a million pixels a side
	for name, picture := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "white": blank, "cut off": good[:len(good)/2], "a bomb": huge, "a JPEG mark": {0xff, 0xd8},
	} {
		if got, err := Decode(picture); err == nil || fault.Of(err).Code != "picture_unreadable" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
	for _, m := range []Matrix{{}, white, {Size: 1000}, {Size: -1}} {
		if got, err := DecodeMatrix(&m); err == nil {
			t.Errorf("%d blank modules read %q", m.Size, got)
		}
	}
}

func TestDrawingAllocatesNothing(t *testing.T) {
	e := NewEncoder(M)
	m := encode(t, e, "HTTPS://QR.BRAND.CN/Q/0123456789ABCDEF")
	buf := make([]byte, 0, 1<<16)
	for name, f := range map[string]func(){
		"PNG": func() { buf, _ = AppendPNG(buf[:0], &m, 8) },
		"SVG": func() { buf, _ = AppendSVG(buf[:0], &m, 20) },
	} {
		if n := testing.AllocsPerRun(200, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func FuzzParseSVG(f *testing.F) {
	e := NewEncoder(M)
	m, err := e.Encode("HTTPS://QR.BRAND.CN/Q/0123456789ABCDEF")
	if err != nil {
		f.Fatal(err)
	}
	svg, err := AppendSVG(nil, &m, 20)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(svg)
	f.Add([]byte(fmt.Sprintf("%s%s%s", svgHead, svgPath, svgTail)))
	f.Fuzz(func(t *testing.T, svg []byte) {
		m, err := ParseSVG(svg)
		if err == nil && !validSize(m.Size) {
			t.Fatalf("accepted %d modules", m.Size)
		}
	})
}
