package main

import (
	"context"
	"fmt"
	"strings"

	"siyu/model/clock"
	"siyu/model/id"
	"siyu/model/push"
)

// copied is one person's copy of a push, as siyu says.
type copied struct {
	ID       id.ID
	RunID    id.ID
	MemberID id.ID
	State    string
	Ticket   string // how the reach ledger ended it
	OpenID   string `gorm:"column:openid"`
	Name     string // of the push
	Stopped  bool
}

// staffs: the staff send it, and compareStaff looks at what became of it.
func (r copied) staffs() bool { return strings.HasPrefix(r.Name, staffPrefix) }

// comparePushes holds what siyu says against the phones: every member of an audience has one
// copy with an end; what was sent is on the member's phone once, what may have been sent at
// most once, and nothing else is on any phone.
func (t *town) comparePushes(ctx context.Context, v *verdict) error {
	var rows []copied
	err := t.db.Read(ctx).Raw(`SELECT d.id, d.run_id, d.member_id, d.state, COALESCE(r.state, '') AS ticket, COALESCE(r.openid, '') AS openid, p.name, p.state = 'stopped' AS stopped
		FROM push_delivery d JOIN push p ON p.id = d.run_id LEFT JOIN reach_ticket r ON r.id = d.ticket_id ORDER BY d.id`).Scan(&rows).Error
	if err != nil {
		return err
	}
	got := map[string][]string{} // link -> on whose phones it is
	for _, name := range t.fans.names {
		for _, m := range t.sim.Chats(name) {
			if _, link, there := strings.Cut(m.Text, "/l/"); there && !m.Mine {
				got[link] = append(got[link], name)
			}
		}
	}
	var twice, lost, open, booked []string
	phones := map[string]int{} // push and name
	for _, r := range rows {
		link := t.fans.Token(r.ID, 1)
		on := got[link]
		delete(got, link)
		who := t.fans.names[r.OpenID]
		what := fmt.Sprintf("%s %s %s 手机上 %d 条", r.Name, who, r.State, len(on))
		for _, name := range on {
			if phones[r.RunID.String()+name]++; phones[r.RunID.String()+name] > 1 {
				twice = append(twice, what+"："+name)
			}
			if who != "" && name != who {
				lost = append(lost, what+"，在 "+name+" 的手机上")
			}
		}
		switch r.State {
		case push.Sent:
			if len(on) == 0 && !r.staffs() {
				lost = append(lost, what)
			}
		case push.Unknown:
		case push.Waiting, push.Sending:
			if r.State != push.Waiting || !r.Stopped { // who waits when it is stopped, waits
				open = append(open, what)
			}
		default:
			if len(on) > 0 {
				lost = append(lost, what)
			}
		}
		if ended := r.State == push.Sent || r.State == push.Unknown; ended && r.Ticket != r.State {
			booked = append(booked, what+"，名额 "+r.Ticket)
		}
		t.tally.add("push copies "+r.State, 1)
	}
	for link, on := range got {
		lost = append(lost, fmt.Sprintf("%v 的手机上有 %s，我方没有", on, link))
	}
	wrong, err := t.audiences(ctx, rows)
	if err != nil {
		return err
	}
	var reserved int
	if err := t.db.Read(ctx).Raw("SELECT COUNT(*) FROM reach_ticket WHERE state = 'reserved'").Scan(&reserved).Error; err != nil {
		return err
	}
	if reserved > 0 {
		booked = append(booked, fmt.Sprintf("%d 个名额没有结果", reserved))
	}
	v.add("push_once", "每个人一次触达最多收到一条", twice)
	v.add("push_said", "说已发送的都在本人手机上，没有发送的都不在", lost)
	v.add("push_ended", "名单里每个人都有结果，关注的人都在名单里", append(open, wrong...))
	v.add("push_ledger", "名额与触达记录的结果一致", booked)
	return nil
}

// audiences are pushes that did not end, that lost a fan, or whose counts, unknown outcomes
// among them, are not those of their copies.
func (t *town) audiences(ctx context.Context, rows []copied) (wrong []string, err error) {
	var pushes []struct {
		ID                id.ID
		Name, State, Note string
		People            int
		FrozenAt          clock.Instant
	}
	if err := t.db.Read(ctx).Raw("SELECT id, name, state, note, people, frozen_at FROM push").Scan(&pushes).Error; err != nil {
		return nil, err
	}
	unlisted := map[id.ID]bool{} // stopped before the audience was written down: what there is of it counts for nothing
	for _, p := range pushes {
		unlisted[p.ID] = p.State == push.Stopped && p.FrozenAt == 0
	}
	type count struct {
		RunID id.ID
		State string
		N     int
	}
	counted, listed := map[count]int{}, map[id.ID]map[id.ID]bool{}
	for _, r := range rows {
		if unlisted[r.RunID] {
			continue
		}
		counted[count{RunID: r.RunID, State: r.State}]++
		if listed[r.RunID] == nil {
			listed[r.RunID] = map[id.ID]bool{}
		}
		listed[r.RunID][r.MemberID] = true
	}
	var kept []count
	if err := t.db.Read(ctx).Raw("SELECT run_id, state, SUM(n) AS n FROM push_tally GROUP BY run_id, state").Scan(&kept).Error; err != nil {
		return nil, err
	}
	for _, k := range kept {
		if unlisted[k.RunID] {
			continue
		}
		counted[count{RunID: k.RunID, State: k.State}] -= k.N
	}
	for k, n := range counted {
		if n != 0 {
			wrong = append(wrong, fmt.Sprintf("触达 %d 的 %s 少算了 %d 人", k.RunID, k.State, n))
		}
	}
	for _, p := range pushes {
		missing := 0
		for _, m := range t.fans.members {
			if !listed[p.ID][m] {
				missing++
			}
		}
		switch {
		case p.State == push.Draft, p.State == push.Pending, p.State == push.Scheduled: // its operator lost the connection
		case unlisted[p.ID]:
		case p.State != push.Done && p.State != push.Stopped, p.People != len(listed[p.ID]), missing > 0:
			wrong = append(wrong, fmt.Sprintf("%s %s %s：%d 人，名单 %d 人，缺 %d 个粉丝", p.Name, p.State, p.Note, p.People, len(listed[p.ID]), missing))
		case p.State == push.Done:
			t.tally.add("pushes done", 1)
		}
	}
	return wrong, nil
}
