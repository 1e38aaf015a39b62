package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/hibiken/asynq"

	"siyu/job"
	"siyu/model/brand"
	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/id"
	"siyu/model/push"
	"siyu/model/reach"
	"siyu/model/rule"
	"siyu/model/segment"
	"siyu/wechat"
)

// benchPush measures messages from a segment to a sink over HTTP: the audience written
// down, a place in the reach ledger and a commit before every call, its outcome after.
// Bare Asynq tasks that make the same call by the same client are what any such program
// could reach at most.
func benchPush(ctx context.Context, args []string, out io.Writer) (err error) {
	f := flag.NewFlagSet("siyu bench push", flag.ContinueOnError)
	f.SetOutput(out)
	o := worldOptions{codes: 10, rail: brand.RailTransfer, payApp: demoMini}
	o.flags(f)
	people := f.Int("people", 10_000, "people of the segment, and tasks of bare Asynq, up to 1000000")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *people < 1 || *people > 1_000_000 {
		return errors.New("--people must be 1 to 1000000")
	}
	dir, err := os.MkdirTemp("", "siyu-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if own, stop, err := startRedis(ctx, dir); err == nil {
		o.redis = own
		defer func() { err = errors.Join(err, stop()) }()
	} else {
		fmt.Fprintf(out, "no Redis: %v; measuring with the one inside the program\n", err)
	}
	return inWorld(ctx, o, func(ctx context.Context, w *benchWorld) error {
		s, err := newSink()
		if err != nil {
			return err
		}
		defer s.close()
		if w.wechat, err = wechat.New(wechat.Options{Hosts: s.hosts(), Timeout: 10 * time.Second, Tokens: tokens{brand.NewTokens(w.env.DB, w.env.Box)}, Now: func() time.Time { return w.env.Clock.Now().Time() }}); err != nil {
			return err
		}
		c := &pushCrowd{environment: w.env}
		if err := c.plant(ctx, *people); err != nil {
			return fmt.Errorf("people: %w", err)
		}
		enqueued, handled, err := bareMessages(ctx, w, c, *people)
		if err != nil {
			return fmt.Errorf("bare asynq: %w", err)
		}
		if got := s.calls.Swap(0); got != int64(*people) {
			return fmt.Errorf("bare asynq made %d calls", got)
		}
		x, err := w.tell(ctx, c, int64(*people))
		if err != nil {
			return err
		}
		if got := s.calls.Load(); got != int64(*people) {
			return fmt.Errorf("%d messages for %d people", got, *people)
		}
		t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(t, "%s, pushes\tnumber\tseconds\tper second\t\n", o.engine)
		n := float64(*people)
		for _, l := range []struct {
			name    string
			seconds float64
		}{{"Asynq: put into the queue", enqueued}, {"Asynq: tasks with the same call done", handled}, {"audience found and written down", x.frozen}, {"messages sent and booked", x.sent}} {
			fmt.Fprintf(t, "%s\t%d\t%.2f\t%.0f\t\n", l.name, *people, l.seconds, n/l.seconds)
		}
		if err := t.Flush(); err != nil {
			return err
		}
		cost := ""
		if x.asked.commits > 0 { // a server counts what it is asked
			fmt.Fprintf(out, "a message sent and booked: %.2f statements and %.4f commits, with all that is told of it\n", x.asked.statements/n, x.asked.commits/n)
			cost = fmt.Sprintf(" statements=%.2f commits=%.4f", x.asked.statements/n, x.asked.commits/n)
		}
		perSecond, bare := n/(x.frozen+x.sent), n/(enqueued+handled)
		_, err = fmt.Fprintf(out, "push people=%d messages_per_s=%.0f sent_per_s=%.0f asynq_per_s=%.0f ratio=%.3f%s\n", *people, perSecond, n/x.sent, bare, perSecond/bare, cost)
		return err
	})
}

// questions are what a server of MySQL's protocol was asked since it started; SQLite
// counts nothing.
type questions struct {
	statements, commits float64
}

func (w *benchWorld) asked(ctx context.Context) (a questions, err error) {
	if w.env.DB.Driver() != db.MySQL {
		return a, nil
	}
	var rows []struct {
		Name  string  `gorm:"column:Variable_name"`
		Value float64 `gorm:"column:Value"`
	}
	err = w.env.DB.Read(ctx).Raw("SHOW GLOBAL STATUS WHERE Variable_name IN ('Questions', 'Com_commit')").Scan(&rows).Error
	for _, r := range rows {
		if r.Name == "Questions" {
			a.statements = r.Value
		} else {
			a.commits = r.Value
		}
	}
	return a, err
}

