package rights

import (
	"context"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/consent"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/event"
	"siyu/model/follow"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/notice"
	"siyu/model/wecom"
)

func TestAnErasedContactOfWeComIsNowhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		w := newTown(t, d, clk)
		p, other := w.live("Aja", 1), w.live("Bob", 10)
		account := wecom.Account{ID: d.NewID(), BrandID: w.Brand.ID, CorpID: "ww1"}
		s := wecom.New(wecom.Deps{DB: d, Outbox: w.World.Outbox, People: w.people, Members: w.Members, Events: event.New(d, w.World.Outbox), Followers: follow.New(d, w.people, w.Members),
			Accounts: func(_ context.Context, _ id.ID) (wecom.Account, error) { return account, nil }})
		externals := map[string]person{"wmExternalOfAja0000000000": p, "wmExternalOfBob0000000000": other}
		for external, who := range externals {
			body, err := wecom.Push{Event: "change_external_contact", ChangeType: "add_external_contact", UserID: "lisi", ExternalUserID: external, Raw: "<xml>" + external + "</xml>"}.Body()
			w.must(err)
			n := notice.Notice{Source: notice.WeCom, DedupKey: "w:" + who.member.String(), AccountID: account.ID, Body: body}
			_, err = w.Notices.Store(ctx, n)
			w.must(err)
			w.must(s.Apply(ctx, n))
			list, err := s.Contacts(ctx, account.ID, "", 0, 1)
			w.must(err)
			clk.Advance(time.Second)
			_, err = s.PutLook(ctx, list[0], []wecom.Seen{{ExternalUserID: external, UnionID: who.union, UserID: "lisi", Since: clk.Now()}}, clk.Now())
			w.must(err)
		}
		w.must(s.MarkChats(ctx, account, []string{"wr1"}, 0))
		chats, err := s.Chats(ctx, account.ID, 0, 1)
		w.must(err)
		var seen wecom.SeenChat
		for external, who := range externals {
			seen.Members = append(seen.Members, wecom.SeenMember{UserID: external, External: true, UnionID: who.union, JoinScene: 3, JoinedAt: clk.Now()})
		}
		_, err = s.PutChat(ctx, chats[0], seen, clk.Now())
		w.must(err)
		if k, ok, err := w.people.PersonOf(ctx, identity.ExternalUserID, "ww1", "wmExternalOfAja0000000000"); err != nil || !ok || k != p.human {
			t.Fatal(k, ok, err)
		}
		copied, _ := w.run(w.ask(p, Export))
		text, err := w.Download(ctx, p.member, copied.ID)
		w.must(err)
		if !strings.Contains(string(text), "wmExternalOfAja0000000000") || strings.Contains(string(text), "wmExternalOfBob0000000000") {
			t.Error("his copy lacks his own, or has another's")
		}
		w.paid(p)
		r, err := w.Ask(ctx, Ask{MemberID: p.member, Kind: Erase, Channel: consent.H5})
		w.must(err)
		clk.Advance(8 * 24 * time.Hour)
		if r, why := w.run(r); r.State != Done {
			t.Fatal(r, why)
		}
		bobs := 0
		for name, text := range w.dump() {
			if strings.Contains(text, "wmExternalOfAja0000000000") {
				t.Errorf("%s still has it", name)
			}
			if strings.Contains(text, "wmExternalOfBob0000000000") {
				bobs++
			}
		}
		if bobs < 4 { // key, evidence, contact, group, notice
			t.Errorf("another's is left in %d tables only", bobs)
		}
	})
}
