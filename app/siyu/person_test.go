package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
)

// client is somebody who talks JSON to the program itself: the mini program, or the
// back office's browser.
type client struct {
	t      *testing.T
	base   string
	http   *http.Client
	header http.Header
}

func (w *town) client(t *testing.T, base string) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, base: "http://" + w.cfg.Addr + base, http: &http.Client{Jar: jar}, header: http.Header{"Content-Type": {"application/json"}}}
}

// call returns the answer's data; anything but a success ends the test.
func (c *client) call(method, path, body string, into any) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	r, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode >= 300 {
		c.t.Fatalf("%s %s: %d %s %v", method, path, r.StatusCode, b, err)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(b, &struct{ Data any }{into}); err != nil {
		c.t.Fatalf("%s %s: %v: %s", method, path, err, b)
	}
}

// office logs the demo's administrator in.
func (w *town) office(t *testing.T) *client {
	t.Helper()
	c := w.client(t, "/admin/api/v1")
	c.login("admin", w.demo.password)
	return c
}

func (c *client) login(who, password string) {
	c.t.Helper()
	var in struct {
		CSRF string `json:"csrf"`
	}
	c.call("POST", "/login", fmt.Sprintf(`{"login":%q,"password":%q}`, who, password), &in)
	c.header.Set("X-CSRF-Token", in.CSRF)
}

// upload sends a file of old customers and returns the import's address.
func (c *client) upload(brandID, file string) (at string) {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range map[string]string{"brand_id": brandID, "name": "门店老会员", "source": "门店"} {
		if err := form.WriteField(name, value); err != nil {
			c.t.Fatal(err)
		}
	}
	part, err := form.CreateFormFile("file", "老会员.csv")
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := io.WriteString(part, file); err != nil {
		c.t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		c.t.Fatal(err)
	}
	var made struct{ ID string }
	upload := *c
	upload.header = c.header.Clone()
	upload.header.Set("Content-Type", form.FormDataContentType())
	upload.call("POST", "/imports", body.String(), &made)
	return "/imports/" + made.ID
}

// imports brings a file of old customers in, as an operator does.
func (c *client) imports(brandID, file, mapping string) {
	c.t.Helper()
	at := c.upload(brandID, file)
	var made struct{ State string }
	wait := func(state string) {
		c.t.Helper()
		eventually(c.t, "the import "+state, func() bool { c.call("GET", at, "", &made); return made.State == state })
	}
	c.call("PUT", at+"/mapping", mapping, nil)
	c.call("POST", at+"/dry-run", "", nil)
	wait("checked")
	c.call("POST", at+"/run", "", nil)
	wait("done")
}

