package admin

import (
	"maps"
	"slices"
)

// ScopeTables are the tables whose rows the data scope looks up.
func ScopeTables() []string {
	var out []string
	for _, s := range scopes() {
		if s.table != "" {
			out = append(out, s.table)
		}
	}
	for _, fields := range append(slices.Collect(maps.Values(namedOn())), named()) {
		for _, table := range fields {
			out = append(out, table)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
