package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	"siyu/handler/web"
	"siyu/model/clock"
)

// rounds reads the pages of the back office as an operator who is logged in, and what the
// server noted of slow queries.
type rounds struct {
	p      *process
	pool   *sql.DB
	client *http.Client
	slowS  float64
}

// asked is one address to read.
type asked struct{ path string }

type answered struct {
	ask    string
	status int
	bytes  int64
	spent  time.Duration
	slow   []slowQuery
}

type slowQuery struct {
	ms   float64
	rows int64
	text string
}

func newRounds(ctx context.Context, p *process, slowS float64) (*rounds, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	r := &rounds{p: p, pool: p.env.DB.Pool(), client: &http.Client{Jar: jar, Timeout: 2 * time.Minute}, slowS: slowS}
	// Only connections that are opened later know a new long_query_time, and the slow log
	// is the server's: a server of its own loses nothing by it.
	for _, stmt := range []string{"SET GLOBAL log_output = 'TABLE'", fmt.Sprintf("SET GLOBAL long_query_time = %f", slowS), "SET GLOBAL slow_query_log = ON"} {
		if _, err := r.pool.ExecContext(ctx, stmt); err != nil {
			return nil, fmt.Errorf("the slow log needs a user who may turn it on: %w", err)
		}
	}
	r.pool.SetMaxIdleConns(0)
	r.pool.SetMaxIdleConns(8)
	body := strings.NewReader(fmt.Sprintf(`{"login":%q,"password":%q}`, seedLogin, seedPassword))
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.cfg.Addr+"/admin/api/v1/login", body)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", "application/json")
	a, err := r.client.Do(q)
	if err != nil {
		return nil, err
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(a.Body)
		return nil, fmt.Errorf("log-in: %d %.200s", a.StatusCode, text)
	}
	return r, nil
}

// close turns the slow log off again.
func (r *rounds) close() error {
	r.client.CloseIdleConnections()
	_, err := r.pool.Exec("SET GLOBAL slow_query_log = OFF")
	return err
}

// seedRows says which table the id in a path is of, by the segment before it. Where none
// is named, no such row was made and the page answers 404, which reads nothing.
var seedRows = map[string]string{"brands": "brand", "accounts": "account WHERE kind = 'official'", "products": "product", "batches": "batch", "campaigns": "campaign", "campaign": "campaign",
	"payouts": "payout", "members": "member", "leaders": "leader", "groups": "community", "rights": "rights_request", "operators": "operator", "reviews": "identity_review",
	"accruals": "commission_accrual WHERE state = 'settled'", "rules": "commission_rule", "statements": "commission_statement", "withdrawals": "withdrawal WHERE payout_id <> 0",
	"cases": "fraud_case", "diversions": "diversion", "live-codes": "live_code", "leader-tasks": "leader_task", "batch-requests": "batch_request", "dead": "event_dead", "days": "recon_day",
	"people": "member", "segment-lists": "segment_list", "tag-categories": "tag_category"}

// seedRowsOf are the rows of what has pages unlike each other: the largest in each state.
var seedRowsOf = map[string]string{
	"segments": "(SELECT segment_id FROM segment_now ORDER BY count DESC LIMIT 2) UNION (SELECT MIN(id) FROM segment WHERE state = 'archived')",
	"tags":     "SELECT (SELECT id FROM tag WHERE kind = x.kind AND state = x.state ORDER BY people DESC, id LIMIT 1) FROM (SELECT DISTINCT kind, state FROM tag) x",
	"pushes": "(SELECT id FROM push WHERE state = 'done' ORDER BY people DESC LIMIT 2) UNION " +
		"SELECT (SELECT id FROM push WHERE state = x.state ORDER BY people DESC, id LIMIT 1) FROM (SELECT DISTINCT state FROM push) x",
}

var pathID = regexp.MustCompile(`/([a-z-]+)/:id`)

