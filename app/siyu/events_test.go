package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"siyu/model/apikey"
	"siyu/model/consent"
	"siyu/model/event"
	"siyu/model/id"
)

// eventually asks until the answer is yes; the chores and workers of the town need their
// time.
func eventually(t *testing.T, what string, ask func() bool) {
	t.Helper()
	tick, patience := time.NewTicker(50*time.Millisecond), time.After(3*time.Minute) // only a failure takes so long
	defer tick.Stop()
	for !ask() {
		select {
		case <-tick.C:
		case <-patience:
			t.Fatalf("never: %s", what)
		}
	}
}

// shop is a partner's server.
type shop struct {
	t      *testing.T
	w      *town
	key    apikey.Key
	secret string
	n      int
}

func (s *shop) call(method, target, body string) (status int, answer string) {
	s.t.Helper()
	s.n++
	r := apikey.Request{Access: s.key.Access, Method: method, Target: "/open/v1" + target, Time: fmt.Sprint(int64(s.w.clk.Now()) / 1000), Nonce: fmt.Sprintf("nonce-%06d", s.n)}
	req, err := http.NewRequest(method, "http://"+s.w.cfg.Addr+r.Target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range map[string]string{"Key": r.Access, "Time": r.Time, "Nonce": r.Nonce, "Sign": apikey.Signature(s.secret, r.Text([]byte(body)))} {
		req.Header.Set("X-Siyu-"+name, value)
	}
	a, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return a.StatusCode, string(b)
}

// What a person does in WeChat, on the pages and in a shop becomes one timeline, and what
// he bought is known once he allows it.
func TestEventsStory(t *testing.T) {
	w, ctx := startTown(t, nil), context.Background()
	g := w.demo.shelf[0]
	ann := w.phone(t, "ann", "青岛")
	if err := w.sim.Follow("ann", demoOfficial); err != nil {
		t.Fatal(err)
	}
	ann.claim(ann.scan(w.token(t, g, 1)))
	var member id.ID
	if err := w.env.DB.Read(ctx).Raw("SELECT member_id FROM claim").Scan(&member).Error; err != nil || member == 0 {
		t.Fatal(member, err)
	}
	family, err := w.env.Members.Family(ctx, member)
	if err != nil {
		t.Fatal(err)
	}
	timeline := func() (types []string) {
		list, err := w.env.Events.Timeline(ctx, family, nil, event.Cursor{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if !slices.Contains(types, e.Type) {
				types = append(types, e.Type)
			}
		}
		slices.Sort(types)
		return types
	}
	eventually(t, "login, follow, scan and claim in the timeline", func() bool {
		return strings.Join(timeline(), " ") == "claim follow login scan"
	})
	s := &shop{t: t, w: w}
	if s.key, s.secret, err = w.env.APIKeys.Create(ctx, apikey.Draft{BrandID: w.demo.brand.ID, Name: "商城", Permissions: []string{apikey.OrdersWrite, apikey.EventsWrite, apikey.EventsRead}}); err != nil {
		t.Fatal(err)
	}
	order := fmt.Sprintf(`{"orders":[{"source":"shop","order_no":"1","at":"%s","person":[{"kind":"openid","scope":"%s","value":"%s"}],"amount_fen":5980,"lines":[{"gtin":"%s","quantity":6,"amount_fen":5980}]}]}`,
		w.clk.Now().Add(-48*time.Hour), demoOfficial, w.sim.OpenID("ann", demoOfficial), g.gtin)
	if status, answer := s.call("POST", "/orders", order); status != 200 || !strings.Contains(answer, `"stored":1`) {
		t.Fatal(status, answer)
	}
	if status, answer := s.call("GET", "/events/order:shop:1", ""); status != 200 || !strings.Contains(answer, `"status":"stored"`) {
		t.Error(status, answer)
	}
	if status, _ := s.call("POST", "/claims", "{}"); status != 404 {
		t.Error("an address that is not there:", status)
	}
	eventually(t, "every batch told to every consumer", func() bool {
		var n int
		if err := w.env.DB.Read(ctx).Raw("SELECT COUNT(*) FROM event_batch").Scan(&n).Error; err != nil {
			t.Fatal(err)
		}
		return n == 0
	})
	if list, allowed, err := w.env.Purchases.Of(ctx, family); err != nil || allowed || len(list) != 0 {
		t.Errorf("before he allowed it: %+v %v %v", list, allowed, err)
	}
	agree := func(given bool) {
		if _, err := w.env.Consents.Put(ctx, consent.Consent{MemberID: member, Purpose: consent.Profiling, Given: given, Channel: consent.H5}); err != nil {
			t.Fatal(err)
		}
	}
	agree(true)
	list, allowed, err := w.env.Purchases.Of(ctx, family)
	if err != nil || !allowed || len(list) != 1 || list[0].Ordered != 6 || list[0].Claimed != 1 || list[0].Times != 2 || list[0].NextAt <= list[0].LastAt {
		t.Errorf("%+v %v %v", list, allowed, err)
	}
	agree(false)
	var left int
	if err := w.env.DB.Read(ctx).Raw("SELECT COUNT(*) FROM purchase").Scan(&left).Error; err != nil || left != 0 {
		t.Errorf("%d rows after he took it back (%v)", left, err)
	}
	if err := w.sim.Unfollow("ann", demoOfficial); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the unfollow in the timeline", func() bool { return slices.Contains(timeline(), event.Unfollow) })
	var doc map[string]any
	r, err := http.Get("http://" + w.cfg.Addr + "/open/v1/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(&doc); err != nil || doc["openapi"] != "3.1.1" {
		t.Error(doc["openapi"], err)
	}
}
