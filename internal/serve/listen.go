package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/hashicorp/go-plugin"
)

// listen opens a socket where the client wants it: in a folder or, on Windows,
// at one of its ports. Nobody but this user reaches the former.
func listen(ctx context.Context) (net.Listener, error) {
	if runtime.GOOS == "windows" {
		return listenAtPort(ctx)
	}
	if os.Getenv(plugin.EnvUnixSocketGroup) != "" {
		return nil, errors.New(plugin.EnvUnixSocketGroup + " is set: this plugin serves its own user alone")
	}
	dir := os.Getenv(plugin.EnvUnixSocketDir)
	if dir == "" {
		dir = os.TempDir()
	}
	const digits = 10 // as paths of sockets are short
	return new(net.ListenConfig).Listen(ctx, "unix", filepath.Join(dir, "plugin"+rand.Text()[:digits]))
}

// listenAtPort takes the first free one of the client's ports, or any.
func listenAtPort(ctx context.Context) (net.Listener, error) {
	first, err := port("PLUGIN_MIN_PORT")
	if err != nil {
		return nil, err
	}
	last, err := port("PLUGIN_MAX_PORT")
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("there are no ports from %d to %d", first, last)
	for at := first; at <= last; at++ {
		var l net.Listener
		if l, err = new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(at))); err == nil {
			return l, nil
		}
	}
	return nil, err
}

// port is the one that a variable names; none is zero, which is any.
func port(variable string) (int, error) {
	set := os.Getenv(variable)
	if set == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(set, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%s is no port: %w", variable, err)
	}
	return int(n), nil
}
