// Package progress is one view over everything that takes long and that somebody waits
// for (任务中心): print files, lists that were taken out, imports of members, lists of
// teams, tags for everybody, messages to many, copies of personal data; and what the house itself goes through.
//
// It owns the table job_seen: until when an operator has seen what became of his jobs.
// The jobs themselves belong to their contexts, which alone move them; this package reads
// their rows. Jobs are ordered by when they were asked for, newest first.
package progress

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// States, whatever the owner calls them.
const (
	Waiting   = "waiting"
	Running   = "running"
	Paused    = "paused"
	Attention = "attention" // waits for a person
	Done      = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
	Expired   = "expired" // done, and its files are deleted
)

// Job is one line of the job centre.
type Job struct {
	ID         id.ID         `json:"id"`
	Source     string        `json:"source"` // extract, export, import, team, tag, push, copy; of the house: check, wecom
	Kind       string        `json:"kind"`   // as the owner calls it: members, csv, chats …
	Name       string        `json:"name"`   // what it is about: a batch, a file, a reason
	BrandID    id.ID         `json:"brand_id"`
	ByID       id.ID         `json:"by_id"`
	By         string        `json:"by"`
	State      string        `json:"state"`
	Done       int64         `json:"done"`
	Total      int64         `json:"total"`        // 0: not known
	PerSecond  int64         `json:"per_second"`   // of one that runs; 0: not known
	ETASeconds int64         `json:"eta_s"`        // -1: not known
	Error      string        `json:"error"`        // zh-CN
	Result     int64         `json:"result_count"` // what came of it: rows in the file, rows imported, nodes put right
	Bytes      int64         `json:"bytes"`
	CreatedAt  clock.Instant `json:"created_at"`
	StartedAt  clock.Instant `json:"started_at"`
	FinishedAt clock.Instant `json:"finished_at"`
	ExpiresAt  clock.Instant `json:"expires_at"`
}

// Open tells whether the job still goes on by itself.
func (j Job) Open() bool { return j.State == Waiting || j.State == Running }

// source reads the jobs of one context. All columns of Job that SQL knows are named; by is
// whose they are.
type source struct {
	name   string
	sql    string // without WHERE; t is the table
	by     string
	fixed  string
	states map[string]string // the owner's to ours; others are the same
}

