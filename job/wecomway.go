package job

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"siyu/model/fault"
	"siyu/model/group"
	"siyu/model/id"
	"siyu/model/wecom"
	"siyu/wechat"
)

// ways is the part of wechat.Client that makes WeCom's ways into groups (群活码).
type ways interface {
	AddJoinWay(ctx context.Context, corp wechat.App, w wechat.JoinWay) (configID string, err error)
	JoinWay(ctx context.Context, corp wechat.App, configID string) (wechat.JoinWay, error)
	UpdateJoinWay(ctx context.Context, corp wechat.App, w wechat.JoinWay) error
	DeleteJoinWay(ctx context.Context, corp wechat.App, configID string) error
	WayPicture(ctx context.Context, address string) ([]byte, error)
}

// pictures reads what a QR code says; *group.Store does.
type pictures interface {
	ReadPicture(ctx context.Context, kind string, body []byte) (string, error)
}

// errWaySettled ends a step whose result, good or bad, is in the row.
var errWaySettled = errors.New("job: the way says why")

func settled(err error) error {
	if err != nil {
		return err
	}
	return errWaySettled
}

// Way brings a way of WeCom's to what its row asks for. The row says "making" before WeCom
// is asked to make one: whoever finds it so later knows that somebody may have.
func (w *WeCom) Way(ctx context.Context, row id.ID) (Verdict, error) {
	y, err := w.store.WayOf(ctx, row)
	if err != nil {
		return Verdict{}, ignoreGone(err)
	}
	app, err := w.who.App(ctx, y.AccountID)
	if err != nil {
		return Verdict{}, ignoreGone(err)
	}
	for {
		if v, ok := w.turn(ctx, app); !ok {
			return v, nil
		}
		st, err := w.store.TakeWay(ctx, row)
		switch {
		case err != nil:
			return Verdict{}, ignoreGone(err)
		case st.Wait > 0:
			return Verdict{Again: st.Wait, Why: "另一个进程正在处理"}, nil
		case st.Do == wecom.WayNothing:
			return Verdict{}, nil
		}
		do := map[string]func(context.Context, wechat.App, wecom.Way) error{
			wecom.WayMake: w.makeWay, wecom.WayUpdate: w.updateWay, wecom.WayLook: w.lookWay, wecom.WayEnd: w.endWay}[st.Do]
		err = do(ctx, app, st.Way)
		if errors.Is(err, errWaySettled) {
			return Verdict{}, nil
		}
		more, leaveErr := w.store.LeaveWay(context.WithoutCancel(ctx), st.Way)
		switch {
		case wechat.IsThrottled(err):
			return Verdict{Again: throttledPause, Why: err.Error()}, nil
		case err != nil || leaveErr != nil:
			return Verdict{}, errors.Join(err, leaveErr)
		case !more:
			return Verdict{}, nil
		}
	}
}

func joinWayOf(y wecom.Way, chats []string) wechat.JoinWay {
	return wechat.JoinWay{ConfigID: y.ConfigID, ChatIDs: chats, State: y.Way, Remark: y.Name, AutoCreate: y.AutoCreate, BaseName: y.BaseName, BaseID: y.BaseNo}
}

func (w *WeCom) makeWay(ctx context.Context, app wechat.App, y wecom.Way) error {
	config, err := w.corps.AddJoinWay(ctx, app, joinWayOf(y, y.Chats))
	kept := context.WithoutCancel(ctx) // what WeCom did is written even if our time is up
	switch {
	case err == nil:
		ok, err := w.store.WayIsMade(kept, y, config)
		if err != nil || ok {
			return err
		}
		return settled(w.corps.DeleteJoinWay(kept, app, config))
	case !wechat.DidNothing(err):
		return settled(w.store.WayInTheDark(kept, y))
	case wechat.IsThrottled(err) || wechat.ErrCode(err) == 0:
		return errors.Join(w.store.WayNotMade(kept, y, ""), err)
	}
	return settled(w.store.WayNotMade(kept, y, wayRefused(err)))
}

// opened are the groups a way leads to: those that are wanted, and those that WeCom opened
// by itself, which it was never told. The newest stay when that is more than it takes.
func opened(y wecom.Way, now wechat.JoinWay) []string {
	chats := slices.Clone(y.Chats)
	for _, c := range now.ChatIDs {
		if y.AutoCreate && !slices.Contains(y.Sent, c) && !slices.Contains(chats, c) {
			chats = append(chats, c)
		}
	}
	return chats[max(0, len(chats)-wecom.WayGroups):]
}

func (w *WeCom) updateWay(ctx context.Context, app wechat.App, y wecom.Way) error {
	now, err := w.corps.JoinWay(ctx, app, y.ConfigID)
	if err != nil {
		return w.stuck(ctx, y, err)
	}
	chats := opened(y, now)
	if err := w.corps.UpdateJoinWay(ctx, app, joinWayOf(y, chats)); err != nil {
		return w.stuck(ctx, y, err)
	}
	return w.store.WayIsSent(ctx, y, chats)
}

// lookWay fetches a way's picture and reads it.
func (w *WeCom) lookWay(ctx context.Context, app wechat.App, y wecom.Way) error {
	now, err := w.corps.JoinWay(ctx, app, y.ConfigID)
	if err != nil {
		return w.stuck(ctx, y, err)
	}
	body, err := w.corps.WayPicture(ctx, now.QRCode)
	if err != nil {
		return w.stuck(ctx, y, err)
	}
	text, err := w.reader.ReadPicture(ctx, group.WeCom, body)
	if err != nil {
		return w.stuck(ctx, y, err)
	}
	return w.store.WayReads(ctx, y, text, opened(y, now))
}

func (w *WeCom) endWay(ctx context.Context, app wechat.App, y wecom.Way) error {
	if err := w.store.CloseWay(ctx, y); err != nil {
		return err
	}
	if y.ConfigID != "" {
		if err := w.corps.DeleteJoinWay(ctx, app, y.ConfigID); err != nil && wechat.ErrCode(err) != wechat.CodeBadParameter {
			return w.stuck(ctx, y, err)
		}
	}
	return w.store.WayIsEnded(ctx, y)
}

// stuck writes an error that asking again does not mend; others it gives back.
func (w *WeCom) stuck(ctx context.Context, y wecom.Way, err error) error {
	why := ""
	switch f := fault.Of(err); {
	case f != nil && f.Kind == fault.Invalid:
		why = "企业微信返回的二维码无法使用：" + f.Text
	case errors.Is(err, wechat.ErrNoPicture):
		why = "企业微信没有返回可用的二维码图片"
	case wechat.ErrCode(err) != 0 && !wechat.IsThrottled(err):
		why = wayRefused(err)
	default:
		return err
	}
	return settled(w.store.WayStuck(ctx, y, why))
}

// wayRefused says in zh-CN why WeCom would not.
func wayRefused(err error) string {
	switch code := wechat.ErrCode(err); {
	case wechat.IsDenied(err):
		return denied(err)
	case code == wechat.CodeBadChat || code == wechat.CodeChatGone:
		return fmt.Sprintf("所选客户群中有已解散的群，请修改后再试（%d）", code)
	case code == wechat.CodeBadParameter:
		return fmt.Sprintf("企业微信不接受这些参数，或这个群活码已在别处删除（%d）", code)
	default:
		return fmt.Sprintf("企业微信拒绝了请求（%d）", code)
	}
}
