// Package product keeps what a brand sells (商品): the thing a code is printed on.
//
// It owns the table product. A product belongs to one brand and is known there by
// its GTIN (商品条码), which never changes: it is printed inside every GS1 Digital
// Link of its codes.
//
// Others may be told of a new product in its transaction (OnCreate).
//
// Promises: one product per (brand, GTIN), however often it is created; every GTIN
// stored has 14 digits and a right check digit.
package product

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"siyu/model/clock"
	"siyu/model/code/token"
	"siyu/model/fault"
	"siyu/model/id"
)

// Product is one thing a brand sells.
type Product struct {
	ID         id.ID  `json:"id"`
	BrandID    id.ID  `json:"brand_id"`
	GTIN       string `json:"gtin"` // 14 digits; input may have 8, 12, 13 or 14
	Name       string `json:"name"`
	Spec       string `json:"spec"`        // as on the label: 500ml×12
	PictureURL string `json:"picture_url"` // empty, an http(s) address or a path of this server
	ScanPoints int64  `json:"scan_points"` // points for the first scan of an item
	// PointsPercent multiplies the points a campaign gives, in percent; 0 on input
	// means 100, as it is.
	PointsPercent int           `json:"points_percent"`
	CreatedAt     clock.Instant `json:"created_at"`
	UpdatedAt     clock.Instant `json:"updated_at"`
}

// TableName names the table for GORM.
func (Product) TableName() string { return "product" }

// Limits of one product.
const (
	MaxPoints  = 1_000_000 // of ScanPoints
	MaxPercent = 10_000    // of PointsPercent
	maxText    = 100       // characters of name and spec
	maxURL     = 300       // characters
	noPercent  = 100       // the multiplier that changes nothing
)

// clean checks the input and brings it to the form that is stored.
// Faults: Invalid gtin_*, product_*.
func (p *Product) clean() error {
	gtin, err := token.GTIN14(strings.TrimSpace(p.GTIN))
	if err != nil {
		return err
	}
	p.GTIN = gtin
	p.Name, p.Spec, p.PictureURL = strings.TrimSpace(p.Name), strings.TrimSpace(p.Spec), strings.TrimSpace(p.PictureURL)
	if p.PointsPercent == 0 {
		p.PointsPercent = noPercent
	}
	switch {
	case p.BrandID <= 0:
		return fault.NewInvalid("product_brand", "请选择商品所属的品牌")
	case p.Name == "":
		return fault.NewInvalid("product_name", "请填写商品名称")
	case !line(p.Name, maxText):
		return fault.Invalidf("product_name", "商品名称最多 %d 个字，不能换行或含控制字符", maxText)
	case !line(p.Spec, maxText):
		return fault.Invalidf("product_spec", "商品规格最多 %d 个字，不能换行或含控制字符", maxText)
	case !picture(p.PictureURL):
		return fault.Invalidf("product_picture", "商品图片应为 http(s) 网址，最多 %d 个字符", maxURL)
	case p.ScanPoints < 0 || p.ScanPoints > MaxPoints:
		return fault.Invalidf("product_points", "首次扫码积分应在 0 到 %d 之间", MaxPoints)
	case p.PointsPercent < 0 || p.PointsPercent > MaxPercent:
		return fault.Invalidf("product_percent", "积分倍率应在 1%% 到 %d%% 之间", MaxPercent)
	}
	return nil
}

// line says whether s is one line of readable text of at most limit characters.
func line(s string, limit int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= limit && !strings.ContainsFunc(s, unicode.IsControl)
}

// picture refuses everything a browser could run (javascript:, data:) and everything
// relative to a page that is not ours ("//host").
func picture(s string) bool {
	if s == "" {
		return true
	}
	if !line(s, maxURL) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || u.User != nil {
		return false
	}
	if u.Scheme == "" {
		return u.Host == "" && strings.HasPrefix(s, "/")
	}
	return (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// same compares what a caller can choose.
func (p Product) same(q Product) bool {
	return p.BrandID == q.BrandID && p.GTIN == q.GTIN && p.Name == q.Name && p.Spec == q.Spec &&
		p.PictureURL == q.PictureURL && p.ScanPoints == q.ScanPoints && p.PointsPercent == q.PointsPercent
}