// asks makes the addresses: each GET route with what it needs, with each of its filters (or
// every two of them) and with its total.
func (r *rounds) asks(ctx context.Context, only string, pairs bool) ([]asked, error) {
	known, err := r.known(ctx)
	if err != nil {
		return nil, err
	}
	a, err := r.p.audiences()
	if err != nil {
		return nil, err
	}
	var list []asked
	for _, route := range a.Routes() {
		if route.Method != http.MethodGet || !strings.HasPrefix(route.Path, "/admin/api/") || !strings.Contains(route.Path, only) || route.Doc.Types != nil && route.Doc.Out == nil || strings.Contains(route.Path, "/file") {
			continue
		}
		path := strings.Replace(route.Path, "/:object/:id", "/campaign/:id", 1)
		paths := []string{path}
		if m := pathID.FindStringSubmatch(path); m != nil {
			ids, err := r.rowsOf(ctx, m[1])
			if err != nil {
				return nil, err
			}
			paths = nil
			for _, row := range ids {
				paths = append(paths, strings.Replace(path, ":id", row, 1))
			}
		}
		for _, path := range paths {
			if !strings.Contains(path, ":") {
				list = append(list, r.variants(route, path, known, pairs)...)
			}
		}
	}
	return list, nil
}

// rowsOf are the rows whose pages are read.
func (r *rounds) rowsOf(ctx context.Context, segment string) (ids []string, err error) {
	stmt := seedRowsOf[segment]
	if stmt == "" {
		row, err := r.first(ctx, segment)
		return []string{row}, err
	}
	rows, err := r.pool.QueryContext(ctx, stmt)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var row sql.NullString
		if err := rows.Scan(&row); err != nil {
			return nil, err
		}
		if row.Valid {
			ids = append(ids, row.String)
		}
	}
	return ids, rows.Err()
}

// first is a row of a table, "1" when there is none.
func (r *rounds) first(ctx context.Context, segment string) (row string, err error) {
	table := seedRows[segment]
	if table == "" {
		return "1", nil
	}
	order := ""
	if table == "member" { // who is busy
		order = " ORDER BY created_at"
	}
	err = r.pool.QueryRowContext(ctx, "SELECT id FROM "+table+order+" LIMIT 1").Scan(&row)
	if errors.Is(err, sql.ErrNoRows) {
		return "1", nil
	}
	return row, err
}

// known are the values for names of the query.
func (r *rounds) known(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	for name, stmt := range map[string]string{
		"brand_id":    "SELECT id FROM brand LIMIT 1",
		"member_id":   "SELECT id FROM member ORDER BY created_at LIMIT 1",
		"referrer_id": "SELECT id FROM member ORDER BY created_at LIMIT 1",
		"member":      "SELECT id FROM member ORDER BY created_at LIMIT 1",
		"product_id":  "SELECT id FROM product LIMIT 1",
		"batch_id":    "SELECT id FROM batch LIMIT 1",
		"campaign_id": "SELECT id FROM campaign LIMIT 1",
		"account_id":  "SELECT id FROM account WHERE kind = 'merchant' LIMIT 1",
		"segment_id":  "SELECT COALESCE((SELECT segment_id FROM segment_now ORDER BY count DESC LIMIT 1), 1)",
		"product_ids": "SELECT MIN(id) FROM product", "other_product_ids": "SELECT MAX(id) FROM product",
		"leader_id":   "SELECT COALESCE(MIN(id), 1) FROM leader",
		"rule_id":     "SELECT id FROM commission_rule WHERE used > 0 LIMIT 1",
		"earner_id":   "SELECT earner_id FROM commission_statement GROUP BY earner_id ORDER BY COUNT(*) DESC LIMIT 1",
		"referee_id":  "SELECT COALESCE(MAX(referee_id), 1) FROM commission_accrual",
		"serial":      "SELECT 1",
		"openid":      "SELECT value FROM identity_key WHERE kind = 'openid' LIMIT 1",
		"phone_tail":  "SELECT tail FROM phone LIMIT 1",
		"city":        "SELECT '上海'",
		"province":    "SELECT '上海市'",
		"q":           "SELECT '酱油'",
		"owner_id":    "SELECT id FROM brand LIMIT 1",
		"tree":        "SELECT '" + seedRule + "'",
		"kind":        "SELECT 'funds'",
		"after":       "SELECT 4611686018427387904", // in the middle of all ids
		"from_serial": "SELECT 1", "until_serial": "SELECT 100",
	} {
		var v string
		if err := r.pool.QueryRowContext(ctx, stmt).Scan(&v); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = v
	}
	return out, nil
}

// seedRule is a rule over what people did and are, of the kind that reads the most.
const seedRule = `{"v":1,"root":{"all":[{"did":{"what":"bought","op":"gte","values":[2],"within_days":90}},{"not":{"did":{"what":"scan","op":"gte","values":[1],"within_days":7}}},{"attr":{"name":"tier_level","op":"gte","values":["1"]}}]}}`

