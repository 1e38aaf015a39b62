package simulator

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"sort"
	"time"
)

// What a world with Options.File keeps between two runs: people with their chats and
// money, follows, bills, balances, WeCom's contacts and groups, and how far numbers were given out (a message id that
// came again would be taken for a repetition), and what people allow to be sent to them:
// siyu remembers it too. Tokens, logins and scenes are forgotten, as WeChat forgets them
// all the time.
type memory struct {
	Counter  int64                            `json:"counter"`
	Users    []keptUser                       `json:"users"`
	Follows  map[string]map[string]keptFollow `json:"follows"`  // by app, by user
	Allowed  map[string]keptAllowed           `json:"allowed"`  // by app
	Balances map[string]int64                 `json:"balances"` // by merchant
	Bills    []keptBill                       `json:"bills"`
	TopUps   []topUp                          `json:"top_ups"`
	Corps    map[string]keptCorp              `json:"corps"` // by corpid
}

type keptUser struct {
	User
	WalletFen int64           `json:"wallet_fen"`
	Chats     []ChatMessage   `json:"chats"`
	Consents  map[string]bool `json:"consents"`
}

type keptFollow struct {
	At    time.Time `json:"at"`
	Scene string    `json:"scene"`
}

// keptAllowed are windows, grants and mass sends of an app.
type keptAllowed struct {
	Windows map[string][]keptWindow `json:"windows"` // by user
	Grants  map[string]int          `json:"grants"`
	Mass    map[string]int          `json:"mass"`
}

type keptWindow struct {
	Deed  string    `json:"deed"`
	Until time.Time `json:"until"`
	Left  int       `json:"left"`
}

type keptBill struct {
	Bill
	Print     string    `json:"print"`
	ActName   string    `json:"act_name"`
	Remark    string    `json:"remark"`
	Stuck     bool      `json:"stuck"`
	Returned  bool      `json:"returned"`
	Unpaid    bool      `json:"unpaid"`
	ExpiresAt time.Time `json:"expires_at"`
}

// keepEvery is how much a killed process may forget.
const keepEvery = time.Second

