package simulator

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"sort"
	"strings"
)

// The message push's own cryptography: SHA-1 over sorted parts, and AES-256-CBC
// with the IV taken from the key, padded to 32 bytes.

// pushSignature is "signature", and with the cipher text "msg_signature".
func pushSignature(parts ...string) string {
	sort.Strings(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

func pushKey(aesKey string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(aesKey + "=")
	if err != nil || len(key) != 32 {
		return nil, errors.New("EncodingAESKey must be 43 characters of base64")
	}
	return key, nil
}

// seal encrypts a push: 16 bytes of noise, the length, the text, the appid.
func seal(aesKey, noise, appID string, text []byte) (string, error) {
	key, err := pushKey(aesKey)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	b.WriteString(noise[:16])
	var size [4]byte
	binary.BigEndian.PutUint32(size[:], uint32(len(text)))
	b.Write(size[:])
	b.Write(text)
	b.WriteString(appID)
	pad := 32 - b.Len()%32
	b.Write(bytes.Repeat([]byte{byte(pad)}, pad))
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	out := make([]byte, b.Len())
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(out, b.Bytes())
	return base64.StdEncoding.EncodeToString(out), nil
}

// unseal opens a reply that the account's server encrypted.
func unseal(aesKey, appID, text string) ([]byte, error) {
	broken := errors.New("reply cannot be decrypted")
	key, err := pushKey(aesKey)
	if err != nil {
		return nil, err
	}
	in, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(in) == 0 || len(in)%aes.BlockSize != 0 {
		return nil, broken
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(in))
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(out, in)
	pad := int(out[len(out)-1])
	if pad < 1 || pad > 32 || pad > len(out)-20 {
		return nil, broken
	}
	out = out[:len(out)-pad]
	size := int(binary.BigEndian.Uint32(out[16:20]))
	if size < 0 || size > len(out)-20 {
		return nil, broken
	}
	if string(out[20+size:]) != appID {
		return nil, errors.New("reply names another appid")
	}
	return out[20 : 20+size], nil
}
