package simulator

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"
)

// The simulator's own API, /sim/api/: what the page needs and what a test in
// another process needs. {"data":...} or {"error":{"message"}}.

const maxPicture = 12 << 20

// act registers a POST that takes JSON. The content type is insisted on: a form
// on a foreign page cannot send it.
func act[T any](mux *http.ServeMux, path string, do func(T) (any, error)) {
	mux.HandleFunc("POST /sim/api/"+path, func(w http.ResponseWriter, r *http.Request) {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "application/json" {
			apiReply(w, http.StatusUnsupportedMediaType, nil, errors.New("请求须为 application/json"))
			return
		}
		var in T
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&in); err != nil {
			apiReply(w, http.StatusBadRequest, nil, errors.New("请求体不是合法的 JSON"))
			return
		}
		out, err := do(in)
		apiReply(w, http.StatusOK, out, err)
	})
}

func apiReply(w http.ResponseWriter, status int, out any, err error) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	body := object{"data": out}
	if err != nil {
		if status == http.StatusOK {
			status = http.StatusUnprocessableEntity
		}
		body = object{"error": object{"message": err.Error()}}
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that leaves needs no answer
}

// deed is the body of most actions; each uses the fields it names.
type deed struct {
	User     string `json:"user"`
	AppID    string `json:"app_id"`
	MchID    string `json:"mch_id"`
	BillNo   string `json:"bill_no"`
	Package  string `json:"package"`
	State    string `json:"state"`
	How      string `json:"how"`
	Scene    string `json:"scene"`
	Text     string `json:"text"`
	Template string `json:"template_id"`
	Count    int    `json:"count"`
	Fen      int64  `json:"amount_fen"`
}

type orderedMisfortune struct {
	Misfortune
	DelayMS int64  `json:"delay_ms"`
	Label   string `json:"label"`
}

func (s *Simulator) apiRoutes(mux *http.ServeMux) {
	done := func(err error) (any, error) { return object{}, err }
	act(mux, "apps", func(in App) (any, error) { s.AddApp(in); return object{}, nil })
	act(mux, "users", s.apiAddUser)
	act(mux, "merchants", func(in Merchant) (any, error) {
		if in.PublicKeyPEM != "" {
			if _, err := readPublicKey(in.PublicKeyPEM); err != nil {
				return nil, err
			}
		}
		s.AddMerchant(in)
		return object{}, nil
	})
	act(mux, "misfortunes", func(in orderedMisfortune) (any, error) {
		in.Delay = time.Duration(in.DelayMS) * time.Millisecond
		return done(s.SetMisfortune(in.Misfortune))
	})
	act(mux, "misfortunes/clear", func(deed) (any, error) { s.ClearMisfortunes(); return object{}, nil })
	act(mux, "follow", func(in deed) (any, error) { return done(s.Follow(in.User, in.AppID)) })
	act(mux, "unfollow", func(in deed) (any, error) { return done(s.Unfollow(in.User, in.AppID)) })
	act(mux, "scan_qr", func(in deed) (any, error) { return done(s.ScanQR(in.User, in.AppID, in.Scene)) })
	act(mux, "say", func(in deed) (any, error) { return done(s.Say(in.User, in.AppID, in.Text)) })
	act(mux, "grant", func(in deed) (any, error) { return done(s.Grant(in.User, in.AppID, in.Template, in.Count)) })
	act(mux, "popup", func(in deed) (any, error) { return done(s.Popup(in.User, in.AppID, []string{in.Template}, nil)) })
	act(mux, "withdraw", func(in deed) (any, error) { return done(s.Withdraw(in.User, in.AppID, in.Template)) })
	act(mux, "click", func(in deed) (any, error) { return done(s.Click(in.User, in.AppID, in.Text)) })
	act(mux, "enter", func(in deed) (any, error) { return done(s.Enter(in.User, in.AppID)) })
	act(mux, "login_code", func(in deed) (any, error) {
		code, err := s.LoginCode(in.User, in.AppID)
		return object{"code": code}, err
	})
	act(mux, "phone_code", func(in deed) (any, error) {
		code, err := s.NumberCode(in.User, in.AppID)
		return object{"code": code}, err
	})
	act(mux, "phone_number", func(in deed) (any, error) { return done(s.SetPhoneNumber(in.User, in.Text)) })
	act(mux, "open", func(in deed) (any, error) { return done(s.Open(in.User, in.BillNo)) })
	act(mux, "confirm", func(in deed) (any, error) { return done(s.Confirm(in.User, in.Package)) })
	act(mux, "advance", func(in deed) (any, error) { return done(s.Advance(in.BillNo, in.State)) })
	act(mux, "expire", func(in deed) (any, error) { s.Expire(s.now().Add(billLife)); return object{}, nil })
	act(mux, "forge", func(in deed) (any, error) {
		status, err := s.Forge(in.BillNo, in.State, in.How)
		return object{"status": status}, err
	})
	act(mux, "top_up", func(in deed) (any, error) { return done(s.TopUp(in.MchID, in.Fen)) })
	act(mux, "forget_cookies", func(in deed) (any, error) { s.ForgetCookies(in.User); return object{}, nil })
	act(mux, "expire_tokens", func(in deed) (any, error) { s.ExpireTokens(in.AppID); return object{}, nil })
	act(mux, "verify_url", func(in deed) (any, error) { return done(s.VerifyURL(in.AppID)) })
	s.corpActs(mux)
	act(mux, "resolve", func(in deed) (any, error) { return s.resolve(in.User, in.Text), nil })
	act(mux, "transfer", func(in deed) (any, error) { return s.confirmSheet(in.User, in.Package) })
	act(mux, "jsconfig", func(in struct {
		AppID     string      `json:"appId"`
		Nonce     string      `json:"nonceStr"`
		Timestamp json.Number `json:"timestamp"`
		Signature string      `json:"signature"`
		Path      string      `json:"path"`
	}) (any, error) {
		return object{"errMsg": s.jsConfig(in.AppID, in.Nonce, in.Timestamp.String(), in.Signature, in.Path)}, nil
	})
	mux.HandleFunc("POST /sim/api/decode", func(w http.ResponseWriter, r *http.Request) {
		picture, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPicture))
		if err != nil {
			apiReply(w, http.StatusRequestEntityTooLarge, nil, errors.New("图片不能超过 12 MB"))
			return
		}
		text, err := readQR(picture)
		apiReply(w, http.StatusOK, object{"text": text}, err)
	})
	s.apiReads(mux)
}

