package web

import (
	"time"

	"github.com/gin-gonic/gin"
)

const (
	deviceCookie = "siyu_d"
	deviceTTL    = 365 * 24 * time.Hour
)

// Device is a keyed hash of a random number that this browser keeps, made where it has
// none; the mini program, which has no cookies, sends its own in X-Device. It tells
// whether many people come with one phone, and nothing else.
func (k *Sessions) Device(c *gin.Context) string {
	own, ok := k.Cookies.Get(c, deviceCookie)
	if sent := c.GetHeader("X-Device"); !ok && sent != "" && len(sent) <= 128 {
		own, ok = sent, true
	}
	if !ok {
		own = RandomHex(16)
		k.Cookies.Set(c, deviceCookie, own, deviceTTL)
	}
	return k.Cookies.Signer.Digest("device", own)
}

// Address is a keyed hash of the network address that a request comes from.
func (k *Sessions) Address(c *gin.Context) string {
	return k.Cookies.Signer.Digest("address", ClientIP(c))
}
