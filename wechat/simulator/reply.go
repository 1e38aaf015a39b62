package simulator

import (
	"bytes"
	"encoding/xml"
	"errors"
)

// showReply puts the passive reply of an account on the phone. A reply WeChat
// could not read shows its well-known fault text, as it does for real users.
func (s *Simulator) showReply(to App, user string, reply []byte) {
	m, err := readReply(to, reply)
	if err == nil && m.Text == "" && m.Title == "" {
		return
	}
	if err != nil {
		m = ChatMessage{Kind: "text", Text: "该公众号提供的服务出现故障，请稍后再试"}
		s.enter(Request{Out: true, Call: "reply", Remark: err.Error(), Response: clip(reply)})
	}
	m.AppID = to.AppID
	s.mu.Lock()
	defer s.mu.Unlock()
	if u := s.users[user]; u != nil {
		s.chat(u, m)
	}
}

// readReply understands "", "success", text and news; sealed in AES mode.
func readReply(to App, reply []byte) (ChatMessage, error) {
	reply = bytes.TrimSpace(reply)
	if len(reply) == 0 || string(reply) == "success" {
		return ChatMessage{}, nil
	}
	if to.Mode == "aes" {
		var sealed struct {
			Encrypt      string
			MsgSignature string
			TimeStamp    string
			Nonce        string
		}
		if err := xml.Unmarshal(reply, &sealed); err != nil || sealed.Encrypt == "" {
			return ChatMessage{}, errors.New("reply is not encrypted")
		}
		if pushSignature(to.Token, sealed.TimeStamp, sealed.Nonce, sealed.Encrypt) != sealed.MsgSignature {
			return ChatMessage{}, errors.New("reply has a wrong MsgSignature")
		}
		var err error
		if reply, err = unseal(to.AESKey, to.AppID, sealed.Encrypt); err != nil {
			return ChatMessage{}, err
		}
	}
	var in struct {
		ToUserName   string
		FromUserName string
		MsgType      string
		Content      string
		Articles     struct {
			Item []struct {
				Title       string
				Description string
				URL         string `xml:"Url"`
			} `xml:"item"`
		}
	}
	if err := xml.Unmarshal(reply, &in); err != nil {
		return ChatMessage{}, err
	}
	if in.FromUserName == "" || in.ToUserName == "" {
		return ChatMessage{}, errors.New("reply names no sender or receiver")
	}
	switch in.MsgType {
	case "text":
		return ChatMessage{Kind: "text", Text: in.Content}, nil
	case "news":
		if len(in.Articles.Item) == 0 {
			return ChatMessage{}, errors.New("news without articles")
		}
		first := in.Articles.Item[0]
		return ChatMessage{Kind: "text", Title: first.Title, Text: first.Description, URL: first.URL}, nil
	case "transfer_customer_service":
		return ChatMessage{}, nil
	}
	return ChatMessage{}, errors.New("reply of an unknown type")
}
