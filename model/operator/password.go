package operator

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"siyu/model/fault"
)

// Cost is what one argon2id hash takes.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
}

// DefaultCost is above OWASP's floor of 19 MiB and 2 passes
// (cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html).
func DefaultCost() Cost { return Cost{MemoryKiB: 46 << 10, Passes: 2, Threads: 1} }

const (
	saltBytes = 16
	hashBytes = 32
	minChars  = 10
	maxBytes  = 200
)

// hashPassword writes the PHC text form, so that the cost stays with the hash.
func hashPassword(password string, c Cost) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails: crypto/rand aborts the process instead
	sum := argon2.IDKey([]byte(password), salt, c.Passes, c.MemoryKiB, c.Threads, hashBytes)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.MemoryKiB, c.Passes, c.Threads, b64(salt), b64(sum))
}

// parseHash reads the text form back. The bounds keep a damaged row from taking the
// machine's memory.
func parseHash(text string) (c Cost, salt, sum []byte, err error) {
	bad := fmt.Errorf("operator: password hash is malformed")
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Passes, &c.Threads); err != nil {
		return c, nil, nil, bad
	}
	salt, errSalt := base64.RawStdEncoding.DecodeString(parts[4])
	sum, errSum := base64.RawStdEncoding.DecodeString(parts[5])
	if errSalt != nil || errSum != nil || len(salt) < 8 || len(sum) != hashBytes ||
		c.MemoryKiB < 8 || c.MemoryKiB > 1<<20 || c.Passes < 1 || c.Passes > 16 || c.Threads < 1 {
		return c, nil, nil, bad
	}
	return c, salt, sum, nil
}

// hash waits for one of the slots: a flood of logins must not eat the memory.
func (s *Store) hash(ctx context.Context, password string) (string, error) {
	if err := s.slot(ctx); err != nil {
		return "", err
	}
	defer func() { <-s.slots }()
	return hashPassword(password, s.o.Cost), nil
}

// verify compares; weak says that the hash was made at a lower cost than today's.
func (s *Store) verify(ctx context.Context, password, text string) (ok, weak bool, err error) {
	c, salt, want, err := parseHash(text)
	if err != nil {
		return false, false, err
	}
	if len(password) > maxBytes {
		password = "" // nobody has one so long; compare anyway, for the time it takes
	}
	if err := s.slot(ctx); err != nil {
		return false, false, err
	}
	defer func() { <-s.slots }()
	got := argon2.IDKey([]byte(password), salt, c.Passes, c.MemoryKiB, c.Threads, hashBytes)
	weak = c.MemoryKiB < s.o.Cost.MemoryKiB || c.Passes < s.o.Cost.Passes
	return subtle.ConstantTimeCompare(got, want) == 1, weak, nil
}

func (s *Store) slot(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.New(fault.Unavailable, "timeout", "系统繁忙，请稍后再试").Because(ctx.Err())
	}
}

// checkPassword follows NIST SP 800-63B section 5.1.1.2: length and a list of what
// everybody tries, no rules about kinds of characters. Faults: Invalid
// password_short, password_long, password_common.
func checkPassword(password, login string) error {
	switch {
	case !utf8.ValidString(password) || utf8.RuneCountInString(password) < minChars:
		return fault.Invalidf("password_short", "密码至少 %d 位", minChars)
	case len(password) > maxBytes:
		return fault.Invalidf("password_long", "密码最多 %d 字节", maxBytes)
	case isCommon(password, login):
		return fault.NewInvalid("password_common", "密码太常见或包含登录名，请换一个")
	}
	return nil
}

func isCommon(password, login string) bool {
	p := strings.ToLower(password)
	if name, _, _ := strings.Cut(login, "@"); len(name) >= 3 && strings.Contains(p, name) {
		return true
	}
	if repeats(p) || isRun(p) {
		return true
	}
	// "woaini1314!!" is as guessable as "woaini1314".
	core := strings.TrimRight(p, "!@#$.*~_-?1234567890")
	return slices.ContainsFunc(common(), func(word string) bool {
		return p == word || (core != "" && core == strings.TrimRight(word, "1234567890"))
	})
}

// repeats: one to four characters over and over.
func repeats(p string) bool {
	r := []rune(p)
	for n := 1; n <= 4 && n < len(r); n++ {
		same := true
		for i := n; i < len(r) && same; i++ {
			same = r[i] == r[i-n]
		}
		if same {
			return true
		}
	}
	return false
}

// isRun: neighbours in the alphabet, on the number row or on a keyboard row.
func isRun(p string) bool {
	for _, row := range []string{"abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p"} {
		if strings.Contains(row, p) || strings.Contains(reverse(row), p) || strings.Contains(row+row, p) {
			return true
		}
	}
	return false
}

func reverse(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// common are the heads of public lists of leaked passwords, Chinese ones included,
// as far as the length rule lets them through with digits appended.
func common() []string {
	return []string{
		"password123", "passw0rd123", "p@ssw0rd123", "p@ssword123", "qwerty12345", "qwertyuiop", "qwer1234qwer", "asdf1234asdf",
		"admin123456", "administrator", "admin@123456", "root123456", "welcome123", "iloveyou123", "letmein1234", "abc123456789",
		"abcd123456", "abcde12345", "a123456789", "aa123456789", "aa12345678", "q123456789", "z123456789", "w123456789", "asd123456789",
		"1qaz2wsx3edc", "1q2w3e4r5t", "1q2w3e4r5t6y", "zxcvbnm123", "qazwsx12345", "qazwsxedc123", "woaini1314", "woaini1314520",
		"woaini520520", "woaini123456", "5201314520", "520131452013", "1314520520", "147258369", "1472583690", "123456789a",
		"1234567890a", "123456789q", "0123456789", "1234567890", "12345678910", "9876543210", "1123581321", "3141592653",
		"111222333444", "112233445566", "123123123123", "123654789", "987654321a", "changeme123", "default1234", "test123456",
		"guest123456", "system123456", "manager1234", "superman123", "football123", "dragon12345", "monkey12345", "sunshine123",
		"princess123", "zhang123456", "wang123456", "li123456789", "liu123456789", "chen123456", "yang123456", "weixin123456",
		"wechat123456", "siyu123456", "hongbao123", "dearbook123", "taobao123456", "alibaba123", "tencent123", "huawei12345",
		"88888888aa", "66666666aa", "woshishei123", "nihao123456", "meiyoumima", "wodemima123", "mima123456",
	}
}
