package web

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Document is the OpenAPI 3.1 description of a table of routes under base, for who has a
// session's cookie. A route that says nothing of itself is left out; Silent names those.
// https://spec.openapis.org/oas/v3.1.1.html
func Document(title, base string, routes []Route) ([]byte, error) {
	d := NewSchemas()
	d.Components["Error"] = Closed(Object{"error": Closed(Object{
		"code": Object{"type": "string"}, "message": Object{"type": "string"}, "request_id": Object{"type": "string"},
		"detail": Object{"type": "object", "additionalProperties": true}}, "code", "message", "request_id")}, "error")
	paths := Object{}
	for _, r := range routes {
		if !r.Doc.Said {
			continue
		}
		op, err := d.operation(r)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
		}
		path := parameter.ReplaceAllString(strings.TrimPrefix(r.Path, base), "{$1}")
		at, _ := paths[path].(Object)
		if at == nil {
			at = Object{}
		}
		at[strings.ToLower(r.Method)] = op
		paths[path] = at
	}
	return json.MarshalIndent(Object{
		"openapi": "3.1.1",
		"info": Object{"title": title, "version": "1", "description": "金额单位是分，时间为 RFC 3339，编号是十进制文字。" +
			"写入须带 X-CSRF-Token；带 Idempotency-Key 时同一请求可以放心重发。"},
		"servers":    []any{Object{"url": base}},
		"paths":      paths,
		"components": Object{"schemas": d.Components},
	}, "", " ")
}

// Silent names the routes that do not say what they take and give.
func Silent(routes []Route) []string {
	var out []string
	for _, r := range routes {
		if !r.Doc.Said {
			out = append(out, r.Method+" "+r.Path)
		}
	}
	return out
}

var parameter = regexp.MustCompile(`:([a-z_]+)`)

func (d *Schemas) operation(r Route) (Object, error) {
	op := Object{"summary": r.Summary, "x-permission": r.Permission}
	params := []any{}
	for _, m := range parameter.FindAllStringSubmatch(r.Path, -1) {
		params = append(params, Object{"name": m[1], "in": "path", "required": true, "schema": Object{"type": "string"}})
	}
	for _, p := range r.query() {
		schema := Object{"type": "string"}
		if p.Choices != nil {
			schema["enum"] = p.Choices
		}
		params = append(params, Object{"name": p.Name, "in": "query", "required": p.Required, "schema": schema})
	}
	if len(params) > 0 {
		op["parameters"] = params
	}
	switch {
	case r.Doc.Files != nil:
		parts := Object{}
		for i, name := range r.Doc.Files {
			parts[name] = Object{"type": "string"}
			if i == 0 {
				parts[name] = Object{"type": "string", "format": "binary"}
			}
		}
		op["requestBody"] = Object{"required": true, "content": Object{"multipart/form-data": Object{"schema": Object{"type": "object", "properties": parts}}}}
	case r.Doc.In != nil:
		in, err := d.Draw(r.Doc.In, true)
		if err != nil {
			return nil, err
		}
		op["requestBody"] = Object{"required": true, "content": Object{"application/json": Object{"schema": in}}}
	}
	good, err := d.answer(r)
	if err != nil {
		return nil, err
	}
	op["responses"] = Object{"2XX": good, "default": Object{"description": "错误", "content": Object{"application/json": Object{"schema": Ref("Error")}}}}
	return op, nil
}

func (r Route) query() []Parameter {
	out := r.Doc.Query
	if r.Doc.Many {
		out = append(out[:len(out):len(out)], Parameter{Name: "before"}, Parameter{Name: "limit"})
	}
	if r.Doc.Counted {
		out = append(out[:len(out):len(out)], Parameter{Name: "total", Choices: []string{"1"}})
	}
	return out
}

// answer is the envelope of what a route gives.
func (d *Schemas) answer(r Route) (Object, error) {
	content := Object{}
	for _, media := range r.Doc.Types {
		content[media] = Object{"schema": Object{"type": "string", "format": "binary"}}
	}
	if r.Doc.Types != nil && r.Doc.Out == nil {
		return Object{"description": "文件", "content": content}, nil
	}
	out := Object{"type": "null"}
	if r.Doc.Out != nil {
		var err error
		if out, err = d.Draw(r.Doc.Out, false); err != nil {
			return nil, err
		}
	}
	body := Closed(Object{"data": out}, "data")
	if r.Doc.Many {
		properties, required := Object{"data": Object{"type": "array", "items": out}, "next": Object{"type": "string"}}, []string{"data", "next"}
		if r.Doc.Counted {
			properties["total"], properties["total_more"] = Object{"type": "integer"}, Object{"type": "boolean"}
		}
		body = Closed(properties, required...)
	}
	content["application/json"] = Object{"schema": body}
	return Object{"description": "成功", "content": content}, nil
}
