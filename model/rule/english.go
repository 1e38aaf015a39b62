package rule

import (
	"fmt"
	"strconv"
	"strings"

	"siyu/model/id"
)

// NameLanguage asks Names for the language of its reader: "en" makes English sentences,
// everything else Chinese ones.
const NameLanguage = "language"

// english is the same sentence for readers of English. What operators named keeps its name.
type english struct{ names Names }

// inEnglish are the words of the catalogue; a name that is missing is said as it is.
var inEnglish = map[string]string{
	TierLevel: "membership level", Stage: "stage of life", R: "recency score R", F: "frequency score F", M: "money score M", Key: "known ids",
	Consent: "agreed to", Follows: "followed account", Leader: "leader level", HasReferrer: "a referrer", Referees: "number of people referred",
	Depth: "level in the referral tree (0 is the top)", Origin: "origin", BirthdayMonth: "month of birth", Province: "province of the last scan", JoinedDays: "days since joining",
	Stage + ".new": "new", Stage + ".active": "active", Stage + ".sleeping": "sleeping", Stage + ".lost": "lost",
	Key + ".phone": "phone", Key + ".unionid": "WeChat unionid", Key + ".openid_official": "official account openid", Key + ".openid_mini": "mini program openid", Key + ".wecom": "WeCom",
	Consent + ".profiling": "profiling", Consent + ".marketing": "marketing messages", Consent + ".exact_place": "exact place", Consent + ".crm_match": "matching old records", Consent + ".phone": "log-in by phone",
	Origin + ".scan": "scan", Origin + ".campaign": "campaign", Origin + ".follow": "follow", Origin + ".referral": "referral", Origin + ".order": "order",
	Origin + ".login": "log-in", Origin + ".crm": "import of old members", Origin + ".other": "other",
}

// actsInEnglish are what people did, as after "has".
var actsInEnglish = map[string]string{Bought: "bought (claim or order)", Claim: "claimed a code", Order: "ordered", Scan: "scanned", Review: "reviewed", Login: "logged in",
	Follow: "followed the account", Unfollow: "unfollowed", Clicked: "opened a link in a message", Redeemed: "redeemed a coupon"}

func (e english) of(kind string, ref id.ID) string {
	if name := e.names(kind, ref); name != "" {
		return "“" + name + "”"
	}
	return "(deleted)"
}

func (e english) node(n *Node, top bool) string {
	switch {
	case n.All != nil:
		return e.group(n.All, ", and ", top)
	case n.Any != nil:
		return e.group(n.Any, ", or ", top)
	case n.Not != nil:
		if alone := n.Not.alone(); alone.Did != nil && alone.Did.once() {
			return e.never(alone.Did)
		}
		return "not (" + e.node(n.Not, true) + ")"
	case n.Tag != nil:
		return e.tag(n.Tag)
	case n.Attr != nil:
		return e.attr(n.Attr)
	case n.Did != nil:
		return e.did(n.Did)
	case n.Sequence != nil:
		return e.sequence(n.Sequence)
	case n.Segment != nil:
		return "is in segment " + e.of(NameSegment, n.Segment.ID)
	case n.List != nil:
		return "is on list " + e.of(NameList, n.List.ID)
	case n.Random != nil:
		return fmt.Sprintf("%s%% drawn by chance (parts %d to %d of %d)", percent(n.Random.Until-n.Random.From), n.Random.From+1, n.Random.Until, Buckets)
	}
	return ""
}

func (e english) group(list []Node, and string, top bool) string {
	parts := make([]string, len(list))
	for i := range list {
		parts[i] = e.node(&list[i], false)
	}
	text := strings.Join(parts, and)
	if top || len(parts) == 1 {
		return text
	}
	return "(" + text + ")"
}

func (e english) tag(t *Tag) string {
	name := e.of(NameTag, t.ID)
	switch t.Op {
	case Has:
		return "has tag " + name
	case Lacks:
		return "has not tag " + name
	case Is:
		return "tag " + name + " is “" + t.Values[0] + "”"
	case In:
		return "tag " + name + " is one of “" + strings.Join(t.Values, "”, “") + "”"
	}
	return "score of tag " + name + " " + than(t.Op, t.Values, "")
}

func than(op string, values []string, unit string) string {
	if unit != "" {
		unit = " " + unit
	}
	switch op {
	case Gte:
		return "at least " + values[0] + unit
	case Lte:
		return "at most " + values[0] + unit
	case Between:
		return "between " + values[0] + " and " + values[1] + unit
	}
	return strings.Join(values, " or ") + unit
}

