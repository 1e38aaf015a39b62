package push

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"siyu/model/id"
)

// braces are {name}, {name|what stands there when it is not known}, {链接1} and {退订}.
var braces = regexp.MustCompile(`\{([^{}|\s]{1,16})(?:\|([^{}]{0,32}))?\}`)

func linkNo(key string) (no int, isLink bool) {
	if key == Stop {
		return stopNo, true
	}
	text, isLink := strings.CutPrefix(key, "链接")
	if !isLink {
		return 0, false
	}
	no, err := strconv.Atoi(text)
	if err != nil {
		return -1, true
	}
	return no, true
}

// fill puts values and links into a text. What is not known and has no other word becomes
// nothing.
func fill(text string, values map[string]string, link func(no int) string) string {
	return braces.ReplaceAllStringFunc(text, func(found string) string {
		m := braces.FindStringSubmatch(found)
		if no, isLink := linkNo(m[1]); isLink {
			return link(no)
		}
		if v := values[m[1]]; v != "" {
			return v
		}
		return m[2]
	})
}

// Message is a copy as it leaves the house.
type Message struct {
	Text string            `json:"text"`
	Data map[string]string `json:"data"` // of a template
	URL  string            `json:"url"`  // what a tap on a template opens
	Page string            `json:"page"` // or the page of a mini program
}

// write makes the message of one content for one person.
func write(c Content, values map[string]string, link func(no int) string) Message {
	m := Message{Text: fill(c.Text, values, link), Data: map[string]string{}, Page: c.Page}
	for key, text := range c.Data {
		m.Data[key] = fit(key, fill(text, values, link))
	}
	if c.LinkNo > 0 {
		m.URL = link(c.LinkNo)
	}
	return m
}

// Preview is one arm as a member would see it, a message for each use.
type Preview struct {
	MemberID id.ID            `json:"member_id"`
	Arm      string           `json:"arm"`
	Messages []PreviewMessage `json:"messages"`
}

// PreviewMessage is the message of one use.
type PreviewMessage struct {
	Channel string `json:"channel"`
	Title   string `json:"title"` // of the channel, zh-CN
	Message
}

// Preview writes every arm for a member; 0: for somebody of the audience, or for nobody where
// that has less than least people. Names are shown as operators may see them, links lead
// nowhere.
func (s *Store) Preview(ctx context.Context, pushID, memberID id.ID, least int64) ([]Preview, error) {
	p, err := s.Get(ctx, pushID)
	if err != nil {
		return nil, err
	}
	if memberID == 0 && (p.SegmentID != 0 || p.ListID != 0) {
		some, err := s.Audience.Sample(ctx, p, int(max(least, 1)))
		if err != nil {
			return nil, err
		}
		if len(some) > 0 && len(some) >= int(least) {
			memberID = some[0]
		}
	}
	values := map[id.ID]map[string]string{}
	if memberID != 0 {
		if values, err = s.Values.Of(ctx, p.BrandID, p.keys(), []id.ID{memberID}, true); err != nil {
			return nil, err
		}
	}
	out := []Preview{}
	for _, a := range p.Arms {
		v := Preview{MemberID: memberID, Arm: a.Name, Messages: []PreviewMessage{}}
		for i, u := range p.Uses {
			m := write(a.Contents[i], values[memberID], func(no int) string { return s.PublicURL + "/l/预览-" + strconv.Itoa(no) })
			v.Messages = append(v.Messages, PreviewMessage{u.Channel, ChannelName(u.Channel), m})
		}
		out = append(out, v)
	}
	return out, nil
}

// address writes the message of each parcel.
func (s *Store) address(ctx context.Context, r Run, parcels []Parcel) error {
	if len(parcels) == 0 {
		return nil
	}
	members := make([]id.ID, len(parcels))
	for i, p := range parcels {
		members[i] = p.MemberID
	}
	values := map[id.ID]map[string]string{}
	if keys := r.Push.keys(); len(keys) > 0 {
		var err error
		if values, err = s.Values.Of(ctx, r.Push.BrandID, keys, members, false); err != nil {
			return err
		}
	}
	for i := range parcels {
		p := &parcels[i]
		content := r.Push.Arms[p.Arm].Contents[p.Use]
		p.Message = write(content, values[p.MemberID], func(no int) string { return s.linkTo(p.DeliveryID, no) })
	}
	return nil
}

// keys are the variables that any text has.
func (f Form) keys() []string {
	var out []string
	for _, a := range f.Arms {
		for _, c := range a.Contents {
			for _, text := range append(slices.Collect(maps.Values(c.Data)), c.Text) {
				for _, m := range braces.FindAllStringSubmatch(text, -1) {
					if _, isLink := linkNo(m[1]); !isLink && !slices.Contains(out, m[1]) {
						out = append(out, m[1])
					}
				}
			}
		}
	}
	return out
}
