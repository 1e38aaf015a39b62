package operator

import (
	"slices"
	"strings"

	"siyu/model/fault"
	"siyu/model/id"
)

// maxBrands is how many brands a data scope may name; who works on more works on all.
const maxBrands = 30

// checkBrands writes a data scope as it is stored. An administrator decides over all
// brands' operators, so he has none.
func checkBrands(brands []id.ID, roles []string) (string, error) {
	sorted := slices.Clone(brands)
	slices.Sort(sorted)
	sorted = slices.Compact(sorted)
	switch {
	case len(sorted) > 0 && slices.Contains(roles, Admin):
		return "", fault.NewInvalid("operator_brands", "管理员管理所有品牌，不能限定数据范围；请改用其他角色")
	case len(sorted) > maxBrands:
		return "", fault.Invalidf("operator_brands", "数据范围最多 %d 个品牌；不选即为全部品牌", maxBrands)
	}
	texts := make([]string, len(sorted))
	for i, b := range sorted {
		if b <= 0 {
			return "", fault.NewInvalid("operator_brands", "数据范围里有不存在的品牌")
		}
		texts[i] = b.String()
	}
	return strings.Join(texts, ","), nil
}

func splitBrands(s string) []id.ID {
	out := []id.ID{}
	if s == "" {
		return out
	}
	for _, text := range strings.Split(s, ",") {
		v, err := id.Parse(text)
		if err != nil {
			v = -1 // a scope that cannot be read must not become all brands
		}
		out = append(out, v)
	}
	return out
}

// Scoped tells whether this operator works on some brands only.
func (o Operator) Scoped() bool { return len(o.BrandIDs) > 0 }

// Sees tells whether a brand is within the operator's data scope.
func (o Operator) Sees(brandID id.ID) bool {
	return !o.Scoped() || slices.Contains(o.BrandIDs, brandID)
}
