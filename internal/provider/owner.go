package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ownerVariable gives the owner where the provider block does not.
const ownerVariable = "MLOPS_OWNER"

// defaultOwner is the stamp of a configuration that names none: a short hash of
// its working directory and workspace. Two applies of one configuration have
// the same; two configurations on one machine do not.
func defaultOwner(lookup func(string) (string, bool)) (string, error) {
	directory, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("cannot tell the working directory; set owner or %s: %w", ownerVariable, err)
	}
	sum := sha256.Sum256([]byte(directory + "\x00" + workspace(directory, lookup)))
	return hex.EncodeToString(sum[:])[:12], nil
}

// workspace is the name of the selected workspace, found the way that the
// command line finds it.
func workspace(directory string, lookup func(string) (string, bool)) string {
	if name, ok := lookup("TF_WORKSPACE"); ok && name != "" {
		return name
	}
	data, ok := lookup("TF_DATA_DIR")
	if !ok || data == "" {
		data = ".terraform"
	}
	if !filepath.IsAbs(data) {
		data = filepath.Join(directory, data)
	}
	selected, err := os.ReadFile(filepath.Join(data, "environment"))
	if name := strings.TrimSpace(string(selected)); err == nil && name != "" {
		return name
	}
	return "default"
}
