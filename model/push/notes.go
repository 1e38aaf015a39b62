package push

import "siyu/model/say"

// Notes are kept with a push as they were said, and read back into their parts.
var (
	noteEmpty   = say.NewPattern("note_empty", "开始时人群里没有人，没有发送任何消息")
	noteGrown   = say.NewPattern("note_grown", "开始时有 {now} 人，审批时只有 {then} 人，请重新提交审批")
	noteTooMany = say.NewPattern("note_too_many", "开始时有 {now} 人，连同一天内直接发送的 {besides} 人超过免审批的 {limit} 人，请提交审批")
	// The same for who may not know how many.
	noteGrownSome   = say.NewPattern("note_grown_some", "开始时的人数比审批时多了，请重新提交审批")
	noteTooManySome = say.NewPattern("note_too_many_some", "开始时的人数，连同一天内直接发送的，超过了免审批的人数，请提交审批")

	notePlanMoved     = say.NewPattern("note_plan_moved", "排期之后{what}，现在有 {now} 人，排期时有 {then} 人，没有自动开始")
	notePlanGrown     = say.NewPattern("note_plan_grown", "开始时有 {now} 人，排期时只有 {then} 人，没有自动开始")
	notePlanMovedSome = say.NewPattern("note_plan_moved_some", "排期之后{what}，没有自动开始")
	notePlanGrownSome = say.NewPattern("note_plan_grown_some", "开始时的人数比排期时多了，没有自动开始")

	noteMoved   = say.NewPattern("note_moved", "审批之后{what}，请撤回后重新提交审批")
	noteRefused = say.NewPattern("note_refused", "审批退回：{why}")
	noteStopped = say.NewPattern("note_stopped", "人工停止：{why}")
	noteLate    = say.NewPattern("note_late", "原定 {at} 开始，已错过 {n} 分钟，请人工决定现在发送或改期")
	noteHalted  = say.NewPattern("note_halted", "微信返回 {code}：{why}。已自动暂停，处理后点“继续”")
)

func noteOf(text string) *say.Said {
	return say.Read(text, []say.Pattern{noteEmpty, noteGrown, noteTooMany, noteGrownSome, noteTooManySome, notePlanMoved, notePlanGrown, notePlanMovedSome, notePlanGrownSome, noteMoved, noteRefused, noteStopped, noteLate, noteHalted})
}
