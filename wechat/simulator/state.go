package simulator

import (
	"net/http"
	"sort"
	"strconv"
)

// apiState is everything the page draws for one user, in one answer. With
// ?since= the version already drawn it answers 204 until something changes.
func (s *Simulator) apiState(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("user")
	log := s.lastRequests(80)
	s.mu.Lock()
	if r.URL.Query().Get("since") == strconv.FormatInt(s.version, 10) {
		s.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
		return
	}
	out := object{"version": s.version, "now": s.now(), "app_url": s.opts.AppURL, "log": log, "user": name}
	users := []object{}
	for _, n := range s.userOrder {
		u := s.users[n]
		if u.Crowd {
			continue
		}
		users = append(users, object{"name": u.Name, "avatar": u.Avatar, "city": u.City, "ip": u.IP, "snapshot": u.Snapshot, "blocked": u.Blocked, "wallet_fen": u.walletFen})
	}
	out["users"] = users
	apps := []object{}
	for _, a := range s.apps {
		apps = append(apps, object{"app_id": a.AppID, "name": a.Name, "kind": a.Kind, "follows": a.follows[name] != nil})
	}
	sort.Slice(apps, func(i, j int) bool { return apps[i]["app_id"].(string) < apps[j]["app_id"].(string) })
	out["apps"] = apps
	merchants := []object{}
	for _, m := range s.merchants {
		merchants = append(merchants, object{"mch_id": m.MchID, "name": m.Name, "balance_fen": m.BalanceFen})
	}
	sort.Slice(merchants, func(i, j int) bool { return merchants[i]["mch_id"].(string) < merchants[j]["mch_id"].(string) })
	out["merchants"] = merchants
	chats, bills := []ChatMessage{}, []Bill{}
	if u := s.users[name]; u != nil {
		chats = append(chats, u.chats...)
	}
	for _, b := range s.bills.all {
		if b.User == name {
			bills = append(bills, b.Bill)
		}
	}
	out["chats"], out["bills"] = chats, bills
	waiting := []orderedMisfortune{}
	for _, m := range s.misfortunes {
		waiting = append(waiting, orderedMisfortune{Misfortune: *m, DelayMS: m.Delay.Milliseconds(), Label: misfortuneNames[m.Kind]})
	}
	out["misfortunes"] = waiting
	s.mu.Unlock()
	apiReply(w, http.StatusOK, out, nil)
}

func (s *Simulator) lastRequests(most int) []Request {
	all := s.requests.all()
	if len(all) > most {
		all = all[len(all)-most:]
	}
	return all
}
