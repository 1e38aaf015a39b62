package config

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func from(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestLoad(t *testing.T) {
	t.Run("an empty environment runs on the simulator, SQLite and its own Redis", func(t *testing.T) {
		c, err := Load(from(nil))
		if err != nil {
			t.Fatal(err)
		}
		if c.Addr != "127.0.0.1:8080" || c.PublicURL != "http://127.0.0.1:8080" || c.SimAddr != "127.0.0.1:8090" || !c.Simulator {
			t.Errorf("addresses: %+v", c)
		}
		if c.WeChat.Hosts.Pay != "http://127.0.0.1:8090/api.mch.weixin.qq.com" {
			t.Error(c.WeChat.Hosts)
		}
		if c.DB.Driver != "sqlite" || string(c.DB.DSN) != filepath.Join("data", "siyu.db") || !c.Redis.Embedded() {
			t.Errorf("%+v %+v", c.DB, c.Redis)
		}
		if c.Pay.UserFenPerDay != 100_000 || c.Pay.ConfirmHours != 24 || c.Pay.Night.Has(3*60) {
			t.Errorf("%+v", c.Pay)
		}
	})
	t.Run("another port moves the public address and the simulator with it", func(t *testing.T) {
		c, err := Load(from(map[string]string{"SIYU_ADDR": ":9000"}))
		if err != nil || c.PublicURL != "http://127.0.0.1:9000" || c.SimAddr != "127.0.0.1:9010" {
			t.Fatal(c.PublicURL, c.SimAddr, err)
		}
	})
	t.Run("real WeChat hosts need no simulator", func(t *testing.T) {
		c, err := Load(from(map[string]string{"SIYU_WECHAT_API_URL": "https://api.weixin.qq.com/"}))
		if err != nil || c.Simulator || c.SimAddr != "" || c.WeChat.Hosts.API != "https://api.weixin.qq.com" {
			t.Fatal(c.Simulator, c.SimAddr, c.WeChat.Hosts.API, err)
		}
	})
	t.Run("server addresses become what the drivers want", func(t *testing.T) {
		for _, row := range []struct{ db, driver, dsn string }{
			{"sqlite:/var/lib/siyu.db", "sqlite", "/var/lib/siyu.db"},
			{"mysql://u:p%40%2Fss@db/siyu", "mysql", "u:p@/ss@tcp(db:3306)/siyu"},
			{"mysql://u:p@[::1]:4000/siyu?tls=true&loc=Asia%2FShanghai", "mysql", "u:p@tcp([::1]:4000)/siyu?loc=Asia%2FShanghai&tls=true"},
		} {
			c, err := Load(from(map[string]string{"SIYU_DB": row.db}))
			if err != nil || c.DB.Driver != row.driver || string(c.DB.DSN) != row.dsn {
				t.Errorf("%s: %s %s %v", row.db, c.DB.Driver, string(c.DB.DSN), err)
			}
		}
		c, err := Load(from(map[string]string{"SIYU_REDIS": "rediss://bob:p%40ss@r:6380/3"}))
		if r := c.Redis; err != nil || r.Addr != "r:6380" || r.Username != "bob" || string(r.Password) != "p@ss" || r.DB != 3 || !r.TLS || r.Embedded() {
			t.Errorf("%+v %v", r, err)
		}
		c, err = Load(from(map[string]string{"SIYU_REDIS": "redis-cluster://:pw@a:1,b:2"}))
		if r := c.Redis; err != nil || !slices.Equal(r.Cluster, []string{"a:1", "b:2"}) || r.Addr != "" || string(r.Password) != "pw" {
			t.Errorf("%+v %v", r, err)
		}
	})
	t.Run("a secret may come from a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte("from the file\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(from(map[string]string{"SIYU_MASTER_KEYS": "file:" + file}))
		if err != nil || string(c.MasterKeys) != "from the file" {
			t.Fatal(string(c.MasterKeys), err)
		}
		if _, err := Load(from(map[string]string{"SIYU_MASTER_KEYS": "file:/nope/hunter2"})); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Fatal(err)
		}
	})
	t.Run("all mistakes are reported at once", func(t *testing.T) {
		_, err := Load(from(map[string]string{
			"SIYU_ENV": "prod", "SIYU_ADDR": "nowhere", "SIYU_DB": "postgres://u:hunter2@h/x", "SIYU_REDIS": "memcached://x",
			"SIYU_PAY_CONFIRM_HOURS": "-1", "SIYU_WECHAT_TIMEOUT": "5", "SIYU_TRUSTED_PROXIES": "10.0.0.0/8,loopback",
			"SIYU_LOG_LEVEL": "loud", "SIYU_PAY_NIGHT": "0-8", "SIYU_OA_APPID": "wx1", "SIYU_CODE_UPPER": "maybe",
			"SIYU_WECHAT_PAY_URL": "ftp://x",
		}))
		if err == nil {
			t.Fatal("accepted")
		}
		for _, name := range []string{"SIYU_ENV", "SIYU_ADDR", "SIYU_DB", "SIYU_REDIS", "SIYU_PAY_CONFIRM_HOURS", "SIYU_WECHAT_TIMEOUT",
			"SIYU_TRUSTED_PROXIES", "SIYU_LOG_LEVEL", "SIYU_PAY_NIGHT", "SIYU_OA_SECRET", "SIYU_BRAND_SLUG", "SIYU_CODE_UPPER", "SIYU_WECHAT_PAY_URL"} {
			if !strings.Contains(err.Error(), name+":") {
				t.Errorf("%s is not among\n%v", name, err)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Error("the report shows a password")
		}
	})
	t.Run("bad Redis addresses are refused", func(t *testing.T) {
		for _, bad := range []string{"redis://", "redis://host", "redis://a:1,b:2", "redis://a:1/99", "redis-cluster://a:1/1", "redis://%zz@a:1", "a:1"} {
			if _, err := Load(from(map[string]string{"SIYU_REDIS": bad})); err == nil {
				t.Errorf("accepted %q", bad)
			}
		}
	})
}

