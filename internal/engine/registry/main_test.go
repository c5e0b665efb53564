package registry

import (
	"fmt"
	"os"
	"testing"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow/mlflowtest"
)

// server is a real MLflow server, which all tests share.
var server mlflowtest.Server

func TestMain(m *testing.M) {
	code := m.Run()
	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}
