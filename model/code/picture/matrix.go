// Package picture draws codes and reads them back: QR symbols by the thousand for
// print (PNG, SVG, PDF label sheets), single ones for a screen, and the encrypted
// ZIP they travel in. It knows nothing of tokens, batches or databases; a content
// is printable ASCII, in practice a URL.
//
// Two encoders, one meaning. Single uses skip2/go-qrcode. Encoder is for print
// runs: symbol layout and error correction from rsc.io/qr, mask choice by the
// penalty rules of ISO/IEC 18004 done on whole rows at a time, tens of times as
// fast. Tests hold both, and gozxing's encoder, to the same decoded text.
//
// Promises: the same input gives the same bytes (except the ZIP, whose salts must
// be random); memory does not grow with the number of pictures, apart from a few
// bytes per page or ZIP entry; whatever is written for print can be read back
// (Decode, ParseSVG, ReadSheet) and compared before it is handed over.
package picture

// QuietModules is the white border a QR code needs on every side, in modules
// (ISO/IEC 18004, 9.1).
const QuietModules = 4

const (
	// maxVersion is the largest symbol Encoder makes: 61 modules a side, so a row
	// fits a machine word. At level M it holds 366 alphanumeric characters or 251
	// bytes; a code URL has about 40.
	maxVersion = 11
	maxSize    = 17 + 4*maxVersion
)

// Matrix is a QR symbol without its quiet zone. It is a plain value, comparable
// with ==.
type Matrix struct {
	Size int             // modules a side: 21, 25, ... 61
	Rows [maxSize]uint64 // bit x of Rows[y] is set if module (x, y) is dark
}

// Dark reports the colour of a module; everything outside is light.
func (m *Matrix) Dark(x, y int) bool {
	return x >= 0 && y >= 0 && x < m.Size && y < m.Size && m.Rows[y]>>x&1 == 1
}

// validSize says whether a QR symbol that fits a Matrix has this many modules a side.
func validSize(n int) bool { return n >= 21 && n <= maxSize && (n-17)%4 == 0 }
