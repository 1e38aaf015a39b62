package picture

import (
	"bytes"
	"compress/zlib"
	"io"
	"strconv"

	"siyu/model/fault"
)

// Sheet writes labels as PDF 1.4: pictures as filled rectangles, so they stay sharp
// at any resolution, text in Courier, which every printer has. It streams: a page is
// written when it is full, and only the offsets of the objects (16 bytes a page)
// are kept until Close. Any number of labels, up to the 9 GB a PDF can address.
type Sheet struct {
	w       io.Writer
	layout  Layout
	page    []byte // drawing operations of the page being filled
	onPage  int
	packed  bytes.Buffer
	packer  *zlib.Writer
	written int64
	offsets []int64 // by object number; 0 means not written yet
	nodes   []int   // object numbers of the page tree's inner nodes
	kids    []int   // pages of the last node
	pages   int
	out     []byte // scratch for one object
	err     error  // the first failure; nothing is written after it
	closed  bool
}

const (
	objCatalog = 1 + iota
	objPages
	objFont
	firstFree
)

const (
	// kidsPerNode keeps the page tree flat and its nodes small.
	kidsPerNode = 256
	// maxPDF is where a ten-digit offset ends, less room for a page and the tail.
	maxPDF = 9_000_000_000

	streamHead = "<</Filter/FlateDecode/Length "
)

// NewSheet begins a sheet on w. Faults: those of Layout.Check, or the writer's.
func NewSheet(w io.Writer, l Layout) (*Sheet, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	s := &Sheet{w: w, layout: l.withDefaults(), offsets: make([]int64, firstFree)}
	var err error
	// Level 2 is where coordinates stop getting much smaller: 40 microseconds and
	// half a kilobyte a label; level 6 takes 140 for a quarter less.
	if s.packer, err = zlib.NewWriterLevel(&s.packed, 2); err != nil {
		return nil, err
	}
	// The second line tells transfer programs that the file is binary.
	s.write([]byte("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"))
	s.object(objFont, "<</Type/Font/Subtype/Type1/BaseFont/Courier>>")
	return s, s.err
}

// Add puts the next label on the sheet. The text is printable ASCII, as a rule
// token.Grouped; it may be empty and is ignored if the layout has no text.
// Faults: Invalid sheet_small, sheet_text, sheet_long, or the writer's.
func (s *Sheet) Add(m *Matrix, text string) error {
	if s.err != nil {
		return s.err
	}
	if s.closed {
		return fault.New(fault.Internal, "sheet_closed", "标签页已经写完")
	}
	if !validSize(m.Size) {
		return fault.NewInvalid("picture_content", "不是二维码")
	}
	if err := s.layout.checkModule(m.Size); err != nil {
		return err
	}
	l := &s.layout
	column, row := s.onPage%l.Columns, s.onPage/l.Columns
	left := (l.MarginLeftMM + float64(column)*(l.LabelWidthMM+l.GapXMM)) * pointsPerMM
	top := (l.PageHeightMM - l.MarginTopMM - float64(row)*(l.LabelHeightMM+l.GapYMM)) * pointsPerMM
	module := l.moduleMM(m.Size) * pointsPerMM
	side := module * float64(m.Size+2*l.QuietModules)
	spare := l.LabelHeightMM*pointsPerMM - side
	if l.Text {
		spare -= textBandPt
	}
	x := left + (l.LabelWidthMM*pointsPerMM-side)/2 // centred in what the text leaves
	y := top - spare/2

	mark := len(s.page)
	if l.Text && text != "" {
		if err := s.text(left, y-side, text); err != nil {
			s.page = s.page[:mark]
			return err
		}
	}
	s.picture(m, x+module*float64(l.QuietModules), y-module*float64(l.QuietModules), module)
	if s.onPage++; s.onPage == l.PerPage() {
		return s.endPage()
	}
	return nil
}

