package picture

import (
	"image"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"golang.org/x/image/draw"
)

// MaxPhoto is the largest photo that Photo is meant for, in bytes: what a phone's camera
// makes, unless its owner asked for more.
const MaxPhoto = 16 << 20

// photoSides are the longer sides at which a photo is searched. A phone's own size comes
// late: its noise and the texture of the paper hide the code's corners, and it costs most.
var photoSides = [...]int{1400, 900, 600, 2200, 400, 3600}

// Photo finds a QR code in somebody's photo of an item (PNG or JPEG): turned, small, out of
// focus a little, unevenly lit. It takes up to a second when there is none.
// Fault: Invalid picture_unreadable.
func Photo(picture []byte) (string, error) {
	img, err := unpack(picture)
	if err != nil {
		return "", err
	}
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	err = unreadable(nil)
	for _, side := range photoSides {
		small := scaled(img, side)
		if small == nil {
			continue
		}
		var text string
		if text, err = search(small); err == nil {
			return text, nil
		}
	}
	if max(w, h) < photoSides[0] {
		return search(img)
	}
	return "", unreadable(err)
}

// scaled is the picture in grey with the longer side of so many pixels; nil when the picture
// is smaller.
func scaled(img image.Image, side int) *image.Gray {
	b := img.Bounds()
	long := max(b.Dx(), b.Dy())
	if long < side {
		return nil
	}
	out := image.NewGray(image.Rect(0, 0, max(b.Dx()*side/long, 1), max(b.Dy()*side/long, 1)))
	draw.ApproxBiLinear.Scale(out, out.Bounds(), img, b, draw.Src, nil)
	return out
}

// search looks for a code with both ways to tell dark from light: the local one for uneven
// light, the global one for grain.
func search(img image.Image) (text string, err error) {
	source := gozxing.NewLuminanceSourceFromImage(img)
	for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
		bitmap, berr := gozxing.NewBinaryBitmap(binarizer)
		if berr != nil {
			return "", unreadable(berr)
		}
		result, derr := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
		if derr == nil {
			return result.GetText(), nil
		}
		err = derr
	}
	return "", unreadable(err)
}
