package poster

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tidy makes a text fit to be drawn: what is invisible or turns the direction is dropped,
// what is no character becomes one that shows it, heaps of accents lose all but two, and
// more than most characters end in "…".
func tidy(text string, most int) string {
	var b strings.Builder
	n, accents, blank := 0, 0, false
	for _, r := range strings.ToValidUTF8(text, "\ufffd") {
		switch {
		case unicode.IsSpace(r):
			blank = n > 0
			continue
		case hidden(r):
			continue
		case unicode.Is(unicode.M, r):
			if accents++; accents > 2 || n == 0 {
				continue
			}
			b.WriteRune(r)
			continue
		case unicode.Is(unicode.Co, r) || r == utf8.RuneError || r > 0xfffff:
			r = tofu
		}
		if n++; n > most {
			return strings.TrimSpace(b.String()) + "…"
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		accents = 0
		b.WriteRune(r)
	}
	return b.String()
}

// tofu stands for a character that cannot be drawn.
const tofu = '□'

// hidden: control and format characters (zero width, joiners, marks of direction, tags)
// and what only varies the look of the one before.
func hidden(r rune) bool {
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) ||
		r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0 || r == 0x2800
}

// initial is the first character of a name that stands for something.
func initial(name string) string {
	for _, r := range tidy(name, 12) {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || r >= 0x1f000 {
			return string(unicode.ToUpper(r))
		}
	}
	return "友"
}

// wide: characters that stand by themselves in a line of Chinese.
func wide(r rune) bool { return r >= 0x2e80 }

const (
	noStart = "，。、；：！？）】》」』”’…—,.;:!?)]}%"
	noEnd   = "（【《「『“‘([{"
)

// pieces cuts a text where a line may end: between Chinese characters, after a run of
// others, never before a mark that closes or after one that opens.
func pieces(text string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
			b.Reset()
		}
	}
	last := rune(0)
	for _, r := range text {
		joined := strings.ContainsRune(noStart, r) || strings.ContainsRune(noEnd, last) || unicode.Is(unicode.M, r)
		if !joined && (wide(r) || wide(last) || last == ' ') {
			flush()
		}
		b.WriteRune(r)
		last = r
	}
	flush()
	return out
}

// measure tells how wide a text is in pixels.
type measure func(text string, sizePx float64) float64

// lines breaks a text so that each line is at most w wide.
func lines(text string, sizePx, w float64, width measure) []string {
	var out []string
	line := ""
	if first, rest, ok := strings.Cut(text, "\n"); ok { // the layout says where
		return append(lines(first, sizePx, w, width), lines(rest, sizePx, w, width)...)
	}
	add := func(piece string) {
		if line != "" && width(line+strings.TrimRight(piece, " "), sizePx) > w {
			out = append(out, strings.TrimSpace(line))
			line = ""
		}
		line += piece
	}
	for _, p := range pieces(text) {
		if width(strings.TrimSpace(p), sizePx) <= w {
			add(p)
			continue
		}
		for _, r := range p { // one word longer than the line
			add(string(r))
		}
	}
	if line = strings.TrimSpace(line); line != "" {
		out = append(out, line)
	}
	return out
}

const (
	leading  = 1.36 // line height in sizes
	smallest = 0.6  // of the size that the layout asks for
)

// fit sets a text into a box: smaller until it fits, then cut with "…". balanced makes
// several lines about equally long, which reads better in a heading than a last line of
// one character.
func fit(text string, sizePx, w, h float64, balanced bool, width measure) ([]string, float64) {
	size := sizePx
	for ; ; size *= 0.96 {
		ls := lines(text, size, w, width)
		if height(len(ls), size) <= h {
			if balanced {
				ls = even(text, ls, size, w, width)
			}
			return ls, size
		}
		if size < sizePx*smallest {
			break
		}
	}
	ls := lines(text, size, w, width)
	n := max(1, int((h-size)/(size*leading))+1)
	if len(ls) > n {
		last := []rune(ls[n-1])
		for len(last) > 1 && width(string(last)+"…", size) > w {
			last = last[:len(last)-1]
		}
		ls = append(ls[:n-1:n-1], string(last)+"…")
	}
	return ls, size
}

func height(n int, size float64) float64 { return size + float64(max(0, n-1))*size*leading }

func even(text string, ls []string, size, w float64, width measure) []string {
	if len(ls) < 2 {
		return ls
	}
	best, low, high := ls, w/2, w
	for range 12 {
		mid := (low + high) / 2
		if try := lines(text, size, mid, width); len(try) <= len(ls) {
			best, high = try, mid
		} else {
			low = mid
		}
	}
	return best
}
