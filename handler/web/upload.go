package web

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/gin-gonic/gin"

	"siyu/model/fault"
)

const keyUpload = "web.upload"

// maxField is the longest text field of an upload, in bytes.
const maxField = 4 << 10

// Upload makes a handler of one that takes a picture or another small file: it reads a
// multipart form with one part "file" of at most most bytes, keeps it for Uploaded, and
// puts a JSON object in the body's place: the other fields as texts, and the file's bytes
// and sha256. So an upload binds, is audited and is repeatable like any other write.
func Upload(most int64, next gin.HandlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		LimitBody(most + 64<<10)(c)
		fields, file, err := readUpload(c, most)
		if err != nil {
			Fail(c, err)
			return
		}
		sum := sha256.Sum256(file)
		fields["bytes"], fields["sha256"] = len(file), hex.EncodeToString(sum[:])
		body, err := json.Marshal(fields)
		if err != nil {
			Fail(c, err)
			return
		}
		c.Set(keyUpload, file)
		Reset(c, body)
		next(c)
	}
}

// Uploaded is the file that Upload read.
func Uploaded(c *gin.Context) []byte {
	b, _ := c.Get(keyUpload)
	file, _ := b.([]byte)
	return file
}

// readUpload reads the form part by part, in whatever order they come. Faults: Invalid
// upload_form, body_too_large.
func readUpload(c *gin.Context, most int64) (map[string]any, []byte, error) {
	bad := fault.NewInvalid("upload_form", "请用表单上传一个文件（file）")
	parts, err := c.Request.MultipartReader()
	if err != nil {
		return nil, nil, bad.Because(err)
	}
	fields, file := map[string]any{}, []byte(nil)
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, tooLarge(err, most, bad)
		}
		limit := int64(maxField)
		if p.FormName() == "file" {
			limit = most
		}
		b, err := io.ReadAll(io.LimitReader(p, limit+1))
		switch {
		case err != nil:
			return nil, nil, tooLarge(err, most, bad)
		case int64(len(b)) > limit && p.FormName() == "file":
			return nil, nil, tooLarge(&http.MaxBytesError{Limit: most}, most, bad)
		case int64(len(b)) > limit, len(fields) > 20:
			return nil, nil, bad
		case p.FormName() == "file" && file == nil:
			file = b
		case p.FormName() == "file":
			return nil, nil, bad // which of the two was meant?
		default:
			fields[p.FormName()] = string(b)
		}
	}
	if file == nil {
		return nil, nil, bad
	}
	return fields, file, nil
}

func tooLarge(err error, most int64, bad *fault.Fault) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return fault.Invalidf("body_too_large", "文件太大，最多 %d MB", most>>20)
	}
	return bad.Because(err)
}
