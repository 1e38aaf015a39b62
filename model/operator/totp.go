package operator

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // RFC 6238's default, which every authenticator app knows; HMAC does not need a collision-free hash
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"gorm.io/gorm"

	"siyu/model/clock"
	"siyu/model/db"
	"siyu/model/fault"
	"siyu/model/id"
)

// The second factor (动态验证码) is a time-based one-time password, RFC 6238: six digits,
// thirty seconds, HMAC-SHA1, as every authenticator app takes it.
const (
	totpDigits  = 6
	totpStep    = 30 * time.Second
	totpSkew    = 1 // steps that a phone's clock may be off
	totpTries   = 5 // wrong codes before a pause, which doubles
	totpPause   = 5 * time.Minute
	totpLongest = 24 * time.Hour
	recoveries  = 10
)

// States of a second factor.
const (
	totpPending = "pending"
	totpOn      = "on"
)

var (
	errNeedCode  = fault.New(fault.Unauthenticated, "totp_needed", "请输入动态验证码")
	errCode      = fault.New(fault.Unauthenticated, "totp_wrong", "动态验证码不对或已用过，请等下一个")
	errTOTPOn    = fault.New(fault.Conflict, "totp_on", "两步验证已经开启；换手机请先关闭")
	errTOTPOff   = fault.New(fault.Conflict, "totp_off", "两步验证没有开启")
	errNoSealing = fault.New(fault.Unavailable, "totp_unavailable", "没有配置主密钥，不能使用两步验证")
)

type totpRow struct {
	OperatorID  id.ID `gorm:"primaryKey"`
	State       string
	Secret      []byte
	Recovery    string
	LastStep    int64
	Failures    int
	LockedUntil clock.Instant
	CreatedAt   clock.Instant
	ChangedAt   clock.Instant
}

func (totpRow) TableName() string { return "operator_totp" }

func totpPlace(operatorID id.ID) string { return "totp:" + operatorID.String() }

// Enrolment is what an authenticator app needs; it is shown once.
type Enrolment struct {
	Secret string `json:"secret"` // base32, to type by hand
	URL    string `json:"url"`    // otpauth://, to draw as a QR code
}

// totpAt is the code of a time step.
func totpAt(secret []byte, step int64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(step))
	m := hmac.New(sha1.New, secret)
	m.Write(b[:])
	sum := m.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	n := binary.BigEndian.Uint32(sum[at:at+4]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, n%1_000_000)
}

func stepOf(at clock.Instant) int64 { return at.Time().Unix() / int64(totpStep/time.Second) }

// BeginTOTP makes a secret that counts once a code of it was shown (ConfirmTOTP). The
// password is asked again: a stolen session must not become a second factor. Faults:
// Forbidden password_wrong; Conflict totp_on; Throttled too_many_attempts; Unavailable
// totp_unavailable.
func (s *Store) BeginTOTP(ctx context.Context, in Session, password, issuer string) (Enrolment, error) {
	if s.o.Box == nil {
		return Enrolment{}, errNoSealing
	}
	if err := s.samePassword(ctx, in, password); err != nil {
		return Enrolment{}, err
	}
	secret := make([]byte, 20)
	rand.Read(secret)
	now, operatorID := s.db.Now(), in.Operator.ID
	r := totpRow{OperatorID: operatorID, State: totpPending, Secret: s.o.Box.Seal(totpPlace(operatorID), secret), Recovery: "[]", CreatedAt: now, ChangedAt: now}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("operator_id = ? AND state = ?", operatorID, totpPending).Delete(&totpRow{}).Error; err != nil {
			return err
		}
		return tx.Create(&r).Error
	})
	if db.IsDuplicate(err) {
		return Enrolment{}, errTOTPOn
	}
	if err != nil {
		return Enrolment{}, fmt.Errorf("operator: totp: %w", err)
	}
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
	label := url.PathEscape(issuer + ":" + in.Operator.Login)
	return Enrolment{Secret: text, URL: "otpauth://totp/" + label + "?" + url.Values{"secret": {text}, "issuer": {issuer}}.Encode()}, nil
}