// One person is followed through a shop's old file, the pages behind the bottle, the mini
// program, a verified phone and the official account: one timeline, one points balance,
// the path of evidence, and the data map of that traffic.
func TestPersonStory(t *testing.T) {
	w := startTown(t, nil)
	g := w.demo.shelf[0]
	office := w.office(t)

	// The shop's file knows a telephone number and 120 points.
	bob := w.phone(t, "bob", "成都")
	number := w.sim.PhoneNumber("bob")
	office.imports(w.demo.brand.ID.String(), "手机号,客户编号,昵称,积分\n"+number+",C-1001,老陈,120\n",
		`{"columns":[{"column":"手机号","to":"key:phone"},{"column":"客户编号","to":"key:crm"},{"column":"昵称","to":"profile:nickname"},{"column":"积分","to":"points"}]}`)

	// He scans a bottle: an openid of the official account.
	bob.claim(bob.scan(w.token(t, g, 1)))

	// He opens the mini program: another openid, and WeChat's unionid.
	mini := w.client(t, "/api/v1")
	code, err := w.sim.LoginCode("bob", demoMini)
	if err != nil {
		t.Fatal(err)
	}
	var login struct{ Token string }
	mini.call("POST", "/login", fmt.Sprintf(`{"app_id":%q,"code":%q}`, demoMini, code), &login)
	mini.header.Set("Authorization", "Bearer "+login.Token)
	mini.call("POST", "/scan", fmt.Sprintf(`{"code":%q}`, w.token(t, g, 2)), nil)
	mini.call("POST", "/claim", fmt.Sprintf(`{"code":%q}`, w.token(t, g, 2)), nil)
	balance := func() int64 {
		var p struct{ Balance int64 }
		mini.call("GET", "/points", "", &p)
		return p.Balance
	}
	each := balance() / 2 // WeChat's unionid made page and mini program one already
	if each == 0 {
		t.Fatal("a bottle gives no points")
	}

	// He shows his number and lets it be matched: the old customer is back.
	if code, err = w.sim.NumberCode("bob", demoMini); err != nil {
		t.Fatal(err)
	}
	var shown struct {
		State, Phone string
		Recognised   bool
	}
	mini.call("POST", "/phone", fmt.Sprintf(`{"code":%q,"agree":true,"match":true}`, code), &shown)
	if !shown.Recognised || strings.Contains(shown.Phone, number[3:7]) {
		t.Errorf("%+v", shown)
	}
	if got := balance(); got != 2*each+120 {
		t.Errorf("%d points with the shop's, want %d", got, 2*each+120)
	}

	// He follows the account and comes back to the pages with another phone.
	if err := w.sim.Follow("bob", demoOfficial); err != nil {
		t.Fatal(err)
	}
	again := w.phone(t, "bob", "成都")
	again.scan(w.token(t, g, 1))
	if page, _ := again.get("/points"); !strings.Contains(page, fmt.Sprint(2*each+120)) {
		t.Errorf("the pages show another balance:\n%s", tail(page, 1500))
	}
	var found []struct{ ID string }
	office.call("GET", "/members?phone_tail="+number[len(number)-4:], "", &found)
	if len(found) == 0 {
		t.Fatal("not found by the phone's tail")
	}
	w.onePerson(t, office, found[0].ID)
}

// onePerson looks at the member as an operator does.
func (w *town) onePerson(t *testing.T, office *client, member string) {
	t.Helper()
	var types []string
	eventually(t, "everything in one timeline", func() bool {
		var list []struct{ Type, Channel string }
		office.call("GET", "/members/"+member+"/timeline?limit=100", "", &list)
		types = types[:0]
		for _, e := range list {
			if !slices.Contains(types, e.Type) {
				types = append(types, e.Type)
			}
		}
		slices.Sort(types)
		return strings.Join(types, " ") == "claim follow login scan"
	})
	var who struct {
		Members     []any
		Temperature struct{ Score int }
		Why         struct {
			Reasons []struct {
				Key   struct{ Kind string }
				Steps []struct{ Text string }
			}
		}
	}
	office.call("GET", "/members/"+member+"/identity", "", &who)
	kinds := []string{}
	for _, r := range who.Why.Reasons {
		kinds = append(kinds, r.Key.Kind)
		if len(r.Steps) == 0 || r.Steps[0].Text == "" {
			t.Errorf("no path of evidence to %s", r.Key.Kind)
		}
	}
	slices.Sort(kinds)
	// The first key, the phone, is where the paths begin.
	if got := strings.Join(kinds, " "); got != "crm openid openid unionid" || len(who.Members) != 2 || who.Temperature.Score < 70 {
		t.Errorf("keys %s, %d members, %d degrees", got, len(who.Members), who.Temperature.Score)
	}
	var atlas struct {
		Touchpoints []struct {
			Kind, Scope  string
			Keys, Joined int64
		}
		Joins []struct {
			A, B    string
			People  int64
			Through map[string]int64
		}
		FirstPartyPercent int `json:"first_party_percent"`
	}
	office.call("GET", "/data-map", "", &atlas)
	joined := map[string]bool{}
	for _, p := range atlas.Touchpoints {
		if p.Joined > 0 {
			joined[p.Kind+"/"+p.Scope] = true
		}
	}
	for _, want := range []string{"openid/" + demoOfficial, "openid/" + demoMini, "phone/", "crm/门店"} {
		if !joined[want] {
			t.Errorf("the map does not join %s: %+v", want, atlas.Touchpoints)
		}
	}
	if len(atlas.Joins) == 0 || atlas.FirstPartyPercent == 0 {
		t.Errorf("%+v", atlas)
	}
}
