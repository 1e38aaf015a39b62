package job_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/wecom"
	"siyu/wechat/simulator"
)

// wayTown is a town with three customer groups that were synced.
func wayTown(t *testing.T, d *db.DB, clk *clock.Fake) (w *town, chats []string, nos []id.ID) {
	t.Helper()
	w = newTown(t, d, clk)
	for _, name := range []string{"一群", "二群", "三群"} {
		c, err := w.sim.CreateChat(corpID, "lisi", name)
		w.must(err)
		chats = append(chats, c)
	}
	w.settle()
	for _, c := range chats {
		x, _ := w.chat(c)
		nos = append(nos, x.ID)
	}
	return w, chats, nos
}

func (w *town) made(d wecom.WayDraft) wecom.Way {
	w.Helper()
	y, err := w.store.MakeWay(context.Background(), w.corp, d)
	w.must(err)
	return y
}

func (w *town) way(row id.ID) wecom.Way {
	w.Helper()
	y, err := w.store.WayOf(context.Background(), row)
	w.must(err)
	return y
}

// joins are the join codes of the groups, by name.
func (w *town) joins() map[string]group.Community {
	w.Helper()
	list, err := w.communities.List(context.Background(), group.Filter{BrandID: w.corp.BrandID, Limit: 50})
	w.must(err)
	out := map[string]group.Community{}
	for _, c := range list {
		out[c.Name] = c
	}
	return out
}

func code(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	return ""
}

