package kubetest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// countedUser is the administrator whose requests the API server writes down.
const countedUser = "counted"

// auditLog is the file that it writes them to.
const auditLog = "audit.log"

// auditPolicy has the server write a request when it comes, before anything is done
// about it: who has an answer finds the request in the log.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted, ResponseComplete]
rules:
  - {level: Metadata, users: [` + countedUser + `]}
  - {level: None}
`

// Call is a request as the API server got it.
type Call struct {
	Verb     string // get, list, create, patch, …
	Resource string // "pods", "pods/log", or the path of what is no resource
	DryRun   bool
	Agent    string // the client's user agent
}

// String is the call in few words: "patch httproutes without effect".
func (c Call) String() string {
	if c.DryRun {
		return c.Verb + " " + c.Resource + " without effect"
	}
	return c.Verb + " " + c.Resource
}

// Counted returns the access of an administrator whose requests Calls lists.
func (c *Cluster) Counted() Access {
	return Access{Host: c.access.Host, CA: c.access.CA, Token: c.counted}
}

// Calls lists the requests that came with the access of Counted, in their order, from
// clients whose user agents end so.
func (c *Cluster) Calls(agent string) ([]Call, error) {
	file, err := os.Open(c.file(auditLog))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nobody has asked for anything yet
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var out []Call
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		call, err := parseCall(lines.Bytes())
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(call.Agent, agent) {
			out = append(out, call)
		}
	}
	return out, lines.Err()
}

// parseCall reads a line of the log.
func parseCall(line []byte) (Call, error) {
	var event struct {
		Verb       string `json:"verb"`
		RequestURI string `json:"requestURI"`
		UserAgent  string `json:"userAgent"`
		ObjectRef  *struct {
			Resource    string `json:"resource"`
			Subresource string `json:"subresource"`
		} `json:"objectRef"`
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return Call{}, fmt.Errorf("the API server's audit log: %w", err)
	}
	path, query, _ := strings.Cut(event.RequestURI, "?")
	out := Call{Verb: event.Verb, Resource: path, DryRun: strings.Contains(query, "dryRun=All"), Agent: event.UserAgent}
	if o := event.ObjectRef; o != nil {
		out.Resource = strings.TrimSuffix(o.Resource+"/"+o.Subresource, "/")
	}
	return out, nil
}
