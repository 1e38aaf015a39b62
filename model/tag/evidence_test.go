package tag

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/id"
)

// TestTheEvidenceOfAFactIsWhatWasDone: in words, with its moment in the brand's zone and its
// place; and for a rule the case that made it so.
func TestTheEvidenceOfAFactIsWhatWasDone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newWorld(t, d, clk)
		x := w.tag("最近扫码省份", Definition{Source: Event, EventType: event.Scan, Field: "province"})
		often := w.tag("常扫码", Definition{Source: Rules, Cases: []Case{{Tree: times("scan", 1)}}})
		m := w.customer()
		e := scan(m, "上海市")
		e.Key, e.At = "scan:7", clk.Now().Add(-time.Hour)
		w.happen(e)
		held := func() map[id.ID]Held {
			t.Helper()
			list, err := w.Of(ctx, m, []string{admin}, nil)
			w.must(err)
			out := map[id.ID]Held{}
			for _, h := range list {
				out[h.TagID] = h
			}
			return out
		}
		h := held()[x.ID]
		if want := "扫码 " + e.At.Local()[5:] + "，上海市"; h.Why != want || h.Said == nil || h.Said.Code != "evidence_place" || h.Said.Words["act"] != "act_scan" || h.Said.Args["province"] != "上海市" || h.Case != nil {
			t.Errorf("%q, want %q: %+v", h.Why, want, h.Said)
		}
		if r := held()[often.ID]; r.Said != nil || r.Case == nil || r.Case.Sentence(nil) != r.Why {
			t.Errorf("%+v", r)
		}
		w.must(d.Read(ctx).Exec("DELETE FROM event WHERE event_key = 'scan:7'").Error)
		if h := held()[x.ID]; h.Said == nil || h.Said.Code != "evidence_gone" || strings.Contains(h.Why, "scan") {
			t.Errorf("%+v", h)
		}
	})
}

// TestToldSaysEveryTypeInWords: no type of event is without a word, and what it says of
// itself stands beside it.
func TestToldSaysEveryTypeInWords(t *testing.T) {
	now := clock.From(time.Date(2026, 11, 22, 11, 33, 0, 0, time.UTC))
	for typ := range event.Schemas() {
		said, err := told(event.Event{Type: typ, At: now, Body: json.RawMessage(`{}`)}, now)
		if acts[typ] == "" || err != nil || !strings.Contains(said.Text, "11-22 19:33") {
			t.Errorf("%s: %+v %v", typ, said, err)
		}
	}
	for _, x := range []struct{ typ, body, code, text string }{
		{"claim", `{"province":"广东省","city":"广州","cash_fen":100}`, "evidence_place", "领取奖品 2025-12-31 23:59，广东省广州"},
		{"scan", `{"province":"上海市","city":"上海"}`, "evidence_place", "扫码 2025-12-31 23:59，上海市"},
		{"scan", `{"city":"新加坡"}`, "evidence_place", "扫码 2025-12-31 23:59，新加坡"},
		{"order", `{"order_no":"D1","amount_fen":2580}`, "evidence_order", "下单 2025-12-31 23:59，订单 D1，25.80 元"},
		{"order", `{"order_no":"D1","refund_no":"R","amount_fen":-2580}`, "evidence_refund", "退款 2025-12-31 23:59，订单 D1，25.80 元"},
		{"review", `{"stars":4}`, "evidence_review", "评价 2025-12-31 23:59，4 星"},
		{"message_clicked", `{"message":"push:1","title":"新品"}`, "evidence_named", "点开消息里的链接 2025-12-31 23:59，“新品”"},
		{"coupon", `{"name":"五元券","act":"redeem"}`, "evidence_named", "优惠券 2025-12-31 23:59，“五元券”"},
	} {
		said, err := told(event.Event{Type: x.typ, At: clock.From(time.Date(2025, 12, 31, 15, 59, 0, 0, time.UTC)), Body: json.RawMessage(x.body)}, now)
		if err != nil || said.Code != x.code || said.Text != x.text {
			t.Errorf("%s: %+v %v", x.typ, said, err)
		}
	}
	if said, err := told(event.Event{Type: "scan", Channel: event.Erased}, now); err != nil || said.Code != "evidence_gone" {
		t.Error(said, err)
	}
}