func sources() []source {
	return []source{
		{name: "extract", by: "t.by_id",
			sql:    "SELECT t.id, t.kind, t.reason AS name, 0 AS brand_id, t.by_id, t.state, t.seen AS done, t.total, t.done AS result, t.bytes, t.error, t.created_at, t.started_at, t.finished_at, t.expires_at FROM extract t",
			states: map[string]string{"ready": Done}},
		{name: "export", by: "t.created_by",
			sql:    "SELECT t.id, t.kind, b.name, t.brand_id, t.created_by AS by_id, t.state, t.done, t.until_serial - t.from_serial AS total, t.done AS result, 0 AS bytes, t.error, t.created_at, t.started_at, t.finished_at, t.expires_at FROM export t LEFT JOIN batch b ON b.id = t.batch_id",
			states: map[string]string{"ready": Done}},
		{name: "import", by: "t.created_by",
			sql:    "SELECT t.id, t.format AS kind, t.name, t.brand_id, t.created_by AS by_id, t.state, t.done_rows AS done, t.total_rows AS total, CASE WHEN t.started_at > 0 AND t.state NOT IN ('undoing', 'undone') THEN t.new_rows + t.old_rows ELSE 0 END AS result, t.bytes, t.error, t.created_at, t.started_at, t.finished_at, 0 AS expires_at FROM crm_import t",
			states: map[string]string{"receiving": Waiting, "received": Attention, "checking": Running, "checked": Attention, "undoing": Running, "undone": Cancelled}},
		{name: "team", by: "t.by_id",
			sql:    "SELECT t.id, 'team' AS kind, t.reason AS name, t.brand_id, t.by_id, t.state, t.done, t.total, t.done AS result, 0 AS bytes, '' AS error, t.created_at, t.created_at AS started_at, t.finished_at, t.expires_at FROM referral_export t",
			states: map[string]string{"waiting": Running, "ready": Done}},
		{name: "tag", by: "t.by_id", fixed: "t.by_id <> 0",
			sql: "SELECT t.id, t.kind, g.name, t.brand_id, t.by_id, t.state, t.done, t.total, t.moved AS result, 0 AS bytes, t.error, t.created_at, t.started_at, t.finished_at, 0 AS expires_at FROM tag_run t LEFT JOIN tag g ON g.id = t.tag_id"},
		{name: "push", by: "CASE WHEN t.started_by <> 0 THEN t.started_by ELSE t.submitted_by END", fixed: "t.state NOT IN ('draft', 'pending')",
			sql: "SELECT t.id, t.purpose AS kind, t.name, t.brand_id, CASE WHEN t.started_by <> 0 THEN t.started_by ELSE t.submitted_by END AS by_id, t.state, " +
				counted("y.state IN ('sent', 'refused', 'unknown', 'skipped')") + " AS done, CASE WHEN t.frozen_at > 0 THEN " + counted("y.state <> 'held'") + " ELSE 0 END AS total, " + counted("y.state = 'sent'") +
				" AS result, 0 AS bytes, t.note AS error, t.created_at, t.started_at, t.finished_at, 0 AS expires_at FROM push t",
			states: map[string]string{"scheduled": Waiting, "missed": Attention, "stopped": Cancelled}},
		{name: "copy", by: "t.operator_id", fixed: "t.kind = 'export' AND t.operator_id <> 0",
			sql:    "SELECT t.id, t.kind, '' AS name, 0 AS brand_id, t.operator_id AS by_id, t.state, 0 AS done, 0 AS total, 0 AS result, t.file_bytes AS bytes, CASE WHEN t.state = 'refused' THEN t.answer ELSE '' END AS error, t.created_at, t.decided_at AS started_at, t.finished_at, t.expires_at FROM rights_request t",
			states: map[string]string{"requested": Attention, "approved": Running, "refused": Failed}},
	}
}

// counted is how many copies of a push are somewhere, as it keeps count itself.
func counted(where string) string {
	return "(SELECT COALESCE(SUM(y.n), 0) FROM push_tally y WHERE y.run_id = t.id AND " + where + ")"
}

// Sources names the kinds of job a filter may ask for.
func Sources() []string {
	var out []string
	for _, s := range sources() {
		out = append(out, s.name)
	}
	return out
}

// Filter narrows List; zero fields do not.
type Filter struct {
	ByID   id.ID
	Source string
	State  string // ours
	ID     id.ID  // one job, with Source
	Before string // what List gave as next
	Limit  int
}

// Store reads jobs.
type Store struct{ db *db.DB }

// New makes a store.
func New(d *db.DB) *Store { return &Store{db: d} }

var errCursor = fault.NewInvalid("bad_field", "翻页参数不对，请回到第一页").With("field", "before")

