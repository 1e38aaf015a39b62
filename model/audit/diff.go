package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Change is one field that an act changed.
type Change struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

const (
	hidden = `"(已隐藏)"`
	// maxSide bounds one side of an entry; MySQL's TEXT holds 65,535 bytes.
	maxSide = 16 << 10
	// maxField bounds one field, so that a long text does not push out the others.
	maxField = 4 << 10
)

// difference returns both sides as JSON objects that hold only what differs, with
// secrets hidden. Hiding comes after comparing: that a secret was changed is worth
// an entry, its value is not. The fields of which stand on both sides.
func difference(before, after any, which map[string]any) (string, string, error) {
	b, err := fields(before)
	if err != nil {
		return "", "", err
	}
	a, err := fields(after)
	if err != nil {
		return "", "", err
	}
	for k, v := range b {
		if w, both := a[k]; both && bytes.Equal(v, w) {
			delete(a, k)
			delete(b, k)
		}
	}
	for k, x := range which {
		v, err := json.Marshal(x)
		if err != nil {
			return "", "", err
		}
		a[k], b[k] = v, v
	}
	return text(b), text(a), nil
}

// fields spreads a value over its top-level fields, each canonical: keys sorted,
// numbers as they were.
func fields(v any) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	if v == nil {
		return out, nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		object = map[string]any{"value": value}
	}
	for k, x := range object {
		if out[k], err = json.Marshal(x); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func text(m map[string]json.RawMessage) string {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	sort.Strings(names)
	kept, size := map[string]json.RawMessage{}, 2
	for _, k := range names {
		v := hide(k, m[k])
		if len(v) > maxField {
			v = json.RawMessage(fmt.Sprintf(`"(%d bytes)"`, len(v)))
		}
		if size += len(k) + len(v) + 4; size > maxSide {
			kept["…"] = json.RawMessage(fmt.Sprintf(`"%d fields"`, len(m)))
			break
		}
		kept[k] = v
	}
	out, err := json.Marshal(kept)
	if err != nil { // every value came from Marshal
		return "{}"
	}
	return string(out)
}

// hide replaces secrets at any depth.
func hide(name string, raw json.RawMessage) json.RawMessage {
	if isSecret(name) {
		if s := string(raw); s == "null" || s == `""` {
			return raw
		}
		return json.RawMessage(hidden)
	}
	switch {
	case bytes.HasPrefix(raw, []byte("{")):
		var m map[string]json.RawMessage
		if json.Unmarshal(raw, &m) != nil {
			return json.RawMessage(hidden)
		}
		for k, v := range m {
			m[k] = hide(k, v)
		}
		if out, err := json.Marshal(m); err == nil {
			return out
		}
		return json.RawMessage(hidden)
	case bytes.HasPrefix(raw, []byte("[")):
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return json.RawMessage(hidden)
		}
		for i, v := range list {
			list[i] = hide(name, v)
		}
		if out, err := json.Marshal(list); err == nil {
			return out
		}
		return json.RawMessage(hidden)
	}
	return raw
}

// isSecret goes by the words of a field's name: password, appSecret, api_key_v2. An
// id or a hash of a secret, and the list of which secrets are set, are not secret.
//
// Both as it is spelled and with the case taken away the way encoding/json does when it
// looks for a field: "passWord" and "paſſword" fill a field named password.
func isSecret(name string) bool {
	return secretWords(words(name)) || secretWords(words(strings.ToLower(strings.ToUpper(name))))
}

func secretWords(w []string) bool {
	if len(w) == 0 || slices.Contains(w, "id") || slices.Contains(w, "hash") || w[0] == "has" {
		return false
	}
	for _, x := range w {
		switch x {
		case "password", "passwd", "secret", "secrets", "token", "tokens", "key", "keys", "aeskey", "pem", "csrf", "cookie", "seed":
			return true
		}
	}
	return false
}

// words splits snake_case, kebab-case and camelCase into lower-case words.
func words(name string) []string {
	var out []string
	var b strings.Builder
	end := func() {
		if b.Len() > 0 {
			out = append(out, strings.ToLower(b.String()))
			b.Reset()
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			end()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(runes[i-1]) ||
			(unicode.IsUpper(runes[i-1]) && i+1 < len(runes) && unicode.IsLower(runes[i+1]))):
			end()
		}
		b.WriteRune(r)
	}
	end()
	return out
}

// changes joins both sides of a kept entry by field.
func changes(before, after string) []Change {
	var b, a map[string]json.RawMessage
	if json.Unmarshal([]byte(before), &b) != nil || json.Unmarshal([]byte(after), &a) != nil {
		return []Change{}
	}
	names := make([]string, 0, len(a)+len(b))
	for k := range b {
		names = append(names, k)
	}
	for k := range a {
		if _, both := b[k]; !both {
			names = append(names, k)
		}
	}
	sort.Strings(names)
	out := make([]Change, 0, len(names))
	for _, k := range names {
		out = append(out, Change{Field: k, Before: orNull(b[k]), After: orNull(a[k])})
	}
	return out
}

func orNull(r json.RawMessage) json.RawMessage {
	if r == nil {
		return json.RawMessage("null")
	}
	return r
}

// cut keeps at most n characters of valid text.
func cut(s string, n int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
