package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/signers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/consts"
	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"
)

// signatureV3 is the only algorithm of both directions.
const signatureV3 = "WECHATPAY2-SHA256-RSA2048"

// signProbe begins the signatures WeChat sends to see whether we verify at all.
const signProbe = "WECHATPAY/SIGNTEST/"

// eventTransfer is the notice of a transfer's end.
const eventTransfer = "MCHTRANSFER.BILL.FINISHED"

// dialV3 builds the library's client for m on top of next.
func (c *Client) dialV3(m Merchant, conn *merchantConn, next http.RoundTripper) error {
	private, err := utils.LoadPrivateKey(m.PrivateKeyPEM)
	if err != nil {
		return errors.New("wechat: merchant's private key is not a PKCS #8 RSA key")
	}
	public, err := utils.LoadPublicKey(m.PublicKeyPEM)
	if err != nil {
		return errors.New("wechat: 微信支付公钥 is not a PKIX RSA key")
	}
	if m.SerialNo == "" || m.PublicKeyID == "" || len(m.APIv3Key) != 32 {
		return errors.New("wechat: merchant needs a serial number, a public key id and a 32-byte v3 key")
	}
	pay, err := url.Parse(c.hosts.Pay)
	if err != nil {
		return errHost
	}
	conn.notice = &noticeKey{
		verifier: verifiers.NewSHA256WithRSAPubkeyVerifier(m.PublicKeyID, *public), now: c.now, aead: m.APIv3Key,
	}
	signer := &signers.SHA256WithRSASigner{MchID: m.MchID, CertificateSerialNo: m.SerialNo, PrivateKey: private}
	client := c.guard.client(next, c.payTimeout)
	conn.files = c.guard.bounded(next, billTimeout, maxBill)
	for _, one := range []*http.Client{client, conn.files} {
		one.Transport = stamped{next: one.Transport, pay: pay, now: c.now, signer: signer}
	}
	unverified, err := core.NewClient(context.Background(),
		option.WithSigner(unsigned{}), option.WithoutValidator(), option.WithHTTPClient(client))
	if err != nil {
		return errors.New("wechat: v3 client cannot be made")
	}
	conn.v3 = core.NewClientWithValidator(unverified, conn.notice)
	return nil
}

// unsigned stands where the library would sign with the process's clock; stamped
// signs with ours. Without stamped the server refuses the request.
type unsigned struct{}

func (unsigned) Sign(context.Context, string) (*auth.SignatureResult, error) {
	return &auth.SignatureResult{}, nil
}
func (unsigned) Algorithm() string { return "NONE" }

// stamped signs each request and sends it to the configured host. The signature
// covers the path only, so the host may change and the path prefix of a
// simulator stays outside it.
type stamped struct {
	next   http.RoundTripper
	pay    *url.URL
	now    func() time.Time
	signer auth.Signer
}

func (t stamped) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme+"://"+r.URL.Host != consts.WechatPayAPIServer {
		return nil, errHost
	}
	var body []byte
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, errors.New("wechat: v3 request body")
		}
	}
	at, n := t.now().Unix(), nonce()
	signed, err := t.signer.Sign(r.Context(), fmt.Sprintf(consts.SignatureMessageFormat, r.Method, r.URL.RequestURI(), at, n, body))
	if err != nil {
		return nil, errors.New("wechat: v3 request cannot be signed")
	}
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.URL.Path = t.pay.Scheme, t.pay.Host, t.pay.Path+r.URL.Path
	out.Host = ""
	out.Body, out.GetBody = http.NoBody, nil
	if len(body) > 0 {
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		out.Body, _ = out.GetBody()
	}
	out.Header.Set(consts.Accept, consts.ApplicationJSON)
	out.Header.Set(consts.Authorization, fmt.Sprintf(consts.HeaderAuthorizationFormat,
		signatureV3, signed.MchID, n, at, signed.CertificateSerialNo, signed.Signature))
	return t.next.RoundTrip(out)
}

// noticeKey verifies what WeChat Pay signs: answers (as the library's
// auth.Validator) and notices.
type noticeKey struct {
	verifier auth.Verifier
	now      func() time.Time
	aead     string
}

// Validate checks an answer and leaves its body readable.
func (k *noticeKey) Validate(ctx context.Context, resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return k.verify(ctx, resp.Header, body)
}

