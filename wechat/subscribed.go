package wechat

import (
	"encoding/json"
)

// Grant is what a person said to the messages of one template (订阅消息授权).
type Grant struct {
	TemplateID string `json:"TemplateId"`
	Status     string `json:"SubscribeStatusString"` // "accept", "reject", "ban", "filter"
}

// Events about subscribe messages: the pop-up in a mini program or page, and a change in
// the person's settings. [D] developers.weixin.qq.com/miniprogram/dev/framework/open-ability/subscribe-message-2.html
var grantEvents = map[string]string{
	"subscribe_msg_popup_event":  "SubscribeMsgPopupEvent/List/",
	"subscribe_msg_change_event": "SubscribeMsgChangeEvent/List/",
}

// grantsOf reads what an event about subscribe messages says, in XML or JSON; nil for one
// that is malformed: what cannot be read grants nothing.
func grantsOf(event string, raw []byte) []Grant {
	path, known := grantEvents[event]
	if !known {
		return nil
	}
	fields, err := parseXML(raw)
	if err != nil {
		return jsonGrants(raw)
	}
	ids, said := fields[path+"TemplateId"], fields[path+"SubscribeStatusString"]
	if len(ids) != len(said) {
		return nil
	}
	out := make([]Grant, len(ids))
	for i := range ids {
		out[i] = Grant{ids[i], said[i]}
	}
	return out
}

// jsonGrants reads the list of a mini program's JSON push: one object, or several.
func jsonGrants(raw []byte) []Grant {
	var in struct{ List json.RawMessage }
	if json.Unmarshal(raw, &in) != nil {
		return nil
	}
	var many []Grant
	if json.Unmarshal(in.List, &many) == nil {
		return many
	}
	var one Grant
	if json.Unmarshal(in.List, &one) != nil || one.TemplateID == "" {
		return nil
	}
	return []Grant{one}
}