func TestWaysIntoGroups(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, chats, nos := wayTown(t, d, clk)
		y := w.made(wecom.WayDraft{Name: "门店", ChatNos: nos[:2], Way: "TOKEN1"})
		if y.State != wecom.WayNew || w.sim.JoinWays(corpID) != 0 {
			t.Fatal("WeCom heard of it inside the request", y.State)
		}
		w.settle()
		t.Run("its groups have the join code of its picture", func(t *testing.T) {
			w := w.in(t)
			y := w.way(y.ID)
			if !y.Ready() || y.ConfigID == "" || !strings.HasPrefix(y.JoinURL, "https://work.weixin.qq.com/gm/") || w.sim.JoinWays(corpID) != 1 {
				t.Fatalf("%+v", y)
			}
			if j := w.joins(); j["一群"].QR != y.JoinURL || j["二群"].QR != y.JoinURL || j["三群"].QR != "" {
				t.Fatalf("%+v", j)
			}
		})
		t.Run("a live code hands them out, and who scans is in the group by his referrer's state", func(t *testing.T) {
			w := w.in(t)
			l, err := w.communities.SaveCode(ctx, 0, group.LiveDraft{BrandID: w.corp.BrandID, Name: "海报", Targets: []group.TargetDraft{{CommunityID: w.joins()["一群"].ID}}})
			w.must(err)
			a, err := w.communities.Resolve(ctx, l.Token, group.Visitor{MemberID: 77}, clk.Now())
			if err != nil || !a.OK || a.Community.QR != w.way(y.ID).JoinURL {
				t.Fatalf("%+v %v", a, err)
			}
			joined, err := w.sim.ScanJoinWay(corpID, w.way(y.ID).ConfigID, "甲")
			if err != nil || joined != chats[0] {
				t.Fatal(joined, err)
			}
			w.settle()
			if len(w.came) != 1 || w.came[0].Way != "TOKEN1" || w.came[0].MemberID != w.human("甲") {
				t.Fatalf("%+v", w.came)
			}
		})
		t.Run("a change keeps the picture, and takes the code from who left the list", func(t *testing.T) {
			w := w.in(t)
			before := w.way(y.ID)
			_, err := w.store.ChangeWay(ctx, y.ID, wecom.WayDraft{Name: "门店", ChatNos: nos[1:]})
			w.must(err)
			w.settle()
			after := w.way(y.ID)
			if !after.Ready() || after.JoinURL != before.JoinURL || after.ConfigID != before.ConfigID || w.sim.JoinWays(corpID) != 1 {
				t.Fatalf("%+v", after)
			}
			if j := w.joins(); j["一群"].QR != "" || j["二群"].QR != after.JoinURL || j["三群"].QR != after.JoinURL {
				t.Fatalf("%+v", j)
			}
			got, err := w.client.JoinWay(ctx, w.app, after.ConfigID)
			if err != nil || len(got.ChatIDs) != 2 || got.State != "" {
				t.Fatalf("%+v %v", got, err)
			}
		})
		t.Run("groups that WeCom opens by itself lead people too", func(t *testing.T) {
			w := w.in(t)
			_, err := w.store.ChangeWay(ctx, y.ID, wecom.WayDraft{Name: "门店", ChatNos: nos[2:], AutoCreate: true, BaseName: "自动群", BaseNo: 7})
			w.must(err)
			w.settle()
			crowd := []string{}
			for i := range 499 {
				name := "客" + id.ID(i).String()
				w.sim.AddUser(simulator.User{Name: name})
				crowd = append(crowd, name)
			}
			w.must(w.sim.JoinChat(corpID, chats[2], simulator.JoinLink, "", crowd...))
			if _, err := w.sim.ScanJoinWay(corpID, w.way(y.ID).ConfigID, "乙"); err != nil {
				t.Fatal(err)
			}
			w.settle()
			clk.Advance(2 * time.Hour)
			for range 2 { // the second round must not forget what the first found
				w.must(w.store.RefreshWays(ctx))
				w.settle()
				clk.Advance(2 * time.Hour)
			}
			got, err := w.client.JoinWay(ctx, w.app, w.way(y.ID).ConfigID)
			if j := w.joins(); err != nil || len(got.ChatIDs) != 2 || j["自动群7"].QR != w.way(y.ID).JoinURL {
				t.Fatalf("%+v %v %+v", got, err, j["自动群7"])
			}
		})
		t.Run("its end takes the code from all groups", func(t *testing.T) {
			w := w.in(t)
			_, err := w.store.EndWay(ctx, y.ID)
			w.must(err)
			w.settle()
			if w.way(y.ID).State != wecom.WayEnded || w.sim.JoinWays(corpID) != 0 {
				t.Fatalf("%+v", w.way(y.ID))
			}
			for name, c := range w.joins() {
				if c.QR != "" {
					t.Error(name, c.QR)
				}
			}
			if _, err := w.store.ChangeWay(ctx, y.ID, wecom.WayDraft{Name: "门店", ChatNos: nos[:1]}); code(err) != "wecom_way_state" {
				t.Fatal(err)
			}
		})
		t.Run("what cannot be is refused before anything is written", func(t *testing.T) {
			w := w.in(t)
			other := wecom.Account{ID: w.corp.ID + 1, BrandID: w.corp.BrandID, CorpID: "ww2"}
			for name, try := range map[string]func() error{
				"six groups": func() error {
					_, err := w.store.MakeWay(ctx, w.corp, wecom.WayDraft{Name: "x", ChatNos: make([]id.ID, 6)})
					return err
				},
				"another corp's": func() error {
					_, err := w.store.MakeWay(ctx, other, wecom.WayDraft{Name: "x", ChatNos: nos[:1]})
					return err
				},
				"twice the same": func() error {
					_, err := w.store.MakeWay(ctx, w.corp, wecom.WayDraft{Name: "x", ChatNos: []id.ID{nos[0], nos[0]}})
					return err
				},
				"rooms with no name": func() error {
					_, err := w.store.MakeWay(ctx, w.corp, wecom.WayDraft{Name: "x", ChatNos: nos[:1], AutoCreate: true})
					return err
				},
			} {
				if err := try(); code(err) != "wecom_way" {
					t.Errorf("%s: %v", name, err)
				}
			}
			if _, err := w.store.MakeWay(ctx, w.corp, wecom.WayDraft{Name: "x", ChatNos: nos[:1], Way: "FORGED"}); code(err) != "referral_code_invalid" {
				t.Error(err)
			}
		})
	})
}