// picture draws the modules with their upper left corner at (x, y) points, in a
// space where a module is one unit and y grows downwards. All runs are one path
// filled at once: no seams between neighbours.
func (s *Sheet) picture(m *Matrix, x, y, module float64) {
	s.page = append(s.page, "q "...)
	s.page = appendPoints(s.page, module)
	s.page = append(s.page, " 0 0 "...)
	s.page = appendPoints(s.page, -module)
	s.page = append(s.page, ' ')
	s.page = appendPoints(s.page, x)
	s.page = append(s.page, ' ')
	s.page = appendPoints(s.page, y)
	s.page = append(s.page, " cm\n"...)
	for r := range m.runs() {
		for _, n := range [...]int{r.x, r.y, r.w} {
			s.page = strconv.AppendInt(s.page, int64(n), 10)
			s.page = append(s.page, ' ')
		}
		s.page = append(s.page, "1 re\n"...)
	}
	s.page = append(s.page, "f Q\n"...)
}

// text centres a line in the band below y, before its picture so that ReadSheet
// meets it first.
func (s *Sheet) text(left, y float64, text string) error {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return fault.NewInvalid("sheet_text", "标签文字只能是英文字母、数字和符号")
		}
	}
	pt, err := s.layout.fitText(len(text))
	if err != nil {
		return err
	}
	x := left + (s.layout.LabelWidthMM*pointsPerMM-pt*courierWidth*float64(len(text)))/2
	s.page = append(s.page, "BT /F "...)
	s.page = appendPoints(s.page, pt)
	s.page = append(s.page, " Tf "...)
	s.page = appendPoints(s.page, x)
	s.page = append(s.page, ' ')
	s.page = appendPoints(s.page, y-textPt)
	s.page = append(s.page, " Td ("...)
	for i := range len(text) {
		if c := text[i]; c == '(' || c == ')' || c == '\\' {
			s.page = append(s.page, '\\')
		}
		s.page = append(s.page, text[i])
	}
	s.page = append(s.page, ") Tj ET\n"...)
	return nil
}

// appendPoints writes a length; a hundred-thousandth of a point is far below what
// any printer resolves, and keeps the far edge of 61 modules true.
func appendPoints(dst []byte, points float64) []byte {
	return strconv.AppendFloat(dst, points, 'f', 5, 64)
}

// endPage writes the page's content and the page.
func (s *Sheet) endPage() error {
	if s.written > maxPDF {
		s.err = fault.NewInvalid("sheet_long", "标签太多，一个 PDF 文件放不下，请分批导出")
		return s.err
	}
	s.packed.Reset()
	s.packer.Reset(&s.packed)
	if _, err := s.packer.Write(s.page); err != nil {
		return err
	}
	if err := s.packer.Close(); err != nil {
		return err
	}
	content := s.newObject()
	s.begin(content)
	s.out = append(s.out, streamHead...)
	s.out = strconv.AppendInt(s.out, int64(s.packed.Len()), 10)
	s.out = append(s.out, ">>\nstream\n"...)
	s.out = append(s.out, s.packed.Bytes()...)
	s.out = append(s.out, "\nendstream"...)
	s.end()

	if len(s.nodes) == 0 || len(s.kids) == kidsPerNode {
		s.endNode()
		// The number is given out now, because pages name their parent.
		s.nodes = append(s.nodes, s.newObject())
	}
	page := s.newObject()
	s.kids = append(s.kids, page)
	s.begin(page)
	s.out = append(s.out, "<</Type/Page/Parent "...)
	s.out = appendRef(s.out, s.nodes[len(s.nodes)-1])
	s.out = append(s.out, "/Contents "...)
	s.out = appendRef(s.out, content)
	s.out = append(s.out, ">>"...)
	s.end()

	s.pages++
	s.page, s.onPage = s.page[:0], 0
	return s.err
}

