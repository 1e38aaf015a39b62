package consumer

import (
	"bytes"
	"net/http"

	"github.com/gin-gonic/gin"

	"siyu/handler/web"
)

// Whoever tries out codes sees the page of an unknown code, and a flood of them must cost
// next to nothing. Only the code and the form's token differ from one such page to the
// next, so the page is rendered once for each reason and put together from its pieces.
const (
	codeMark = "AnUnknownCodeStandsHere"
	formMark = "TheTokenOfTheFormStandsHere"
)

type unknownKey struct {
	reason   string
	reported bool
}

// showUnknown shows the verdict on a text that is no code of ours.
func (h *Handler) showUnknown(c *gin.Context, v visit, reason string) {
	text := c.Param("token")
	// A code's letters mean themselves in an address and in HTML; anything else is
	// escaped by the template.
	if !lettersOnly(text) {
		h.showScan(c, http.StatusOK, v, unknownCode(reason), "")
		return
	}
	pieces, err := h.unknownPage(unknownKey{reason, c.Query("reported") == "1"})
	if err != nil {
		web.Fail(c, err)
		return
	}
	form := h.Sessions.FormToken(v.session)
	page := make([]byte, 0, len(pieces.whole)+len(text)+len(form))
	for _, p := range pieces.list {
		page = append(page, p.before...)
		if p.form {
			page = append(page, form...)
		} else {
			page = append(page, text...)
		}
	}
	h.Pages.Send(c, http.StatusOK, append(page, pieces.end...))
}

// pieces are a page cut at what differs.
type pieces struct {
	whole []byte
	list  []piece
	end   []byte
}

type piece struct {
	before []byte
	form   bool // followed by the form's token, else by the code
}

func (h *Handler) unknownPage(key unknownKey) (pieces, error) {
	if p, ok := h.unknown.Load(key); ok {
		return p.(pieces), nil
	}
	f := scanFrame(unknownCode(key.reason), scanView{Token: codeMark, FormToken: formMark, Reported: key.reported})
	whole, err := h.Pages.Render("scan.html", f)
	if err != nil {
		return pieces{}, err
	}
	p := pieces{whole: whole, end: whole}
	for {
		code, form := bytes.Index(p.end, []byte(codeMark)), bytes.Index(p.end, []byte(formMark))
		if code < 0 && form < 0 {
			break
		}
		next, mark := piece{form: code < 0 || form >= 0 && form < code}, codeMark
		at := code
		if next.form {
			at, mark = form, formMark
		}
		next.before, p.end = p.end[:at], p.end[at+len(mark):]
		p.list = append(p.list, next)
	}
	h.unknown.Store(key, p) // a handful: reasons are our own words
	return p, nil
}

func lettersOnly(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