// List pages jobs and gives the cursor of the next page, "" on the last one. Fault:
// Invalid bad_field.
func (s *Store) List(ctx context.Context, f Filter) (list []Job, next string, err error) {
	list = []Job{}
	for _, src := range sources() {
		if f.Source != "" && f.Source != src.name {
			continue
		}
		found, err := s.read(ctx, src, f)
		if err != nil {
			return nil, "", err
		}
		list = append(list, found...)
	}
	slices.SortFunc(list, func(a, b Job) int {
		return cmp.Or(cmp.Compare(b.CreatedAt, a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	if len(list) > f.Limit {
		list = list[:f.Limit]
		last := list[f.Limit-1]
		next = fmt.Sprintf("%d-%d", last.CreatedAt, last.ID)
	}
	return list, next, s.names(ctx, list)
}

// read reads one more than a page of one source.
func (s *Store) read(ctx context.Context, src source, f Filter) ([]Job, error) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(text string, values ...any) { where, args = append(where, text), append(args, values...) }
	if src.fixed != "" {
		add(src.fixed)
	}
	if f.ByID != 0 {
		add(src.by+" = ?", f.ByID)
	}
	if f.ID != 0 {
		add("t.id = ?", f.ID)
	}
	if f.State != "" {
		add("t.state IN ?", src.theirs(f.State))
	}
	if f.Before != "" {
		text, number, _ := strings.Cut(f.Before, "-")
		at, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errCursor
		}
		last, err := id.Parse(number)
		if err != nil {
			return nil, errCursor
		}
		add("t.created_at <= ? AND (t.created_at < ? OR t.id < ?)", at, at, last)
	}
	var rows []row
	err := s.db.Read(ctx).Raw(src.sql+" WHERE "+strings.Join(where, " AND ")+" ORDER BY t.created_at DESC, t.id DESC LIMIT ?", append(args, f.Limit+1)...).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("progress: %s: %w", src.name, err)
	}
	out := make([]Job, len(rows))
	for i, r := range rows {
		out[i] = s.job(src, r)
	}
	return out, nil
}

// row is a job as SQL gives it.
type row struct {
	ID, BrandID, ByID                           id.ID
	Source, Kind, Name, State, Error            string
	Done, Total, Result, Bytes                  int64
	CreatedAt, StartedAt, FinishedAt, ExpiresAt clock.Instant
}

func (s *Store) job(src source, r row) Job {
	j := Job{ID: r.ID, Source: src.name, Kind: r.Kind, Name: r.Name, BrandID: r.BrandID, ByID: r.ByID, State: r.State, Done: r.Done, Total: max(r.Total, 0), Error: r.Error,
		Result: r.Result, Bytes: r.Bytes, CreatedAt: r.CreatedAt, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, ExpiresAt: r.ExpiresAt, ETASeconds: -1}
	if ours := src.states[r.State]; ours != "" {
		j.State = ours
	}
	if j.State == Done && j.ExpiresAt != 0 && j.ExpiresAt <= s.db.Now() {
		j.State = Expired
	}
	if j.State == Running && j.StartedAt != 0 && j.Done > 0 {
		took := max(int64(s.db.Now()-j.StartedAt), 1)
		j.PerSecond = j.Done * 1000 / took
		if j.Total > j.Done {
			j.ETASeconds = (j.Total - j.Done) * took / j.Done / 1000
		}
	}
	return j
}

// theirs are the owner's names of one of our states.
func (src source) theirs(state string) []string {
	out := []string{}
	for their, our := range src.states {
		if our == state {
			out = append(out, their)
		}
	}
	if src.states[state] == "" {
		out = append(out, state)
	}
	return out
}

// names fills in who asked.
func (s *Store) names(ctx context.Context, list []Job) error {
	var ids []id.ID
	for _, j := range list {
		ids = append(ids, j.ByID)
	}
	if len(ids) == 0 {
		return nil
	}
	var found []struct {
		ID   id.ID
		Name string
	}
	if err := s.db.Read(ctx).Raw("SELECT id, name FROM operator WHERE id IN ?", ids).Scan(&found).Error; err != nil {
		return fmt.Errorf("progress: names: %w", err)
	}
	of := map[id.ID]string{}
	for _, o := range found {
		of[o.ID] = o.Name
	}
	for i := range list {
		list[i].By = of[list[i].ByID]
	}
	return nil
}

// Get reads one job. Fault: NotFound job_unknown.
func (s *Store) Get(ctx context.Context, name string, jobID id.ID) (Job, error) {
	list, _, err := s.List(ctx, Filter{Source: name, ID: jobID, Limit: 1})
	if err == nil && (len(list) == 0 || !slices.Contains(Sources(), name)) {
		err = fault.New(fault.NotFound, "job_unknown", "没有这个任务")
	}
	if err != nil {
		return Job{}, err
	}
	return list[0], nil
}

// Summary is what the bell shows an operator of his own jobs.
type Summary struct {
	Running int64         `json:"running"`
	Ended   []Job         `json:"ended"` // since he last looked, newest first, at most ten
	SeenAt  clock.Instant `json:"seen_at"`
}

// Summarise reads an operator's bell.
func (s *Store) Summarise(ctx context.Context, operatorID id.ID) (Summary, error) {
	out := Summary{Ended: []Job{}}
	g := s.db.Read(ctx)
	if err := g.Raw("SELECT COALESCE(MAX(seen_at), 0) FROM job_seen WHERE operator_id = ?", operatorID).Scan(&out.SeenAt).Error; err != nil {
		return out, fmt.Errorf("progress: seen: %w", err)
	}
	// A day back at most: who has not looked for a month is not greeted with all of it.
	since := max(out.SeenAt, s.db.Now().Add(-ringsFor))
	for _, src := range sources() {
		open := append(src.theirs(Waiting), src.theirs(Running)...)
		fixed := ""
		if src.fixed != "" {
			fixed = " AND " + src.fixed
		}
		var n int64
		table := src.sql[strings.LastIndex(src.sql, " FROM "):] // the last: columns may be questions of their own
		if err := g.Raw("SELECT COUNT(*)"+table+" WHERE "+src.by+" = ? AND t.state IN ?"+fixed, operatorID, open).Scan(&n).Error; err != nil {
			return out, fmt.Errorf("progress: %s: %w", src.name, err)
		}
		out.Running += n
		var rows []row
		err := g.Raw(src.sql+" WHERE "+src.by+" = ? AND t.finished_at > ?"+fixed+" ORDER BY t.finished_at DESC LIMIT 10", operatorID, since).Scan(&rows).Error
		if err != nil {
			return out, fmt.Errorf("progress: %s: %w", src.name, err)
		}
		for _, r := range rows {
			if j := s.job(src, r); j.State != Cancelled { // he did that himself
				out.Ended = append(out.Ended, j)
			}
		}
	}
	slices.SortFunc(out.Ended, func(a, b Job) int { return cmp.Compare(b.FinishedAt, a.FinishedAt) })
	out.Ended = out.Ended[:min(len(out.Ended), 10)]
	return out, nil
}

const ringsFor = 24 * time.Hour

// Seen remembers that an operator looked at his bell until a moment; it never goes back.
func (s *Store) Seen(ctx context.Context, operatorID id.ID, at clock.Instant) error {
	at = min(at, s.db.Now())
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("INSERT INTO job_seen (operator_id, seen_at) VALUES (?,?)"+s.db.Once("operator_id"), operatorID, at)
		if r.Error != nil || r.RowsAffected == 1 {
			return r.Error
		}
		return tx.Exec("UPDATE job_seen SET seen_at = ? WHERE operator_id = ? AND seen_at < ?", at, operatorID, at).Error
	})
}

