package rule

// Schema is the JSON schema (2020-12) of a tree, for those who write rules by program.
// Limits that concern a whole tree are in its description; Check is what decides.
func Schema() map[string]any {
	text := func(values ...string) map[string]any {
		return map[string]any{"type": "string", "enum": values}
	}
	ref := func(name string) map[string]any { return map[string]any{"$ref": "#/$defs/" + name} }
	list := func(of any, least, most int) map[string]any {
		return map[string]any{"type": "array", "items": of, "minItems": least, "maxItems": most}
	}
	whole := func(least, most int) map[string]any {
		return map[string]any{"type": "integer", "minimum": least, "maximum": most}
	}
	object := func(required []string, properties map[string]any) map[string]any {
		return map[string]any{"type": "object", "additionalProperties": false, "required": required, "properties": properties}
	}
	ident := map[string]any{"type": "string", "pattern": "^[1-9][0-9]{0,18}$"}
	value := map[string]any{"type": "string", "minLength": 1, "maxLength": 64}
	moment := map[string]any{"type": []string{"string", "null"}, "format": "date-time"}
	var attrs, acts []string
	for _, a := range Attrs() {
		attrs = append(attrs, a.Name)
	}
	for _, a := range Acts() {
		acts = append(acts, a.What)
	}
	kinds := map[string]any{"all": list(ref("node"), 0, MaxLeaves), "any": list(ref("node"), 1, MaxLeaves), "not": ref("node"), "tag": ref("tag"), "attr": ref("attr"),
		"did": ref("did"), "sequence": ref("sequence"), "segment": ref("ref"), "list": ref("ref"), "random": ref("random")}
	node := object(nil, kinds)
	delete(node, "required")
	node["minProperties"], node["maxProperties"] = 1, 1
	step := object([]string{"what"}, map[string]any{"what": text(acts...), "product_ids": list(ident, 0, MaxProducts)})
	tree := object([]string{"v", "root"}, map[string]any{"v": map[string]any{"const": Version}, "root": ref("node")})
	tree["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	tree["title"] = "人群规则"
	tree["description"] = "最多 6 层、60 个条件、10 个行为条件、引用 5 个人群；all 为空只能出现在最外层，表示品牌的全部用户"
	tree["$defs"] = map[string]any{
		"node": node,
		"tag": object([]string{"id", "op"}, map[string]any{"id": ident, "op": text(Has, Lacks, Is, In, Gte, Lte, Between),
			"values": list(value, 0, MaxValues)}),
		"attr": object([]string{"name", "op"}, map[string]any{"name": text(attrs...), "op": text(In, Eq, Gte, Lte, Between, Known, Unknown),
			"values": list(value, 0, MaxValues)}),
		"did": object([]string{"what", "op", "values"}, map[string]any{"what": text(acts...), "product_ids": list(ident, 0, MaxProducts),
			"except_product_ids": list(ident, 0, MaxProducts), "measure": text(Count, Quantity, SumFen, First, Last, Interval), "op": text(Eq, Gte, Lte, Between),
			"values": list(map[string]any{"type": "integer", "minimum": 0}, 1, 2), "within_days": whole(0, MaxDays), "from": moment, "until": moment}),
		"sequence": object([]string{"steps", "within_days"}, map[string]any{"steps": list(step, 2, MaxSteps),
			"within_days": whole(1, MaxDays), "window_days": whole(0, MaxDays)}),
		"ref": object([]string{"id"}, map[string]any{"id": ident}),
		"random": object([]string{"salt", "from", "until"}, map[string]any{"salt": value,
			"from": whole(0, Buckets-1), "until": whole(1, Buckets)}),
	}
	return tree
}
