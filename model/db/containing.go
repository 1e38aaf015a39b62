package db

import "strings"

// Containing is the pattern of "column LIKE ? ESCAPE '!'" for texts that hold s.
func Containing(s string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s) + "%"
}
