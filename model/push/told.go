package push

import (
	"slices"

	"siyu/model/say"
)

// What a push is like for operators who may know numbers of people about, and not exactly:
// count moves a number, and makes 0 of few. Sentences that count people say the same without.

// Told is the push as it is told.
func (p Push) Told(count func(n int64, what string) int64) Push {
	p.People, p.Expected = count(p.People, "people"), count(p.Expected, "expected")
	for _, hidden := range []say.Pattern{noteGrownSome, noteTooManySome, notePlanMovedSome, notePlanGrownSome} {
		if p.Said != nil && p.Said.Code+"_some" == hidden.Code {
			p.Note = hidden.With("what", p.Said.Args["what"])
			p.Said = noteOf(p.Note)
		}
	}
	return p
}

// Told are the numbers as they are told. Places with few people are left out: that there is
// one at all would be told of somebody.
func (n Numbers) Told(count func(n int64, what ...any) int64) Numbers {
	n.People = count(n.People, "people")
	if n.Percent < 100 {
		n.Percent -= n.Percent % 5
	}
	n.PerMinute, n.ETASeconds = 0, max(-1, n.ETASeconds-n.ETASeconds%10)
	// A state is what its rows add up to, that the page does not contradict itself.
	sums, partly := map[string]int64{}, map[string]bool{}
	counts := slices.Clone(n.Counts)
	for i := range counts {
		c := &counts[i]
		c.N = count(c.N, c.State, c.ArmName, c.Channel, c.Reason)
		if sums[c.State] += c.N; c.N == 0 {
			partly[c.State] = true
		}
	}
	for state, x := range map[string]*int64{Held: &n.Held, Waiting: &n.Waiting, Sending: &n.Sending, Sent: &n.Sent, Refused: &n.Refused, Unknown: &n.Unknown, Skipped: &n.Skipped} {
		if alone := count(*x, state); partly[state] { // rows that are not told are in it
			sums[state] = max(sums[state], alone)
		}
		*x = sums[state]
	}
	n.Counts = slices.DeleteFunc(counts, func(c Count) bool { return c.N == 0 })
	clicks := slices.Clone(n.Clicks)
	for i := range clicks {
		c := &clicks[i]
		c.People, c.Clicks = count(c.People, "opened", c.LinkNo, c.Arm), count(c.Clicks, "clicks", c.LinkNo, c.Arm)
	}
	n.Clicks = slices.DeleteFunc(clicks, func(c Clicks) bool { return c.People == 0 })
	if !slices.ContainsFunc(n.Counts, func(c Count) bool { return c.Reason == staffWaits }) { // of few, or of nobody
		n.Tasks = []TaskCount{}
	}
	switch n.Said.Code {
	case "pace_freezing":
		n.Said = say.Of("pace_freezing_some", "正在确定名单")
	case "pace_later":
		n.Said = say.Of("pace_later_some", "其余的人等到 {at} 再发送", "at", n.Said.Args["at"])
	case "pace_stopped":
		n.Said = say.Of("pace_stopped_some", "渠道的发送额度已用完，其余的人等到 {at} 再发送", "at", n.Said.Args["at"])
	case "pace_stopping":
		n.Said = say.Of("pace_stopping_some", "渠道的发送额度已用完，正在安排其余的人")
	case "pace_sending":
		left, unit := spoken(n.ETASeconds)
		n.Said = say.Of("pace_sending_some", "正在发送，预计还要 {left} {unit}", "left", left, "unit", unit)
	case "pace_state":
		n.Said.Text = stateWords[n.State]
	}
	if n.Partial != nil {
		said := say.Of("mass_partial_some", "微信报告：群发没有送达所有人（用户拒收、本月已满或系统错误）。微信不说是谁，他们仍计在“已发送”里")
		n.Partial = &said
	}
	n.Words = n.Said.Text
	return n
}