// GetAcceptSerial tells WeChat which key to sign with.
func (k *noticeKey) GetAcceptSerial(ctx context.Context) (string, error) {
	return k.verifier.GetSerial(ctx)
}

// verify checks signature and then age: an unsigned timestamp says nothing.
func (k *noticeKey) verify(ctx context.Context, h http.Header, body []byte) error {
	timestamp, signature := h.Get(consts.WechatPayTimestamp), h.Get(consts.WechatPaySignature)
	if kind := h.Get("Wechatpay-Signature-Type"); kind != "" && kind != signatureV3 {
		return fmt.Errorf("%w: unknown signature type", ErrSignature)
	}
	if signature == "" || strings.HasPrefix(signature, signProbe) {
		return fmt.Errorf("%w: none, or a probe", ErrSignature)
	}
	text := timestamp + "\n" + h.Get(consts.WechatPayNonce) + "\n" + string(body) + "\n"
	if err := k.verifier.Verify(ctx, h.Get(consts.WechatPaySerial), text, signature); err != nil {
		return ErrSignature // the library's text quotes headers
	}
	return fresh(timestamp, k.now())
}

// TransferNotice is one verified notice of a transfer's end.
type TransferNotice struct {
	ID         string // the same in every delivery
	BillNo     string
	WechatNo   string
	OpenID     string
	State      string // WeChat's word
	FailReason string // scrubbed
	AmountFen  int64
	// Answer is settled, returned or failed; unknown for a state that the
	// documents do not have. The caller compares AmountFen and OpenID with its row.
	Answer PayAnswer
}

// OpenTransferNotice verifies and reads a notice (回调通知) to m. It refuses
// signature probes, another key's serial and timestamps over 5 minutes off. The
// library's handler panics on a signed body without resource and quotes the whole
// request in errors (platform facts, B19 and B21), so only its parts are used.
//
// Errors: ErrTooLarge, ErrSignature, ErrReplay, ErrMalformed, or the merchant's
// key material.
func (c *Client) OpenTransferNotice(ctx context.Context, m Merchant, header http.Header, body []byte) (TransferNotice, error) {
	if len(body) > maxCallback {
		return TransferNotice{}, ErrTooLarge
	}
	m.Rail = RailTransfer
	conn, err := c.conn(m)
	if err != nil {
		return TransferNotice{}, err
	}
	if err := conn.notice.verify(ctx, header, body); err != nil {
		return TransferNotice{}, err
	}
	var n notify.Request
	if err := json.Unmarshal(body, &n); err != nil || n.Resource == nil || n.ID == "" {
		return TransferNotice{}, fmt.Errorf("%w: notice", ErrMalformed)
	}
	r := n.Resource
	if n.EventType != eventTransfer || r.Algorithm != "AEAD_AES_256_GCM" || len(r.Nonce) != 12 {
		return TransferNotice{}, fmt.Errorf("%w: not a transfer notice", ErrMalformed)
	}
	plain, err := utils.DecryptAES256GCM(conn.notice.aead, r.AssociatedData, r.Nonce, r.Ciphertext)
	if err != nil {
		return TransferNotice{}, fmt.Errorf("%w: cannot decrypt", ErrMalformed)
	}
	var b bill
	if err := json.Unmarshal([]byte(plain), &b); err != nil || b.BillNo == "" || b.State == "" {
		return TransferNotice{}, fmt.Errorf("%w: notice content", ErrMalformed)
	}
	if b.MchID != m.MchID {
		return TransferNotice{}, fmt.Errorf("%w: notice for another merchant", ErrMalformed)
	}
	state, _ := billState(b.State)
	if !state.Final() {
		state = PayUnknown // a finished bill in a state that does not end
	}
	out := TransferNotice{
		ID: n.ID, BillNo: b.BillNo, WechatNo: b.WechatNo, OpenID: b.OpenID, State: scrub(b.State),
		FailReason: scrub(b.FailReason, b.OpenID), AmountFen: b.AmountFen,
	}
	out.Answer = PayAnswer{
		State: state, WechatNo: b.WechatNo, Code: out.State, Reason: out.FailReason, AmountFen: b.AmountFen,
	}
	return out, nil
}
