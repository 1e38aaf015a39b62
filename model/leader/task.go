package leader

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/lawful"
)

// States of a task.
const (
	Open   = "open"
	Closed = "closed"
)

// Levels is a list of levels as a row keeps it; empty: all.
type Levels []int

// Scan implements sql.Scanner.
func (l *Levels) Scan(v any) error {
	*l = Levels{}
	switch v := v.(type) {
	case string:
		return json.Unmarshal([]byte(v), l)
	case []byte:
		return json.Unmarshal(v, l)
	}
	return fmt.Errorf("leader: levels of type %T", v)
}

// GormDataType tells GORM that the list is one column.
func (Levels) GormDataType() string { return "text" }

// Task is what a brand asks its leaders to do. It never pays.
type Task struct {
	ID         id.ID         `json:"id"`
	BrandID    id.ID         `json:"brand_id"`
	Title      string        `json:"title"`
	Text       string        `json:"text"`
	DueDay     clock.Day     `json:"due_day"` // 20261130, the last day; 0: none
	Levels     Levels        `json:"levels"`  // whose levels; empty: everybody's
	MaterialID id.ID         `json:"material_id"`
	LinkURL    string        `json:"link_url"`
	State      string        `json:"state"`
	ByID       id.ID         `json:"by_id"`
	CreatedAt  clock.Instant `json:"created_at"`
	ChangedAt  clock.Instant `json:"changed_at"`
}

// TableName names the table for GORM.
func (Task) TableName() string { return "leader_task" }

// TaskDraft is what an operator writes.
type TaskDraft struct {
	BrandID    id.ID  `json:"brand_id"`
	Title      string `json:"title"`
	Text       string `json:"text"`
	DueDay     int    `json:"due_day"`
	Levels     Levels `json:"levels"`
	MaterialID id.ID  `json:"material_id"`
	LinkURL    string `json:"link_url"`
	State      string `json:"state"` // "" is open
}

var errTask = fault.New(fault.NotFound, "leader_task_not_found", "没有这个任务")

// ReadTask reads what an operator wrote. Faults: Invalid leader_unlawful, with the reason,
// for a task that pays; Invalid leader_input, unlawful_words.
func ReadTask(raw []byte) (Task, error) {
	var in TaskDraft
	if err := strict(raw, &in, pays); err != nil {
		return Task{}, err
	}
	t := Task{BrandID: in.BrandID, Title: strings.TrimSpace(in.Title), Text: strings.TrimSpace(in.Text), DueDay: clock.Day(in.DueDay), Levels: in.Levels,
		MaterialID: in.MaterialID, LinkURL: strings.TrimSpace(in.LinkURL), State: in.State}
	if t.State == "" {
		t.State = Open
	}
	if t.Levels == nil {
		t.Levels = Levels{}
	}
	wrong := func(field, text string) (Task, error) {
		return Task{}, fault.NewInvalid("leader_input", text).With("field", field)
	}
	switch {
	case between(t.Title, 1, 60) != nil:
		return wrong("title", "标题应为 1 到 60 字")
	case between(t.Text, 0, 1000) != nil:
		return wrong("text", "说明最多 1000 字")
	case t.DueDay != 0 && !real(t.DueDay):
		return wrong("due_day", "截止日应为 20261130 这样的日期，或 0")
	case len(t.Levels) > maxLevels || slices.ContainsFunc(t.Levels, func(n int) bool { return n < 1 || n > maxLevels }):
		return wrong("levels", "等级应为 1 到 10")
	case !webAddress(t.LinkURL):
		return wrong("link_url", "链接应以 https:// 开头，最多 300 字")
	case t.State != Open && t.State != Closed:
		return wrong("state", "状态应为 open 或 closed")
	}
	if err := lawful.Check("title", t.Title); err != nil {
		return Task{}, err
	}
	return t, lawful.Check("text", t.Text)
}

// real says whether a number is a day.
func real(d clock.Day) bool {
	if d < 20200101 || d > 99991231 {
		return false
	}
	from, _ := d.Bounds()
	return clock.DayOf(from) == d
}

