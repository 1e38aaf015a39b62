// Package webtest helps the tests of the audiences: it holds answers against the OpenAPI
// document that is made from their route tables.
package webtest

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Judge holds JSON values against the document's schemas, and remembers which documented
// properties it has seen (component.property).
type Judge struct {
	Schemas map[string]any
	Seen    map[string]bool
}

// Check returns why a value does not fit a schema, "" if it does. name is where the
// schema stands.
func (j *Judge) Check(name string, schema map[string]any, v any) string {
	if r, ok := schema["$ref"].(string); ok {
		name = strings.TrimPrefix(r, "#/components/schemas/")
		next, there := j.Schemas[name].(map[string]any)
		if !there {
			return "no schema " + r
		}
		return j.Check(name, next, v)
	}
	if options, ok := schema["oneOf"].([]any); ok {
		var why []string
		for _, o := range options {
			if w := j.Check(name, o.(map[string]any), v); w != "" {
				why = append(why, w)
			}
		}
		if len(options)-len(why) != 1 {
			return fmt.Sprintf("%s: fits %d of %v", name, len(options)-len(why), why)
		}
		return ""
	}
	if c, ok := schema["const"]; ok && !reflect.DeepEqual(c, v) {
		return fmt.Sprintf("%s: %v is not %v", name, v, c)
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, v) {
		return fmt.Sprintf("%s: %v is none of %v", name, v, enum)
	}
	if t := schema["type"]; t != nil && !slices.ContainsFunc(typesOf(t), func(t string) bool { return isType(t, v) }) {
		return fmt.Sprintf("%s: %v is no %v", name, v, t)
	}
	number := func(word string, or float64) float64 {
		if n, ok := schema[word].(float64); ok {
			return n
		}
		return or
	}
	switch x := v.(type) {
	case string:
		if n := float64(utf8.RuneCountInString(x)); n > number("maxLength", n) || n < number("minLength", n) {
			return name + ": length"
		}
		if p, ok := schema["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(x) {
			return name + ": pattern"
		}
		if _, err := time.Parse(time.RFC3339, x); schema["format"] == "date-time" && err != nil {
			return name + ": no time"
		}
	case float64:
		if x > number("maximum", x) || x < number("minimum", x) {
			return name + ": range"
		}
	case []any:
		if n := float64(len(x)); n > number("maxItems", n) || n < number("minItems", n) {
			return name + ": items"
		}
		items, said := schema["items"].(map[string]any)
		for i, item := range x {
			if !said { // any JSON
				break
			}
			if why := j.Check(name, items, item); why != "" {
				return fmt.Sprintf("[%d] %s", i, why)
			}
		}
	case map[string]any:
		return j.object(name, schema, x)
	}
	return ""
}

func (j *Judge) object(name string, schema, x map[string]any) string {
	properties, _ := schema["properties"].(map[string]any)
	if n, ok := schema["maxProperties"].(float64); ok && float64(len(x)) > n {
		return name + ": too many properties"
	}
	required, _ := schema["required"].([]any)
	for _, r := range required {
		if _, there := x[r.(string)]; !there {
			return fmt.Sprintf("%s: %v is missing", name, r)
		}
	}
	for k, v := range x {
		of, known := properties[k].(map[string]any)
		if !known {
			if more, ok := schema["additionalProperties"].(map[string]any); ok {
				of = more
			} else if schema["additionalProperties"] == false {
				return name + ": " + k + " is not documented"
			} else {
				continue
			}
		}
		if v != nil {
			j.Seen[name+"."+k] = true
		}
		if why := j.Check(name+"."+k, of, v); why != "" {
			return why
		}
	}
	return ""
}

func typesOf(t any) (list []string) {
	if s, ok := t.(string); ok {
		return []string{s}
	}
	for _, s := range t.([]any) {
		list = append(list, s.(string))
	}
	return list
}

func isType(t string, v any) bool {
	switch x := v.(type) {
	case nil:
		return t == "null"
	case string:
		return t == "string"
	case bool:
		return t == "boolean"
	case float64:
		return t == "number" || t == "integer" && x == float64(int64(x))
	case []any:
		return t == "array"
	}
	return t == "object"
}
