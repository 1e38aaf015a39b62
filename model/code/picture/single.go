package picture

import (
	qrcode "github.com/skip2/go-qrcode"

	"siyu/model/fault"
)

// MinPx and MaxPx bound the side of a single picture.
const MinPx, MaxPx = 64, 4096

// maxSingle is how many bytes a symbol of version 40 holds at level M.
const maxSingle = 2331

// Single draws one code as a PNG of sizePx pixels a side, quiet zone included,
// level M: a poster, a live code (活码), a preview. About four thousand a second; for
// print runs use Encoder. The content may be any text.
// Faults: Invalid picture_content, picture_long, picture_size.
func Single(content string, sizePx int) ([]byte, error) {
	switch {
	case content == "":
		return nil, fault.NewInvalid("picture_content", "码图内容不能为空")
	case len(content) > maxSingle:
		return nil, fault.NewInvalid("picture_long", "码图内容太长")
	case sizePx < MinPx || sizePx > MaxPx:
		return nil, fault.Invalidf("picture_size", "码图边长应为 %d 到 %d 像素", MinPx, MaxPx)
	}
	png, err := qrcode.Encode(content, qrcode.Medium, sizePx)
	if err != nil {
		return nil, fault.NewInvalid("picture_long", "码图内容太长").Because(err)
	}
	return png, nil
}