func production() map[string]string {
	return map[string]string{
		"SIYU_ENV": "production", "SIYU_PUBLIC_URL": "https://q.brand.cn",
		"SIYU_MASTER_KEYS": "1:" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789ABCDEF")),
		"SIYU_DB":          "mysql://u:p@db/siyu", "SIYU_REDIS": "redis://:pw@r:6379",
		"SIYU_BRAND_SLUG": "b", "SIYU_BRAND_NAME": "B", "SIYU_CODE_HOST": "q.brand.cn",
		"SIYU_OA_APPID": "wx0123456789abcdef", "SIYU_OA_SECRET": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
		"SIYU_OA_TOKEN": "k3jd9sXc", "SIYU_OA_AESKEY": strings.Repeat("a1B", 14) + "A",
	}
}

func TestProduction(t *testing.T) {
	c, err := Load(from(production()))
	if err != nil {
		t.Fatal(err)
	}
	if c.WeChat.Hosts != RealHosts() || c.Simulator || c.Log.Format != "json" || !c.First.Official.Secure {
		t.Errorf("%v", c)
	}
	for _, row := range []struct{ name, value, want string }{
		{"SIYU_PUBLIC_URL", "http://q.brand.cn", "SIYU_PUBLIC_URL"},
		{"SIYU_PUBLIC_URL", "https://127.0.0.1", "SIYU_PUBLIC_URL"},
		{"SIYU_PUBLIC_URL", "https://10.1.2.3", "SIYU_PUBLIC_URL"},
		{"SIYU_PUBLIC_URL", "https://siyu.local", "SIYU_PUBLIC_URL"},
		{"SIYU_SIM_ADDR", "127.0.0.1:8090", "SIYU_SIM_ADDR"},
		{"SIYU_WECHAT_PAY_URL", "http://127.0.0.1:8090/api.mch.weixin.qq.com", "SIYU_WECHAT_PAY_URL"},
		{"SIYU_WECHAT_API_URL", "https://sim.brand.cn/api.weixin.qq.com", "SIYU_WECHAT_API_URL"},
		{"SIYU_MASTER_KEYS", "", "SIYU_MASTER_KEYS"},
		{"SIYU_MASTER_KEYS", "1:" + base64.StdEncoding.EncodeToString(make([]byte, 32)), "SIYU_MASTER_KEYS"},
		{"SIYU_MASTER_KEYS", "hello", "SIYU_MASTER_KEYS"},
		{"SIYU_REDIS", "", "SIYU_REDIS"},
		{"SIYU_OA_APPID", "wxdemo", "SIYU_OA_APPID"},
		{"SIYU_OA_SECRET", "demo-secret", "SIYU_OA_SECRET"},
		{"SIYU_OA_TOKEN", "", "SIYU_OA_TOKEN"},
		{"SIYU_OA_SECURE", "false", "SIYU_OA_SECURE"},
		{"SIYU_MCH_ID", "1900000001", "SIYU_MCH_KEY_V3"},
	} {
		env := production()
		env[row.name] = row.value
		if _, err := Load(from(env)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s=%s: %v", row.name, row.value, err)
		}
	}
	t.Run("a sample password is refused", func(t *testing.T) {
		env := production()
		env["SIYU_ADMIN_LOGIN"], env["SIYU_ADMIN_PASSWORD"] = "root", "changeme-please"
		if _, err := Load(from(env)); err == nil || !strings.Contains(err.Error(), "SIYU_ADMIN_PASSWORD") {
			t.Error(err)
		}
	})
}

