package push

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"siyu/model/reach"
)

// fieldMost is how many characters WeChat takes in a field of a template, by what its key
// begins with (订阅消息参数值内容限制说明, developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/
// mp-message-management/subscribe-message/sendMessage.html). One that is longer, empty or
// of two lines is refused (47003) as if the template were wrong.
var fieldMost = map[string]int{"thing": 20, "number": 32, "letter": 32, "symbol": 5, "character_string": 32, "phone_number": 17, "car_number": 8, "name": 10, "phrase": 5}

// mostOf is how many characters a field takes; 0: as many as are written.
func mostOf(key string) int { return fieldMost[strings.TrimRight(key, "0123456789")] }

// oneLine is a text without what no field takes: line breaks and other control characters.
func oneLine(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text))
}

// fit makes a text what the field takes: a name may be longer than anybody thought.
func fit(key, text string) string {
	text = oneLine(text)
	if most := mostOf(key); most > 0 && utf8.RuneCountInString(text) > most {
		text = strings.TrimSpace(string([]rune(text)[:most]))
	}
	return text
}

// checkFields refuses fields that WeChat would refuse for everybody, or for those of whom a
// variable is not known. Fault: Invalid push_form.
func checkFields(u reach.Use, arm string, data map[string]string) error {
	if u.Channel != reach.Template && u.Channel != reach.Subscribe {
		return nil
	}
	for key, text := range data {
		always := map[string]string{"品牌": "品", "积分": "0"}
		least := oneLine(fill(text, always, func(int) string { return "l" }))
		switch most := mostOf(key); {
		case least == "":
			return bad("arms", "版本“%s”的模板字段 %s 对有些人会是空的，微信不接受：请写上文字，或给变量加备用词，例如 {姓名|会员}", arm, key)
		case most > 0 && utf8.RuneCountInString(least) > most:
			return bad("arms", "版本“%s”的模板字段 %s 最多 %d 字(微信的限制)", arm, key, most)
		}
	}
	return nil
}