// ConfirmTOTP turns the second factor on with a first code and returns codes for the day
// on which the phone is lost; each works once and is shown only here. The operator's other
// sessions end. Faults: Unauthenticated totp_wrong; Conflict totp_on, totp_off; Throttled
// too_many_attempts.
func (s *Store) ConfirmTOTP(ctx context.Context, in Session, code string) (recovery []string, err error) {
	r, there, err := s.totp(ctx, in.Operator.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case !there:
		return nil, errTOTPOff
	case r.State == totpOn:
		return nil, errTOTPOn
	}
	if err := s.useCode(ctx, r, code); err != nil {
		return nil, err
	}
	hashes := make([]string, recoveries)
	for i := range recoveries {
		b := make([]byte, 8)
		rand.Read(b)
		text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))[:12]
		recovery = append(recovery, text[:4]+"-"+text[4:8]+"-"+text[8:])
		hashes[i] = hashKey(text)
	}
	kept, err := json.Marshal(hashes)
	if err != nil {
		return nil, err
	}
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		u := tx.Model(&totpRow{}).Where("operator_id = ? AND state = ?", r.OperatorID, totpPending).Updates(map[string]any{"state": totpOn, "recovery": string(kept), "changed_at": s.db.Now()})
		if u.Error == nil && u.RowsAffected == 0 {
			return errTOTPOn
		}
		if u.Error != nil {
			return u.Error
		}
		return endSessions(tx, r.OperatorID, in.hash)
	})
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

// StopTOTP turns an operator's own second factor off; password and a code are asked.
// Faults: as BeginTOTP and ConfirmTOTP.
func (s *Store) StopTOTP(ctx context.Context, in Session, password, code string) error {
	if err := s.samePassword(ctx, in, password); err != nil {
		return err
	}
	r, there, err := s.totp(ctx, in.Operator.ID)
	if err != nil {
		return err
	}
	if !there || r.State != totpOn {
		return errTOTPOff
	}
	if err := s.useCode(ctx, r, code); err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Where("operator_id = ?", r.OperatorID).Delete(&totpRow{}).Error
	})
}

// ResetTOTP is what an administrator does for somebody who lost phone and recovery codes:
// the second factor is off and all his sessions end. Nothing to reset is no fault.
func (s *Store) ResetTOTP(ctx context.Context, operatorID id.ID) (Operator, error) {
	if _, err := s.Get(ctx, operatorID); err != nil {
		return Operator{}, err
	}
	err := s.db.InTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("operator_id = ?", operatorID).Delete(&totpRow{}).Error; err != nil {
			return err
		}
		return endSessions(tx, operatorID, "")
	})
	if err != nil {
		return Operator{}, err
	}
	return s.Get(ctx, operatorID)
}

// TOTP says whether an operator's second factor is on, and how many recovery codes are left.
func (s *Store) TOTP(ctx context.Context, operatorID id.ID) (on bool, left int, err error) {
	r, there, err := s.totp(ctx, operatorID)
	if err != nil || !there || r.State != totpOn {
		return false, 0, err
	}
	hashes, err := r.recoveries()
	return true, len(hashes), err
}

// tellTOTP marks the operators whose second factor is on.
func (s *Store) tellTOTP(ctx context.Context, list []Operator) error {
	if len(list) == 0 {
		return nil
	}
	ids := make([]id.ID, len(list))
	for i, o := range list {
		ids[i] = o.ID
	}
	var on []id.ID
	if err := s.db.Read(ctx).Model(&totpRow{}).Where("operator_id IN ? AND state = ?", ids, totpOn).Pluck("operator_id", &on).Error; err != nil {
		return fmt.Errorf("operator: totp: %w", err)
	}
	for i := range list {
		list[i].TOTP = slices.Contains(on, list[i].ID)
	}
	return nil
}

func (s *Store) totp(ctx context.Context, operatorID id.ID) (r totpRow, there bool, err error) {
	err = s.db.Read(ctx).Where("operator_id = ?", operatorID).Take(&r).Error
	if db.IsNotFound(err) {
		return r, false, nil
	}
	if err != nil {
		return r, false, fmt.Errorf("operator: totp: %w", err)
	}
	return r, true, nil
}

func (r totpRow) recoveries() (hashes []string, err error) {
	return hashes, json.Unmarshal([]byte(r.Recovery), &hashes)
}

// second asks for the second factor of an operator who has one.
func (s *Store) second(ctx context.Context, operatorID id.ID, code string) error {
	r, there, err := s.totp(ctx, operatorID)
	if err != nil || !there || r.State != totpOn {
		return err
	}
	if strings.TrimSpace(code) == "" {
		return errNeedCode
	}
	return s.useCode(ctx, r, code)
}

