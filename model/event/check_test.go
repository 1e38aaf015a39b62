package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"siyu/model/db/dbtest"
	"siyu/model/fault"
)

// good are bodies that pass, one or more of each type.
var good = map[string][]string{
	Scan:        {`{"product_id":"1","batch_id":"2","serial":3,"verdict":"genuine","province":"山东","city":"青岛"}`},
	Claim:       {`{"product_id":"1","batch_id":"2","serial":3,"campaign_id":"4","kind":"cash","prize":"红包","cash_fen":188,"points":0}`},
	Order:       {`{"source":"tmall","order_no":"1001","amount_fen":5980,"lines":[{"gtin":"06901234567892","quantity":2,"amount_fen":5980}]}`, `{"source":"tmall","order_no":"1001","refund_no":"R1","amount_fen":-2990,"lines":[{"sku":"a","quantity":-1,"amount_fen":-2990}]}`},
	Follow:      {`{"account_id":"5","scene":"货架"}`},
	Unfollow:    {`{"account_id":"5"}`},
	MessageSent: {`{"message":"remind:4"}`},
	MessageLost: {`{"message":"push:4","title":"到货","account_id":"5","reason":"blocked"}`, `{"message":"push:4"}`},
	MessageOpen: {`{"message":"remind:4","title":null}`},
	MessageTap:  {`{"message":"remind:4","link":"https://a.cn/"}`},
	Referral:    {`{"role":"referrer","other_id":"9"}`},
	NotReferred: {`{"reason":"referral_bound","code_id":"7","account_id":"5"}`},
	Login:       {`{}`},
	Review:      {`{"stars":5,"text":"好喝"}`},
	Coupon:      {`{"coupon_no":"C1","act":"redeem","value_fen":500}`},
	Custom:      {`{"name":"tasting","data":{"table":7,"liked":true,"note":"微甜","none":null}}`, `{"name":"visit"}`},
}

func TestEveryTypeHasASchemaThatHoldsItsBodies(t *testing.T) {
	for typ := range Schemas() {
		if len(good[typ]) == 0 {
			t.Errorf("no example of %s", typ)
		}
		for _, body := range good[typ] {
			if err := checkFact(typ, dbtest.Start, json.RawMessage(body), dbtest.Start); err != nil {
				t.Errorf("%s %s: %v", typ, body, err)
			}
		}
	}
}

