package admin_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"siyu/model/clock"
	"siyu/model/code/picture"
	"siyu/model/db"
	"siyu/model/db/dbtest"
	"siyu/model/fault"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/member"
	"siyu/model/operator"
	"siyu/model/seal"
)

// nobodyLeads plays the leaders and their people: there are none.
type nobodyLeads struct{ *member.Store }

func (nobodyLeads) Leader(context.Context, id.ID) (group.Leader, error) {
	return group.Leader{}, fault.New(fault.NotFound, "leader_not_found", "没有这位群主")
}

func (nobodyLeads) Leaders(context.Context, id.ID, id.ID, int) ([]group.Leader, error) {
	return nil, nil
}

func (nobodyLeads) CountLeaders(context.Context, id.ID) (int, bool, error) {
	return 0, false, nil
}

func (nobodyLeads) ActiveAmong(context.Context, id.ID, []id.ID) (map[id.ID]bool, error) {
	return nil, nil
}

func (nobodyLeads) Circle(context.Context, id.ID, id.ID) (group.Circle, error) {
	return group.Circle{}, nil
}

func (nobodyLeads) Brought(context.Context, id.ID, id.ID, int) ([]group.Person, error) {
	return nil, nil
}

func (nobodyLeads) ActiveSince(context.Context, []id.ID, clock.Instant) (int, error) { return 0, nil }

func (nobodyLeads) Cities(context.Context, []id.ID) (map[id.ID]string, error) { return nil, nil }

func newGroups(d *db.DB, box *seal.Box, members *member.Store) *group.Store {
	w := nobodyLeads{members}
	return group.New(group.Deps{DB: d, Box: box, Leaders: w, Referrals: w, People: w})
}