// endNode writes the inner node of the page tree that is full.
func (s *Sheet) endNode() {
	if len(s.nodes) == 0 {
		return
	}
	s.begin(s.nodes[len(s.nodes)-1])
	s.out = append(s.out, "<</Type/Pages/Parent "...)
	s.out = appendRef(s.out, objPages)
	s.out = append(s.out, "/Count "...)
	s.out = strconv.AppendInt(s.out, int64(len(s.kids)), 10)
	s.out = appendRefs(append(s.out, "/Kids["...), s.kids)
	s.out = append(s.out, "]>>"...)
	s.end()
	s.kids = s.kids[:0]
}

// Close writes the last page and the tables a reader begins with. It does not close
// the writer. Faults: Invalid sheet_empty, sheet_long, or the writer's.
func (s *Sheet) Close() error {
	if s.err != nil || s.closed {
		return s.err
	}
	s.closed = true
	if s.onPage > 0 {
		if err := s.endPage(); err != nil {
			return err
		}
	}
	if s.pages == 0 {
		s.err = fault.NewInvalid("sheet_empty", "没有可以打印的标签")
		return s.err
	}
	s.endNode()
	s.begin(objPages)
	s.out = append(s.out, "<</Type/Pages/Count "...)
	s.out = strconv.AppendInt(s.out, int64(s.pages), 10)
	s.out = append(s.out, "/MediaBox[0 0 "...)
	s.out = appendPoints(s.out, s.layout.PageWidthMM*pointsPerMM)
	s.out = append(s.out, ' ')
	s.out = appendPoints(s.out, s.layout.PageHeightMM*pointsPerMM)
	s.out = append(s.out, "]/Resources<</Font<</F "...)
	s.out = appendRef(s.out, objFont)
	s.out = appendRefs(append(s.out, ">>>>/Kids["...), s.nodes)
	s.out = append(s.out, "]>>"...)
	s.end()
	// Print at the size it says: a scaled label no longer fits its die.
	s.object(objCatalog, "<</Type/Catalog/Pages 2 0 R/ViewerPreferences<</PrintScaling/None>>>>")
	s.tail()
	return s.err
}

// tail writes the cross-reference table and the trailer.
func (s *Sheet) tail() {
	start := s.written
	s.out = append(s.out[:0], "xref\n0 "...)
	s.out = strconv.AppendInt(s.out, int64(len(s.offsets)), 10)
	s.out = append(s.out, "\n0000000000 65535 f \n"...)
	for _, at := range s.offsets[1:] {
		digits := strconv.AppendInt(nil, at, 10)
		s.out = append(s.out, "0000000000"[len(digits):]...)
		s.out = append(s.out, digits...)
		s.out = append(s.out, " 00000 n \n"...)
		if len(s.out) > 1<<16 {
			s.write(s.out)
			s.out = s.out[:0]
		}
	}
	s.out = append(s.out, "trailer\n<</Size "...)
	s.out = strconv.AppendInt(s.out, int64(len(s.offsets)), 10)
	s.out = append(s.out, "/Root 1 0 R>>\nstartxref\n"...)
	s.out = strconv.AppendInt(s.out, start, 10)
	s.out = append(s.out, "\n%%EOF\n"...)
	s.write(s.out)
}

func (s *Sheet) newObject() int {
	s.offsets = append(s.offsets, 0)
	return len(s.offsets) - 1
}

func (s *Sheet) begin(object int) {
	s.offsets[object] = s.written
	s.out = strconv.AppendInt(s.out[:0], int64(object), 10)
	s.out = append(s.out, " 0 obj\n"...)
}

func (s *Sheet) end() {
	s.out = append(s.out, "\nendobj\n"...)
	s.write(s.out)
}

func (s *Sheet) object(number int, body string) {
	s.begin(number)
	s.out = append(s.out, body...)
	s.end()
}

func (s *Sheet) write(p []byte) {
	if s.err != nil {
		return
	}
	n, err := s.w.Write(p)
	s.written += int64(n)
	s.err = err
}

func appendRef(dst []byte, object int) []byte {
	return append(strconv.AppendInt(dst, int64(object), 10), " 0 R"...)
}

func appendRefs(dst []byte, objects []int) []byte {
	for _, o := range objects {
		dst = append(appendRef(dst, o), ' ')
	}
	return dst
}