// sink plays WeChat: it takes every message at once.
type sink struct {
	url    string
	server *http.Server
	calls  atomic.Int64
}

func newSink() (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{url: "http://" + l.Addr().String()}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // ends by close
	return s, nil
}

func (s *sink) close() { _ = s.server.Close() }

func (s *sink) hosts() wechat.Hosts {
	return wechat.Hosts{API: s.url, MP: s.url, Open: s.url, Pay: s.url, QyAPI: s.url, Res: s.url}
}

// ServeHTTP implements http.Handler.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // loopback; a broken body is a broken bench and shows in the count
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path != "/cgi-bin/message/custom/send" {
		fmt.Fprint(w, `{"access_token":"T","expires_in":7200}`)
		return
	}
	s.calls.Add(1)
	fmt.Fprint(w, `{"errcode":0,"errmsg":"ok"}`)
}

// bareMessages puts a task for each person into a queue and lets as many workers as ours
// make the calls.
func bareMessages(ctx context.Context, w *benchWorld, c *pushCrowd, n int) (enqueued, handled float64, err error) {
	app, err := accounts{w.env.Brands, w.cfg.PublicURL}.AppOf(ctx, c.account)
	if err != nil {
		return 0, 0, err
	}
	conf := job.ServerConfig(workers, w.log)
	conf.Queues = map[string]int{"bench": 1}
	server := asynq.NewServer(w.queue.opt, conf)
	begun := clock.Wall()
	for i := range n {
		if _, err := w.queue.client.EnqueueContext(ctx, asynq.NewTask("bench", []byte(strconv.Itoa(i))), asynq.Queue("bench"), asynq.MaxRetry(0), asynq.TaskID(strconv.Itoa(i))); err != nil {
			return 0, 0, err
		}
	}
	enqueued = clock.Wall().Sub(begun).Seconds()
	var left atomic.Int64
	left.Store(int64(n))
	done := make(chan struct{})
	begun = clock.Wall()
	if err := server.Start(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		i, err := strconv.Atoi(string(task.Payload()))
		if err == nil {
			err = w.wechat.SendText(ctx, app, crowdOpenID(i), "您定的镜片已到店："+w.cfg.PublicURL+"/l/"+w.env.Pushes.Token(id.ID(i), 1))
		}
		if left.Add(-1) == 0 {
			close(done)
		}
		return err
	})); err != nil {
		return 0, 0, err
	}
	defer server.Shutdown()
	select {
	case <-done:
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	return enqueued, clock.Wall().Sub(begun).Seconds(), nil
}

// told is how long a push took, in seconds, and what the database was asked while its
// messages were sent.
type told struct {
	frozen, sent float64
	asked        questions
}

// tell starts a push to everybody with the program's own relay and workers, and waits
// until every message is booked as sent.
func (w *benchWorld) tell(ctx context.Context, c *pushCrowd, people int64) (x told, err error) {
	var wg sync.WaitGroup
	stop, err := w.work(ctx, &wg)
	if err != nil {
		return x, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	defer wg.Wait()
	defer stop()
	begun := clock.Wall()
	p, err := c.begin(ctx)
	if err != nil {
		return x, err
	}
	var before questions
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return x, fmt.Errorf("not every message was sent: %w", ctx.Err())
		case <-look.C:
		}
		if p, err = w.env.Pushes.Get(ctx, p.ID); err != nil {
			return x, err
		}
		if p.FrozenAt != 0 && x.frozen == 0 {
			x.frozen = clock.Wall().Sub(begun).Seconds()
			if before, err = w.asked(ctx); err != nil {
				return x, err
			}
		}
		if p.State == push.Running {
			continue
		}
		x.sent = clock.Wall().Sub(begun).Seconds() - x.frozen
		after, err := w.asked(ctx)
		if err != nil {
			return x, err
		}
		x.asked = questions{after.statements - before.statements, after.commits - before.commits}
		n, err := w.env.Pushes.Numbers(ctx, p.ID)
		if err == nil && n.Sent != people {
			err = fmt.Errorf("push ended as %s: %+v", p.State, n)
		}
		return x, err
	}
}

// pushCrowd is a brand whose people all have an open customer-service window.
type pushCrowd struct {
	*environment
	brand   brand.Brand
	account brand.Account
	segment segment.Segment
}

