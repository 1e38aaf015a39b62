package wechat

import (
	"errors"
	"strings"
	"testing"
)

const sampleBill = "\ufeff记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,资金变更提交申请人,备注,业务凭证号\r\n" +
	"`2026-11-20 13:54:01,`50300806962021020105978994968,`4200000920202101197964319284,`商家转账,`商家转账,`支出,`1.88,`98.12,`1601959334API,`活动,奖励,`SY20261120000000000001\r\n" +
	"`2026-11-20 14:00:45,`50300907032021020105978998710,`4200000846202101197461830397,`充值,`充值,`收入,`100.5,`198.62,`system,`,`T1\r\n" +
	"资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`2.0,`1.0,`100.50,`1.0,`1.88\r\n"

func readSample(text string) (lines []FundFlow, t BillTotals, err error) {
	t, err = parseBill(strings.NewReader(text), func(f FundFlow) error { lines = append(lines, f); return nil })
	return lines, t, err
}

func TestFundBillIsReadAsWeChatWritesIt(t *testing.T) {
	lines, totals, err := readSample(sampleBill)
	if err != nil || len(lines) != 2 || totals.InFen != 10050 || totals.OutFen != 188 {
		t.Fatalf("%v %+v %+v", err, totals, lines)
	}
	if f := lines[0]; f.AmountFen != -188 || f.BalanceFen != 9812 || f.Memo != "活动,奖励" || f.Voucher != "SY20261120000000000001" {
		t.Errorf("%+v", f)
	}
}

func TestFundBillThatDoesNotAddUpIsBroken(t *testing.T) {
	for name, pair := range map[string][2]string{
		"a line less than the totals say":  {strings.Split(sampleBill, "\r\n")[1] + "\r\n", ""},
		"another sum than the totals say":  {"`1.88,`98", "`1.89,`98"},
		"three decimals":                   {"`1.88,`98", "`1.880,`98"},
		"neither in nor out":               {"`支出", "`冻结"},
		"no totals":                        {"`2.0,`1.0,`100.50,`1.0,`1.88\r\n", ""},
		"another head":                     {"记账时间", "交易时间"},
		"text after the totals":            {"`1.0,`1.88\r\n", "`1.0,`1.88\r\n`x\r\n"},
		"a value less":                     {"`system,", ""},
		"an amount of nothing":             {"`100.5,", "`0.00,"},
		"a line that goes on and on":       {"`system", "`" + strings.Repeat("x", 70_000)},
		"no number of the movement itself": {"`4200000920202101197964319284", "`"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(sampleBill, pair[0], pair[1], 1)
			if text == sampleBill {
				t.Fatal("nothing was changed")
			}
			if _, _, err := readSample(text); !errors.Is(err, ErrBillBroken) {
				t.Errorf("%v", err)
			}
		})
	}
}

func FuzzFundBill(f *testing.F) {
	f.Add(sampleBill)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		lines, totals, err := readSample(text)
		if err != nil {
			return
		}
		var in, out int64
		for _, l := range lines {
			if l.AmountFen > 0 {
				in += l.AmountFen
			} else {
				out -= l.AmountFen
			}
		}
		if in != totals.InFen || out != totals.OutFen || len(lines) != totals.InCount+totals.OutCount {
			t.Errorf("lines say %d and %d, totals %+v", in, out, totals)
		}
	})
}
