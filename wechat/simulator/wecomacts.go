package simulator

import "net/http"

// corpDeed is the body of WeCom's deeds on /sim/api/.
type corpDeed struct {
	CorpID   string   `json:"corp_id"`
	Staff    string   `json:"staff"`
	User     string   `json:"user"`
	Users    []string `json:"users"`
	State    string   `json:"state"`
	Half     bool     `json:"half"`
	ByUser   bool     `json:"by_user"`
	ChatID   string   `json:"chat_id"`
	ConfigID string   `json:"config_id"`
	Name     string   `json:"name"`
	Scene    int      `json:"scene"`
}

func (s *Simulator) corpActs(mux *http.ServeMux) {
	done := func(err error) (any, error) { return object{}, err }
	act(mux, "corps", func(in Corp) (any, error) { s.AddCorp(in); return object{}, nil })
	act(mux, "corp/verify_url", func(in corpDeed) (any, error) { return done(s.VerifyCorpURL(in.CorpID)) })
	act(mux, "corp/contact/add", func(in corpDeed) (any, error) {
		return done(s.AddContact(in.CorpID, in.Staff, in.User, in.State, in.Half))
	})
	act(mux, "corp/contact/drop", func(in corpDeed) (any, error) {
		return done(s.DropContact(in.CorpID, in.Staff, in.User, in.ByUser))
	})
	act(mux, "corp/contact/scan", func(in corpDeed) (any, error) { return done(s.ScanContactWay(in.CorpID, in.ConfigID, in.User)) })
	act(mux, "corp/staff_sends", func(in corpDeed) (any, error) {
		n, err := s.StaffSends(in.CorpID, in.Staff)
		return object{"sent": n}, err
	})
	act(mux, "corp/chat/create", func(in corpDeed) (any, error) {
		id, err := s.CreateChat(in.CorpID, in.Staff, in.Name)
		return object{"chat_id": id}, err
	})
	act(mux, "corp/chat/join", func(in corpDeed) (any, error) {
		return done(s.JoinChat(in.CorpID, in.ChatID, max(in.Scene, JoinInvited), in.State, append(in.Users, named(in.User)...)...))
	})
	act(mux, "corp/chat/scan", func(in corpDeed) (any, error) {
		id, err := s.ScanJoinWay(in.CorpID, in.ConfigID, in.User)
		return object{"chat_id": id}, err
	})
	act(mux, "corp/chat/leave", func(in corpDeed) (any, error) {
		return done(s.LeaveChat(in.CorpID, in.ChatID, in.User, in.Scene))
	})
	act(mux, "corp/chat/rename", func(in corpDeed) (any, error) { return done(s.RenameChat(in.CorpID, in.ChatID, in.Name)) })
	act(mux, "corp/chat/move", func(in corpDeed) (any, error) { return done(s.MoveChat(in.CorpID, in.ChatID, in.Staff)) })
	act(mux, "corp/chat/dismiss", func(in corpDeed) (any, error) { return done(s.DismissChat(in.CorpID, in.ChatID)) })
}

func named(user string) []string {
	if user == "" {
		return nil
	}
	return []string{user}
}
