package simulator

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Bill is one payout order as WeChat Pay sees it.
//
//	redpack:  SENDING -> SENT -> RECEIVED | RFUND_ING -> REFUND;  SENDING -> FAILED
//	transfer: ACCEPTED -> PROCESSING -> WAIT_USER_CONFIRM -> TRANSFERING -> SUCCESS | FAIL
//	          and before the user confirms: -> CANCELING -> CANCELLED
//
// (TRANSFERING and RFUND_ING are WeChat's spelling.)
type Bill struct {
	BillNo    string    `json:"bill_no"`   // the merchant's number
	WechatNo  string    `json:"wechat_no"` // send_listid or transfer_bill_no
	MchID     string    `json:"mch_id"`
	AppID     string    `json:"app_id"`
	OpenID    string    `json:"openid"`
	User      string    `json:"user"`
	Rail      string    `json:"rail"` // "redpack" | "transfer"
	AmountFen int64     `json:"amount_fen"`
	PaidFen   int64     `json:"paid_fen"` // what reached the user: 0 or AmountFen
	State     string    `json:"state"`
	Reason    string    `json:"reason"`
	Sends     int       `json:"sends"`   // create requests with this number, refused ones included
	Queries   int       `json:"queries"` // answered queries
	Notices   int       `json:"notices"` // notices the merchant accepted
	Title     string    `json:"title"`   // send_name and act_name, or the remark
	Wishing   string    `json:"wishing"`
	Package   string    `json:"package"` // transfer: what the phone confirms with
	NotifyURL string    `json:"notify_url"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type bill struct {
	Bill
	print     string // of all parameters: the same number must mean the same order
	actName   string
	remark    string
	stuck     bool // the user never acts
	returned  bool // the money went back to the merchant
	unpaid    bool // refused at once: no money ever moved
	expiresAt time.Time
}

const billLife = 24 * time.Hour

// next says which states may follow; a state without an entry is final.
var next = map[string][]string{
	"SENDING": {"SENT", "FAILED"}, "SENT": {"RECEIVED", "RFUND_ING", "REFUND"}, "RFUND_ING": {"REFUND"},
	"ACCEPTED":          {"PROCESSING", "WAIT_USER_CONFIRM", "FAIL", "CANCELING", "CANCELLED"},
	"PROCESSING":        {"WAIT_USER_CONFIRM", "FAIL", "CANCELING", "CANCELLED"},
	"WAIT_USER_CONFIRM": {"TRANSFERING", "SUCCESS", "FAIL", "CANCELING", "CANCELLED"},
	"TRANSFERING":       {"SUCCESS", "FAIL"}, "CANCELING": {"CANCELLED"},
}

// billBook finds bills without walking over all of them.
type billBook struct {
	all       []*bill // in the order of creation
	byNumber  map[string]*bill
	byPackage map[string]*bill
	days      map[string]*dayTotal
}

// dayTotal is what was sent on one Shanghai day.
type dayTotal struct {
	count int
	fen   int64
}

func newBillBook() billBook {
	return billBook{byNumber: map[string]*bill{}, byPackage: map[string]*bill{}, days: map[string]*dayTotal{}}
}

// find looks a number up; without a merchant the first one of any merchant.
func (k *billBook) find(mchID, billNo string) *bill {
	if mchID != "" {
		return k.byNumber[mchID+"/"+billNo]
	}
	for _, b := range k.all {
		if b.BillNo == billNo {
			return b
		}
	}
	return nil
}

// day is the running total of a merchant's rail, for one user or ("") for all.
func (k *billBook) day(date, mchID, rail, user string) *dayTotal {
	key := date + "/" + mchID + "/" + rail + "/" + user
	if k.days[key] == nil {
		k.days[key] = &dayTotal{}
	}
	return k.days[key]
}

// count adds a bill to its day, or with sign -1 takes a failed one out again.
func (k *billBook) count(b *bill, sign int) {
	for _, user := range []string{"", b.User} {
		t := k.day(day(b.CreatedAt), b.MchID, b.Rail, user)
		t.count += sign
		t.fen += int64(sign) * b.AmountFen
	}
}

// open records a new bill; unless it already failed, its money leaves the
// merchant's balance here. The caller holds the lock.
func (s *Simulator) open(m *merchant, b *bill) {
	b.CreatedAt, b.UpdatedAt = s.now(), s.now()
	b.expiresAt = b.CreatedAt.Add(billLife)
	s.bills.all = append(s.bills.all, b)
	s.bills.byNumber[b.MchID+"/"+b.BillNo] = b
	if _, alive := next[b.State]; alive {
		m.BalanceFen -= b.AmountFen
		s.bills.count(b, 1)
	} else {
		b.returned, b.unpaid = true, true
	}
	if s.nextSweep.IsZero() || b.expiresAt.Before(s.nextSweep) {
		s.nextSweep = b.expiresAt
	}
	s.version++
}

// move is shift plus the notice of a transfer's end. The caller holds the lock.
func (s *Simulator) move(b *bill, state string) error {
	if err := s.shift(b, state); err != nil {
		return err
	}
	if b.Rail == "transfer" && len(next[state]) == 0 && !s.closed {
		n := s.newNotice(b)
		s.takeOff() // counted before the lock is given up, so that Settle cannot miss it
		go func() { defer s.land(); s.sendNotice(n) }()
	}
	return nil
}

// shift is the only place that changes a state, and with it money: into the
// user's wallet once, or back to the merchant once. The caller holds the lock.
func (s *Simulator) shift(b *bill, state string) error {
	if !slices.Contains(next[b.State], state) {
		return fmt.Errorf("这张单是 %s，不能变成 %s", b.State, state)
	}
	b.State, b.UpdatedAt = state, s.now()
	s.version++
	switch state {
	case "SENT":
		s.showRedpack(b)
	case "RECEIVED", "SUCCESS":
		if b.PaidFen != 0 || b.returned {
			panic("simulator: bill " + b.BillNo + " would be paid twice") // move's own order forbids it
		}
		b.PaidFen = b.AmountFen
		u := s.users[b.User]
		u.walletFen += b.AmountFen
		s.chat(u, ChatMessage{Chat: "微信支付", Kind: "paid", Title: "到账通知", Text: b.Title, BillNo: b.BillNo, AmountFen: b.AmountFen})
	case "REFUND", "FAILED", "FAIL", "CANCELLED":
		if b.PaidFen == 0 && !b.returned {
			b.returned = true
			s.merchants[b.MchID].BalanceFen += b.AmountFen
			if state == "FAILED" || state == "FAIL" {
				s.bills.count(b, -1)
			}
		}
	}
	return nil
}

func (s *Simulator) showRedpack(b *bill) {
	appID := b.AppID
	if a := s.apps[appID]; a == nil || a.follows[b.User] == nil {
		appID = "" // others get a service message
	}
	s.chat(s.users[b.User], ChatMessage{AppID: appID, Kind: "redpack", Title: b.Title, Text: b.Wishing, BillNo: b.BillNo, AmountFen: b.AmountFen})
}

// Open is the user tearing a red packet open: SENT -> RECEIVED.
func (s *Simulator) Open(user, billNo string) error {
	s.sweep()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bills.find("", billNo)
	if b == nil || b.Rail != "redpack" {
		return errNoBill
	}
	if b.User != user {
		return fmt.Errorf("这个红包不是发给 %s 的", user)
	}
	if b.stuck {
		return errors.New("这位用户一直不拆红包")
	}
	return s.move(b, "RECEIVED")
}

// Confirm is the user tapping 确认收款 on the page that pkg opened. It ends in
// SUCCESS and a notice.
func (s *Simulator) Confirm(user, pkg string) error {
	s.sweep()
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.byPackage(user, pkg)
	if err != nil {
		return err
	}
	if b.stuck {
		return errors.New("这位用户一直不确认")
	}
	if b.State != "WAIT_USER_CONFIRM" {
		return fmt.Errorf("这笔转账已不能确认（%s）", b.State)
	}
	if err := s.move(b, "TRANSFERING"); err != nil {
		return err
	}
	return s.move(b, "SUCCESS")
}

// grab lets an eager user take a new bill after the answer. The caller holds the lock.
func (s *Simulator) grab(c *call, b *bill) {
	if !s.users[b.User].Eager || b.stuck {
		return
	}
	c.after = func() {
		// Either may be refused: the bill can have moved on meanwhile.
		if b.Rail == "transfer" {
			_ = s.Confirm(b.User, b.Package)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = s.move(b, "RECEIVED")
	}
}

func (s *Simulator) byPackage(user, pkg string) (*bill, error) {
	b := s.bills.byPackage[pkg]
	if b == nil {
		return nil, errNoBill
	}
	if b.User != user {
		return nil, errors.New("你的微信号与商家指定的微信号不一致")
	}
	return b, nil
}

// Advance moves a bill to a state the user or time would bring: SENDING -> SENT,
// SENT -> REFUND, PROCESSING -> WAIT_USER_CONFIRM, WAIT_USER_CONFIRM -> CANCELLED...
func (s *Simulator) Advance(billNo, state string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bills.find("", billNo)
	if b == nil {
		return errNoBill
	}
	if (state == "FAIL" || state == "FAILED") && b.Reason == "" {
		b.Reason = "PAYEE_ACCOUNT_ABNORMAL"
	}
	if state == "WAIT_USER_CONFIRM" {
		s.givePackage(b)
	}
	return s.move(b, state)
}

// Expire returns everything that at now is older than 24 hours and not taken.
func (s *Simulator) Expire(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
}

func (s *Simulator) expire(now time.Time) {
	s.nextSweep = time.Time{}
	for _, b := range s.bills.all {
		if len(next[b.State]) == 0 {
			continue
		}
		if now.Before(b.expiresAt) {
			if s.nextSweep.IsZero() || b.expiresAt.Before(s.nextSweep) {
				s.nextSweep = b.expiresAt
			}
			continue
		}
		end := "CANCELLED"
		if b.Rail == "redpack" {
			end = "REFUND"
			if b.State == "SENDING" {
				// Seen in the field: stuck for a day with a reason, then FAILED.
				end = "FAILED"
			}
		}
		if b.State == "TRANSFERING" {
			continue // the user has confirmed: nothing to return
		}
		if err := s.move(b, end); err != nil {
			panic("simulator: expire: " + err.Error()) // every state above may end so
		}
	}
}

// sweep does what time alone brings; every request passes here.
func (s *Simulator) sweep() {
	s.mu.Lock()
	now := s.now()
	if !s.nextSweep.IsZero() && !now.Before(s.nextSweep) {
		s.expire(now)
	}
	late := len(s.held) > 0 && now.Sub(s.held[0].since) >= heldLife
	s.mu.Unlock()
	if late {
		s.fly(s.releaseHeld)
	}
}

// Bills are a merchant's bills in the order of creation; "" means all.
func (s *Simulator) Bills(mchID string) []Bill {
	s.sweep()
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Bill{}
	for _, b := range s.bills.all {
		if mchID == "" || b.MchID == mchID {
			list = append(list, b.Bill)
		}
	}
	return list
}

// BalanceFen is the merchant's money not yet in any bill.
func (s *Simulator) BalanceFen(mchID string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.merchants[mchID]; m != nil {
		return m.BalanceFen
	}
	return 0
}

// TopUp adds to a merchant's balance.
func (s *Simulator) TopUp(mchID string, fen int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.merchants[mchID]
	if m == nil {
		return errNoMerchant
	}
	m.BalanceFen += fen
	s.topUps = append(s.topUps, topUp{MchID: mchID, At: s.now(), Fen: fen})
	s.version++
	return nil
}

// tooFast counts a creation against the merchant's rate per second.
func (s *Simulator) tooFast(m *merchant) bool {
	if m.Limits.PerSecond <= 0 {
		return false
	}
	now := s.now()
	recent := m.recent[:0]
	for _, t := range m.recent {
		if now.Sub(t) < time.Second {
			recent = append(recent, t)
		}
	}
	m.recent = recent
	if len(recent) >= m.Limits.PerSecond {
		return true
	}
	m.recent = append(m.recent, now)
	return false
}

// limit applies the rule of Limits: zero is the default, negative is none.
func limit(configured, usual int64) int64 {
	switch {
	case configured == 0:
		return usual
	case configured < 0:
		return 1<<63 - 1
	}
	return configured
}
