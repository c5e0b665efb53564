// Command kserve-logger is KServe's request logger in front of a model server, as KServe's
// agent has it in a pod, but that objects are written below a folder and that it listens
// on loopback alone:
//
//	kserve-logger --model URL --out DIR --path PATH --namespace NAME --service NAME --batch N
//
// It prints the URL at which it listens. Handler, dispatcher, batches, format and names of
// objects are KServe's. It ends with its standard input.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/kserve/kserve/pkg/agent/storage"
	"github.com/kserve/kserve/pkg/apis/serving/v1beta1"
	"github.com/kserve/kserve/pkg/logger"
	"go.uber.org/zap"
)

func main() {
	model := flag.String("model", "", "URL of the model server")
	out := flag.String("out", "", "folder in place of the bucket")
	path := flag.String("path", "", "storage.path of the InferenceService's logger")
	namespace := flag.String("namespace", "", "of the InferenceService")
	service := flag.String("service", "", "name of the InferenceService")
	batch := flag.Int("batch", 1, "records for each object")
	flag.Parse()
	if err := serve(*model, *out, *path, *namespace, *service, *batch); err != nil {
		log.Fatal(err)
	}
}

// folder is a bucket that is a folder.
type folder string

func (f folder) UploadObject(_, key string, object []byte) error {
	name := filepath.Join(string(f), filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(name+".part", object, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".part", name) // an object is there whole or not at all
}

func (folder) DownloadModel(string, string, string) error { return nil }

var _ storage.Provider = folder("")

func serve(model, out, path, namespace, service string, batch int) error {
	target, err := url.Parse(model)
	if err != nil {
		return err
	}
	marshaller, err := listen(logger.NewJSONMarshallerHandler())
	if err != nil {
		return err
	}
	var strategy logger.BatchStrategy = &logger.ImmediateBatch{}
	if batch > 1 {
		strategy = logger.NewTimedBatch(batch, 200*time.Millisecond)
	}
	log := zap.NewNop().Sugar()
	store := logger.NewBlobStore(path, logger.NewHTTPMarshaller(marshaller, http.DefaultClient), folder(out), log)
	logger.StartDispatcher(1, store, strategy, log)
	sink := &url.URL{Scheme: "s3", Host: "bucket", Path: "/team"}
	handler := logger.New(sink, &url.URL{}, v1beta1.LogAll, service, namespace, "", "predictor",
		httputil.NewSingleHostReverseProxy(target), nil, "", nil, false)
	address, err := listen(handler)
	if err != nil {
		return err
	}
	fmt.Println(address)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// listen serves on loopback until the program ends.
func listen(handler http.Handler) (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { log.Fatal(server.Serve(l)) }()
	return "http://" + l.Addr().String(), nil
}