// House is what the house itself goes through, brand by brand: checks of the counters of
// referral trees, and rounds over WeCom.
func (s *Store) House(ctx context.Context) ([]Job, error) {
	var rows []row
	err := s.db.Read(ctx).Raw(`SELECT 'check' AS source, t.brand_id AS id, t.brand_id, b.name, t.check_state AS state, t.checked AS done, t.repaired AS result, t.check_started_at AS created_at,
			t.check_started_at AS started_at, t.check_finished_at AS finished_at, '' AS error, 'counters' AS kind FROM referral_tree t LEFT JOIN brand b ON b.id = t.brand_id WHERE t.check_state <> ''
		UNION ALL SELECT 'wecom', t.id, t.brand_id, b.name, t.state, t.seen, t.seen, t.started_at, t.started_at, t.ended_at, t.error, t.kind FROM wecom_sync t LEFT JOIN brand b ON b.id = t.brand_id
		ORDER BY created_at DESC LIMIT 200`).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("progress: house: %w", err)
	}
	out := make([]Job, 0, len(rows))
	for _, r := range rows {
		j := s.job(source{name: r.Source, states: map[string]string{"idle": Done}}, r)
		if j.Error != "" && j.State != Running {
			j.State = Failed
		}
		out = append(out, j)
	}
	return out, nil
}
