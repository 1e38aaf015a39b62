package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"image"
	_ "image/gif" // pictures a person may upload
	"image/jpeg"
	_ "image/png" // as above
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	goqr "github.com/skip2/go-qrcode"
)

// Official-account QR codes with a scene, their pictures, and reading pictures.
// https://developers.weixin.qq.com/doc/service/api/qrcode/qrcodes/api_createqrcode.md

type sceneCode struct {
	ticket, url, appID, scene string
	until                     time.Time // zero: permanent
}

const (
	maxQRLife   = 2_592_000 // seconds
	permanentQR = 100_000
)

func (s *Simulator) createQR(c *call) answer {
	var in struct {
		ExpireSeconds int64  `json:"expire_seconds"`
		ActionName    string `json:"action_name"`
		ActionInfo    struct {
			Scene struct {
				ID  int64  `json:"scene_id"`
				Str string `json:"scene_str"`
			} `json:"scene"`
		} `json:"action_info"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return s.apiError(47001, "data format error")
	}
	scene, id := in.ActionInfo.Scene.Str, in.ActionInfo.Scene.ID
	limited := false
	switch in.ActionName {
	case "QR_SCENE":
		if id < 1 || id > 1<<32-1 {
			return s.apiError(40053, "invalid action info")
		}
		scene = strconv.FormatInt(id, 10)
	case "QR_LIMIT_SCENE":
		limited = true
		if id < 1 || id > permanentQR {
			return s.apiError(40053, "invalid action info")
		}
		scene = strconv.FormatInt(id, 10)
	case "QR_LIMIT_STR_SCENE", "QR_STR_SCENE":
		limited = in.ActionName == "QR_LIMIT_STR_SCENE"
		if len(scene) < 1 || len(scene) > 64 {
			return s.apiError(40053, "invalid action info")
		}
	default:
		return s.apiError(40052, "invalid action name")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.app.Kind != "official" {
		return s.apiError(48001, "api unauthorized")
	}
	key := s.mint("qr")
	q := &sceneCode{ticket: "gQ" + key[:62] + "==", url: "http://weixin.qq.com/q/02" + key[:22], appID: c.app.AppID, scene: scene}
	out := object{"ticket": q.ticket, "url": q.url} // and no errmsg: the SDK takes one for failure
	if limited {
		if c.app.qrCount++; c.app.qrCount > permanentQR {
			return s.apiError(45009, "reach max api daily quota limit")
		}
	} else {
		life := in.ExpireSeconds
		if life <= 0 {
			life = 60
		}
		life = min(life, maxQRLife)
		q.until = s.now().Add(time.Duration(life) * time.Second)
		out["expire_seconds"] = life
	}
	s.tickets[q.ticket] = q
	return jsonAnswer(http.StatusOK, out)
}

// showQR is mp.weixin.qq.com/cgi-bin/showqrcode: a JPEG, or 404.
func (s *Simulator) showQR(c *call) answer {
	s.mu.Lock()
	q := s.tickets[c.query.Get("ticket")]
	s.mu.Unlock()
	if q == nil {
		return answer{status: http.StatusNotFound, code: "404"}
	}
	code, err := goqr.New(q.url, goqr.Medium)
	if err != nil {
		return answer{status: http.StatusInternalServerError, code: err.Error()}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, code.Image(430), &jpeg.Options{Quality: 90}); err != nil {
		return answer{status: http.StatusInternalServerError, code: err.Error()}
	}
	return answer{status: http.StatusOK, body: b.Bytes(), header: http.Header{"Content-Type": {"image/jpg"}}}
}

// sceneByURL finds a live scene code by the text in its picture or its ticket.
func (s *Simulator) sceneByURL(text string) *sceneCode {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.tickets {
		if (q.url == text || q.ticket == text) && (q.until.IsZero() || s.now().Before(q.until)) {
			return q
		}
	}
	return nil
}

// Far above any phone's screenshot, far below what would exhaust memory.
const maxPixels = 40_000_000

// readQR finds the text of a QR code in a PNG, JPEG or GIF.
func readQR(picture []byte) (string, error) {
	head, _, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return "", errors.New("这不是能识别的图片（支持 PNG、JPEG、GIF）")
	}
	if head.Width*head.Height > maxPixels {
		return "", errors.New("图片太大，请裁剪后再试")
	}
	img, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return "", errors.New("图片已损坏")
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", errors.New("图片里没有找到二维码")
	}
	hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true}
	result, err := qrcode.NewQRCodeReader().Decode(bitmap, hints)
	if err != nil {
		// A bare code without surroundings is found by its grid, not by its corners.
		hints[gozxing.DecodeHintType_PURE_BARCODE] = true
		if result, err = qrcode.NewQRCodeReader().Decode(bitmap, hints); err != nil {
			return "", errors.New("图片里没有找到二维码")
		}
	}
	return strings.TrimSpace(result.GetText()), nil
}
