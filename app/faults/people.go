package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// errand is one person who wants the reward of one code. It ends with an answer: the
// claim's number, or a refusal that is final.
type errand struct {
	goods   *goods
	serial  int64
	who     string
	ack     string // the claim, as the program told it
	refused string // why not
}

func (e *errand) token() string { return e.goods.tokens[e.serial-1] }

// parcel is an acknowledged claim whose owner looks at its page.
type parcel struct {
	claim, who string
	takes      bool // opens or confirms; others let it expire
	looks      int
}

// people scan, claim, tap twice, race each other, give up and come back, open their
// packets or never do. They use the simulator's in-app browser, so they go through
// login, cookies and pages like anybody.
type people struct {
	town *town
	http *http.Client // follows redirects, as a browser
	tap  *http.Client // does not: where a claim leads is its answer

	mu      sync.Mutex
	serial  map[*goods]int64
	guests  int
	known   map[string]int // claims wanted by a person so far
	errands []*errand
	open    []*parcel
	wrong   []string // answers that contradict each other
}

func newPeople(t *town) *people {
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.onClose(transport.CloseIdleConnections)
	return &people{town: t, http: &http.Client{Transport: transport, Timeout: 8 * time.Second}, serial: map[*goods]int64{}, known: map[string]int{},
		tap: &http.Client{Transport: transport, Timeout: 8 * time.Second, CheckRedirect: stay}}
}

// come keeps the clients busy until ctx ends.
func (p *people) come(ctx context.Context) {
	var wg sync.WaitGroup
	every := time.Duration(p.town.clients) * time.Second / claimsPerSecond
	for n := range p.town.clients {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(p.town.seed, uint64(1000+n)))
			for pause(ctx, every/2+rand.N(every)) {
				p.visit(ctx, rng)
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for pause(ctx, 40*time.Millisecond) {
				p.look(ctx)
			}
		})
	}
	wg.Wait()
}

// visit is one code's day: who comes for it, and how.
func (p *people) visit(ctx context.Context, rng *rand.Rand) {
	g := p.town.shelf[rng.IntN(len(p.town.shelf))]
	switch n := rng.IntN(100); {
	case n < 4:
		p.forge(ctx, rng)
	case n < 16: // three people, one bottle
		serial := p.take(g)
		var wg sync.WaitGroup
		for range 3 {
			if e := p.want(g, serial, rng); e != nil {
				wg.Go(func() { p.insist(ctx, e, 4, false) })
			}
		}
		wg.Wait()
	default:
		if e := p.want(g, p.take(g), rng); e != nil {
			p.insist(ctx, e, 4, n < 30)
		}
	}
}

func (p *people) take(g *goods) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial[g]++
	return p.serial[g]
}

// want begins an errand: of a new person, of one who came before, or of one of a few
// regulars, who meet the daily cap. Nil when the shelf is empty.
func (p *people) want(g *goods, serial int64, rng *rand.Rand) *errand {
	p.mu.Lock()
	defer p.mu.Unlock()
	if serial > g.codes {
		return nil
	}
	who := fmt.Sprintf("顾客%d", max(1, p.guests-rng.IntN(20)))
	switch n := rng.IntN(10); {
	case n == 0:
		who = fmt.Sprintf("常客%d", rng.IntN(3))
	case n < 6 || p.known[who] >= 3:
		p.guests++
		who = fmt.Sprintf("顾客%d", p.guests)
	}
	if p.known[who] == 0 {
		p.town.sim.AddUser(simUser(who))
	}
	p.known[who]++
	e := &errand{goods: g, serial: serial, who: who}
	p.errands = append(p.errands, e)
	return e
}

// insist tries an errand a few times; twice means tapping the button twice at once.
func (p *people) insist(ctx context.Context, e *errand, tries int, twice bool) bool {
	for range tries {
		if p.try(ctx, e, twice) {
			return true
		}
		if !pause(ctx, 300*time.Millisecond) {
			return false
		}
	}
	return false
}

var (
	formIn   = regexp.MustCompile(`action="([^"]*/claim)"[\s\S]*?name="form_token" value="([^"]+)"`)
	packetIn = regexp.MustCompile(`/packets/(\d+)`)
	capped   = regexp.MustCompile(`今日已领|您已领满`)
	taken    = regexp.MustCompile(`若非本人|已被领取`)
)