func TestCheckNamesThePlaceOfTheMistake(t *testing.T) {
	long := strings.Repeat("长", 1001)
	for _, c := range []struct{ typ, body, path string }{
		{"visit", `{}`, "type"},
		{Login, ``, "body"},
		{Login, `[]`, "body"},
		{Login, `{} {}`, "body"},
		{Login, `{"app_id":"` + strings.Repeat("x", maxBody) + `"}`, "body"},
		{Login, `{"app_id":7}`, "body.app_id"},
		{Login, `{"APP_ID":"x"}`, "body.APP_ID"},
		{Login, `{"b":1,"a":2}`, "body.a"},
		{Scan, `{"product_id":"1","batch_id":"2","serial":3}`, "body.verdict"},
		{Scan, `{"product_id":1,"batch_id":"2","serial":3,"verdict":"x"}`, "body.product_id"},
		{Scan, `{"product_id":"1","batch_id":"-2","serial":3,"verdict":"x"}`, "body.batch_id"},
		{Scan, `{"product_id":"1","batch_id":"2","serial":3.5,"verdict":"x"}`, "body.serial"},
		{Scan, `{"product_id":"1","batch_id":"2","serial":99999999999999999999,"verdict":"x"}`, "body.serial"},
		{Scan, `{"product_id":"1","batch_id":"2","serial":null,"verdict":"x"}`, "body.serial"},
		{Claim, `{"product_id":"1","batch_id":"2","serial":3,"campaign_id":"4","kind":"gold","cash_fen":1,"points":0}`, "body.kind"},
		{Claim, `{"product_id":"1","batch_id":"2","serial":3,"campaign_id":"4","kind":"cash","cash_fen":-1,"points":0}`, "body.cash_fen"},
		{Order, `{"source":"t","order_no":"1","amount_fen":1,"lines":[]}`, "body.lines"},
		{Order, `{"source":"t","order_no":"1","amount_fen":1,"lines":[7]}`, "body.lines[0]"},
		{Order, `{"source":"t","order_no":"1","amount_fen":1,"lines":[{"quantity":1,"amount_fen":1},{"quantity":1}]}`, "body.lines[1].amount_fen"},
		{Order, `{"source":"t","order_no":"1","amount_fen":1,"lines":[{"quantity":1,"amount_fen":1,"price":2}]}`, "body.lines[0].price"},
		{Order, `{"source":"t","order_no":"1","amount_fen":1,"lines":[{"quantity":-1,"amount_fen":1}]}`, "body.lines[0].quantity"},
		{Order, `{"source":"t","order_no":"1","amount_fen":-1,"lines":[{"quantity":1,"amount_fen":1}]}`, "body.amount_fen"},
		{Order, `{"source":"t","order_no":"1","refund_no":"R","amount_fen":-1,"lines":[{"quantity":-1,"amount_fen":1}]}`, "body.lines[0].amount_fen"},
		{Order, `{"source":"","order_no":"1","amount_fen":1,"lines":[{"quantity":1,"amount_fen":1}]}`, "body.source"},
		{Review, `{"stars":6}`, "body.stars"},
		{Review, `{"stars":"5"}`, "body.stars"},
		{Review, `{"stars":5,"text":"` + long + `"}`, "body.text"},
		{Custom, `{"name":"a","data":[1]}`, "body.data"},
		{Custom, `{"name":"a","data":{"x":{}}}`, "body.data.x"},
		{Custom, `{"name":"a","data":{"x":"` + long + `"}}`, "body.data.x"},
		{Custom, `{"name":"a","data":{"x y":1}}`, "body.data"},
	} {
		err := checkFact(c.typ, dbtest.Start, json.RawMessage(c.body), dbtest.Start)
		if f := fault.Of(err); f == nil || f.Kind != fault.Invalid || f.Detail["path"] != c.path {
			t.Errorf("%s %.80s: %v, want a mistake at %s", c.typ, c.body, err, c.path)
		}
	}
}

func TestCheckBoundsKeyChannelAndTime(t *testing.T) {
	for path, change := range map[string]func(*Event){
		"key":       func(e *Event) { e.Key = "a b" },
		"brand_id":  func(e *Event) { e.BrandID = 0 },
		"member_id": func(e *Event) { e.MemberID = 0 },
		"channel":   func(e *Event) { e.Channel = "H5" },
		"at":        func(e *Event) { e.At = dbtest.Start.Add(ahead + time.Millisecond) },
	} {
		e := login("k", 7, dbtest.Start)
		if err := e.check(dbtest.Start); err != nil {
			t.Fatal(err)
		}
		change(&e)
		if f := fault.Of(e.check(dbtest.Start)); f == nil || f.Detail["path"] != path {
			t.Errorf("%s: %v", path, f)
		}
	}
	long := login(strings.Repeat("k", maxKey+1), 7, dbtest.Start)
	old := login("k", 7, earliest-1)
	if long.check(dbtest.Start) == nil || old.check(dbtest.Start) == nil {
		t.Error("a key too long or a time too early passed")
	}
}

// A body passes or is refused as the reporter's mistake, in words that can be shown; and
// what passes is valid JSON text for both engines.
func FuzzCheck(f *testing.F) {
	for typ, bodies := range good {
		for _, b := range bodies {
			f.Add(typ, []byte(b))
		}
	}
	f.Add(Order, []byte(`{"lines":[{"quantity":1e400}]}`))
	f.Add(Custom, []byte("{\"name\":\"\xff\",\"data\":{\"\\ud800\":1}}"))
	f.Fuzz(func(t *testing.T, typ string, body []byte) {
		err := checkFact(typ, dbtest.Start, body, dbtest.Start)
		if err == nil {
			if !json.Valid(body) {
				t.Fatalf("%q passed", body)
			}
			return
		}
		fl := fault.Of(err)
		if fl.Kind != fault.Invalid || fl.Detail["path"] == "" || !utf8.ValidString(fmt.Sprint(fl.Text)) {
			t.Fatalf("%q: %+v", body, fl)
		}
	})
}
