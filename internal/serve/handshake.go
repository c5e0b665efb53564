package serve

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/hashicorp/go-plugin"
)

// line tells the client where to dial, in which version of the protocol and
// with whose certificate. A client that has not this version says so itself.
func (s *server) line(certificate string) string {
	at := s.listener.Addr()
	line := fmt.Sprintf("%d|%d|%s|%s|%s|%s", plugin.CoreProtocolVersion, s.Handshake.ProtocolVersion,
		at.Network(), at.String(), plugin.ProtocolGRPC, certificate)
	if os.Getenv("PLUGIN_MULTIPLEX_GRPC") != "" {
		line += "|false" // a field that old clients do not expect
	}
	return line
}

// attach says how Terraform reaches a plugin that it did not start.
func (s *server) attach() (string, error) {
	at := s.listener.Addr()
	here := map[string]any{
		"Protocol":        plugin.ProtocolGRPC,
		"ProtocolVersion": s.Handshake.ProtocolVersion,
		"Pid":             os.Getpid(),
		"Test":            true, // the client must not end it
		"Addr":            map[string]string{"Network": at.Network(), "String": at.String()},
	}
	all := map[string]any{}
	for _, address := range s.Addresses {
		all[address] = here
	}
	reattach, err := json.Marshal(all)
	if err != nil {
		return "", fmt.Errorf("describing the socket: %w", err)
	}
	const variable = "TF_REATTACH_PROVIDERS"
	setting := fmt.Sprintf("%s='%s'", variable, strings.ReplaceAll(string(reattach), "'", `'"'"'`))
	if runtime.GOOS == "windows" {
		setting = fmt.Sprintf("$env:%s='%s'", variable, strings.ReplaceAll(string(reattach), "'", "''"))
	}
	return "The provider runs. Terraform attaches to it with this in its environment:\n\n\t" + setting + "\n\n", nil
}
