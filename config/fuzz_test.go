package config

import (
	"strings"
	"testing"
)

// FuzzLoad: any value of any variable is taken or refused by name, and no text that
// Config or its faults write shows a secret.
func FuzzLoad(f *testing.F) {
	names := Variables()
	for i, v := range []string{"mysql://u:p%40@db/siyu?tls=true", "redis+cluster://u:p@a:1,b:2", "127.0.0.1:0", ":99999", "1:AAAA", "22:00-06:00", "file:/nonexistent",
		"https://x.cn/", "10.0.0.0/8,::1/128", "-1", "NaN", "\x00", "%zz", "mysql://[::1", "true"} {
		f.Add(uint(i*3), v)
	}
	f.Fuzz(func(t *testing.T, which uint, value string) {
		name := names[which%uint(len(names))].Name
		secret := !strings.HasSuffix(name, "_ID") && (strings.Contains(name, "SECRET") || strings.Contains(name, "KEY") || strings.Contains(name, "PASSWORD") || strings.Contains(name, "TOKEN"))
		if strings.HasPrefix(value, "file:") && value != "file:/nonexistent" {
			return // would read files of this machine
		}
		if secret {
			value = "hunter2" + value
		}
		c, err := Load(from(map[string]string{name: value}))
		if err == nil {
			err = c.Validate()
		}
		if err != nil && secret && strings.Contains(err.Error(), "hunter2") {
			t.Fatalf("%s: the fault tells the secret: %v", name, err)
		}
		if secret && strings.Contains(c.String(), "hunter2") {
			t.Fatalf("%s: String tells the secret", name)
		}
	})
}
