package picture

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"

	"siyu/model/fault"
)

// maxDecodePx bounds either side of a picture that Decode unpacks: a few kilobytes
// of PNG can claim any size.
const maxDecodePx = 8192

// maxDecodeArea bounds what is unpacked, in pixels; most phones make 12 million. A PNG takes
// up to 8 bytes for each, a progressive JPEG 15.
const maxDecodeArea = 25_000_000

// Decode finds the QR code in a PNG or JPEG and returns its text: first by searching
// the picture as a phone does, then as an upright symbol on a plain ground.
// Fault: Invalid picture_unreadable.
func Decode(picture []byte) (string, error) {
	img, err := unpack(picture)
	if err != nil {
		return "", err
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", unreadable(err)
	}
	// zxing's search misjudges the module size of one clean picture in forty (27
	// modules instead of 25 or 29), so a miss is tried again as a clean picture.
	for _, hint := range []gozxing.DecodeHintType{gozxing.DecodeHintType_TRY_HARDER, gozxing.DecodeHintType_PURE_BARCODE} {
		var result *gozxing.Result
		if result, err = qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{hint: true}); err == nil {
			return result.GetText(), nil
		}
	}
	return "", unreadable(err)
}

func unpack(picture []byte) (image.Image, error) {
	config, decode := png.DecodeConfig, png.Decode
	if bytes.HasPrefix(picture, []byte{0xff, 0xd8}) {
		config, decode = jpeg.DecodeConfig, jpeg.Decode
	}
	c, err := config(bytes.NewReader(picture))
	if err != nil {
		return nil, unreadable(err)
	}
	if c.Width > maxDecodePx || c.Height > maxDecodePx {
		return nil, fault.Invalidf("picture_unreadable", "图片太大，边长不能超过 %d 像素", maxDecodePx)
	}
	if c.Width*c.Height > maxDecodeArea {
		return nil, fault.NewInvalid("picture_unreadable", "图片太大，请缩小到 2500 万像素以内")
	}
	img, err := decode(bytes.NewReader(picture))
	if err != nil {
		return nil, unreadable(err)
	}
	return img, nil
}

func unreadable(err error) *fault.Fault {
	return fault.NewInvalid("picture_unreadable", "图片中没有可以识别的二维码").Because(err)
}

// DecodeMatrix returns the text of a symbol. It judges format, mask and data, not
// size or contrast, and like any reader it forgives some wrong modules; whoever has
// both matrices can compare them with ==. Fault: Invalid picture_unreadable.
func DecodeMatrix(m *Matrix) (string, error) {
	if !validSize(m.Size) {
		return "", fault.NewInvalid("picture_unreadable", "不是二维码")
	}
	modules, err := gozxing.NewSquareBitMatrix(m.Size)
	if err != nil {
		return "", unreadable(err)
	}
	for r := range m.runs() {
		for i := range r.w {
			modules.Set(r.x+i, r.y)
		}
	}
	result, err := decoder.NewDecoder().DecodeWithoutHint(modules)
	if err != nil {
		return "", unreadable(err)
	}
	return result.GetText(), nil
}
