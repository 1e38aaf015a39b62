package admin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/gin-gonic/gin"

	"siyu/model/clock"
	"siyu/model/fault"
	"siyu/model/id"
	"siyu/model/operator"
	"siyu/model/segment"
	"siyu/model/tag"
)

// A veil (少数人的遮挡) lies over numbers of people for operators who may not open members'
// pages: those confined to brands, and those without that permission. A rule can be made so
// narrow that how many fulfil it tells of one person what he did; so can the difference that
// one more condition makes. Under the veil
//
//   - fewer than few are "少于 few": told as 0, with under = few;
//   - other numbers are moved by up to few and rounded to a multiple of it. How far depends on
//     the question alone, so that asking again tells nothing, and asking a little differently
//     moves every number of the answer on its own: subtraction finds the noise, not the person;
//   - examples are a fifth of those they stand for at most, without the hour of anything.
//
// Who asks many hundred questions that mean the same can average the noise away: the limit of
// requests is what stands against that.
type veil struct {
	key []byte
	few int64
}

// fewPeople is the default of Deps.FewPeople.
const fewPeople = 5

var errHidden = fault.New(fault.Forbidden, "member_hidden", "您的账号不能查看具体的会员，请联系有会员权限的同事")

// blind says that who asks may not open members' pages.
func blind(c *gin.Context) bool { return blinded(current(c).Operator) }

func blinded(o operator.Operator) bool { return o.Scoped() || !o.Can(operator.MemberRead) }

// veil is the veil of who asks; nil: he sees everything.
func (h *Handler) veil(c *gin.Context) *veil {
	if !blind(c) {
		return nil
	}
	return &veil{h.FewKey, int64(h.FewPeople)}
}

// under is few where there is a veil, else 0.
func (v *veil) under() int64 {
	if v == nil {
		return 0
	}
	return v.few
}

// hash is a number that the question alone decides.
func (v *veil) hash(question ...any) uint64 {
	m := hmac.New(sha256.New, v.key)
	for _, q := range question {
		text, err := json.Marshal(q)
		if err != nil {
			text = fmt.Append(nil, q)
		}
		m.Write(text)
		m.Write([]byte{0})
	}
	return binary.BigEndian.Uint64(m.Sum(nil))
}

// count is a number of people as it is shown.
func (v *veil) count(n int64, question ...any) int64 {
	if v == nil {
		return n
	}
	moved := n + int64(v.hash(question...)%uint64(2*v.few+1)) - v.few
	if shown := (moved + v.few/2) / v.few * v.few; n >= v.few && shown >= v.few {
		return shown
	}
	return 0
}

// funnel veils every number of a funnel on its own. What is left of too few is not told.
func (v *veil) funnel(f *segment.Funnel, question ...any) {
	if v == nil {
		return
	}
	few := f.Matched < v.few
	cell := func(n int64, name string) int64 {
		if few {
			return 0
		}
		return v.count(n, append(question, name)...)
	}
	brand := question[:1]
	f.People = v.count(f.People, append(brand[:1:1], "people")...)
	if !f.Profiling {
		f.Asked = f.People
	} else {
		f.Asked = min(f.People, v.count(f.Asked, append(brand[:1:1], "asked")...))
	}
	f.Matched = min(f.Asked, cell(f.Matched, "matched")) // a part is no more than what it is of
	for i := range f.Left {
		f.Left[i].Count = cell(f.Left[i].Count, "left "+f.Left[i].Reason)
	}
	for i := range f.Ways {
		f.Ways[i].Count = cell(f.Ways[i].Count, fmt.Sprint("way ", i))
	}
	f.Reachable = min(f.Matched, cell(f.Reachable, "reachable"))
}

// sample takes so few of some people that it leaves nobody out who would be missed, and says
// of them what many share. matched is how many they stand for.
func (v *veil) sample(list []segment.Somebody, matched int64) []segment.Somebody {
	if v == nil {
		return list
	}
	list = list[:min(int64(len(list)), matched/v.few)]
	for i := range list {
		x := &list[i]
		x.MemberID, x.Label = 0, fmt.Sprintf("用户 %d", i+1)
		x.JoinedAt, x.LastAt = dayOf(x.JoinedAt), dayOf(x.LastAt)
		x.Acts = min(x.Acts, actsShown)
	}
	return list
}

// actsShown is up to how many acts of a veiled person are told.
const actsShown = 10

func dayOf(at clock.Instant) clock.Instant {
	if at == 0 {
		return 0
	}
	from, _ := clock.DayOf(at).Bounds()
	return from
}

// tag veils how many people have a tag.
func (v *veil) tag(t tag.Tag) tag.Tag {
	t.People = v.count(t.People, t.ID)
	return t
}

// alias is a name of a member by which a brand's white list knows him to those who may not
// know his number.
func (v *veil) alias(brandID, memberID id.ID) id.ID {
	if v == nil || memberID == 0 {
		return memberID
	}
	return id.ID(v.hash("alias", brandID, memberID)>>2 | 1<<61) // above all that is given out
}