func TestOneWayThroughMisfortunes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		ctx := context.Background()
		w, _, nos := wayTown(t, d, clk)
		suffer := func(call, kind, errcode string) {
			w.must(w.sim.SetMisfortune(simulator.Misfortune{Call: call, Kind: kind, Code: errcode}))
		}
		for _, m := range []string{"commit_then_drop", "commit_then_500", "garbage_body", "drop"} {
			t.Run("a making that ended in the dark is not repeated: "+m, func(t *testing.T) {
				w := w.in(t)
				before := w.calls("join_way.add")
				suffer("join_way.add", m, "")
				y := w.made(wecom.WayDraft{Name: m, ChatNos: nos[:1]})
				w.settle()
				if y = w.way(y.ID); y.State != wecom.WayUnsure || y.Error == "" || w.calls("join_way.add")-before != 1 {
					t.Fatalf("%+v %d", y, w.calls("join_way.add")-before)
				}
				if _, err := w.store.ChangeWay(ctx, y.ID, wecom.WayDraft{Name: m, ChatNos: nos[:1]}); code(err) != "wecom_way_state" {
					t.Fatal(err)
				}
				_, err := w.store.RetryWay(ctx, y.ID)
				w.must(err)
				w.settle()
				if !w.way(y.ID).Ready() {
					t.Fatalf("%+v", w.way(y.ID))
				}
			})
		}
		t.Run("a worker that dies after WeCom made it leaves it unsure", func(t *testing.T) {
			w := w.in(t)
			before := w.sim.JoinWays(corpID)
			w.cut = true
			y := w.made(wecom.WayDraft{Name: "断电", ChatNos: nos[:1]})
			w.settle()
			if y = w.way(y.ID); y.State != wecom.WayUnsure || w.sim.JoinWays(corpID)-before != 1 {
				t.Fatalf("%+v %d", y, w.sim.JoinWays(corpID)-before)
			}
			_, err := w.store.EndWay(ctx, y.ID)
			w.must(err)
			w.settle()
			if w.way(y.ID).State != wecom.WayEnded {
				t.Fatalf("%+v", w.way(y.ID))
			}
		})
		t.Run("what surely did nothing is asked again, or says why not", func(t *testing.T) {
			w := w.in(t)
			suffer("join_way.add", "unknown_code", "45009")
			y := w.made(wecom.WayDraft{Name: "限流", ChatNos: nos[:1]})
			w.settle()
			if !w.way(y.ID).Ready() {
				t.Fatalf("%+v", w.way(y.ID))
			}
			suffer("join_way.add", "unknown_code", "48002")
			y = w.made(wecom.WayDraft{Name: "无权限", ChatNos: nos[:1]})
			w.settle()
			if y = w.way(y.ID); y.State != wecom.WayFailed || !strings.Contains(y.Error, "接口没有授权") {
				t.Fatalf("%+v", y)
			}
			_, err := w.store.ChangeWay(ctx, y.ID, wecom.WayDraft{Name: "有权限", ChatNos: nos[:1]})
			w.must(err)
			w.settle()
			if !w.way(y.ID).Ready() {
				t.Fatalf("%+v", w.way(y.ID))
			}
		})
		t.Run("all that follows the making may fail and is done again", func(t *testing.T) {
			w := w.in(t)
			for _, c := range []string{"join_way.get", "join_way.picture"} {
				suffer(c, "http_502", "")
			}
			y := w.made(wecom.WayDraft{Name: "慢慢来", ChatNos: nos[:1]})
			w.settle()
			w.settle()
			if !w.way(y.ID).Ready() {
				t.Fatalf("%+v", w.way(y.ID))
			}
			suffer("join_way.update", "commit_then_drop", "")
			_, err := w.store.ChangeWay(ctx, y.ID, wecom.WayDraft{Name: "改名", ChatNos: nos[1:2]})
			w.must(err)
			w.settle()
			if y = w.way(y.ID); !y.Ready() || w.joins()["二群"].QR != y.JoinURL {
				t.Fatalf("%+v", y)
			}
			suffer("join_way.del", "commit_then_drop", "")
			_, err = w.store.EndWay(ctx, y.ID)
			w.must(err)
			w.settle()
			if w.way(y.ID).State != wecom.WayEnded {
				t.Fatalf("%+v", w.way(y.ID))
			}
		})
		t.Run("a picture that is no group's code says so", func(t *testing.T) {
			w := w.in(t)
			suffer("join_way.picture", "garbage_body", "")
			y := w.made(wecom.WayDraft{Name: "坏图", ChatNos: nos[:1]})
			w.settle()
			if y = w.way(y.ID); y.State != wecom.WayMade || y.JoinURL != "" || y.Error == "" {
				t.Fatalf("%+v", y)
			}
			_, err := w.store.RetryWay(ctx, y.ID)
			w.must(err)
			w.settle()
			if !w.way(y.ID).Ready() {
				t.Fatalf("%+v", w.way(y.ID))
			}
		})
	})
}
