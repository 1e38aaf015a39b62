package leader

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"siyu/model/id"
)

// Word is what one person is told of one decision about him: transactional, once. Key is
// made from the move.
type Word struct {
	Key      string
	BrandID  id.ID
	MemberID id.ID
	Text     string // zh-CN
}

// TellStep hands the next decisions that people have not been told of to tell, oldest
// first, at most limit, and says how many. A crash between telling and noting tells
// again; the key makes that nothing.
func (s *Store) TellStep(ctx context.Context, limit int, tell func(ctx context.Context, w Word) error) (int, error) {
	var due []Move
	err := s.DB.Read(ctx).Where("told = ?", toldDue).Order("at, id").Limit(limit).Find(&due).Error
	if err != nil {
		return 0, fmt.Errorf("leader: tell: %w", err)
	}
	programmes := map[id.ID]Programme{}
	for _, m := range due {
		p, ok := programmes[m.BrandID]
		if !ok {
			if p, err = s.Programme(ctx, m.BrandID); err != nil {
				return 0, err
			}
			programmes[m.BrandID] = p
		}
		l, err := s.Get(ctx, m.LeaderID)
		if err != nil {
			return 0, err
		}
		if text := m.text(l, p); text != "" {
			if err := tell(ctx, Word{Key: "leader:" + m.ID.String(), BrandID: m.BrandID, MemberID: m.MemberID, Text: text}); err != nil {
				return 0, fmt.Errorf("leader: tell: %w", err)
			}
		}
		err = s.DB.InTx(ctx, func(tx *gorm.DB) error {
			return tx.Model(&Move{}).Where("id = ? AND told = ?", m.ID, toldDue).Updates(map[string]any{"told": toldDone}).Error
		})
		if err != nil {
			return 0, fmt.Errorf("leader: tell: %w", err)
		}
	}
	return len(due), nil
}

// roles is what people are called.
var roles = map[string]string{RoleLeader: "群主", RoleClerk: "导购", RoleStaff: "员工"}

// text is what a person reads of a move; "" = nothing.
func (m Move) text(l Leader, p Programme) string {
	role := roles[l.Role]
	because := ""
	if m.Reason != "" && m.ByKind == ByOperator {
		because = "原因：" + strings.TrimRight(m.Reason, "。") + "。"
	}
	switch {
	case m.FromState == m.ToState && m.FromLevel != m.ToLevel:
		if m.FromLevel == 0 {
			return fmt.Sprintf("您的群主等级为“%s”。", p.level(m.ToLevel).Name)
		}
		return fmt.Sprintf("您的群主等级由“%s”变为“%s”。", p.level(m.FromLevel).Name, p.level(m.ToLevel).Name)
	case m.ToState == Approved:
		return "您的群主申请已通过审核，请阅读并签署协议，签署后即可开始。"
	case m.ToState == Refused:
		text := "您的群主申请未通过。" + because
		if l.State == Refused && l.MayApplyAt > 0 {
			text += "您可以在 " + l.MayApplyAt.Local() + " 之后再次申请。"
		}
		return text
	case m.ToState == Active && m.FromState == Approved:
		return "您的群主申请已通过审核，协议已签署，现在可以开始了。"
	case m.ToState == Active && m.FromState == Suspended:
		return "您的" + role + "资格已恢复。"
	case m.ToState == Active && m.ByKind == ByOperator:
		return "您已被登记为" + role + "，可以使用自己的推广码了。"
	case m.ToState == Suspended:
		return "您的" + role + "资格已暂停。" + because + "已获得的收益仍归您。"
	case m.ToState == Left:
		return "您的" + role + "资格已终止。" + because + "已获得的收益仍归您。"
	}
	return ""
}