// qrForm is an upload of a picture of a code.
func qrForm(t *testing.T, content string) string {
	t.Helper()
	body := []byte(content)
	if strings.HasPrefix(content, "https://") {
		var err error
		if body, err = picture.Single(content, 300); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.SetBoundary(boundary)
	part, err := w.CreateFormFile("file", "qr.png")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(body)
	_ = w.Close()
	return b.String()
}

func (o *office) newGroup(name string) named {
	o.t.Helper()
	return o.must("POST", "/groups", `{"brand_id":"`+o.brand.ID.String()+`","name":"`+name+`"}`)
}

func (o *office) newLiveCode(groups ...named) named {
	o.t.Helper()
	var list []string
	for _, g := range groups {
		list = append(list, `{"community_id":"`+g.ID.String()+`"}`)
	}
	return o.must("POST", "/live-codes", `{"brand_id":"`+o.brand.ID.String()+`","name":"门店海报","targets":[`+strings.Join(list, ",")+`]}`)
}

// groupsKeyed are the writes of communities for TestRetries.
func (o *office) groupsKeyed() map[string]retry {
	brand := `{"brand_id":"` + o.brand.ID.String() + `",`
	a, b, c := o.newGroup("甲群"), o.newGroup("乙群"), o.newGroup("丙群")
	o.must("POST", "/groups/"+c.ID.String()+"/close", `{"reason":"停用"}`)
	l := o.newLiveCode(a)
	t := o.must("POST", "/group-templates", brand+`"name":"模板"}`)
	if err := o.deps.Groups.Watch(context.Background()); err != nil { // the code leads nowhere: an alarm
		o.t.Fatal(err)
	}
	alarms, err := o.deps.Groups.Alarms(context.Background(), group.AlarmFilter{BrandID: o.brand.ID})
	if err != nil || len(alarms) != 1 {
		o.t.Fatal(alarms, err)
	}
	at := func(kind string, n named, tail string) string { return "/" + kind + "/" + n.ID.String() + tail }
	return map[string]retry{
		"POST /groups":                    {"/groups", brand + `"name":"新群"}`, brand + `"name":"别的群"}`},
		"PUT /groups/:id":                 {at("groups", a, ""), `{"name":"改名"}`, `{"name":"再改名"}`},
		"PUT /groups/:id/size":            {at("groups", a, "/size"), `{"size":5}`, `{"size":6}`},
		"PUT /groups/:id/qr":              {at("groups", b, "/qr"), qrForm(o.t, "https://weixin.qq.com/g/AwYAAOne"), qrForm(o.t, "https://weixin.qq.com/g/AwYAATwo")},
		"POST /groups/:id/close":          {at("groups", b, "/close"), `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /groups/:id/reopen":         {at("groups", c, "/reopen"), `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /group-templates":           {"/group-templates", brand + `"name":"一"}`, brand + `"name":"二"}`},
		"PUT /group-templates/:id":        {at("group-templates", t, ""), `{"name":"一","tasks":["问好"]}`, `{"name":"二"}`},
		"POST /group-templates/:id/clone": {at("group-templates", t, "/clone"), `{"name":"克隆"}`, `{"name":"再克隆"}`},
		"POST /group-alarms/:id/done":     {"/group-alarms/" + alarms[0].ID.String() + "/done", `{"note":"知道了"}`, `{"note":"好"}`},
		"PUT /brands/:id/group-policy":    {at("brands", o.brand, "/group-policy"), `{"warn_hours":12}`, `{"warn_hours":13}`},
		"POST /live-codes":                {"/live-codes", brand + `"name":"一"}`, brand + `"name":"二"}`},
		"PUT /live-codes/:id":             {at("live-codes", l, ""), `{"name":"改"}`, `{"name":"再改"}`},
		"POST /live-codes/:id/pause":      {at("live-codes", l, "/pause"), `{"reason":"a"}`, `{"reason":"b"}`},
		"POST /live-codes/:id/resume":     {at("live-codes", l, "/resume"), `{"reason":"a"}`, `{"reason":"b"}`},
	}
}

func TestGroups(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clk *clock.Fake) {
		o := newOffice(t, d, clk)
		g := o.newGroup("甲群")
		path := "/groups/" + g.ID.String()
		l := o.newLiveCode(g)

		t.Run("a picture's code is read, and what is none is refused with the reason", func(t *testing.T) {
			for code, form := range map[string]string{
				"qr_foreign": qrForm(t, "https://u.wechat.com/abc"), "qr_picture": qrForm(t, "not a picture"), "upload_form": "--" + boundary + "--\r\n",
				"body_too_large": qrForm(t, strings.Repeat("x", group.MaxPicture+1)),
			} {
				if a := o.root.do("PUT", path+"/qr", form); a.Error.Code != code || a.Error.Message == "" {
					t.Errorf("%s: %d %s", code, a.Status, a.Raw)
				}
			}
			var c group.Community
			o.root.do("PUT", path+"/qr", qrForm(t, "https://weixin.qq.com/g/AwYAAXyz")).into(t, &c)
			if c.QR != "https://weixin.qq.com/g/AwYAAXyz" || c.QRExpiresAt.Sub(clk.Now()).Hours() != 7*24 {
				t.Fatalf("%+v", c)
			}
		})
		t.Run("the printed picture reads as the code's address", func(t *testing.T) {
			var view struct{ URL string }
			o.root.do("GET", "/live-codes/"+l.ID.String(), "").into(t, &view)
			dir := t.TempDir()
			for _, format := range []string{"png", "svg"} {
				a := o.root.do("GET", "/live-codes/"+l.ID.String()+"/picture?format="+format, "")
				file := filepath.Join(dir, "code."+format)
				if err := os.WriteFile(file, []byte(a.Raw), 0o600); err != nil {
					t.Fatal(err)
				}
				if format == "svg" {
					if out, err := exec.Command("rsvg-convert", "--dpi-x", "300", "--dpi-y", "300", "-o", file+".png", file).CombinedOutput(); err != nil {
						t.Fatalf("%v %s", err, out)
					}
					file += ".png"
				}
				out, err := exec.Command("zbarimg", "--quiet", "--raw", "--set", "disable", "--set", "qrcode.enable", file).Output()
				if got := strings.TrimSpace(string(out)); err != nil || got != view.URL || !strings.HasPrefix(got, "https://q.laojing.cn/g/") {
					t.Fatalf("%s: %v %q, want %q", format, err, got, view.URL)
				}
			}
			if a := o.root.do("GET", "/live-codes/"+l.ID.String()+"/picture?format=exe", ""); a.Error.Code != "bad_field" {
				t.Fatal(a.Raw)
			}
		})
		t.Run("a switch is visible in the statistics", func(t *testing.T) {
			code, err := o.deps.Groups.Code(context.Background(), l.ID)
			if err != nil {
				t.Fatal(err)
			}
			who, err := o.deps.Members.Of(context.Background(), d.NewID())
			if err != nil {
				t.Fatal(err)
			}
			if a, err := o.deps.Groups.Resolve(context.Background(), code.Token, group.Visitor{MemberID: who.ID}, clk.Now()); err != nil || !a.OK {
				t.Fatal(a, err)
			}
			clk.Advance(time.Second)
			o.must("POST", path+"/close", `{"reason":"解散"}`)
			clk.Advance(time.Second)
			var st group.Stats
			o.root.do("GET", "/live-codes/"+l.ID.String()+"/stats", "").into(t, &st)
			if st.Total.Handed != 1 || st.Total.Visitors != 1 || len(st.Targets) != 1 || st.Targets[0].Name != "甲群" || st.Switches[len(st.Switches)-1].Cause != group.Closed {
				t.Fatalf("%+v", st)
			}
			if a := o.root.do("GET", "/live-codes/"+l.ID.String()+"/stats?from=gestern", ""); a.Error.Code != "bad_field" {
				t.Fatal(a.Raw)
			}
		})
		t.Run("who may only read changes nothing", func(t *testing.T) {
			p := o.as(t, "analyst-1", operator.Analyst)
			if a := p.do("PUT", path+"/size", `{"size":1}`); a.Error.Code != "no_permission" {
				t.Fatal(a.Raw)
			}
			if a := p.do("GET", path, ""); a.Status != 200 {
				t.Fatal(a.Raw)
			}
		})
		t.Run("lists and details answer", func(t *testing.T) {
			q := "?brand_id=" + o.brand.ID.String()
			for _, p := range []string{"/groups" + q + "&name=甲", "/group-templates" + q, "/live-codes" + q, "/group-alarms" + q, "/group-capacity" + q, path, path + "/health", "/brands/" + o.brand.ID.String() + "/group-policy"} {
				if a := o.root.do("GET", p, ""); a.Status != 200 {
					t.Errorf("%s: %d %s", p, a.Status, a.Raw)
				}
			}
			if a := o.root.do("POST", "/groups", `{"name":"无品牌"}`); a.Error.Code != "brand_id" {
				t.Fatal(a.Raw)
			}
			if a := o.root.do("PUT", path+"/size", `{}`); a.Error.Code != "community" {
				t.Fatal(a.Raw)
			}
		})
	})
}
