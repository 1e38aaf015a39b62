package campaign

import (
	"encoding/hex"
	"fmt"

	"siyu/model/campaign/draw"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/money"
)

// Step is one line of a proof: what is computed and what comes out.
type Step struct {
	Title string `json:"title"` // zh-CN
	How   string `json:"how"`   // the formula, with the numbers of this code
	Value string `json:"value"`
}

// Proof is one code's draw, computed again from the revealed seed.
type Proof struct {
	BatchID   id.ID     `json:"batch_id"`
	Serial    int64     `json:"serial"`
	Number    int64     `json:"number"` // of the code in the draw, from 0
	Rank      int64     `json:"rank"`
	Tier      Tier      `json:"tier"`
	AmountFen money.Fen `json:"amount_fen"`
	Steps     []Step    `json:"steps"`
}

// Prove repeats the draw of one code step by step. Faults: those of Recompute.
func Prove(c Campaign, seedHex string, batchID id.ID, serial int64) (Proof, error) {
	prize, err := Recompute(c, seedHex, batchID, serial)
	if err != nil {
		return Proof{}, err
	}
	seed, err := hex.DecodeString(seedHex)
	if err != nil {
		return Proof{}, fault.NewInvalid("seed", "种子应为 64 位十六进制")
	}
	d, err := draw.New(seed, uint64(c.Codes), shape(c.Tiers))
	if err != nil {
		return Proof{}, err
	}
	p := Proof{BatchID: batchID, Serial: serial, Tier: prize.Tier, AmountFen: prize.AmountFen}
	var sc Scope
	for _, x := range c.Scopes {
		if x.BatchID == batchID && serial >= x.FromSerial && serial < x.UntilSerial {
			sc = x
		}
	}
	p.Number = sc.DrawFrom + serial - sc.FromSerial
	p.Rank = int64(d.Rank(uint64(p.Number)))
	t := prize.Tier
	j := p.Rank - t.RankFrom
	p.Steps = []Step{
		{"种子与公布的哈希相符", "SHA-256(“siyu-draw-1 commit\\n” ‖ 种子 ‖ 条款原文)", draw.Commit(seed, terms(c))},
		{"码在抽奖里的编号", fmt.Sprintf("%d + (%d − %d)：批次 %d 的序号 %d 起排在第 %d 位", sc.DrawFrom, serial, sc.FromSerial, batchID, sc.FromSerial, sc.DrawFrom), fmt.Sprint(p.Number)},
		{"编号经密钥置换得到名次", fmt.Sprintf("rank(%d)，共 %d 个码，10 轮 Feistel，密钥为 SHA-256(“siyu-draw-1” ‖ 种子)", p.Number, c.Codes), fmt.Sprint(p.Rank)},
		{"名次落在哪个奖项", fmt.Sprintf("第 %d 个奖项占名次 %d 到 %d，共 %d 名", t.Tier, t.RankFrom, t.RankFrom+t.Winners-1, t.Winners), t.Name},
	}
	if t.Kind == Cash {
		how := fmt.Sprintf("每名固定 %s 元", t.MinFen.Yuan())
		if t.MinFen != t.MaxFen {
			how = fmt.Sprintf("奖项内第 %d 名：把总额 %s 元在 %d 名之间按种子拆分，每名 %s 到 %s 元", j, t.TotalFen.Yuan(), t.Winners, t.MinFen.Yuan(), t.MaxFen.Yuan())
		}
		p.Steps = append(p.Steps, Step{"名次对应的金额", how, prize.AmountFen.Yuan() + " 元"})
	}
	return p, nil
}