// useCode takes a code or a recovery code, once. Wrong ones are counted before they are
// looked at, so that many at once are many; unlike passwords they are slowed at known
// addresses as well: a million codes are quickly tried.
func (s *Store) useCode(ctx context.Context, r totpRow, code string) error {
	now := s.db.Now()
	if r.LockedUntil > now {
		return fault.New(fault.Throttled, "too_many_attempts", "验证码错误次数过多，请稍后再试").With("retry_after_s", int64(r.LockedUntil.Sub(now)/time.Second)+1)
	}
	secret, err := s.o.Box.Open(totpPlace(r.OperatorID), r.Secret)
	if err != nil {
		return fmt.Errorf("operator: totp: %w", err)
	}
	failures := r.Failures + 1
	until := clock.Instant(0)
	if failures%totpTries == 0 {
		until = now.Add(min(totpPause<<min(failures/totpTries-1, 8), totpLongest))
	}
	counted := false
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		u := tx.Model(&totpRow{}).Where("operator_id = ? AND failures = ? AND last_step = ? AND recovery = ?", r.OperatorID, r.Failures, r.LastStep, r.Recovery).
			Updates(map[string]any{"failures": failures, "locked_until": until, "changed_at": now})
		counted = u.RowsAffected == 1
		return u.Error
	})
	if err != nil {
		return fmt.Errorf("operator: totp: %w", err)
	}
	if !counted { // another try at the same moment
		return errCode
	}
	set := match(r, secret, code, now)
	if set == nil {
		return errCode
	}
	set["failures"], set["locked_until"], set["changed_at"] = 0, 0, now
	taken := false
	err = s.db.InTx(ctx, func(tx *gorm.DB) error {
		u := tx.Model(&totpRow{}).Where("operator_id = ? AND last_step = ? AND recovery = ? AND failures = ?", r.OperatorID, r.LastStep, r.Recovery, failures).Updates(set)
		taken = u.RowsAffected == 1
		return u.Error
	})
	if err != nil {
		return fmt.Errorf("operator: totp: %w", err)
	}
	if !taken {
		return errCode
	}
	return nil
}

// foldCode is a code as a Chinese keyboard writes it in the app's own characters: without
// spaces and dashes, full-width forms as plain ones, letters small.
func foldCode(code string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r >= '\uff01' && r <= '\uff5e' { // full-width forms stand 0xFEE0 above ASCII
			r -= 0xfee0
		}
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			return -1
		}
		return r
	}, code))
}

// match says what a good code changes: the step it used up, or the recovery code that is
// gone; nil for a wrong one.
func match(r totpRow, secret []byte, code string, now clock.Instant) map[string]any {
	text := foldCode(code)
	if len(text) == totpDigits {
		at := stepOf(now)
		for step := at - totpSkew; step <= at+totpSkew; step++ {
			if step > r.LastStep && subtle.ConstantTimeCompare([]byte(totpAt(secret, step)), []byte(text)) == 1 {
				return map[string]any{"last_step": step}
			}
		}
		return nil
	}
	hashes, err := r.recoveries()
	if err != nil || r.State != totpOn {
		return nil
	}
	sum := sha256.Sum256([]byte(text))
	i := slices.Index(hashes, hex.EncodeToString(sum[:]))
	if i < 0 {
		return nil
	}
	left, err := json.Marshal(slices.Delete(hashes, i, i+1))
	if err != nil {
		return nil
	}
	return map[string]any{"recovery": string(left)}
}

// samePassword asks a logged-in operator for his password again, slowed like a log-in.
func (s *Store) samePassword(ctx context.Context, in Session, password string) error {
	r, err := s.row(s.db.Read(ctx).Where("id = ?", in.Operator.ID))
	if err != nil {
		return err
	}
	if err := s.attempt(ctx, r); err != nil {
		return err
	}
	ok, _, err := s.verify(ctx, password, r.PasswordHash)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Forbidden, "password_wrong", "密码不对")
	}
	return s.db.InTx(ctx, func(tx *gorm.DB) error {
		return tx.Model(&row{}).Where("id = ?", r.ID).Updates(map[string]any{"failures": 0, "locked_until": 0}).Error
	})
}
