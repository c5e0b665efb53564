package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	keyBytes   = 32
	othersMay  = 0o077 // bits that a key file must not have
	tokenBytes = 24
)

// Keys seals secrets and makes tokens. It is safe for concurrent use.
type Keys struct {
	seal cipher.AEAD
	sign []byte
}

// Open reads the key in a directory, and makes one if there is none. A key that
// others may read is refused: it is a key no more.
func Open(dir string) (*Keys, error) {
	path := filepath.Join(dir, "engine.key")
	key, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = write(path)
	}
	if err != nil {
		return nil, err
	}
	return derive(key)
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&othersMay != 0 {
		return nil, fmt.Errorf("the key %s can be read by others (mode %o); make it 0600, or remove it and what it sealed is lost", path, info.Mode().Perm())
	}
	key, err := os.ReadFile(path)
	if err == nil && len(key) != keyBytes {
		err = fmt.Errorf("the key %s has %d bytes, not %d; restore it from a backup", path, len(key), keyBytes)
	}
	return key, err
}

// write makes a key. It appears whole or not at all, even if the power fails.
func write(path string) ([]byte, error) {
	key := make([]byte, keyBytes)
	_, _ = rand.Read(key)                                                 // never fails
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return nil, err
	}
	_, err = f.Write(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	return key, nil
}

// derive makes two keys of one: what signs must not be what seals.
func derive(key []byte) (*Keys, error) {
	seal, err := hkdf.Key(sha256.New, key, nil, "seal", keyBytes)
	if err != nil {
		return nil, err
	}
	sign, err := hkdf.Key(sha256.New, key, nil, "token", keyBytes)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(seal)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	return &Keys{seal: gcm, sign: sign}, err
}

// Seal returns what only Unseal with the same key and for the same purpose can
// read.
func (k *Keys) Seal(purpose string, plain []byte) string {
	sealed := k.seal.Seal(nil, nil, plain, []byte(purpose)) //nolint:gosec // it makes a random nonce by itself
	return base64.RawStdEncoding.EncodeToString(sealed)
}

// Unseal returns what was sealed.
func (k *Keys) Unseal(purpose, sealed string) ([]byte, error) {
	b, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, fmt.Errorf("a secret that is damaged: %w", err)
	}
	plain, err := k.seal.Open(nil, nil, b, []byte(purpose))
	if err != nil {
		return nil, errors.New("a secret that another key sealed: give it anew")
	}
	return plain, nil
}

// Token returns the token for an id and a salt, always the same.
func (k *Keys) Token(id, salt string) string {
	mac := hmac.New(sha256.New, k.sign)
	_, _ = fmt.Fprintf(mac, "%d:%s%s", len(id), id, salt) // a hash never fails to write
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:tokenBytes])
}