// recall reads the file. Apps and merchants are registered later and find their part
// then; until then it stays in s.kept.
func (s *Simulator) recall() error {
	text, err := os.ReadFile(s.opts.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var m memory
	if err := json.Unmarshal(text, &m); err != nil {
		return err
	}
	s.counter.Store(m.Counter + 10_000) // more than a killed process gave out unnoticed
	for _, k := range m.Users {
		if k.Consents == nil {
			k.Consents = map[string]bool{}
		}
		s.users[k.Name] = &user{User: k.User, walletFen: k.WalletFen, chats: k.Chats, consents: k.Consents}
		s.userOrder = append(s.userOrder, k.Name)
	}
	s.kept, s.topUps = m, m.TopUps
	s.kept.Users = nil
	return nil
}

// recallApp gives an app its followers back; the caller holds the lock.
func (s *Simulator) recallApp(a *app) {
	for name, f := range s.kept.Follows[a.AppID] {
		if s.users[name] != nil {
			a.follows[name] = &follow{at: f.At, scene: f.Scene}
		}
	}
	delete(s.kept.Follows, a.AppID)
	k := s.kept.Allowed[a.AppID]
	for name, list := range k.Windows {
		for _, w := range list {
			a.windows[name] = append(a.windows[name], &window{w.Deed, w.Until, w.Left})
		}
	}
	maps.Copy(a.grants, k.Grants)
	a.mass.counts, a.mass.clientID = map[string]int{}, map[string]int64{}
	maps.Copy(a.mass.counts, k.Mass)
	delete(s.kept.Allowed, a.AppID)
}

// allowed copies what people allow an app; the caller holds the lock.
func (a *app) allowed() keptAllowed {
	k := keptAllowed{Windows: map[string][]keptWindow{}, Grants: maps.Clone(a.grants), Mass: maps.Clone(a.mass.counts)}
	for name, list := range a.windows {
		for _, w := range list {
			k.Windows[name] = append(k.Windows[name], keptWindow{w.deed, w.until, w.left})
		}
	}
	return k
}

// recallMerchant gives a merchant its balance and bills back; the caller holds the lock.
func (s *Simulator) recallMerchant(m *merchant) {
	if fen, ok := s.kept.Balances[m.MchID]; ok {
		m.BalanceFen = fen
		delete(s.kept.Balances, m.MchID)
	}
	rest := s.kept.Bills[:0]
	for _, k := range s.kept.Bills {
		if k.MchID != m.MchID || s.users[k.User] == nil {
			rest = append(rest, k)
			continue
		}
		b := &bill{Bill: k.Bill, print: k.Print, actName: k.ActName, remark: k.Remark, stuck: k.Stuck, returned: k.Returned, unpaid: k.Unpaid, expiresAt: k.ExpiresAt}
		s.bills.all = append(s.bills.all, b)
		s.bills.byNumber[b.MchID+"/"+b.BillNo] = b
		if b.Package != "" {
			s.bills.byPackage[b.Package] = b
		}
		if b.State != "FAILED" && b.State != "FAIL" {
			s.bills.count(b, 1)
		}
		if len(next[b.State]) > 0 && (s.nextSweep.IsZero() || b.expiresAt.Before(s.nextSweep)) {
			s.nextSweep = b.expiresAt
		}
	}
	s.kept.Bills = rest
	sort.SliceStable(s.bills.all, func(i, j int) bool { return s.bills.all[i].CreatedAt.Before(s.bills.all[j].CreatedAt) })
}

// remember writes the file when something changed. A file that cannot be written costs
// the next run its past, nothing else.
func (s *Simulator) remember(now bool) {
	if s.opts.File == "" || !s.keeping.TryLock() {
		return
	}
	defer s.keeping.Unlock()
	s.mu.Lock()
	at := s.now()
	if s.version == s.keptVersion || !now && at.Sub(s.keptAt) < keepEvery {
		s.mu.Unlock()
		return
	}
	s.keptVersion, s.keptAt = s.version, at
	m := s.memorize()
	text, err := json.Marshal(m)
	s.mu.Unlock()
	half := s.opts.File + ".part"
	if err == nil {
		err = os.WriteFile(half, text, 0o600)
	}
	if err == nil {
		err = os.Rename(half, s.opts.File)
	}
	if err != nil {
		s.log.Warn("simulator: the world is not kept", "error", err)
	}
}

// memorize copies what is to be kept, and what nobody has asked for yet; the caller
// holds the lock.
func (s *Simulator) memorize() memory {
	m := memory{Counter: s.counter.Load(), Follows: map[string]map[string]keptFollow{}, Allowed: map[string]keptAllowed{}, Balances: map[string]int64{}, Corps: map[string]keptCorp{}, TopUps: append([]topUp(nil), s.topUps...), Bills: append([]keptBill(nil), s.kept.Bills...)}
	for id, list := range s.kept.Follows {
		m.Follows[id] = list
	}
	maps.Copy(m.Allowed, s.kept.Allowed)
	maps.Copy(m.Corps, s.kept.Corps)
	for id, c := range s.corps {
		m.Corps[id] = keptCorp{c.contacts, c.chats, c.joinWays}
	}
	for id, fen := range s.kept.Balances {
		m.Balances[id] = fen
	}
	for _, name := range s.userOrder {
		u := s.users[name]
		m.Users = append(m.Users, keptUser{u.User, u.walletFen, u.chats, u.consents})
	}
	for id, a := range s.apps {
		list := map[string]keptFollow{}
		for name, f := range a.follows {
			list[name] = keptFollow{f.at, f.scene}
		}
		m.Follows[id], m.Allowed[id] = list, a.allowed()
	}
	for id, x := range s.merchants {
		m.Balances[id] = x.BalanceFen
	}
	for _, b := range s.bills.all {
		m.Bills = append(m.Bills, keptBill{b.Bill, b.print, b.actName, b.remark, b.stuck, b.returned, b.unpaid, b.expiresAt})
	}
	return m
}
