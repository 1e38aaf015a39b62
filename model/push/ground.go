package push

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// movedMost is how many changes are told by name: a note has a line, not a page.
const movedMost = 3

// pinTx writes down what the audience of a push rests on: who agrees, agrees to this.
func pinTx(ctx context.Context, tx *gorm.DB, pushID id.ID, grounds []Ground) error {
	if err := tx.Exec("DELETE FROM push_pin WHERE push_id = ?", pushID).Error; err != nil {
		return err
	}
	rows := db.NewRows("push_pin", "push_id, kind, ref_id, name, version")
	for _, g := range grounds {
		rows.Add(pushID, g.Kind, g.ID, g.Name, g.Version)
	}
	_, err := rows.Insert(ctx, tx, "")
	return err
}

// moved says in zh-CN what of an audience is not as it was when the push was submitted; "":
// nothing.
func (s *Store) moved(ctx context.Context, p Push, now Frozen) (string, error) {
	var pins []Ground
	if err := s.DB.Read(ctx).Raw("SELECT kind, ref_id, name, version FROM push_pin WHERE push_id = ? ORDER BY kind, ref_id", p.ID).Scan(&pins).Error; err != nil {
		return "", fmt.Errorf("push: pins: %w", err)
	}
	if len(pins) == 0 { // submitted before this was kept
		if p.SegmentVersion != 0 && p.SegmentVersion != now.Version {
			return fmt.Sprintf("人群规则从第 %d 版改成了第 %d 版", p.SegmentVersion, now.Version), nil
		}
		return "", nil
	}
	type key struct {
		kind string
		id   id.ID
	}
	is := map[key]Ground{}
	for _, g := range now.Grounds {
		is[key{g.Kind, g.ID}] = g
	}
	var said []string
	for _, was := range pins {
		k := key{was.Kind, was.ID}
		if g := is[k]; g.Version != was.Version {
			said = append(said, was.became(g.Version))
		}
		delete(is, k)
	}
	for _, g := range now.Grounds { // what came by a change that is told above, or by none
		if _, fresh := is[key{g.Kind, g.ID}]; fresh && len(said) == 0 {
			said = append(said, "规则用到了原来没有的"+groundWords[g.Kind]+"“"+g.Name+"”")
		}
	}
	if n := len(said); n > movedMost {
		said = append(said[:movedMost], fmt.Sprintf("另有 %d 处", n-movedMost))
	}
	return strings.Join(said, "，"), nil
}

var groundWords = map[string]string{"segment": "人群", "tag": "标签", "list": "名单"}

func (g Ground) became(version int) string {
	name := groundWords[g.Kind] + "“" + g.Name + "”"
	switch {
	case version == 0:
		return name + "已停用"
	case g.Version == 0:
		return name + "又启用了"
	case g.Kind == "list":
		return name + "增减过成员"
	case g.Kind == "tag":
		return fmt.Sprintf("%s的定义从第 %d 版改成了第 %d 版", name, g.Version, version)
	}
	return fmt.Sprintf("%s的规则从第 %d 版改成了第 %d 版", name, g.Version, version)
}

// unmoved refuses a push whose audience is not what was submitted. Fault: Conflict
// push_moved.
func (s *Store) unmoved(ctx context.Context, p Push) error {
	now, err := s.Audience.Freeze(ctx, p)
	if err != nil {
		return err
	}
	moved, err := s.moved(ctx, p, now)
	if err == nil && moved != "" {
		err = fault.New(fault.Conflict, "push_moved", "提交之后"+moved+"，请退回，由提交人看过人数后重新提交")
	}
	return err
}