// webAddress allows none, or one of the open web.
func webAddress(text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && len(text) <= 300
}

// PutTask adds a task (ID 0) or changes one; its brand stays. Faults: Invalid leader_input
// for a material that the brand does not have; NotFound leader_task_not_found.
func (s *Store) PutTask(ctx context.Context, t Task, by id.ID) (Task, error) {
	levels, err := json.Marshal(t.Levels)
	if err != nil {
		return t, err
	}
	err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
		now := s.DB.Now()
		if t.ID != 0 {
			old, err := task(tx, t.ID)
			if err != nil {
				return err
			}
			t.BrandID = old.BrandID
		}
		if t.MaterialID != 0 {
			if m, err := material(tx, t.MaterialID); err != nil || m.BrandID != t.BrandID {
				return fault.NewInvalid("leader_input", "该品牌没有这份素材").With("field", "material_id")
			}
		}
		if t.ID == 0 {
			t.ID = s.DB.NewID()
			return tx.Exec("INSERT INTO leader_task (id, brand_id, title, text, due_day, levels, material_id, link_url, state, by_id, created_at, changed_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
				t.ID, t.BrandID, t.Title, t.Text, t.DueDay, string(levels), t.MaterialID, t.LinkURL, t.State, by, now, now).Error
		}
		return tx.Model(&Task{}).Where("id = ?", t.ID).Updates(map[string]any{"title": t.Title, "text": t.Text, "due_day": t.DueDay, "levels": string(levels),
			"material_id": t.MaterialID, "link_url": t.LinkURL, "state": t.State, "by_id": by, "changed_at": now}).Error
	})
	if err != nil {
		return t, fmt.Errorf("leader: put task: %w", err)
	}
	return s.Task(ctx, t.ID)
}

// Task reads one. Fault: NotFound leader_task_not_found.
func (s *Store) Task(ctx context.Context, taskID id.ID) (Task, error) {
	return task(s.DB.Read(ctx), taskID)
}

func task(tx *gorm.DB, taskID id.ID) (Task, error) {
	var t Task
	err := tx.Where("id = ?", taskID).Take(&t).Error
	if db.IsNotFound(err) {
		return t, errTask
	}
	return t, err
}

// ListTasks lists a brand's tasks, newest first.
func (s *Store) ListTasks(ctx context.Context, brandID, before id.ID, limit int) ([]Task, error) {
	out := []Task{}
	if err := db.Page(s.DB.Read(ctx).Where("brand_id = ?", brandID), "leader_task", before, limit).Find(&out).Error; err != nil {
		return nil, fmt.Errorf("leader: tasks: %w", err)
	}
	return out, nil
}

// CountTasks counts what ListTasks pages, up to db.MaxTotal.
func (s *Store) CountTasks(ctx context.Context, brandID id.ID) (n int, more bool, err error) {
	return db.Total(s.DB.Read(ctx).Model(&Task{}).Where("brand_id = ?", brandID))
}

// Done is what one leader said when he had done a task.
type Done struct {
	TaskID   id.ID         `json:"task_id"`
	LeaderID id.ID         `json:"leader_id"`
	Name     string        `json:"name,omitempty" gorm:"-"` // of the leader, filled in by who shows it
	MemberID id.ID         `json:"member_id"`
	Note     string        `json:"note"`
	At       clock.Instant `json:"at"`
}

// TableName names the table for GORM.
func (Done) TableName() string { return "leader_done" }

// Progressed is how a task goes.
type Progressed struct {
	Task  Task   `json:"task"`
	Asked int64  `json:"asked"` // active leaders of its levels
	Done  int64  `json:"done"`
	Notes []Done `json:"notes"` // the newest hundred
}

