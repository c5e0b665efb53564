// Command knative-proxy counts requests to a server as Knative's proxy beside it does,
// with the proxy's own handler and exporter, but that it listens on loopback alone:
//
//	knative-proxy --server URL
//
// It prints the URL that takes requests, and the one that is scraped, and runs until it
// is killed.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"knative.dev/pkg/observability/metrics"
	"knative.dev/serving/pkg/queue"
)

func main() {
	server := flag.String("server", "", "URL of the server")
	flag.Parse()
	if err := serve(*server); err != nil {
		log.Fatal(err)
	}
}

func serve(server string) error {
	target, err := url.Parse(server)
	if err != nil {
		return err
	}
	scraped, err := listen(promhttp.Handler())
	if err != nil {
		return err
	}
	// Knative would serve this same handler at the address, and leaves it to whoever has it.
	provider, err := metrics.NewMeterProvider(context.Background(), metrics.Config{Protocol: metrics.ProtocolPrometheus, Endpoint: scraped})
	if err != nil {
		return err
	}
	handler, err := queue.NewAppRequestMetricsHandler(provider, httputil.NewSingleHostReverseProxy(target), nil)
	if err != nil {
		return err
	}
	address, err := listen(handler)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s http://%s\n", address, scraped)
	select {}
}

// listen serves on loopback until the program ends.
func listen(handler http.Handler) (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { log.Fatal(server.Serve(l)) }()
	return l.Addr().String(), nil
}
