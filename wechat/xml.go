package wechat

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// Limits of an XML document from outside: WeChat's largest push or v2 answer is
// far below, and what a parser does on hostile input must not depend on luck.
const (
	maxXMLDepth    = 8
	maxXMLElements = 2000
)

// xmlFields are the leaves of a document by path below the root, "hblist/hbinfo/openid".
// A path may come several times only below the first level.
type xmlFields map[string][]string

// get returns the first value at path, or "".
func (f xmlFields) get(path string) string {
	if v := f[path]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// parseXML reads a document with any root. It refuses DOCTYPE and every other
// declaration (entity bombs, external entities), undefined entities, encodings
// other than UTF-8, a first-level field that comes twice (which one was signed?)
// and anything after the root.
func parseXML(body []byte) (xmlFields, error) {
	dec := xml.NewDecoder(bytes.NewReader(body))
	fields := xmlFields{}
	var path []string
	var text strings.Builder
	elements, leaf, closed := 0, false, false
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: not XML", ErrMalformed)
		}
		switch t := tok.(type) {
		case xml.Directive:
			return nil, fmt.Errorf("%w: XML declarations refused", ErrMalformed)
		case xml.StartElement:
			elements++
			if closed || elements > maxXMLElements || len(path) >= maxXMLDepth {
				return nil, fmt.Errorf("%w: XML too large or with two roots", ErrMalformed)
			}
			path = append(path, t.Name.Local)
			text.Reset()
			leaf = true
		case xml.CharData:
			if len(path) > 0 {
				text.Write(t)
			}
		case xml.EndElement:
			if leaf && len(path) > 1 {
				key := strings.Join(path[1:], "/")
				if len(path) == 2 && fields[key] != nil {
					return nil, fmt.Errorf("%w: XML field twice", ErrMalformed)
				}
				fields[key] = append(fields[key], text.String())
			}
			leaf = false
			path = path[:len(path)-1]
			closed = len(path) == 0
		}
	}
	if !closed {
		return nil, fmt.Errorf("%w: no XML root", ErrMalformed)
	}
	return fields, nil
}

// validXMLText drops the characters that XML 1.0 cannot carry at all.
func validXMLText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r',
			r >= 0x20 && r <= 0xd7ff, r >= 0xe000 && r <= 0xfffd, r >= 0x10000 && r <= 0x10ffff:
			return r
		}
		return -1
	}, s)
}