// moments are the ways in which routes write times and days; the wrong ones are refused
// before anything is read.
func moments(name string, now clock.Instant) []string {
	at := now
	switch {
	case name == "month":
		return []string{now.Time().Format("200601"), now.Time().Format("2006-01")}
	case name == "day" || strings.HasSuffix(name, "until") || strings.HasPrefix(name, "until"):
	case strings.HasSuffix(name, "from") || strings.HasPrefix(name, "from_at"):
		at = now.Add(-30 * 24 * time.Hour)
	default:
		return nil
	}
	return []string{at.String(), at.Time().Format("2006-01-02"), at.Time().Format("20060102")}
}

// variants are a route's addresses: with what it needs, with each of its filters, with its
// total. Where a time is needed, they are written in every way.
func (r *rounds) variants(route web.Route, path string, known map[string]string, pairs bool) []asked {
	now := r.p.env.Clock.Now()
	valuesOf := func(p web.Parameter) []string {
		if len(p.Choices) > 0 {
			return p.Choices
		}
		if v := known[p.Name]; v != "" {
			return []string{v}
		}
		return moments(p.Name, now)
	}
	seen, list := map[string]bool{}, []asked{}
	for way := range 3 {
		base := url.Values{}
		for _, p := range route.Doc.Query {
			if v := valuesOf(p); p.Required && len(v) > 0 {
				base.Set(p.Name, v[min(way, len(v)-1)])
			}
		}
		if !route.Doc.Said { // nothing is told of it: most lists are a brand's or a member's
			base.Set("brand_id", known["brand_id"])
			base.Set("member_id", known["member_id"])
		}
		add := func(filters ...string) { // name, value, ...
			q := url.Values{}
			for k := range base {
				q.Set(k, base.Get(k))
			}
			for i := 0; i < len(filters); i += 2 {
				q.Set(filters[i], filters[i+1])
			}
			if to := path + "?" + q.Encode(); !seen[to] {
				seen[to] = true
				list = append(list, asked{to})
			}
		}
		add()
		for i, p := range route.Doc.Query {
			if p.Required {
				continue
			}
			for _, v := range valuesOf(p) {
				add(p.Name, v)
				for _, other := range route.Doc.Query[i+1:] {
					if !pairs || other.Required {
						continue
					}
					for _, w := range valuesOf(other) {
						add(p.Name, v, other.Name, w)
					}
				}
			}
		}
		if route.Doc.Counted {
			add("total", "1")
		}
	}
	return list
}

var nextPage = regexp.MustCompile(`"next":"([^"]+)"`)

// round reads every address, and of each list the page after it.
func (r *rounds) round(ctx context.Context, list []asked) ([]answered, error) {
	var out []answered
	for _, a := range list {
		one, body, err := r.read(ctx, a.path)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
		if m := nextPage.FindSubmatch(body); m != nil && one.status == http.StatusOK {
			if one, _, err = r.read(ctx, a.path+"&before="+url.QueryEscape(string(m[1]))); err != nil {
				return nil, err
			}
			out = append(out, one)
		}
	}
	return out, nil
}

func (r *rounds) read(ctx context.Context, path string) (answered, []byte, error) {
	if _, err := r.pool.ExecContext(ctx, "TRUNCATE TABLE mysql.slow_log"); err != nil {
		return answered{}, nil, err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.p.cfg.Addr+path, nil)
	if err != nil {
		return answered{}, nil, err
	}
	begun := clock.Wall()
	one, body := answered{ask: path, status: http.StatusGatewayTimeout}, []byte(nil)
	if a, err := r.client.Do(q); err == nil {
		defer a.Body.Close()
		if body, err = io.ReadAll(a.Body); err == nil {
			one.status, one.bytes = a.StatusCode, int64(len(body))
		}
	} else if ctx.Err() != nil {
		return one, nil, ctx.Err()
	}
	one.spent = clock.Wall().Sub(begun)
	rows, err := r.pool.QueryContext(ctx, "SELECT TIME_TO_SEC(query_time) * 1000 + MICROSECOND(query_time) / 1000, rows_examined, CONVERT(sql_text USING utf8mb4) FROM mysql.slow_log WHERE db = DATABASE() AND CONVERT(sql_text USING utf8mb4) <> 'TRUNCATE TABLE mysql.slow_log'")
	if err != nil {
		return one, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s slowQuery
		if err := rows.Scan(&s.ms, &s.rows, &s.text); err != nil {
			return one, nil, err
		}
		if len(s.text) > 1500 {
			s.text = s.text[:1500] + " …"
		}
		one.slow = append(one.slow, s)
	}
	return one, body, rows.Err()
}
