package awstest

import (
	"io/fs"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// Server is a simulated account behind a URL on loopback.
type Server struct {
	*aws.Server

	URL   string
	World *aws.World
}

// models finds the models once for all tests of a process. It cannot be a test's
// own: they are large.
var models struct {
	sync.Mutex

	files fs.FS
}

// Start starts an account of a test's own. When the test ends, it fails if a
// request or an answer did not keep to AWS's models.
func Start(t *testing.T, config aws.Config) *Server {
	t.Helper()
	s := Open(t, config)
	t.Cleanup(func() {
		for _, v := range s.Violations() {
			t.Errorf("not as AWS's models have it: %s", v)
		}
	})
	return s
}

// Open starts an account whose violations are for the test to judge.
func Open(t testing.TB, config aws.Config) *Server {
	t.Helper()
	world := aws.New(config)
	server := aws.NewServer(world, published(t))
	listening := httptest.NewServer(server)
	t.Cleanup(listening.Close)
	return &Server{Server: server, URL: listening.URL, World: world}
}

// Together puts accounts behind one URL, which it returns: a request belongs to the
// account whose key signed it, and to the first where no account gave the key out.
func Together(t testing.TB, home *Server, others ...*Server) (url string) {
	t.Helper()
	servers := make([]*aws.Server, len(others))
	for i, o := range others {
		servers[i] = o.Server
	}
	listening := httptest.NewServer(aws.NewAccounts(home.Server, servers...))
	t.Cleanup(listening.Close)
	return listening.URL
}

func published(t testing.TB) fs.FS {
	t.Helper()
	models.Lock()
	defer models.Unlock()
	if models.files == nil {
		files, err := aws.Models(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		models.files = files
	}
	return models.files
}
