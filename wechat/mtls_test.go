package wechat

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

func selfSigned(t *testing.T, name string) (certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: noon.Add(-20 * 365 * 24 * time.Hour), NotAfter: noon.Add(20 * 365 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func TestRedpackShowsTheMerchantsCertificateOnOneSharedConnection(t *testing.T) {
	var dials atomic.Int32
	var seen atomic.Value
	pay := &payServer{t: t, m: redpackMerchant}
	pay.answer = func(path string, in map[string]string) (int, string) {
		if path == pathHBInfo {
			return 200, xmlOf(status(in, "SENT"))
		}
		return 200, xmlOf(accepted(in))
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.TLS.PeerCertificates[0].Subject.CommonName)
		pay.ServeHTTP(w, r)
	}))
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			dials.Add(1)
		}
	}
	srv.StartTLS()
	defer srv.Close()
	c, err := New(Options{Hosts: hostsAt(srv.URL)})
	if err != nil {
		t.Fatal(err)
	}
	m := redpackMerchant
	m.ClientCertPEM, m.ClientKeyPEM = selfSigned(t, m.MchID)
	conn, err := c.conn(m)
	if err != nil {
		t.Fatal(err)
	}
	trust := conn.http.Transport.(guarded).next.(*http.Transport).TLSClientConfig
	trust.RootCAs = srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs

	o := orderFor(m)
	for range 3 {
		if a := c.Send(context.Background(), m, o); a.State != PayAccepted {
			t.Fatalf("%+v", a)
		}
		if a := c.Query(context.Background(), m, o); a.State != PayAccepted || !a.WaitUser {
			t.Fatalf("%+v", a)
		}
	}
	if dials.Load() != 1 || seen.Load() != m.MchID {
		t.Errorf("%d connections, certificate of %v; want 1, %s", dials.Load(), seen.Load(), m.MchID)
	}
}
