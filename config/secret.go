package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Secret is a text that no verb of fmt, no logger and no JSON encoder shows.
// string(s) is the only way to it, and easy to search for.
type Secret string

const hidden = "(hidden)"

// Format hides the text under every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.shown()) }

// MarshalText hides the text from JSON and slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.shown()), nil }

func (s Secret) shown() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Variables lists every variable with its default, in the order it is read.
func Variables() []Variable {
	r := &reader{getenv: func(string) string { return "" }}
	read(r)
	return r.vars
}

// String lists what is set, one field a line, secrets hidden.
func (c Config) String() string {
	var b strings.Builder
	list(&b, "", reflect.ValueOf(c))
	return b.String()
}

func list(b *strings.Builder, name string, v reflect.Value) {
	if v.Kind() == reflect.Struct && v.Type().PkgPath() == reflect.TypeFor[Config]().PkgPath() {
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() {
				list(b, strings.TrimPrefix(name+"."+f.Name, "."), v.Field(i))
			}
		}
		return
	}
	if !v.IsZero() {
		fmt.Fprintf(b, "%s=%v\n", name, v.Interface())
	}
}
