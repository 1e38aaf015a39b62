package token

import "strings"

// MaxURL bounds, in bytes, what ParseURL reads.
const MaxURL = 512

// ParseURL finds the token in what a scanner or a person hands over: a bare token,
// https://{host}/q/{token}, or a GS1 Digital Link https://{host}/01/{gtin}/21/{token}
// with or without further qualifier pairs (/22/, /10/) in between. Scheme, host and
// q may be in any case; a query, a fragment and a closing slash are ignored.
//
// The token is returned as written, for Ring.Check to judge. The GTIN is checked
// and padded to 14 digits, empty in the first two forms. False means the text has
// none of these shapes. Whose host it is, is not judged here.
func ParseURL(s string) (tokenText, gtin14 string, ok bool) {
	if len(s) > MaxURL {
		return "", "", false
	}
	s = strings.TrimSpace(s)
	path, isURL := urlPath(s)
	if !isURL {
		if s == "" || strings.ContainsAny(s, ":/?#%&=") {
			return "", "", false
		}
		return s, "", true
	}
	key, rest, _ := strings.Cut(path, "/")
	switch key {
	case "q", "Q":
		if rest == "" || strings.Contains(rest, "/") {
			return "", "", false
		}
		return rest, "", true
	case "01":
		return digitalLink(rest)
	}
	return "", "", false
}

// urlPath returns the path of an http or https URL without its slashes at both
// ends, query and fragment. net/url is not used: it accepts far more than a code
// can be, and allocates.
func urlPath(s string) (string, bool) {
	scheme, rest, found := strings.Cut(s, "://")
	if !found || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return "", false
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	host, path, found := strings.Cut(rest, "/")
	if !found || host == "" || strings.ContainsAny(host, " \t@%\\") {
		return "", false
	}
	return strings.TrimSuffix(path, "/"), true
}

// digitalLink reads {gtin}/{ai}/{value}... up to AI 21, the serial number.
func digitalLink(path string) (tokenText, gtin14 string, ok bool) {
	code, rest, _ := strings.Cut(path, "/")
	gtin14, err := GTIN14(code)
	if err != nil {
		return "", "", false
	}
	for rest != "" {
		var ai, value string
		ai, rest, _ = strings.Cut(rest, "/")
		value, rest, _ = strings.Cut(rest, "/")
		if ai == "" || value == "" {
			return "", "", false
		}
		if ai == "21" {
			return value, gtin14, true
		}
	}
	return "", "", false
}

// Short builds the short URL of a token. The site is a host ("qr.brand.cn") or, for
// a test without TLS, a host with scheme ("http://127.0.0.1:8080"). With upper the
// whole URL is in upper case, which a QR code holds in one version less (25x25
// instead of 29x29 modules); scheme and host mean the same in either case.
func Short(site string, t Token, upper bool) string {
	return string(AppendShort(nil, site, t, upper))
}

// AppendShort appends what Short returns.
func AppendShort(dst []byte, site string, t Token, upper bool) []byte {
	dst = appendSite(dst, site, upper)
	if upper {
		dst = append(dst, "/Q/"...)
	} else {
		dst = append(dst, "/q/"...)
	}
	return append(dst, t...)
}

// DigitalLink builds the GS1 Digital Link of a token on a product; gtin14 comes
// from GTIN14, the rest is as in Short.
func DigitalLink(site, gtin14 string, t Token, upper bool) string {
	return string(AppendDigitalLink(nil, site, gtin14, t, upper))
}

// AppendDigitalLink appends what DigitalLink returns.
func AppendDigitalLink(dst []byte, site, gtin14 string, t Token, upper bool) []byte {
	dst = appendSite(dst, site, upper)
	dst = append(dst, "/01/"...)
	dst = append(dst, gtin14...)
	dst = append(dst, "/21/"...)
	return append(dst, t...)
}

func appendSite(dst []byte, site string, upper bool) []byte {
	n := len(dst)
	if !strings.Contains(site, "://") {
		dst = append(dst, "https://"...)
	}
	dst = append(dst, strings.TrimSuffix(site, "/")...)
	if upper {
		for i := n; i < len(dst); i++ {
			if c := dst[i]; c >= 'a' && c <= 'z' {
				dst[i] = c - 'a' + 'A'
			}
		}
	}
	return dst
}