func (e english) attr(a *Attr) string {
	spec, _ := AttrOf(a.Name)
	title := inEnglish[a.Name]
	if title == "" {
		title = a.Name
	}
	switch {
	case a.Name == Leader && a.Op == Known:
		return "is a leader"
	case a.Name == Leader && a.Op == Unknown:
		return "is no leader"
	case a.Name == Depth && a.Op == Known:
		return "is in the referral tree"
	case a.Name == Depth && a.Op == Unknown:
		return "is not in the referral tree"
	case a.Name == Follows && a.Op == Known:
		return "follows an account of the brand"
	case a.Name == Follows && a.Op == Unknown:
		return "follows no account of the brand"
	case a.Name == HasReferrer && a.Op == Known:
		return "has a referrer"
	case a.Name == HasReferrer:
		return "has no referrer"
	case a.Op == Known:
		return title + " known"
	case a.Op == Unknown:
		return title + " not known"
	case spec.Kind == Number:
		return title + " " + than(a.Op, a.Values, "")
	}
	values := make([]string, len(a.Values))
	for i, v := range a.Values {
		values[i] = v
		if word := inEnglish[a.Name+"."+v]; word != "" {
			values[i] = word
		}
		if ref, err := id.Parse(v); spec.Kind == Account && err == nil {
			values[i] = e.of(NameAccount, ref)
		}
	}
	list := strings.Join(values, " or ")
	switch a.Name {
	case Consent:
		return "agreed to " + list
	case Follows:
		return "follows " + list
	case Key:
		return "known by " + list
	}
	return title + " is " + list
}

func (e english) acts(what string, products []id.ID) string {
	text := actsInEnglish[what]
	if text == "" {
		text = what
	}
	if len(products) == 0 {
		return text
	}
	return text + " " + e.products(products)
}

func (e english) products(products []id.ID) string {
	list := make([]string, len(products))
	for i, p := range products {
		list[i] = e.of(NameProduct, p)
	}
	return strings.Join(list, " or ")
}

// done is acts of a condition on acts.
func (e english) done(d *Did) string {
	if len(d.ExceptIDs) > 0 {
		return e.acts(d.What, nil) + " a product other than " + e.products(d.ExceptIDs)
	}
	return e.acts(d.What, d.ProductIDs)
}

func (e english) did(d *Did) string {
	act, when := e.done(d), e.span(d)
	switch {
	case d.measure() == Count && (d.Op == Eq || d.Op == Lte) && d.Values[0] == 0:
		return e.never(d)
	case d.once():
		return "has " + act + when
	}
	values := make([]string, len(d.Values))
	for i, v := range d.Values {
		if values[i] = strconv.FormatInt(v, 10); d.measure() == SumFen {
			values[i] = strings.TrimSuffix(fmt.Sprintf("%d.%02d", v/100, v%100), ".00")
		}
	}
	switch d.measure() {
	case Quantity:
		return act + ": " + than(d.Op, values, "pieces") + when
	case SumFen:
		return act + ": " + than(d.Op, values, "yuan") + when
	case First:
		return act + " for the first time " + than(d.Op, values, "days ago") + when
	case Last:
		return act + " for the last time " + than(d.Op, values, "days ago") + when
	case Interval:
		return act + ": on average every " + than(d.Op, values, "days") + when
	}
	return act + ": " + than(d.Op, values, "times") + when
}

func (e english) never(d *Did) string {
	if when := e.span(d); when != "" {
		return "has not " + e.done(d) + when
	}
	return "has never " + e.done(d)
}

func (e english) span(d *Did) string {
	switch {
	case d.WithinDays == 1:
		return " today"
	case d.WithinDays > 0:
		return fmt.Sprintf(" in the last %d days", d.WithinDays)
	case d.From != 0 && d.Until != 0:
		return " between " + d.From.Local() + " and " + d.Until.Local()
	case d.From != 0:
		return " since " + d.From.Local()
	case d.Until != 0:
		return " before " + d.Until.Local()
	}
	return ""
}

func (e english) sequence(q *Sequence) string {
	steps := make([]string, len(q.Steps))
	for i, step := range q.Steps {
		steps[i] = e.acts(step.What, step.ProductIDs)
	}
	text := fmt.Sprintf("%s, within %d days", strings.Join(steps, ", then "), q.WithinDays)
	if q.WindowDays > 0 {
		text += fmt.Sprintf(", since %d days ago", q.WindowDays)
	}
	return text
}