// try opens the code's page and taps. It says whether the errand has its answer.
func (p *people) try(ctx context.Context, e *errand, twice bool) bool {
	status, page, _ := p.ask(ctx, p.http, e.who, http.MethodGet, "/Q/"+e.token(), nil)
	if status != http.StatusOK {
		return false
	}
	form := formIn.FindStringSubmatch(page)
	switch own := packetIn.FindStringSubmatch(page); {
	case form == nil && own != nil:
		return p.answer(e, own[1], "")
	case form == nil && taken.MatchString(page):
		return p.answer(e, "", "taken")
	case form == nil && capped.MatchString(page):
		return p.answer(e, "", "capped")
	case form == nil:
		return false
	}
	fields := url.Values{"form_token": {form[2]}}
	taps := 1
	if twice {
		taps = 2
	}
	done := make(chan bool, taps)
	for range taps {
		go func() { done <- p.claim(ctx, e, form[1], fields) }()
	}
	answered := false
	for range taps {
		answered = <-done || answered
	}
	return answered
}

func (p *people) claim(ctx context.Context, e *errand, path string, fields url.Values) bool {
	status, page, at := p.ask(ctx, p.tap, e.who, http.MethodPost, path, fields)
	switch m := packetIn.FindStringSubmatch(at); {
	case status == http.StatusSeeOther && m != nil:
		return p.answer(e, m[1], "")
	case status == http.StatusConflict && capped.MatchString(page):
		return p.answer(e, "", "capped")
	case status == http.StatusConflict && taken.MatchString(page):
		return p.answer(e, "", "taken")
	}
	return false
}

// answer keeps what the program said; saying two different things is a violation.
func (p *people) answer(e *errand, claim, refused string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case claim != "" && e.ack != "" && claim != e.ack:
		p.wrong = append(p.wrong, fmt.Sprintf("%s 的码 %d 先后得到领取 %s 与 %s", e.who, e.serial, e.ack, claim))
	case claim != "" && e.ack == "":
		e.ack = claim
		p.open = append(p.open, &parcel{claim: claim, who: e.who, takes: rand.IntN(8) > 0})
	case refused != "" && e.ack == "":
		e.refused = refused
	}
	return true
}

// forge tries a token that nobody printed.
func (p *people) forge(ctx context.Context, rng *rand.Rand) {
	b := make([]byte, 16)
	for i := range b {
		b[i] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[rng.IntN(32)]
	}
	p.town.sim.AddUser(simUser("路人"))
	_, page, _ := p.ask(ctx, p.http, "路人", http.MethodGet, "/Q/"+string(b), nil)
	if formIn.MatchString(page) {
		p.mu.Lock()
		p.wrong = append(p.wrong, "伪造的码 "+string(b)+" 可以领取")
		p.mu.Unlock()
	}
}

// ask is one request of a person's phone: status 0 when nobody answered, and for a
// redirect that is not followed, where it leads.
func (p *people) ask(ctx context.Context, c *http.Client, who, method, path string, form url.Values) (status int, body, at string) {
	var in io.Reader
	if form != nil {
		in = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, method, p.town.simURL+path, in)
	if err != nil {
		return 0, "", ""
	}
	r.Header.Set("Cookie", "sim_user="+url.QueryEscape(who))
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := c.Do(r)
	if err != nil {
		return 0, "", ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, "", ""
	}
	return res.StatusCode, string(b), res.Header.Get("Location")
}

// look opens the page of the packet that waited longest and does what its owner does.
func (p *people) look(ctx context.Context) {
	p.mu.Lock()
	if len(p.open) == 0 {
		p.mu.Unlock()
		return
	}
	x := p.open[0]
	p.open = p.open[1:]
	p.mu.Unlock()
	if p.over(ctx, x) || x.looks > 30 {
		return
	}
	x.looks++
	p.mu.Lock()
	p.open = append(p.open, x)
	p.mu.Unlock()
}

func (p *people) over(ctx context.Context, x *parcel) bool {
	status, body, _ := p.ask(ctx, p.http, x.who, http.MethodGet, "/packets/"+x.claim+"/state", nil)
	if status == http.StatusUnauthorized {
		p.ask(ctx, p.http, x.who, http.MethodGet, "/wx/login?to=/packets/"+x.claim, nil)
		return false
	}
	var s struct {
		Data struct {
			State   string `json:"state"`
			BillNo  string `json:"bill_no"`
			Confirm *struct {
				Package string `json:"package"`
			} `json:"confirm"`
		} `json:"data"`
	}
	if status != http.StatusOK || json.Unmarshal([]byte(body), &s) != nil {
		return false
	}
	switch s.Data.State {
	case "confirm":
		if x.takes && s.Data.Confirm != nil {
			_ = p.town.sim.Confirm(x.who, s.Data.Confirm.Package) // WeChat may say no; the page will tell
		}
	case "sent":
		if x.takes {
			_ = p.town.sim.Open(x.who, s.Data.BillNo)
		}
	case "won", "settled", "returned", "failed":
		return true
	}
	return false
}

// unanswered are the errands that still wait for a word.
func (p *people) unanswered() []*errand {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []*errand
	for _, e := range p.errands {
		if e.ack == "" && e.refused == "" {
			out = append(out, e)
		}
	}
	return out
}
