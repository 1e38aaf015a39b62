package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"siyu/model/apikey"
	"siyu/model/clock"
	"siyu/model/event"
	"siyu/model/id"
)

// object is a piece of JSON; encoding/json writes its keys in order, so the same table
// gives the same document.
type object = map[string]any

// document is the OpenAPI 3.1 description of a table.
// https://spec.openapis.org/oas/v3.1.1.html
func document(table []route) ([]byte, error) {
	d := drawer{schemas: object{}}
	if err := d.inputs(); err != nil {
		return nil, err
	}
	d.schemas["Error"] = closed(object{"error": closed(object{
		"code": says("string", "稳定的错误代码"), "message": says("string", "说明"), "request_id": says("string", "请求编号，联系我们时请提供"),
		"detail": object{"type": "object", "description": "错误的细节，视代码而定"}}, "code", "message", "request_id")}, "error")
	paths := object{}
	for _, r := range table {
		path, params := pathOf(Base + r.path)
		op := object{"summary": r.summary, "operationId": strings.Trim(strings.NewReplacer("/", "_", ":", "").Replace(r.method+r.path), "_"),
			"security": []any{object{"key": []string{}, "time": []string{}, "nonce": []string{}, "sign": []string{}}}}
		if r.permission != Signed {
			op["description"] = "需要权限 " + r.permission + "(" + apikey.Permissions()[r.permission] + ")"
		}
		if params != nil {
			op["parameters"] = params
		}
		if r.in != nil {
			in, err := d.draw(r.in)
			if err != nil {
				return nil, err
			}
			op["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": in}}}
		}
		out, err := d.draw(r.out)
		if err != nil {
			return nil, err
		}
		op["responses"] = object{"200": answer("成功", closed(object{"data": out}, "data")), "default": answer("错误", ref("Error"))}
		at, _ := paths[path].(object)
		if at == nil {
			at = object{}
		}
		at[strings.ToLower(r.method)] = op
		paths[path] = at
	}
	header := func(name, text string) object {
		return object{"type": "apiKey", "in": "header", "name": name, "description": text}
	}
	return json.MarshalIndent(object{
		"openapi": "3.1.1",
		"info": object{"title": "私域开放接口", "version": "1", "description": "合作方服务器上报订单和会员事件，写入模型得分。金额单位是分，时间为 RFC 3339，编号是十进制文字。" +
			"写入按 key 幂等：同一请求可以放心重发。请求过快返回 429 和 Retry-After。"},
		"servers": []any{object{"url": "/"}}, // where this document came from
		"paths":   paths,
		"components": object{"schemas": d.schemas, "securitySchemes": object{
			"key": header("X-Siyu-Key", "密钥编号"), "time": header("X-Siyu-Time", "Unix 秒，与服务器相差不超过 5 分钟"),
			"nonce": header("X-Siyu-Nonce", "8 到 64 个字母、数字、_ 或 -，每次请求换一个"),
			"sign":  header("X-Siyu-Sign", "hex(HMAC-SHA256(密钥, 方法\\n路径和查询\\n时间\\n随机串\\nhex(SHA-256(请求体))))")}},
	}, "", " ")
}

func answer(text string, schema any) object {
	return object{"description": text, "content": object{"application/json": object{"schema": schema}}}
}

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func says(kind any, text string) object { return object{"type": kind, "description": text} }

// closed is an object with these properties and no others.
func closed(properties object, required ...string) object {
	o := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

var parameter = regexp.MustCompile(`:([a-z]+)`)

func pathOf(path string) (string, []any) {
	var params []any
	for _, m := range parameter.FindAllStringSubmatch(path, -1) {
		params = append(params, object{"name": m[1], "in": "path", "required": true, "schema": object{"type": "string"}})
	}
	return parameter.ReplaceAllString(path, "{$1}"), params
}

// drawer makes schemas of Go types; structs become components.
type drawer struct{ schemas object }

func (d *drawer) draw(t reflect.Type) (any, error) {
	switch t {
	case reflect.TypeFor[id.ID]():
		return object{"type": []string{"string", "null"}, "pattern": "^[0-9]+$"}, nil
	case reflect.TypeFor[clock.Instant]():
		return object{"type": []string{"string", "null"}, "format": "date-time"}, nil
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}, nil
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}, nil
	case reflect.Slice:
		items, err := d.draw(t.Elem())
		return object{"type": "array", "items": items}, err
	case reflect.Pointer:
		of, err := d.draw(t.Elem())
		return object{"oneOf": []any{of, object{"type": "null"}}}, err
	case reflect.Struct:
		return ref(t.Name()), d.structure(t)
	}
	return nil, fmt.Errorf("openapi: no schema for %s", t)
}

