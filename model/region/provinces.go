package region

import (
	"database/sql/driver"
	"fmt"
	"strings"
)

// Provinces is a list of short names, stored with commas.
type Provinces []string

// Value implements driver.Valuer.
func (p Provinces) Value() (driver.Value, error) { return strings.Join(p, ","), nil }

// Scan implements sql.Scanner.
func (p *Provinces) Scan(from any) error {
	text := ""
	switch v := from.(type) {
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("region: provinces from %T", from)
	}
	*p = Provinces{}
	if text != "" {
		*p = strings.Split(text, ",")
	}
	return nil
}
