package poster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// SystemFonts are where systems keep fonts with Chinese characters, the best first: the
// regular one and its bold, or one for both.
func SystemFonts() [][2]string {
	return [][2]string{
		{"/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc"},                           // fonts-noto-cjk
		{"/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", "/usr/share/fonts/noto-cjk/NotoSansCJK-Bold.ttc"},                                     // Arch, Alpine
		{"/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Bold.ttc"},                       // older Fedora
		{"/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc", "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Bold.ttc"}, // newer Fedora
		{"/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", ""},                                                                                      // fonts-wqy-microhei
		{"/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", ""},                                                                                        // fonts-wqy-zenhei
		{"/System/Library/Fonts/Hiragino Sans GB.ttc", ""},                                                                                          // macOS
		{"/System/Library/Fonts/STHeiti Medium.ttc", ""},
	}
}

// Fonts are what PNGs are set in: a regular font and a bold one, which may be the same.
type Fonts struct {
	regular, bold *face
	name          string // part of what a drawing is kept by
}

type face struct {
	font *sfnt.Font
	ppem fixed.Int26_6 // one pixel per font unit, so that outlines are exact
	unit float64
}

// OpenFonts reads a font from a .ttf, .otf or .ttc and, where given, its bold one. The
// files stay open as long as the process lives: a font of all Chinese characters is too
// large to be kept in memory. Fault of a missing or broken file, or one without Chinese.
func OpenFonts(regular, bold string) (*Fonts, error) {
	r, err := openFace(regular)
	if err != nil {
		return nil, err
	}
	f := &Fonts{regular: r, bold: r, name: regular}
	if bold != "" {
		if f.bold, err = openFace(bold); err != nil {
			return nil, err
		}
		f.name += "," + bold
	}
	return f, nil
}

// FindFonts opens what is configured ("regular" or "regular,bold"), or else the first of
// the system's fonts that is there; nil when there is none.
func FindFonts(configured string) (*Fonts, error) {
	if configured != "" {
		regular, bold, _ := strings.Cut(configured, ",")
		return OpenFonts(strings.TrimSpace(regular), strings.TrimSpace(bold))
	}
	for _, pair := range SystemFonts() {
		if _, err := os.Stat(pair[0]); err != nil {
			continue
		}
		if _, err := os.Stat(pair[1]); err != nil {
			pair[1] = ""
		}
		if f, err := OpenFonts(pair[0], pair[1]); err == nil {
			return f, nil
		}
	}
	return nil, nil
}

// probe is what a font must have to be of use.
const probe = "邀请您扫码加入品牌会员0Az，。"

func openFace(path string) (*face, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("poster: font: %w", err)
	}
	f, err := parseFace(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("poster: font %s: %w", path, err), file.Close())
	}
	return f, nil
}

// parseFace takes the face of a collection that is made for simplified Chinese: the same
// character looks different in Japan.
func parseFace(file io.ReaderAt) (*face, error) {
	all, err := sfnt.ParseCollectionReaderAt(file)
	if err != nil {
		return nil, err
	}
	best, found := 0, false
	var buf sfnt.Buffer
	for i := range all.NumFonts() {
		f, err := all.Font(i)
		if err != nil {
			return nil, err
		}
		name, err := f.Name(&buf, sfnt.NameIDFull)
		if err == nil && !found && !strings.Contains(name, "Mono") && (strings.Contains(name, " SC") || strings.Contains(name, "GB")) {
			best, found = i, true
		}
	}
	f, err := all.Font(best)
	if err != nil {
		return nil, err
	}
	for _, r := range probe {
		if g, err := f.GlyphIndex(&buf, r); err != nil || g == 0 {
			return nil, fmt.Errorf("no glyph for %c", r)
		}
	}
	units := f.UnitsPerEm()
	return &face{font: f, ppem: fixed.Int26_6(units) << 6, unit: 1 / float64(units)}, nil
}

// glyph finds a character; false: the font has none.
func (f *face) glyph(buf *sfnt.Buffer, r rune) (sfnt.GlyphIndex, bool) {
	g, err := f.font.GlyphIndex(buf, r)
	return g, err == nil && g != 0
}

// advance is how far a character moves on, in sizes.
func (f *face) advance(buf *sfnt.Buffer, g sfnt.GlyphIndex) float64 {
	a, err := f.font.GlyphAdvance(buf, g, f.ppem, font.HintingNone)
	if err != nil {
		return 1
	}
	return float64(a) / 64 * f.unit
}