func (d *drawer) structure(t reflect.Type) error {
	if d.schemas[t.Name()] != nil {
		return nil
	}
	properties, required := object{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		var schema any
		var err error
		if of := f.Tag.Get("items"); of != "" { // raw items, described by the table of event types
			schema = object{"type": "array", "items": ref(of)}
		} else if schema, err = d.draw(f.Type); err != nil {
			return err
		}
		if of, plain := schema.(object); plain {
			if of["$ref"] == nil {
				of["description"] = f.Tag.Get("doc")
			}
			if enum := f.Tag.Get("enum"); enum != "" {
				of["enum"] = strings.Split(enum, ",")
			}
			for tag, word := range map[string]string{"min": "minItems", "max": "maxItems"} {
				if n, err := strconv.Atoi(f.Tag.Get(tag)); err == nil {
					of[word] = n
				}
			}
		}
		properties[name] = schema
		required = append(required, name)
	}
	d.schemas[t.Name()] = closed(properties, required...)
	return nil
}

// inputs describes what is reported, from the schemas that check it.
func (d *drawer) inputs() error {
	all := event.Schemas()
	person := object{"type": "array", "minItems": 1, "maxItems": 5, "items": ref("PersonKey"), "description": "这个人的标识，任一已知即可；都未知时按密钥允许的类型建会员，否则留待处理"}
	at := object{"type": "string", "format": "date-time", "description": "发生时间"}
	d.schemas["PersonKey"] = closed(object{
		"kind":  object{"type": "string", "pattern": "^[a-z][a-z0-9_]{1,15}$", "description": "phone 手机号、crm 客户编号、card 会员卡号、openid、unionid，或自定义类型"},
		"scope": object{"type": "string", "maxLength": 64, "description": "crm、card 的来源，openid 的应用编号；其他为空"},
		"value": object{"type": "string", "minLength": 1, "maxLength": 128, "description": "标识的值；手机号收到即做散列，不保存原文"}}, "kind", "value")
	var kinds []any
	for _, typ := range event.Reportable() {
		body, err := bodyOf(all[typ])
		if err != nil {
			return err
		}
		name := "Event_" + typ
		d.schemas[name] = closed(object{"key": object{"type": "string", "pattern": "^[0-9A-Za-z][0-9A-Za-z._:@+-]{0,63}$", "description": "由事实得来，品牌内唯一；重复上报只算一次"},
			"type": object{"const": typ}, "at": at, "person": person, "body": body}, "key", "type", "at", "person", "body")
		kinds = append(kinds, ref(name))
	}
	d.schemas["Event"] = object{"oneOf": kinds}
	order, err := bodyOf(all[event.Order])
	if err != nil {
		return err
	}
	properties := maps.Clone(order["properties"].(object))
	properties["at"], properties["person"] = at, person
	d.schemas["Order"] = closed(properties, append(slices.Clone(order["required"].([]string)), "at", "person")...)
	known := maps.Clone(person)
	known["description"] = "这个人的标识，任一已知即可；不会因此建会员"
	d.schemas["Score"] = closed(object{"person": known,
		"score":    object{"type": "integer", "minimum": -1_000_000_000, "maximum": 1_000_000_000, "description": "得分"},
		"value":    object{"type": "string", "maxLength": 32, "description": "标签有可选值时必填，是其中之一；没有可选值时不填"},
		"gone":     object{"type": "boolean", "description": "收回：模型不再对这个人下结论"},
		"until_at": object{"type": "string", "format": "date-time", "description": "到期时间，早于标签自身的有效期时以此为准"}}, "person")
	return nil
}

func bodyOf(fields []event.Field) (object, error) {
	properties, required := object{}, []string{}
	for _, f := range fields {
		p := object{"description": f.Text}
		switch f.Kind {
		case event.Text:
			p["type"], p["maxLength"] = "string", f.Max
			if f.Required {
				p["minLength"] = 1
			}
			if len(f.Choices) > 0 {
				p["enum"] = f.Choices
			}
		case event.Integer:
			p["type"], p["minimum"], p["maximum"] = "integer", f.Min, f.Max
		case event.Ident:
			p["type"], p["pattern"] = "string", "^[1-9][0-9]{0,18}$"
		case event.Bool:
			p["type"] = "boolean"
		case event.Data:
			p["type"], p["maxProperties"] = "object", f.Max
			p["additionalProperties"] = object{"type": []string{"string", "number", "boolean", "null"}}
		case event.List:
			items, err := bodyOf(f.Fields)
			if err != nil {
				return nil, err
			}
			p["type"], p["minItems"], p["maxItems"], p["items"] = "array", f.Min, f.Max, items
		default:
			return nil, fmt.Errorf("openapi: no schema for a field of kind %q", f.Kind)
		}
		properties[f.Name] = p
		if f.Required {
			required = append(required, f.Name)
		}
	}
	return closed(properties, required...), nil
}
