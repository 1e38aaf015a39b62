package member

import "unicode"

// Mask is how strangers see what somebody calls himself (脱敏): its first letter, as many
// stars for every name. "" where nothing may be shown: names that begin with a digit are
// telephone numbers, with or without a sign before them. Marks, spaces and what turns the
// direction of writing are passed over.
func Mask(name string) string {
	for _, r := range name {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.C, r), unicode.Is(unicode.M, r):
			continue
		case unicode.IsNumber(r), unicode.IsPunct(r), r == '+', r == unicode.ReplacementChar:
			return ""
		}
		return string(r) + "**"
	}
	return ""
}
