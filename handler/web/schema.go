package web

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/phone"
)

// Object is a piece of JSON; encoding/json writes its keys in order, so that the same
// table gives the same document.
type Object = map[string]any

// Schemas draws JSON schemas of Go types, as encoding/json writes and reads them.
// Structs become components named package.Type; what is read has "In" behind its name,
// because nothing of it is required.
type Schemas struct {
	Components Object
	owners     map[string]reflect.Type
}

// NewSchemas returns an empty set.
func NewSchemas() *Schemas {
	return &Schemas{Components: Object{}, owners: map[string]reflect.Type{}}
}

// Ref is a reference to a component.
func Ref(name string) Object { return Object{"$ref": "#/components/schemas/" + name} }

// Closed is an object with these properties and no others.
func Closed(properties Object, required ...string) Object {
	o := Object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

// Draw returns the schema of a type: input as it is read, otherwise as it is written.
func (d *Schemas) Draw(t reflect.Type, input bool) (Object, error) {
	switch t {
	case reflect.TypeFor[id.ID]():
		return Object{"type": []string{"string", "null"}, "pattern": "^[0-9]+$"}, nil
	case reflect.TypeFor[clock.Instant]():
		return Object{"type": []string{"string", "null"}, "format": "date-time"}, nil
	case reflect.TypeFor[time.Time]():
		return Object{"type": "string", "format": "date-time"}, nil
	case reflect.TypeFor[phone.Number]():
		return Object{"type": "string"}, nil
	case reflect.TypeFor[json.RawMessage]():
		return Object{}, nil
	}
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return Object{"type": "string"}, nil
	}
	switch t.Kind() {
	case reflect.String:
		return Object{"type": "string"}, nil
	case reflect.Bool:
		return Object{"type": "boolean"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Object{"type": "integer"}, nil
	case reflect.Float32, reflect.Float64:
		return Object{"type": "number"}, nil
	case reflect.Interface:
		return Object{}, nil
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 && t.Kind() == reflect.Slice {
			return Object{"type": "string", "contentEncoding": "base64"}, nil
		}
		items, err := d.Draw(t.Elem(), input)
		return Object{"type": "array", "items": items}, err
	case reflect.Map:
		of, err := d.Draw(t.Elem(), input)
		return Object{"type": "object", "additionalProperties": of}, err
	case reflect.Pointer:
		of, err := d.Draw(t.Elem(), input)
		return Object{"oneOf": []any{of, Object{"type": "null"}}}, err
	case reflect.Struct:
		if t.Name() == "" {
			return d.structure(t, input)
		}
		return d.component(t, input)
	}
	return nil, fmt.Errorf("web: no schema for %s", t)
}

func (d *Schemas) component(t reflect.Type, input bool) (Object, error) {
	name := componentName(t)
	if input && !strings.HasSuffix(name, "Input") {
		name += "In"
	}
	if of, there := d.owners[name]; there {
		if of != t {
			return nil, fmt.Errorf("web: %s and %s are both called %s", of, t, name)
		}
		return Ref(name), nil
	}
	d.owners[name] = t // before the fields: a type may hold itself
	s, err := d.structure(t, input)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	d.Components[name] = s
	return Ref(name), nil
}

// componentName is package.Type with nothing that a component's name may not hold.
func componentName(t reflect.Type) string {
	at := t.PkgPath()
	name := at[strings.LastIndex(at, "/")+1:] + "." + t.Name()
	return strings.Map(func(r rune) rune {
		if r == '.' || r == '_' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, name)
}

func (d *Schemas) structure(t reflect.Type, input bool) (Object, error) {
	properties, required := Object{}, []string{}
	if err := d.fields(t, input, properties, &required); err != nil {
		return nil, err
	}
	return Closed(properties, required...), nil
}

func (d *Schemas) fields(t reflect.Type, input bool, properties Object, required *[]string) error {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if f.Anonymous && name == "" {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct { // its fields are written as ours, also of an unexported type
				if err := d.fields(inner, input, properties, required); err != nil {
					return err
				}
				continue
			}
		}
		if !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		schema, err := d.Draw(f.Type, input)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		if name == "id" && f.Type == reflect.TypeFor[id.ID]() && !input {
			schema["type"] = "string" // a thing that is answered has its id
		}
		if schema["$ref"] == nil {
			if text := f.Tag.Get("doc"); text != "" {
				schema["description"] = text
			}
			if choices := f.Tag.Get("enum"); choices != "" {
				schema["enum"] = strings.Split(choices, ",")
			}
		}
		if strings.Contains(options, "string") && schema["type"] == "integer" {
			schema["type"] = "string"
		}
		properties[name] = schema
		if !input && !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			*required = append(*required, name)
		}
	}
	return nil
}
