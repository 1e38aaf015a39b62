package simulator

import "testing"

// What siyu sends may be anything while it is being written: the simulator
// answers a fault and stays up.

func FuzzReadFields(f *testing.F) {
	for _, seed := range []string{"", "<xml><a>1</a></xml>", "<xml><a><![CDATA[x]]></a><a>2</a></xml>", "<!DOCTYPE a><xml/>", "<xml><a", "<?xml version='1.0'?><r><b/></r>"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := readFields(body)
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, kv := range in {
			if names[kv[0]] {
				t.Errorf("%q is given twice", kv[0])
			}
			names[kv[0]] = true
		}
		if len(in) == 0 {
			t.Error("nothing read and no fault")
		}
	})
}

func FuzzReadReply(f *testing.F) {
	to := App{AppID: "wx1", Token: "t", AESKey: "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", Mode: "plain"}
	f.Add([]byte("success"), false)
	f.Add([]byte("<xml><ToUserName>a</ToUserName><FromUserName>b</FromUserName><MsgType>text</MsgType><Content>c</Content></xml>"), false)
	f.Add([]byte("<xml><Encrypt>AAAA</Encrypt><MsgSignature>x</MsgSignature></xml>"), true)
	f.Fuzz(func(t *testing.T, reply []byte, sealed bool) {
		to := to
		if sealed {
			to.Mode = "aes"
		}
		m, err := readReply(to, reply)
		if err != nil && (m.Text != "" || m.Title != "") {
			t.Error("a fault and a message at once")
		}
	})
}

func FuzzUnseal(f *testing.F) {
	const key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	good, err := seal(key, "0123456789abcdef", "wx1", []byte("<xml/>"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "AAAA", good, good[:24]} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out, err := unseal(key, "wx1", text)
		if text == good && (err != nil || string(out) != "<xml/>") {
			t.Errorf("%q %v", out, err)
		}
	})
}
