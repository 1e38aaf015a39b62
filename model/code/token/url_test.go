package token

import (
	"strings"
	"testing"

	"siyu/model/fault"
)

const (
	someToken = "01AB23CD45EF0117"
	someGTIN  = "06901234567892"
)

func TestParseURL(t *testing.T) {
	for s, want := range map[string][2]string{
		someToken:                                                                  {someToken, ""},
		"  01ab 23cd-45ef 0117 ":                                                   {"01ab 23cd-45ef 0117", ""},
		"https://qr.brand.cn/q/" + someToken:                                       {someToken, ""},
		"http://127.0.0.1:8080/q/" + someToken:                                     {someToken, ""},
		"HTTPS://QR.BRAND.CN/Q/" + someToken:                                       {someToken, ""},
		"hTTps://QR.brand.cn/q/" + someToken + "/?a=b":                             {someToken, ""},
		"https://qr.brand.cn/q/" + someToken + "#top":                              {someToken, ""},
		"https://h/01/06901234567892/21/" + someToken:                              {someToken, someGTIN},
		"HTTPS://H/01/06901234567892/21/" + someToken:                              {someToken, someGTIN},
		"https://h/01/6901234567892/21/" + someToken:                               {someToken, someGTIN},
		"https://h/01/06901234567892/22/V1/10/LOT7/21/" + someToken + "?17=270101": {someToken, someGTIN},
		"https://h/q/x":                                                            {"x", ""}, // ours in shape; the ring says it is malformed
	} {
		tok, gtin, ok := ParseURL(s)
		if !ok || tok != want[0] || gtin != want[1] {
			t.Errorf("%q gives %q, %q, %v", s, tok, gtin, ok)
		}
	}
	for _, s := range []string{
		"", "   ", "https://", "https:///q/" + someToken, "https://h", "https://h/", "https://h/q", "https://h/q/",
		"ftp://h/q/" + someToken, "://h/q/" + someToken, "h/q/" + someToken, "https://u@h/q/" + someToken,
		"https://h/q/a/" + someToken, "https://h/x/" + someToken, "https://h//q/" + someToken,
		"https://h/01/06901234567893/21/" + someToken, "https://h/01/1/21/" + someToken, "https://h/01/06901234567892",
		"https://h/01/06901234567892/21", "https://h/01/06901234567892/21/", "https://h/01/06901234567892/10/L",
		"https://h/01/06901234567892//21/" + someToken, "https://h?x=/q/" + someToken,
		"https://h/q/" + strings.Repeat("A", MaxURL),
	} {
		if tok, gtin, ok := ParseURL(s); ok || tok != "" || gtin != "" {
			t.Errorf("%q gives %q, %q, %v", s, tok, gtin, ok)
		}
	}
}

func TestBuiltURLsComeBack(t *testing.T) {
	for _, site := range []string{"qr.brand.cn", "http://127.0.0.1:8080", "https://qr.brand.cn/"} {
		for _, upper := range []bool{false, true} {
			short := Short(site, someToken, upper)
			if tok, gtin, ok := ParseURL(short); !ok || tok != someToken || gtin != "" {
				t.Errorf("%s: %q, %q, %v", short, tok, gtin, ok)
			}
			link := DigitalLink(site, someGTIN, someToken, upper)
			if tok, gtin, ok := ParseURL(link); !ok || tok != someToken || gtin != someGTIN {
				t.Errorf("%s: %q, %q, %v", link, tok, gtin, ok)
			}
			if upper && (strings.ToUpper(short) != short || strings.ToUpper(link) != link) {
				t.Errorf("not upper case: %s %s", short, link)
			}
		}
	}
	if got := Short("qr.brand.cn", someToken, true); got != "HTTPS://QR.BRAND.CN/Q/"+someToken {
		t.Error(got)
	}
	if got := DigitalLink("qr.brand.cn", someGTIN, someToken, false); got != "https://qr.brand.cn/01/06901234567892/21/"+someToken {
		t.Error(got)
	}
}

// Numbers from the GS1 General Specifications and from packs in a kitchen.
func TestGTIN14(t *testing.T) {
	for s, want := range map[string]string{
		"96385074":       "00000096385074",
		"614141000036":   "00614141000036",
		"6901234567892":  someGTIN,
		"06901234567892": someGTIN,
		"10614141000415": "10614141000415",
		"4006381333931":  "04006381333931",
	} {
		if got, err := GTIN14(s); err != nil || got != want {
			t.Errorf("%s gives %s, %v", s, got, err)
		}
	}
	for s, code := range map[string]string{
		"": "gtin_length", "123": "gtin_length", "690123456789": "gtin_check", "6901234567893": "gtin_check",
		"690123456789\u0662": "gtin_digits", "69012345678X2": "gtin_digits", "+901234567892": "gtin_digits",
		"00000000": "gtin_check", "00000000000000": "gtin_check", strings.Repeat("1", 1000): "gtin_length",
	} {
		if got, err := GTIN14(s); err == nil || fault.Of(err).Code != code {
			t.Errorf("%q gives %s, %v, want %s", s, got, err, code)
		}
	}
}

func TestGTINCheckDigitCatchesEveryWrongDigit(t *testing.T) {
	for i := range someGTIN {
		for d := byte('0'); d <= '9'; d++ {
			if d == someGTIN[i] {
				continue
			}
			if _, err := GTIN14(someGTIN[:i] + string(d) + someGTIN[i+1:]); err == nil {
				t.Errorf("digit %d changed to %c passes", i, d)
			}
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("https://qr.brand.cn/q/" + someToken)
	f.Add("HTTPS://H/01/06901234567892/10/L/21/" + someToken + "?a#b")
	f.Add("://\xff//")
	f.Fuzz(func(t *testing.T, s string) {
		tok, gtin, ok := ParseURL(s)
		if !ok {
			if tok != "" || gtin != "" {
				t.Fatalf("refused %q but returned %q, %q", s, tok, gtin)
			}
			return
		}
		if tok == "" || len(s) > MaxURL || !strings.Contains(s, tok) {
			t.Fatalf("%q gives %q", s, tok)
		}
		if gtin != "" {
			if again, err := GTIN14(gtin); err != nil || again != gtin {
				t.Fatalf("%q gives GTIN %q", s, gtin)
			}
		}
	})
}
