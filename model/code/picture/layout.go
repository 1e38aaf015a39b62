package picture

import (
	"math"

	"siyu/model/fault"
)

// Layout places labels on the pages of a sheet. Lengths are millimetres; labels fill
// a page row by row from the upper left.
type Layout struct {
	Columns, Rows             int
	PageWidthMM, PageHeightMM float64 // both 0: A4 upright, 210 x 297
	LabelWidthMM              float64
	LabelHeightMM             float64
	MarginLeftMM, MarginTopMM float64
	GapXMM, GapYMM            float64 // between labels
	QuietModules              int     // white border of each picture, 4 to 16; 0: 4
	Text                      bool    // print the label's text under its picture
}

const (
	// MinModuleMM is the narrowest module a sheet will print: what the 0.17 mm of a
	// 600 dpi printer's four dots need, with a little to spare.
	MinModuleMM = 0.2

	maxQuiet     = 16
	maxGrid      = 100  // labels in a row or column
	maxPageMM    = 5000 // PDF readers stop at 200 inches
	pointsPerMM  = 72 / 25.4
	textPt       = 7.0 // height of the text if the label is wide enough
	minTextPt    = 4.0
	textBandPt   = 9.0 // room kept under the picture for it
	courierWidth = 0.6 // of the height; Courier is as wide for every character
	slackMM      = 0.001
)

// DefaultLayout is 4 x 8 labels of 45 x 32 mm on A4, text under each picture.
func DefaultLayout() Layout {
	return Layout{
		Columns: 4, Rows: 8, LabelWidthMM: 45, LabelHeightMM: 32,
		MarginLeftMM: 10, MarginTopMM: 10, GapXMM: 3, GapYMM: 3, Text: true,
	}
}

// PerPage is how many labels a page holds.
func (l Layout) PerPage() int { return l.Columns * l.Rows }

// withDefaults fills in what zero stands for.
func (l Layout) withDefaults() Layout {
	if l.PageWidthMM == 0 && l.PageHeightMM == 0 {
		l.PageWidthMM, l.PageHeightMM = 210, 297
	}
	if l.QuietModules == 0 {
		l.QuietModules = QuietModules
	}
	return l
}

// Check says whether the labels fit the page and the smallest QR code fits a label.
// Faults: Invalid sheet_grid, sheet_size, sheet_quiet, sheet_fit, sheet_small.
func (l Layout) Check() error {
	l = l.withDefaults()
	if l.Columns < 1 || l.Rows < 1 || l.Columns > maxGrid || l.Rows > maxGrid {
		return fault.Invalidf("sheet_grid", "每页的列数和行数应在 1 到 %d 之间", maxGrid)
	}
	for _, mm := range []float64{l.PageWidthMM, l.PageHeightMM, l.LabelWidthMM, l.LabelHeightMM} {
		if !(mm > 0 && mm <= maxPageMM) { // also refuses NaN
			return fault.Invalidf("sheet_size", "纸张和标签的尺寸应大于 0，不超过 %d 毫米", maxPageMM)
		}
	}
	for _, mm := range []float64{l.MarginLeftMM, l.MarginTopMM, l.GapXMM, l.GapYMM} {
		if !(mm >= 0 && mm <= maxPageMM) {
			return fault.NewInvalid("sheet_size", "边距和间距不能为负数")
		}
	}
	if l.QuietModules < QuietModules || l.QuietModules > maxQuiet {
		return fault.Invalidf("sheet_quiet", "静区应为 %d 到 %d 个模块", QuietModules, maxQuiet)
	}
	width := l.MarginLeftMM + float64(l.Columns)*l.LabelWidthMM + float64(l.Columns-1)*l.GapXMM
	height := l.MarginTopMM + float64(l.Rows)*l.LabelHeightMM + float64(l.Rows-1)*l.GapYMM
	if width > l.PageWidthMM+slackMM {
		return fault.Invalidf("sheet_fit", "%d 列标签需要 %.1f 毫米宽，纸张只有 %.1f 毫米", l.Columns, width, l.PageWidthMM)
	}
	if height > l.PageHeightMM+slackMM {
		return fault.Invalidf("sheet_fit", "%d 行标签需要 %.1f 毫米高，纸张只有 %.1f 毫米", l.Rows, height, l.PageHeightMM)
	}
	return l.checkModule(21)
}

// checkModule refuses a symbol of so many modules a side if they get too narrow.
func (l Layout) checkModule(size int) error {
	if mm := l.moduleMM(size); mm < MinModuleMM {
		return fault.Invalidf("sheet_small", "标签太小：每个模块只有 %.2f 毫米，至少需要 %.2f 毫米", math.Max(mm, 0), MinModuleMM)
	}
	return nil
}

// moduleMM is the width of a module for a symbol of size modules a side.
func (l Layout) moduleMM(size int) float64 {
	height := l.LabelHeightMM
	if l.Text {
		height -= textBandPt / pointsPerMM
	}
	return math.Min(l.LabelWidthMM, height) / float64(size+2*l.QuietModules)
}

// fitText is the height in points at which n characters fit the label's width.
// Fault: Invalid sheet_text.
func (l Layout) fitText(n int) (float64, error) {
	pt := math.Min(textPt, l.LabelWidthMM*pointsPerMM/(courierWidth*float64(n)))
	if pt < minTextPt {
		return 0, fault.Invalidf("sheet_text", "标签太窄，印不下 %d 个字符", n)
	}
	return pt, nil
}
