package member

import (
	"strings"
	"testing"
)

func TestMaskShowsOneLetterAndNothingThatMovesThePage(t *testing.T) {
	for name, want := range map[string]string{
		"李": "李**", "李雷": "李**", "欧阳娜娜": "欧**", "Anna Lee": "A**", "🐼熊猫": "🐼**", strings.Repeat("王", 500): "王**",
		"  张三": "张**", "\u202e张三": "张**", "\u200b\u0301赵": "赵**", "oSecretOpen0000": "o**",
		"13812345678": "", "１３８1234": "", "①号": "", "+86138": "", "": "", " \u200d": "", "\xff\xfe": "", "\ue000x": "x**",
	} {
		if got := Mask(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
