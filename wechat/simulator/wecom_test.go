package simulator_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"siyu/wechat"
	"siyu/wechat/simulator"
)

const corpID = "ww0123456789abcdef"

func (w *world) corp() (*wechat.Client, wechat.App) {
	w.Helper()
	c, _, _ := w.client()
	w.sim.AddCorp(simulator.Corp{CorpID: corpID, Name: "山泉", Secret: "corp-secret", Token: token, AESKey: aesKey, CallbackURL: w.appURL + "/corp",
		OpenPlatform: "op", Staff: []string{"zhangsan", "lisi"}})
	return c, wechat.App{Kind: wechat.KindWeCom, AppID: corpID, Secret: "corp-secret", Token: token, AESKey: aesKey}
}

// pushes opens everything that reached the corp's address.
func (w *world) pushes(app wechat.App) (list []wechat.CorpEvent) {
	w.Helper()
	for _, a := range w.arrived("/corp") {
		e, err := wechat.OpenCorpEvent(app, a.query, a.body, w.clock())
		must(w.T, err)
		list = append(list, e)
	}
	return list
}

func TestCorpContacts(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	c, app := w.corp()
	staff, err := c.CorpStaff(ctx, app)
	if err != nil || !slices.Equal(staff, []string{"zhangsan", "lisi"}) {
		t.Fatal(staff, err)
	}
	if _, err := c.CorpContactIDs(ctx, app, "zhangsan"); !wechat.IsGone(err) {
		t.Errorf("nobody's contacts: %v", err)
	}
	way, err := c.AddContactWay(ctx, app, wechat.ContactWay{UserIDs: []string{"zhangsan"}, State: "TOKEN123"})
	if err != nil || way.QRCode == "" {
		t.Fatal(way, err)
	}
	must(t, w.sim.ScanContactWay(corpID, way.ConfigID, "小满"))
	must(t, w.sim.AddContact(corpID, "lisi", "小满", "", true))
	id := w.sim.ExternalUserID("小满", corpID)
	list, err := c.CorpContact(ctx, app, id)
	if err != nil || len(list) != 1 || list[0].UserID != "zhangsan" || list[0].State != "TOKEN123" || list[0].UnionID == "" || list[0].CreatedAt == 0 {
		t.Fatalf("%+v %v", list, err)
	}
	if ids, err := c.CorpContactIDs(ctx, app, "zhangsan"); err != nil || !slices.Equal(ids, []string{id}) {
		t.Error(ids, err)
	}
	if got, ok, err := c.CorpExternalID(ctx, app, list[0].UnionID, "o1"); err != nil || !ok || got != id {
		t.Error(got, ok, err)
	}
	must(t, w.sim.DropContact(corpID, "zhangsan", "小满", true))
	if _, err := c.CorpContact(ctx, app, id); !wechat.IsGone(err) {
		t.Errorf("a contact who left: %v", err)
	}
	must(t, c.DeleteContactWay(ctx, app, way.ConfigID))
	if err := w.sim.ScanContactWay(corpID, way.ConfigID, "小满"); err == nil {
		t.Error("a way that was deleted leads somewhere")
	}
	events := w.pushes(app)
	kinds := []string{}
	for _, e := range events {
		kinds = append(kinds, e.ChangeType)
	}
	if !slices.Equal(kinds, []string{wechat.ContactAdded, wechat.ContactHalf, wechat.ContactLeft}) {
		t.Fatal(kinds)
	}
	if e := events[0]; e.Event != wechat.CorpContactChanged || e.UserID != "zhangsan" || e.ExternalUserID != id || e.State != "TOKEN123" || e.WelcomeCode == "" {
		t.Errorf("%+v", e)
	}
}