func TestSecretsStayHidden(t *testing.T) {
	env := production()
	env["SIYU_DB"] = "mysql://u:hunter2@db/siyu"
	env["SIYU_REDIS"] = "redis://:hunter2@r:6379"
	env["SIYU_OA_SECRET"] = "hunter2hunter2hunter2"
	env["SIYU_OA_TOKEN"] = "hunter2"
	env["SIYU_ADMIN_LOGIN"], env["SIYU_ADMIN_PASSWORD"] = "root", "hunter2hunter2"
	c, err := Load(from(env))
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("config", "config", c, "password", c.First.Operator.Password)
	for how, text := range map[string]string{
		"String": c.String(), "%v": fmt.Sprintf("%v", c), "%+v": fmt.Sprintf("%+v", c.First), "%#v": fmt.Sprintf("%#v", c),
		"%x": fmt.Sprintf("%x", c.First.Operator.Password), "%q": fmt.Sprintf("%q", c.DB.DSN), "json": string(asJSON), "slog": logged.String(),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "68756e74") || !strings.Contains(text, hidden) {
			t.Errorf("%s: %s", how, text)
		}
	}
	if s := c.String(); !strings.Contains(s, "PublicURL=https://q.brand.cn\n") || !strings.Contains(s, "WeChat.Timeout=5s\n") {
		t.Error(s)
	}
}

func TestVariables(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range Variables() {
		if seen[v.Name] || v.Text == "" || !strings.HasPrefix(v.Name, "SIYU_") {
			t.Errorf("%+v", v)
		}
		seen[v.Name] = true
	}
	if !seen["SIYU_ADDR"] || !seen["SIYU_MCH_RAIL"] {
		t.Error(seen)
	}
}

func TestWindow(t *testing.T) {
	for _, row := range []struct {
		w      Window
		minute int
		in     bool
	}{
		{Window{0, 480}, 0, true}, {Window{0, 480}, 479, true}, {Window{0, 480}, 480, false},
		{Window{1380, 60}, 1390, true}, {Window{1380, 60}, 59, true}, {Window{1380, 60}, 60, false},
		{Window{}, 0, false},
	} {
		if row.w.Has(row.minute) != row.in {
			t.Errorf("%v has %d: want %v", row.w, row.minute, row.in)
		}
	}
}
