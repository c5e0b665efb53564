package monitors

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/checks"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
)

// readCaptures calls f for each request that was captured since a time, and maybe for
// some of before, oldest file first, and returns how many lines were damaged: those
// are passed over.
func readCaptures(ctx context.Context, dir string, from time.Time, f func(checks.Captured)) (damaged int64, err error) {
	files, err := openFiles(dir, gateway.CaptureFile, from)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	for _, file := range files {
		broken, err := checks.EachLine(ctx, file, false, func(line []byte) bool {
			var c checks.Captured
			if json.Unmarshal(line, &c) != nil {
				return false
			}
			f(c)
			return true
		})
		if damaged += broken; err != nil {
			return damaged, err
		}
	}
	return damaged, nil
}

// openFiles opens the files of one kind in a capture directory that may have
// lines since a time, oldest first. Full files are kept beside the one that is
// written, with the time in their names. The one that is written is opened first:
// if it is put aside then, it is found again among the others, and is the same
// file.
func openFiles(dir, name string, from time.Time) (checks.Files, error) {
	current, there, err := checks.OpenIfThere(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	full, err := openFull(dir, strings.TrimSuffix(name, ".jsonl")+"-", from, current)
	if there {
		full = append(full, current)
	}
	if err != nil {
		return nil, errors.Join(err, full.Close())
	}
	return full, nil
}

// openFull opens the files with a time in their names, but for one.
func openFull(dir, prefix string, from time.Time, but *os.File) (out checks.Files, err error) {
	entries, err := os.ReadDir(dir) // sorted by name, which is by time
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		info, gone := e.Info()
		if gone != nil || !strings.HasPrefix(e.Name(), prefix) || info.ModTime().Before(from) {
			continue
		}
		f, there, err := checks.OpenIfThere(filepath.Join(dir, e.Name()))
		switch {
		case err != nil:
			return out, err
		case !there: // retention was faster
		case isSame(f, but):
			if err := f.Close(); err != nil {
				return out, err
			}
		default:
			out = append(out, f)
		}
	}
	return out, err
}

func isSame(a, b *os.File) bool {
	if b == nil {
		return false
	}
	x, errX := a.Stat()
	y, errY := b.Stat()
	return errX == nil && errY == nil && os.SameFile(x, y)
}