func (s *Simulator) apiAddUser(in User) (any, error) {
	if in.Name == "" || len(in.Name) > 60 {
		return nil, errors.New("请填写微信昵称（20 个字以内）")
	}
	s.AddUser(in)
	return object{}, nil
}

// confirmSheet is what the phone shows before 确认收款.
func (s *Simulator) confirmSheet(user, pkg string) (any, error) {
	s.sweep()
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.byPackage(user, pkg)
	if err != nil {
		return nil, err
	}
	m := s.merchants[b.MchID]
	name := m.Name
	if name == "" {
		name = "商户 " + m.MchID
	}
	return object{"merchant": name, "remark": b.remark, "amount_fen": b.AmountFen, "state": b.State, "bill_no": b.BillNo, "expires_at": b.expiresAt}, nil
}

func (s *Simulator) apiReads(mux *http.ServeMux) {
	read := func(path string, get func(r *http.Request) any) {
		mux.HandleFunc("GET /sim/api/"+path, func(w http.ResponseWriter, r *http.Request) { apiReply(w, http.StatusOK, get(r), nil) })
	}
	read("bills", func(r *http.Request) any { return s.Bills(r.URL.Query().Get("mch_id")) })
	read("balance", func(r *http.Request) any {
		return object{"balance_fen": s.BalanceFen(r.URL.Query().Get("mch_id"))}
	})
	read("requests", func(*http.Request) any { return s.Requests() })
	read("chats", func(r *http.Request) any { return s.Chats(r.URL.Query().Get("user")) })
	read("openid", func(r *http.Request) any {
		return object{"openid": s.OpenID(r.URL.Query().Get("user"), r.URL.Query().Get("app_id"))}
	})
	read("platform_key", func(*http.Request) any {
		id, pem := s.PlatformKey()
		return object{"id": id, "public_key_pem": pem}
	})
	read("corps", func(*http.Request) any { return s.apiCorps() })
	read("external_userid", func(r *http.Request) any {
		return object{"external_userid": s.ExternalUserID(r.URL.Query().Get("user"), r.URL.Query().Get("corp_id"))}
	})
	read("codes", func(*http.Request) any {
		s.mu.Lock()
		list := s.demoCodes
		s.mu.Unlock()
		if list == nil {
			return []DemoCode{}
		}
		return list()
	})
	mux.HandleFunc("GET /sim/api/state", s.apiState)
}