func TestCorpContactsArePaged(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	c, app := w.corp()
	w.sim.AddCorp(simulator.Corp{CorpID: corpID, Secret: "corp-secret", OpenPlatform: "op", Staff: []string{"zhangsan", "lisi", "wangwu"}, Unlicensed: []string{"wangwu"}})
	for i := range 150 {
		name := fmt.Sprintf("客人%03d", i)
		w.sim.AddUser(simulator.User{Name: name})
		must(t, w.sim.AddContact(corpID, []string{"zhangsan", "lisi"}[i%2], name, "", false))
	}
	seen, cursor, pages := map[string]bool{}, "", 0
	for {
		p, err := c.CorpContacts(ctx, app, []string{"zhangsan", "lisi", "wangwu"}, cursor)
		if err != nil || !slices.Equal(p.Failed, []string{"wangwu"}) {
			t.Fatal(p.Failed, err)
		}
		pages++
		for _, x := range p.Contacts {
			seen[x.ExternalUserID] = true
		}
		if cursor = p.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 150 || pages != 2 {
		t.Fatal(len(seen), pages)
	}
}

func TestCorpChats(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	c, app := w.corp()
	w.sim.AddUser(simulator.User{Name: "甲"})
	w.sim.AddUser(simulator.User{Name: "乙"})
	first, err := w.sim.CreateChat(corpID, "zhangsan", "一群")
	must(t, err)
	second, err := w.sim.CreateChat(corpID, "lisi", "二群")
	must(t, err)
	ids, next, err := c.CorpChats(ctx, app, wechat.CorpChatQuery{Limit: 1})
	if err != nil || !slices.Equal(ids, []string{first}) || next == "" {
		t.Fatal(ids, next, err)
	}
	if ids, next, err = c.CorpChats(ctx, app, wechat.CorpChatQuery{Limit: 1, Cursor: next}); err != nil || !slices.Equal(ids, []string{second}) || next != "" {
		t.Fatal(ids, next, err)
	}
	if ids, _, err = c.CorpChats(ctx, app, wechat.CorpChatQuery{Owners: []string{"lisi"}}); err != nil || !slices.Equal(ids, []string{second}) {
		t.Fatal(ids, err)
	}
	way, err := c.AddJoinWay(ctx, app, wechat.JoinWay{ChatIDs: []string{first}, State: "S1"})
	must(t, err)
	if joined, err := w.sim.ScanJoinWay(corpID, way, "甲"); err != nil || joined != first {
		t.Fatal(joined, err)
	}
	must(t, w.sim.JoinChat(corpID, first, simulator.JoinInvited, "", "乙"))
	must(t, w.sim.LeaveChat(corpID, first, "乙", simulator.QuitSelf))
	must(t, w.sim.RenameChat(corpID, first, "新名"))
	g, err := c.CorpChat(ctx, app, first)
	if err != nil || g.Name != "新名" || g.Owner != "zhangsan" || len(g.Members) != 2 || g.Version == "" {
		t.Fatalf("%+v %v", g, err)
	}
	if m := g.Members[1]; m.Kind != wechat.ChatExternal || m.UserID != w.sim.ExternalUserID("甲", corpID) || m.UnionID == "" || m.JoinScene != simulator.JoinQR || m.State != "S1" {
		t.Errorf("%+v", m)
	}
	must(t, c.UpdateJoinWay(ctx, app, wechat.JoinWay{ConfigID: way, ChatIDs: []string{second}, State: "S2", AutoCreate: true, BaseName: "群", BaseID: 3}))
	if got, err := c.JoinWay(ctx, app, way); err != nil || !slices.Equal(got.ChatIDs, []string{second}) || got.State != "S2" || !got.AutoCreate || got.BaseID != 3 || got.QRCode == "" {
		t.Errorf("%+v %v", got, err)
	}
	got, err := c.JoinWay(ctx, app, way)
	must(t, err)
	pic, err := c.WayPicture(ctx, got.QRCode)
	if err != nil || len(pic) < 500 {
		t.Fatal(len(pic), err)
	}
	must(t, c.DeleteJoinWay(ctx, app, way))
	if _, err := c.WayPicture(ctx, got.QRCode); err == nil || w.sim.JoinWays(corpID) != 0 {
		t.Error("an ended way has a picture")
	}
	must(t, w.sim.DismissChat(corpID, first))
	if _, err := c.CorpChat(ctx, app, first); !wechat.IsGone(err) {
		t.Errorf("a dismissed chat: %v", err)
	}
	if ids, _, err = c.CorpChats(ctx, app, wechat.CorpChatQuery{}); err != nil || !slices.Equal(ids, []string{second}) {
		t.Error(ids, err)
	}
	var said []string
	for _, e := range w.pushes(app) {
		said = append(said, e.ChangeType+"/"+e.UpdateDetail)
		if e.UpdateDetail == wechat.ChatMemberCame && e.JoinScene == simulator.JoinInvited &&
			(e.MemChangeCnt != 1 || !slices.Equal(e.MemChanges, []string{w.sim.ExternalUserID("乙", corpID)}) || e.LastMemVer == "" || e.CurMemVer == e.LastMemVer) {
			t.Errorf("%+v", e)
		}
	}
	want := []string{"create/", "create/", "update/add_member", "update/add_member", "update/del_member", "update/change_name", "dismiss/"}
	if !slices.Equal(said, want) {
		t.Error(said)
	}
}

func TestCorpRefusals(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	c, app := w.corp()
	wrong := app
	wrong.Secret = "other"
	if _, err := c.CorpStaff(ctx, wrong); wechat.ErrCode(err) != 40001 || !wechat.IsDenied(err) || strings.Contains(err.Error(), "other") {
		t.Errorf("wrong secret: %v", err)
	}
	if _, err := c.CorpStaff(ctx, app); err != nil {
		t.Fatal(err)
	}
	w.order(simulator.Misfortune{Call: "contact.staff", Kind: "expired_token"})
	if _, err := c.CorpStaff(ctx, app); err != nil { // a fresh token, once
		t.Errorf("after a dead token: %v", err)
	}
	w.order(simulator.Misfortune{Call: "groupchat.list", Kind: "unknown_code", Code: "45033"})
	if _, _, err := c.CorpChats(ctx, app, wechat.CorpChatQuery{}); !wechat.IsThrottled(err) {
		t.Errorf("too many at once: %v", err)
	}
	long := strings.Repeat("长", 31)
	for name, call := range map[string]func() error{
		"a state of 31": func() error {
			_, err := c.AddContactWay(ctx, app, wechat.ContactWay{UserIDs: []string{"lisi"}, State: long})
			return err
		},
		"six chats":      func() error { _, err := c.AddJoinWay(ctx, app, wechat.JoinWay{ChatIDs: make([]string, 6)}); return err },
		"no chat":        func() error { _, err := c.AddJoinWay(ctx, app, wechat.JoinWay{}); return err },
		"a page of 1001": func() error { _, _, err := c.CorpChats(ctx, app, wechat.CorpChatQuery{Limit: 1001}); return err },
		"a wild chat id": func() error { _, err := c.CorpChat(ctx, app, "wr&x=1"); return err },
	} {
		before := len(w.sim.Requests())
		if err := call(); wechat.ErrCode(err) != wechat.CodeBadParameter || len(w.sim.Requests()) != before {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.AddContactWay(ctx, app, wechat.ContactWay{UserIDs: []string{"nobody"}}); !wechat.IsDenied(err) {
		t.Errorf("a stranger's way: %v", err)
	}
	for _, r := range w.sim.Requests() {
		if strings.Contains(r.URL+r.Body+r.Response, "corp-secret") {
			t.Errorf("the log tells the secret: %s", r.URL)
		}
	}
}

func TestCorpURLIsVerified(t *testing.T) {
	w := newWorld(t)
	_, app := w.corp()
	w.answerWith(func(rw http.ResponseWriter, r *http.Request) {
		echo, err := wechat.VerifyCorpEcho(app, r.URL.Query(), w.clock())
		if err != nil {
			http.Error(rw, err.Error(), http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(rw, echo)
	})
	must(t, w.sim.VerifyCorpURL(corpID))
	app.Token = "another"
	if err := w.sim.VerifyCorpURL(corpID); err == nil {
		t.Error("an address with another token was taken")
	}
}

func TestCorpForgeriesAreSeenThrough(t *testing.T) {
	w := newWorld(t)
	_, app := w.corp()
	for code, want := range map[string]error{"msg_signature": wechat.ErrSignature, "plaintext": wechat.ErrPlaintext, "stale": wechat.ErrReplay, "corp": wechat.ErrMalformed} {
		before := len(w.arrived("/corp"))
		w.order(simulator.Misfortune{Call: "wecom_callback", Kind: "forged_notice", Code: code})
		_, err := w.sim.CreateChat(corpID, "lisi", "群")
		must(t, err)
		list := w.arrived("/corp")[before:]
		if len(list) != 2 {
			t.Fatalf("%s: %d arrived", code, len(list))
		}
		if _, err := wechat.OpenCorpEvent(app, list[0].query, list[0].body, w.clock()); !errors.Is(err, want) {
			t.Errorf("%s: %v", code, err)
		}
		if _, err := wechat.OpenCorpEvent(app, list[1].query, list[1].body, w.clock()); err != nil {
			t.Errorf("%s: the true one: %v", code, err)
		}
	}
}

func TestCorpPushesComeAgainWithOneKey(t *testing.T) {
	w := newWorld(t)
	_, app := w.corp()
	tries := 0
	w.answerWith(func(rw http.ResponseWriter, _ *http.Request) {
		if tries++; tries < 3 {
			rw.WriteHeader(http.StatusInternalServerError)
		}
	})
	_, err := w.sim.CreateChat(corpID, "lisi", "群")
	must(t, err)
	w.order(simulator.Misfortune{Call: "wecom_callback", Kind: "duplicate_notice"})
	_, err = w.sim.CreateChat(corpID, "lisi", "群")
	must(t, err)
	keys := map[string]int{}
	for _, e := range w.pushes(app) {
		keys[e.DedupKey]++
	}
	if len(keys) != 2 || tries != 5 {
		t.Fatal(keys, tries)
	}
}

func TestCorpIsKept(t *testing.T) {
	_, publicPEM := merchantKey()
	file := filepath.Join(t.TempDir(), "world.json")
	w := newWorld(t)
	w.sim.Close()
	w.begin(file, publicPEM)
	_, app := w.corp()
	chat, err := w.sim.CreateChat(corpID, "lisi", "群")
	must(t, err)
	must(t, w.sim.JoinChat(corpID, chat, simulator.JoinLink, "", "小满"))
	must(t, w.sim.AddContact(corpID, "lisi", "小满", "", false))
	before, _ := w.corp()
	way, err := before.AddJoinWay(context.Background(), app, wechat.JoinWay{ChatIDs: []string{chat}})
	must(t, err)
	w.sim.Close()
	w.begin(file, publicPEM)
	c, _ := w.corp()
	if got, err := c.JoinWay(context.Background(), app, way); err != nil || len(got.ChatIDs) != 1 {
		t.Errorf("%+v %v", got, err)
	}
	if g, err := c.CorpChat(context.Background(), app, chat); err != nil || len(g.Members) != 2 {
		t.Errorf("%+v %v", g, err)
	}
	if list, err := c.CorpContact(context.Background(), app, w.sim.ExternalUserID("小满", corpID)); err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
}

func TestFollowersOfAPage(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t)
	c, app, _ := w.client()
	must(t, w.sim.Follow("小满", officialID))
	ids := []string{w.sim.OpenID("小满", officialID), w.sim.OpenID("老周", officialID)}
	list, err := c.Followers(ctx, app, ids)
	if err != nil || len(list) != 2 || !list[0].Subscribed || list[0].UnionID == "" || list[1].Subscribed || list[1].OpenID != ids[1] {
		t.Fatalf("%+v %v", list, err)
	}
	if _, err := c.Followers(ctx, app, append(ids, "oNobodyNobodyNobodyNobody000")); wechat.ErrCode(err) != wechat.CodeBadOpenID {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := c.Followers(ctx, app, make([]string, 101)); wechat.ErrCode(err) != wechat.CodeBadOpenID {
		t.Errorf("101: %v", err)
	}
}
