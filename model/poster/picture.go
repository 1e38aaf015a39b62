package poster

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/jpeg"
	"image/png"

	xdraw "golang.org/x/image/draw"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
)

// Picture is an uploaded picture as it is kept.
type Picture struct {
	ID        id.ID         `json:"id"`
	BrandID   id.ID         `json:"brand_id"`
	Digest    string        `json:"digest"`
	Name      string        `json:"name"`
	Kind      string        `json:"kind"` // image/jpeg or image/png
	WidthPx   int           `json:"width_px"`
	HeightPx  int           `json:"height_px"`
	Body      []byte        `json:"-"`
	ByID      id.ID         `json:"by_id"`
	CreatedAt clock.Instant `json:"created_at"`
}

// TableName names the table for GORM.
func (Picture) TableName() string { return "poster_picture" }

// Limits of uploads.
const (
	MaxUpload  = 4 << 20 // bytes
	maxPixels  = 24_000_000
	keptSide   = maxSide // longer sides are made shorter
	jpegPoints = 88
)

var (
	errPicture = fault.New(fault.NotFound, "poster_picture_not_found", "没有这张图片")
	errUpload  = fault.NewInvalid("poster_picture", "请上传 4 MB 以内、2400 万像素以内的 JPEG 或 PNG 图片")
)

// redraw reads an upload and writes it anew: what is kept has the pixels and nothing of
// the file (no place where it was taken, no script in a comment), at a size that a poster
// can use. Fault: Invalid poster_picture.
func redraw(upload []byte) (Picture, error) {
	if len(upload) == 0 || len(upload) > MaxUpload {
		return Picture{}, errUpload
	}
	img, err := decode(upload)
	if err != nil {
		return Picture{}, err
	}
	size := img.Bounds().Size()
	if long := max(size.X, size.Y); long > keptSide {
		size = image.Pt(max(1, size.X*keptSide/long), max(1, size.Y*keptSide/long))
	}
	small := image.NewNRGBA(image.Rectangle{Max: size})
	xdraw.CatmullRom.Scale(small, small.Bounds(), img, img.Bounds(), xdraw.Src, nil)
	p := Picture{WidthPx: size.X, HeightPx: size.Y, Kind: "image/jpeg"}
	var b bytes.Buffer
	if small.Opaque() {
		err = jpeg.Encode(&b, small, &jpeg.Options{Quality: jpegPoints})
	} else {
		p.Kind = "image/png"
		err = png.Encode(&b, small)
	}
	if err != nil {
		return Picture{}, errUpload.Because(err)
	}
	p.Body = b.Bytes()
	sum := sha256.Sum256(p.Body)
	p.Digest = hex.EncodeToString(sum[:])
	return p, nil
}

// ReadCode draws a code that WeChat drew (小程序码) anew, like an upload; it is square.
// Fault: Invalid poster_picture.
func ReadCode(body []byte) ([]byte, error) {
	p, err := redraw(body)
	if err == nil && (p.WidthPx != p.HeightPx || p.WidthPx < minQR) {
		err = errUpload
	}
	return p.Body, err
}

// CodeOf is a picture of a code that ReadCode drew, for Values.
func CodeOf(body []byte) *Picture {
	sum := sha256.Sum256(body)
	p := &Picture{Kind: "image/png", Digest: hex.EncodeToString(sum[:]), Body: body}
	if isJPEG(body) {
		p.Kind = "image/jpeg"
	}
	return p
}

func isJPEG(body []byte) bool { return bytes.HasPrefix(body, []byte{0xff, 0xd8}) }

// decode unpacks a JPEG or PNG whose claimed size is within bounds.
func decode(body []byte) (image.Image, error) {
	config, unpack := png.DecodeConfig, png.Decode
	if isJPEG(body) {
		config, unpack = jpeg.DecodeConfig, jpeg.Decode
	}
	c, err := config(bytes.NewReader(body))
	if err != nil {
		return nil, errUpload.Because(err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxPixels || c.Height > maxPixels || c.Width*c.Height > maxPixels {
		return nil, errUpload
	}
	img, err := unpack(bytes.NewReader(body))
	if err != nil {
		return nil, errUpload.Because(err)
	}
	return img, nil
}

func (p Picture) decode() (image.Image, error) { return decode(p.Body) }
