package config

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// readDB understands "sqlite:PATH" and "mysql://user:pass@host:3306/name?params".
func readDB(r *reader, data string) DB {
	const name = "SIYU_DB"
	def := "sqlite:" + sqlitePath(data)
	text := string(r.secret(name, "sqlite:PATH or mysql://user:pass@host:3306/name; default: "+def))
	if text == "" {
		text = def
	}
	d := DB{MaxConns: int(r.number("SIYU_DB_CONNS", 0, 0, 1000, "database connections; 0: chosen by the program"))}
	if path, ok := strings.CutPrefix(text, "sqlite:"); ok {
		if path == "" {
			r.fail(name, "sqlite: needs a path")
		}
		d.Driver, d.DSN = "sqlite", Secret(path)
		return d
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "mysql" || u.Hostname() == "" || u.User.Username() == "" || len(u.Path) < 2 || strings.Contains(u.Path[1:], "/") {
		// The cause would repeat the address, password and all.
		r.fail(name, "want sqlite:PATH or mysql://user:pass@host:3306/name (special characters of the password as %%XX)")
		return d
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	pass, _ := u.User.Password()
	dsn := u.User.Username() + ":" + pass + "@tcp(" + net.JoinHostPort(u.Hostname(), port) + ")" + u.Path
	if q := u.Query().Encode(); q != "" {
		dsn += "?" + q
	}
	d.Driver, d.DSN = "mysql", Secret(dsn)
	return d
}

// readRedis understands "redis[s]://[user]:pass@host:6379/0" and
// "redis[s]-cluster://[user]:pass@host:6379,host:6379".
func readRedis(r *reader) Redis {
	const name = "SIYU_REDIS"
	text := string(r.secret(name, "redis://:pass@host:6379/0 or redis-cluster://:pass@host:6379,host:6379 (rediss for TLS); default: inside the program"))
	if text == "" {
		return Redis{}
	}
	bad := func() Redis {
		r.fail(name, "want redis://:pass@host:6379/0 or redis-cluster://:pass@host:6379,host:6379")
		return Redis{}
	}
	scheme, rest, ok := strings.Cut(text, "://")
	cluster := strings.HasSuffix(scheme, "-cluster")
	plain := strings.TrimSuffix(scheme, "-cluster")
	if !ok || (plain != "redis" && plain != "rediss") {
		return bad()
	}
	out := Redis{TLS: plain == "rediss"}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user, pass, _ := strings.Cut(rest[:at], ":")
		var errU, errP error
		out.Username, errU = url.PathUnescape(user)
		pass, errP = url.PathUnescape(pass)
		if errU != nil || errP != nil {
			return bad()
		}
		out.Password, rest = Secret(pass), rest[at+1:]
	}
	hosts, number, hasNumber := strings.Cut(rest, "/")
	if hasNumber && number != "" {
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n > 15 || (cluster && n != 0) {
			return bad()
		}
		out.DB = n
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if _, port, err := net.SplitHostPort(host); err != nil || port == "" {
			return bad()
		}
		out.Cluster = append(out.Cluster, host)
	}
	if !cluster {
		if len(out.Cluster) != 1 {
			return bad()
		}
		out.Addr, out.Cluster = out.Cluster[0], nil
	}
	return out
}

func readFirst(r *reader) First {
	var f First
	f.Brand = Brand{
		Slug:         r.text("SIYU_BRAND_SLUG", "", "first brand: short name in addresses"),
		Name:         r.text("SIYU_BRAND_NAME", "", "first brand: name"),
		CodeHost:     r.text("SIYU_CODE_HOST", "", "first brand: host printed in its codes"),
		UpperURL:     r.flag("SIYU_CODE_UPPER", true, "print code addresses in upper case (smaller QR)"),
		SupportPhone: r.text("SIYU_BRAND_PHONE", "", "first brand: service phone"),
	}
	f.Official = readAccount(r, "SIYU_OA_", "official account")
	f.Mini = readAccount(r, "SIYU_MINI_", "mini program")
	f.Merchant = Merchant{
		MchID:           r.text("SIYU_MCH_ID", "", "merchant number"),
		AppID:           r.text("SIYU_MCH_APPID", f.Official.AppID, "appid that packets are sent under; default: the official account"),
		Rail:            r.text("SIYU_MCH_RAIL", "transfer", "redpack (v2) or transfer (v3)"),
		SignType:        r.text("SIYU_MCH_SIGN_TYPE", "MD5", "v2: MD5 or HMAC-SHA256"),
		SendName:        r.text("SIYU_MCH_SEND_NAME", "", "v2: the sender's name on the packet"),
		SceneIDV2:       r.text("SIYU_MCH_SCENE_V2", "PRODUCT_2", "v2: scene id"),
		TransferSceneID: r.text("SIYU_MCH_SCENE_TRANSFER", "1000", "v3: transfer scene"),
		SerialNo:        r.text("SIYU_MCH_SERIAL_NO", "", "v3: serial number of the merchant certificate"),
		PublicKeyID:     r.text("SIYU_MCH_PUBLIC_KEY_ID", "", "v3: id of WeChat Pay's public key"),
		APIKeyV2:        r.secret("SIYU_MCH_KEY_V2", "v2: API key"),
		ClientCertPEM:   r.secret("SIYU_MCH_CERT", "v2: client certificate, PEM or file:PATH"),
		ClientKeyPEM:    r.secret("SIYU_MCH_CERT_KEY", "v2: its key, PEM or file:PATH"),
		APIv3Key:        r.secret("SIYU_MCH_KEY_V3", "v3: APIv3 key, 32 bytes"),
		PrivateKeyPEM:   r.secret("SIYU_MCH_PRIVATE_KEY", "v3: merchant's private key, PEM or file:PATH"),
		PublicKeyPEM:    r.secret("SIYU_MCH_PUBLIC_KEY", "v3: WeChat Pay's public key, PEM or file:PATH"),
	}
	f.Operator = Operator{
		Login:    r.text("SIYU_ADMIN_LOGIN", "", "first operator"),
		Password: r.secret("SIYU_ADMIN_PASSWORD", "its password, at least 10 characters"),
	}
	return f
}

func readAccount(r *reader, prefix, what string) Account {
	a := Account{
		AppID:  r.text(prefix+"APPID", "", what+": appid"),
		Name:   r.text(prefix+"NAME", "", what+": name"),
		Secret: r.secret(prefix+"SECRET", what+": app secret"),
		Token:  r.secret(prefix+"TOKEN", what+": callback token"),
		AESKey: r.secret(prefix+"AESKEY", what+": EncodingAESKey, 43 characters"),
	}
	a.Secure = r.flag(prefix+"SECURE", a.AESKey != "", what+": refuse plaintext callbacks; default: true with an AESKEY")
	return a
}
