package scan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/fault"
)

func TestNetworks(t *testing.T) {
	n, err := ReadNetworks(strings.NewReader("\ufeffnetwork,province,city,lat,lon\n# 演示\n1.2.0.0/16,上海市,上海,31.2304,121.4737\n1.2.3.0/24, 江苏省 ,苏州,,\n2408::/16,北京市,北京,39.9042,116.4074\n"))
	if err != nil {
		t.Fatal(err)
	}
	for ip, want := range map[string]Place{
		"1.2.9.9": shanghai, "::ffff:1.2.9.9": shanghai, "1.2.3.4": {"江苏省", "苏州", 0, 0}, "2408:8000::1%eth0": beijing,
		"9.9.9.9": {}, "": {}, "not an address": {},
	} {
		if got := n.Place(ip); got != want {
			t.Errorf("%s: %+v", ip, got)
		}
	}
	for _, bad := range []string{"h,h,h,h,h\nnonsense,a,b,1,2", "1.2.0.0/16,a,b,91,0", "1.2.0.0/16,a,b,NaN,0", "1.2.0.0/16,a", "1.2.0.0/16,\"a"} {
		if _, err := ReadNetworks(strings.NewReader(bad)); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
	if km, ok := distance(shanghai, beijing); !ok || km < 1050 || km > 1080 {
		t.Error(km, ok)
	}
	if _, ok := distance(shanghai, Place{City: "苏州"}); ok {
		t.Error("a place without coordinates has a distance")
	}
}

func TestGuesses(t *testing.T) {
	clk := clock.NewFake(now)
	g := NewGuesses(clk)
	throttled := func(ip, openID string) bool { return fault.KindOf(g.Check(ip, openID)) == fault.Throttled }
	for range 10 {
		if throttled("1.1.1.1", "o1") {
			t.Fatal("throttled too early")
		}
		g.Miss("1.1.1.1", "o1")
	}
	if !throttled("2.2.2.2", "o1") {
		t.Error("the openid may go on guessing from another address")
	}
	if throttled("1.1.1.1", "o2") || throttled("1.1.1.1", "") {
		t.Error("an address is blamed for one openid")
	}
	for range 20 {
		g.Miss("1.1.1.1", "")
	}
	if !throttled("1.1.1.1", "") || throttled("1.1.1.1", "o2") || throttled("1.1.1.2", "") {
		t.Error("after 30 misses the address, and only it, is refused to strangers")
	}
	for i := range 30 {
		g.Miss(fmt.Sprintf("2001:db8::%x", i), "")
	}
	if !throttled("2001:db8::ffff", "") || throttled("2001:db8:0:1::1", "") {
		t.Error("an IPv6 customer owns a /64")
	}
	clk.Advance(10 * time.Minute)
	if throttled("2.2.2.2", "o1") || throttled("1.1.1.1", "") {
		t.Error("the window does not end")
	}
	clk.Advance(-time.Hour)
	if throttled("2.2.2.2", "o1") {
		t.Error("a clock that jumps back locks people out")
	}
	t.Run("a flood of keys neither grows memory nor hides a guesser", func(t *testing.T) {
		th := NewThrottle(clk, 5, time.Minute)
		for range 5 {
			th.Hit("guesser")
		}
		for i := range 100_000 {
			th.Hit(fmt.Sprint("k", i))
		}
		if !th.Over("guesser") {
			t.Error("hidden")
		}
	})
}

// FuzzReadNetworks: a table from outside is read or refused, and what was read answers.
func FuzzReadNetworks(f *testing.F) {
	for _, s := range []string{"1.2.0.0/16,上海市,上海,31.2304,121.4737", "\ufeffh,h,h,h,h\n::/0,a,b,,", "1.2.0.0/99,a,b,1,2", "\"", "#\n0.0.0.0/0,\xff,\x00,1e400,-0"} {
		f.Add(s, "1.2.3.4")
	}
	f.Fuzz(func(t *testing.T, table, ip string) {
		n, err := ReadNetworks(strings.NewReader(table))
		if err != nil {
			return
		}
		p := n.Place(ip)
		if p.LatE4 > 90e4 || p.LatE4 < -90e4 || p.LonE4 > 180e4 || p.LonE4 < -180e4 || len([]rune(p.City)) > 32 || len([]rune(p.Province)) > 32 {
			t.Errorf("%q: %+v", table, p)
		}
	})
}