// TaskProgress reads how a task goes. Fault: NotFound leader_task_not_found.
func (s *Store) TaskProgress(ctx context.Context, taskID id.ID) (Progressed, error) {
	t, err := s.Task(ctx, taskID)
	out := Progressed{Task: t, Notes: []Done{}}
	if err != nil {
		return out, err
	}
	tx := s.DB.Read(ctx)
	q := tx.Model(&Leader{}).Where("brand_id = ? AND state = ? AND role = ?", t.BrandID, Active, RoleLeader)
	if len(t.Levels) > 0 {
		q = q.Where("level IN ?", []int(t.Levels))
	}
	if err := q.Count(&out.Asked).Error; err != nil {
		return out, fmt.Errorf("leader: task: %w", err)
	}
	if err := tx.Model(&Done{}).Where("task_id = ?", taskID).Count(&out.Done).Error; err != nil {
		return out, fmt.Errorf("leader: task: %w", err)
	}
	if err := tx.Where("task_id = ?", taskID).Order("at DESC, leader_id").Limit(100).Find(&out.Notes).Error; err != nil {
		return out, fmt.Errorf("leader: task: %w", err)
	}
	return out, nil
}

// Todo is a task as a leader sees it.
type Todo struct {
	Task
	Overdue bool          `json:"overdue"`
	DoneAt  clock.Instant `json:"done_at"`
	Note    string        `json:"note"`
}

// Tasks lists the open tasks of a leader's level, newest first, at most a hundred.
func (s *Store) Tasks(ctx context.Context, l Leader) ([]Todo, error) {
	var list []Task
	out := []Todo{}
	tx := s.DB.Read(ctx)
	if err := tx.Where("brand_id = ? AND state = ?", l.BrandID, Open).Order("created_at DESC, id DESC").Limit(db.MaxPage).Find(&list).Error; err != nil {
		return nil, fmt.Errorf("leader: tasks: %w", err)
	}
	var done []Done
	if err := tx.Where("leader_id = ?", l.ID).Find(&done).Error; err != nil {
		return nil, fmt.Errorf("leader: tasks: %w", err)
	}
	said := map[id.ID]Done{}
	for _, d := range done {
		said[d.TaskID] = d
	}
	today := clock.DayOf(s.DB.Now())
	for _, t := range list {
		if !t.asks(l) {
			continue
		}
		d := said[t.ID]
		out = append(out, Todo{Task: t, Overdue: d.At == 0 && t.DueDay != 0 && t.DueDay < today, DoneAt: d.At, Note: d.Note})
	}
	return out, nil
}

// asks says whether a task is for a leader.
func (t Task) asks(l Leader) bool {
	return t.BrandID == l.BrandID && l.Role == RoleLeader && (len(t.Levels) == 0 || slices.Contains(t.Levels, l.Level))
}

// Done notes that a leader did a task; again changes nothing. Faults: Invalid
// leader_input; NotFound leader_task_not_found, also for a task of others; Conflict
// leader_task_closed, leader_state (he is not active).
func (s *Store) Done(ctx context.Context, l Leader, taskID id.ID, note string) (Todo, error) {
	note = strings.TrimSpace(note)
	if between(note, 0, 300) != nil {
		return Todo{}, fault.NewInvalid("leader_input", "说明最多 300 字").With("field", "note")
	}
	var out Todo
	err := s.DB.InTx(ctx, func(tx *gorm.DB) error {
		t, err := task(tx, taskID)
		if err != nil {
			return err
		}
		switch {
		case !t.asks(l):
			return errTask
		case l.State != Active:
			return errState
		}
		var old []Done
		if err := tx.Where("task_id = ? AND leader_id = ?", taskID, l.ID).Find(&old).Error; err != nil {
			return err
		}
		d := Done{TaskID: taskID, LeaderID: l.ID, MemberID: l.MemberID, Note: note, At: s.DB.Now()}
		switch {
		case len(old) > 0:
			d = old[0]
		case t.State != Open:
			return fault.New(fault.Conflict, "leader_task_closed", "任务已结束")
		default:
			err = tx.Exec("INSERT INTO leader_done (task_id, leader_id, member_id, note, at) VALUES (?,?,?,?,?)"+s.DB.Once("note"), d.TaskID, d.LeaderID, d.MemberID, d.Note, d.At).Error
		}
		out = Todo{Task: t, DoneAt: d.At, Note: d.Note}
		return err
	})
	return out, err
}