const crowdApp = "wxdeadbeef00000007"

func crowdOpenID(i int) string { return fmt.Sprintf("o%027d", i) }

// plant writes n people into the database, with what they did and their windows, and a
// segment of all of them.
func (c *pushCrowd) plant(ctx context.Context, n int) (err error) {
	if c.brand, err = c.Brands.Create(ctx, brand.Brand{Slug: "crowd", Name: "明眸", CodeHost: "crowd.example.cn"}); err != nil {
		return err
	}
	if c.account, err = c.Brands.SaveAccount(ctx, brand.Account{BrandID: c.brand.ID, Kind: brand.Official, AppID: crowdApp, Name: "明眸", CallbackSlug: "crowd"},
		brand.Secrets{AppSecret: "secret", Token: "token"}); err != nil {
		return err
	}
	for from := 0; from < n; from += 1000 {
		if err := c.plantSome(ctx, from, min(from+1000, n)); err != nil {
			return err
		}
	}
	for more := true; more; {
		if more, err = c.Segments.Refresh(ctx); err != nil {
			return err
		}
	}
	c.segment, err = c.Segments.Create(ctx, segment.Draft{BrandID: c.brand.ID, Name: "全部用户", Tree: rule.Tree{V: rule.Version, Root: rule.Node{All: []rule.Node{}}}}, 1)
	return err
}

func (c *pushCrowd) plantSome(ctx context.Context, from, until int) error {
	now, d := c.Clock.Now(), c.DB
	persons, members := db.NewRows("person", "id, created_at"), db.NewRows("member", "id, person_id, state, created_at")
	keys := db.NewRows("identity_key", "kind, scope, value, person_id, created_at, seen_at")
	follows := db.NewRows("follower", "account_id, openid, member_id, following, scene, changed_at")
	events := db.NewRows("event", "id, event_key, type, brand_id, member_id, channel, at, received_at, body")
	windows := db.NewRows("reach_window", "account_id, openid, deed, member_id, opened_at, until_at, left_n")
	contacts := db.NewRows("reach_contact", "account_id, openid, member_id, version, closed_at, gone_at, blocked_at")
	var list []id.ID
	for i := from; i < until; i++ {
		person, m, openID := d.NewID(), d.NewID(), crowdOpenID(i)
		list = append(list, m)
		persons.Add(person, now)
		members.Add(m, person, "active", now)
		keys.Add("openid", crowdApp, openID, person, now, now)
		follows.Add(c.account.ID, openID, m, 1, "", now)
		events.Add(d.NewID(), "crowd:"+openID, "scan", c.brand.ID, m, "h5", now, now, []byte("{}"))
		windows.Add(c.account.ID, openID, "message", m, now, now.Add(48*time.Hour), 5)
		contacts.Add(c.account.ID, openID, m, 0, 0, 0, 0)
	}
	for _, rows := range []*db.Rows{persons, members, keys, follows, events, windows, contacts} {
		if _, err := rows.Insert(ctx, d.Read(ctx), ""); err != nil { // nothing else runs yet
			return err
		}
	}
	return c.Segments.Note(ctx, segment.PartAll, list...)
}

// begin starts a service notice to everybody, with the second person's yes.
func (c *pushCrowd) begin(ctx context.Context) (push.Push, error) {
	f := push.Form{BrandID: c.brand.ID, Name: "镜片到店", Purpose: reach.Service, SegmentID: c.segment.ID, Timing: push.Now,
		Body: push.Body{Uses: []reach.Use{{Channel: reach.Custom, AccountID: c.account.ID}}, Links: []push.Link{{Title: "取货", URL: "https://shop.example.cn/pick"}},
			Arms: []push.Arm{{Name: "A", Weight: 1, Contents: []push.Content{{Text: "您定的镜片已到店：{链接1}"}}}}}}
	if _, err := c.Pushes.SetPolicy(ctx, push.Policy{BrandID: c.brand.ID, ApprovalPeople: 1000, PerSecond: 5000, GiveUpHours: 24}); err != nil {
		return push.Push{}, err
	}
	x, err := c.Pushes.Create(ctx, f, 1)
	if err == nil {
		x, err = c.Pushes.Submit(ctx, x.ID, 1)
	}
	if err == nil {
		x, err = c.Pushes.Approve(ctx, x.ID, x.Version, 2)
	}
	if err == nil {
		x, err = c.Pushes.Start(ctx, x.ID, 1)
	}
	return x, err
}
