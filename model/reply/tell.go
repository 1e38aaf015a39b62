package reply

import (
	"context"
	"fmt"
	"strings"

	"siyu/model/brand"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/identity"
	"siyu/model/redpacket"
	"siyu/model/scan"
)

const (
	packetsTold = 3
	nothingYet  = "您还没有扫码记录。请用微信「扫一扫」扫商品上的二维码，即可验证真伪、查看活动。"
)

// Reply is the answer to a text from openID in an account. It never fails for a
// writer we do not know.
func (s *Store) Reply(ctx context.Context, account brand.Account, openID, text string) (string, error) {
	if answer, err := s.match(ctx, account.ID, text); err != nil || answer != "" {
		return answer, err
	}
	memberID, err := s.memberOf(ctx, account.AppID, openID)
	if err != nil {
		return "", err
	}
	if memberID == 0 {
		return nothingYet, nil
	}
	return s.tell(ctx, memberID)
}

func (s *Store) memberOf(ctx context.Context, appID, openID string) (id.ID, error) {
	var found []id.ID
	err := s.db.Read(ctx).Raw(`SELECT m.id FROM identity_key k JOIN member m ON m.person_id = k.person_id WHERE k.kind = ? AND k.scope = ? AND k.value = ?`,
		identity.OpenID, appID, openID).Scan(&found).Error
	if err != nil {
		return 0, fmt.Errorf("reply: member: %w", err)
	}
	if len(found) == 0 {
		return 0, nil
	}
	return found[0], nil
}

func (s *Store) tell(ctx context.Context, memberID id.ID) (string, error) {
	scans, err := s.scans.OfMember(ctx, memberID, 0, 1)
	if err != nil {
		return "", err
	}
	packets, err := s.packets.OfMember(ctx, memberID, 0, packetsTold)
	if err != nil {
		return "", err
	}
	if len(scans) == 0 && len(packets) == 0 {
		return nothingYet, nil
	}
	var b strings.Builder
	if len(scans) == 1 {
		name := "商品"
		if p, err := s.products.Get(ctx, scans[0].ProductID); err == nil {
			name = strings.TrimSpace(p.Name + " " + p.Spec)
		} else if fault.KindOf(err) != fault.NotFound {
			return "", err
		}
		fmt.Fprintf(&b, "您最近一次扫码（%s）\n%s：%s\n", scans[0].At.Local(), name, said(scan.State(scans[0].Verdict)))
	}
	if len(packets) > 0 {
		b.WriteString("\n最近的红包\n")
		for _, p := range packets {
			fmt.Fprintf(&b, "%s 元，%s\n", p.AmountFen.Yuan(), stands(p))
		}
	}
	return strings.TrimSpace(b.String()), nil
}

// said is the verdict of a scan in a few words; the page says the rest.
func said(verdict scan.State) string {
	switch verdict {
	case scan.First:
		return "正品，首次验证"
	case scan.Again, scan.Genuine:
		return "正品"
	case scan.Elsewhere:
		return "正品码，但此前已被他人验证过"
	case scan.Abnormal:
		return "该码扫码异常，谨防假冒"
	case scan.NotActivated:
		return "该码尚未激活"
	case scan.StateVoided:
		return "该码已作废"
	case scan.StateRecall:
		return "该商品已召回，请停止使用"
	case scan.Mismatch:
		return "码与商品不符，谨防假冒"
	}
	return "请重新扫码查看结果"
}

// stands is where a red packet is, as its owner understands it.
func stands(p redpacket.Payout) string {
	switch p.State {
	case redpacket.Settled:
		return "已到账（" + p.FinishedAt.Local() + "）"
	case redpacket.Returned:
		return "超时未领取，已退回"
	case redpacket.Failed:
		return "发放失败，请联系客服"
	case redpacket.Accepted:
		if until := p.ConfirmBy(); until != 0 {
			return "待确认收款，请在 " + until.Local() + " 前打开「我的红包」确认"
		}
		return "已发出，请在微信中查收"
	}
	return "发放中"
}
